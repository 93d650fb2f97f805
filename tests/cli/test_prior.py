"""`mattekit prior`: maps of people from drawn weights and from maps that are given; what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import mattekit.models
import scenes
import walkers
from mattekit.cli import main
from mattekit.media import probe, read_alpha
from mattekit.models.person.segmenter import FAMILY, Segmenter
from mattekit.weights import write_weights

PRIOR = ["prior", "clip.mkv", "--prior", "s.safetensors"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with drawn weights, a clip of a disc that walks, and its true maps."""
    torch.manual_seed(0)
    write_weights(tmp_path / "s.safetensors", {"segmenter": Segmenter()}, family=FAMILY, card={"data": "none"})
    frames, alpha, _ = walkers.walking_disc(8, size=(48, 64))
    scenes.write_video(tmp_path / "clip.mkv", frames)
    (tmp_path / "maps").mkdir()
    for number, map_ in enumerate(alpha):
        scenes.write_picture(tmp_path / "maps" / f"{number:05d}.png", map_)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def maps_of(path: str) -> np.ndarray:
    return np.stack(list(read_alpha(probe(Path(path)))))


def test_every_frame_gets_a_map_of_16_bits_and_the_preview_shows_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*PRIOR, "-o", "out", "--preview", "p.mkv", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["frames"], summary["cuts"]) == (8, [])
    assert summary["outputs"] == {"prior": "out", "preview": "p.mkv"}
    assert [path.name for path in sorted(Path("out").iterdir())] == [f"{number:05d}.png" for number in range(8)]
    made = probe(Path("out"))
    assert (made.bits, made.size, probe(Path("p.mkv")).size) == (16, (48, 64), (48, 192))
    assert maps_of("out").std() > 0


def test_raw_maps_causal_ones_and_steadied_ones_differ_and_a_span_has_the_numbers_of_its_frames(folder: Path) -> None:
    options = {"raw": ["--raw"], "causal": ["--causal"], "both": [], "farneback": ["--motion", "farneback"]}
    for name, given in options.items():
        assert main([*PRIOR, "-o", f"{name}.mkv", *given]) == 0
    made = [maps_of(f"{name}.mkv") for name in options]
    for one in range(4):
        for other in range(one):
            assert np.abs(made[one] - made[other]).max() > 1e-4
    assert main([*PRIOR, "-o", "part", "--raw", "--start", "2", "--end", "5"]) == 0
    assert [path.stem for path in sorted(Path("part").iterdir())] == ["00002", "00003", "00004"]
    np.testing.assert_allclose(maps_of("part"), made[0][2:5], atol=2e-5)


def test_maps_that_are_given_are_steadied_without_a_network(folder: Path) -> None:
    noise = np.random.default_rng(0).uniform(-0.2, 0.2, (8, 48, 64))
    true = maps_of("maps") * 0.5 + 0.25
    for number, map_ in enumerate(true + noise):
        scenes.write_picture(folder / "maps" / f"{number:05d}.png", torch.from_numpy(map_)[None])
    assert main(["prior", "clip.mkv", "--prior", "maps", "-o", "out"]) == 0
    assert np.abs(maps_of("out") - true).mean() < 0.85 * np.abs(maps_of("maps") - true).mean()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--prior", "maps", "--raw", "-o", "out"], "got maps with --prior too: leave one out"),
        (["--prior", "s.safetensors", "--raw", "--causal", "-o", "out"], "got --causal too"),
        (["--prior", "s.safetensors", "--motion", "raft", "-o", "out"], "--motion must be one of dis, farneback"),
        (["--prior", "s.safetensors", "-o", "maps"], "maps must not exist yet"),
        (["--prior", "maps", "-o", "maps", "--overwrite"], "an output must not be an input"),
        (["--prior", "nowhere", "-o", "out"], "nowhere"),
        (["--prior", "small.png", "-o", "out"], "maps small.png must have the clip's size (height, width) (48, 64)"),
        (["--prior", "few", "-o", "out"], "maps few must have the clip's 8 frames; got 1"),
        (["--prior", "other.safetensors", "-o", "out"], "must be of family person-segmenter or deeplabv3-resnet101"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    scenes.write_picture(folder / "small.png", torch.zeros(1, 8, 8))
    (folder / "few").mkdir()
    scenes.write_picture(folder / "few" / "0.png", torch.zeros(1, 48, 64))
    write_weights(folder / "other.safetensors", {"net": torch.nn.Conv2d(1, 1, 1)}, family="other", card={})
    before = sorted(folder.iterdir())
    assert main(["prior", "clip.mkv", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1, error
    assert sorted(folder.iterdir()) == before


def test_where_no_weights_are_carried_one_line_says_what_to_do(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(mattekit.models.ADVICE, "prior", ("none-carried", mattekit.models.ADVICE["prior"][1]))
    for arguments in (["prior", "clip.mkv", "-o", "out"], ["matte", "clip.mkv", "--model", "auto", "--alpha", "a.mkv"]):
        assert main(arguments) == 2
        error = capsys.readouterr().err
        assert "prior must be given weights; the package carries none: fetch torchvision's with" in error
        assert error.count("\n") == 1 and not Path("out").exists()
