"""`mattekit propagate`, `trimap` and `demo`, and the command around the verbs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import scenes
from mattekit.checks import InputError
from mattekit.cli import main
from mattekit.cli.keyframes import KeyReader, KeySource, default_band, split_assignment
from mattekit.cli.report import Summary
from mattekit.media import probe


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a clip of five frames and trimaps of two."""
    scene = scenes.soft_disc(5)
    scenes.write_video(tmp_path / "clip.mkv", scene.frames)
    for index in (0, 3):
        scenes.write_picture(tmp_path / f"t{index}.png", scene.trimap()[index])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def picture(path: str | Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.mode == "L"
        return np.array(image)


# propagate


def test_propagate_writes_a_trimap_a_frame_and_keeps_the_users(
    folder: Path, random_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = ["--trimap", "3=t3.png", "--trimap", "0=t0.png"]
    assert main(["propagate", "clip.mkv", *keys, "-o", "out", "--weights", str(random_weights), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["outputs"] == {"trimap": "out"}
    assert sorted(os.listdir("out")) == [f"{index:05d}.png" for index in range(5)]
    for index in range(5):
        trimap = picture(f"out/{index:05d}.png")
        assert trimap.shape == (48, 64)
        assert set(np.unique(trimap)) <= {0, 128, 255}
    for index in (0, 3):
        assert (picture(f"out/{index:05d}.png") == picture(f"t{index}.png")).all()


def test_what_propagate_writes_is_what_matte_takes(folder: Path, random_weights: Path) -> None:
    weights = ["--weights", str(random_weights)]
    assert main(["propagate", "clip.mkv", "--trimap", "0=t0.png", "-o", "out", *weights]) == 0
    assert main(["matte", "clip.mkv", "--trimap", "0=t0.png", "--alpha", "one", *weights]) == 0
    assert main(["matte", "clip.mkv", "--trimaps", "out", "--alpha", "two", *weights]) == 0
    for index in range(5):
        assert Path(f"one/{index:05d}.png").read_bytes() == Path(f"two/{index:05d}.png").read_bytes()


# trimap


def test_a_masks_edge_gets_a_band_to_both_sides(folder: Path) -> None:
    mask = torch.zeros(1, 9, 20)
    mask[..., 10:] = 1
    scenes.write_picture(folder / "mask.png", mask)
    assert main(["trimap", "mask.png", "-o", "out.png", "--band", "2"]) == 0
    assert (picture("out.png") == np.repeat([0, 128, 255], (8, 4, 8))[None]).all()
    assert sorted(os.listdir()) == ["clip.mkv", "mask.png", "out.png", "t0.png", "t3.png"]


def test_the_fractional_pixels_of_an_alpha_are_unknown_without_any_band(folder: Path) -> None:
    alpha = np.full((4, 4), 255, np.uint8)
    alpha[1, 1], alpha[2, 2] = 100, 0
    Image.fromarray(np.dstack([np.zeros((4, 4, 3), np.uint8), alpha])).save("cut.png")
    assert main(["trimap", "cut.png", "-o", "out.png", "--band", "0"]) == 0
    expected = np.full((4, 4), 255)
    expected[1, 1], expected[2, 2] = 128, 0
    assert (picture("out.png") == expected).all()


def test_the_band_is_a_fiftieth_of_the_long_side() -> None:
    assert [default_band(size) for size in ((1080, 1920), (640, 360), (3, 5))] == [38, 13, 1]


# demo


def test_the_demo_needs_no_file_and_measures_itself(
    folder: Path, random_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["demo", "-o", "demo", "--frames", "2", "--weights", str(random_weights)]
    assert main([*arguments, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["frames"] == 2
    assert 0 < summary["mse"] < 1
    assert min(summary["sad"], summary["dtssd"], summary["peak_memory_mb"]) > 0
    made = ["alpha.mkv", "clip.mp4", "composite.mp4", "cutout.mov", "sheet.png", "trimap.png"]
    assert sorted(os.listdir("demo")) == made
    assert all(probe(f"demo/{name}").size == (288, 512) for name in made if name != "sheet.png")
    assert main(arguments) == 2
    assert main([*arguments, "--overwrite"]) == 0
    assert "error against the known alpha" in capsys.readouterr().out


def test_a_demo_that_fails_leaves_nothing(folder: Path) -> None:
    (folder / "bad.safetensors").write_bytes(b"no weights")
    assert main(["demo", "-o", "demo", "--frames", "1", "--weights", "bad.safetensors"]) == 2
    assert sorted(os.listdir()) == ["bad.safetensors", "clip.mkv", "t0.png", "t3.png"]


# parts


@pytest.mark.parametrize(
    ("text", "expected"), [("0=t.png", (0, "t.png")), ("12=a=b.png", (12, "a=b.png")), ("007=x", (7, "x"))]
)
def test_a_key_frame_is_split_at_the_first_equals_sign(text: str, expected: tuple[int, str]) -> None:
    assert split_assignment("--trimap", text) == (expected[0], Path(expected[1]))


def test_key_pictures_come_from_a_decoder_of_their_own_in_increasing_order(folder: Path) -> None:
    clip, frames = probe("clip.mkv"), scenes.soft_disc(5).frames
    keys = {index: KeySource(Path("t0.png")) for index in (1, 2, 4)}
    reader = KeyReader(clip, keys, band=1)
    assert torch.allclose(reader.frame_at(4), frames[4], atol=1e-6)
    with pytest.raises(InputError, match="increasing order"):
        reader.frame_at(1)
    assert sorted(reader.trimap_at(2).unique().tolist()) == [0, 0.5, 1]


def test_a_summary_counts_frames_a_second() -> None:
    summary = Summary({"alpha": Path("a.mkv")}, frames=10, seconds=4.0, peak_memory_mb=None, measured={"sad": 1.5})
    told = json.loads(summary.as_json())
    assert (told["frames_per_second"], told["sad"], told["peak_memory_mb"]) == (2.5, 1.5, None)


def test_the_module_runs_as_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "mattekit", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("mattekit 0.")
