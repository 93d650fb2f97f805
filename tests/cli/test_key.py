"""`mattekit key`: through the command, on clips before a green screen."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import footage
import scenes
from mattekit.checks import InputError
from mattekit.cli import main
from mattekit.cli.key import LEAST, parse_screen
from mattekit.data import screen
from mattekit.media import probe, read, read_alpha, read_planes
from mattekit.ops import composite

GREEN = torch.tensor([0.0, 0.7, 0.25]).view(3, 1, 1)


@pytest.fixture
def alpha_true() -> torch.Tensor:
    return scenes.soft_disc(5).alpha


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with five frames of a soft disc before a flat screen."""
    scene = scenes.soft_disc(5)
    scenes.write_video(tmp_path / "clip.mkv", composite(scene.foreground, scene.alpha, GREEN))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_all_outputs_have_every_frame_and_the_right_alpha(folder: Path, alpha_true: torch.Tensor) -> None:
    outputs = ["--alpha", "a.mkv", "--foreground", "f.mkv", "-o", "cut"]
    assert main(["key", "clip.mkv", "--screen", "green", *outputs]) == 0
    alpha = torch.from_numpy(np.stack(list(read_alpha(probe("a.mkv")))))[:, None]
    assert alpha.shape == alpha_true.shape
    assert float((alpha - alpha_true).abs().mean()) < 0.01
    assert probe("f.mkv").frames == 5
    cut = np.stack(list(read_planes(probe("cut"))))
    assert cut.shape == (5, 48, 64, 4)
    assert float(np.abs(cut[..., 3] / 65535 - alpha[:, 0].numpy()).max()) < 1e-4


def test_the_foreground_has_lost_the_screens_colour_and_still_gives_the_frame_again(
    folder: Path, alpha_true: torch.Tensor, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["key", "clip.mkv", "--foreground", "f.mkv", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert 0 <= told["recomposition_mean"] < 0.02 and told["recomposition_mean"] <= told["recomposition_max"]
    found = torch.cat([chunk.frames for chunk in read(probe("f.mkv"))])
    wanted = scenes.soft_disc(5).foreground
    seen = (alpha_true > 0.2).expand_as(found)
    assert float((found - wanted).abs()[seen].mean()) < 0.03


def test_uneven_times_are_those_of_the_clip(folder: Path) -> None:
    from av import VideoFrame

    scene = scenes.soft_disc(4)
    pictures = scenes.to_bytes(composite(scene.foreground, scene.alpha, GREEN))
    frames = [VideoFrame.from_ndarray(picture, "rgb24") for picture in pictures]
    footage.make_video(folder / "vfr.mp4", pts=[0, 1001, 5005, 6006], frames=frames)
    assert main(["key", "vfr.mp4", "--alpha", "a.mov"]) == 0
    assert footage.video_times(folder / "a.mov") == footage.video_times(folder / "vfr.mp4")


def test_a_span_is_keyed_as_in_the_whole_and_json_tells_of_it(
    folder: Path, capsys: pytest.CaptureFixture[str], alpha_true: torch.Tensor
) -> None:
    assert main(["key", "clip.mkv", "--alpha", "a.mkv", "--start", "1", "--end", "4", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["frames"] == 3 and told["outputs"] == {"alpha": "a.mkv"}
    alpha = torch.from_numpy(np.stack(list(read_alpha(probe("a.mkv")))))[:, None]
    assert float((alpha - alpha_true[1:4]).abs().mean()) < 0.01


def test_a_still_and_masks_of_the_user(folder: Path) -> None:
    scene = scenes.soft_disc(1)
    scenes.write_picture(folder / "one.png", composite(scene.foreground, scene.alpha, GREEN)[0])
    left = torch.zeros(1, 48, 64)
    left[..., :32] = 1
    scenes.write_picture(folder / "left.png", left)
    scenes.write_picture(folder / "right.png", 1 - left)
    given = ["--garbage", "left.png", "--core", "right.png"]
    assert main(["key", "one.png", "--screen", "#00b340", "--alpha", "a.png", *given]) == 0
    with Image.open("a.png") as picture:
        values = np.asarray(picture)
    assert values[:, :32].max() == 0 and values[:, 32:].min() == 65535


def test_an_output_stands_untouched_without_overwrite(folder: Path) -> None:
    (folder / "a.mkv").write_bytes(b"old")
    assert main(["key", "clip.mkv", "--alpha", "a.mkv"]) == 2
    assert (folder / "a.mkv").read_bytes() == b"old"
    assert main(["key", "clip.mkv", "--alpha", "a.mkv", "--overwrite"]) == 0
    assert probe("a.mkv").frames == 5


def test_a_clip_of_another_colour_is_refused_and_nothing_left(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(folder.iterdir())
    assert main(["key", "clip.mkv", "--screen", "blue", "--alpha", "a.mkv"]) == 2
    assert "the clip must show a blue screen; 0.0 %" in capsys.readouterr().err
    assert sorted(folder.iterdir()) == before


def test_a_screen_is_named_or_a_colour() -> None:
    assert parse_screen("green") == "green" and parse_screen("auto") == "auto"
    assert parse_screen("#00b140") == (0, 177, 64)
    with pytest.raises(InputError, match="--screen must be green, blue, auto or #rrggbb; got reddish"):
        parse_screen("reddish")
    with pytest.raises(InputError, match="one channel 38 of 255 above the others; got #808a80"):
        parse_screen("#808a80")


def test_the_command_and_the_keyer_ask_the_same_of_a_colour() -> None:
    assert round(screen.LEAST * 255) == LEAST


BAD = {
    "missing clip": (["none.mp4", "-o", "c.mov"], "none.mp4"),
    "no output": (["clip.mkv"], "output must be named"),
    "black above white": (["clip.mkv", "-o", "c.mov", "--black", "0.9", "--white", "0.1"], "--black must be below"),
    "cut-out without alpha": (["clip.mkv", "-o", "c.mp4"], ".mp4"),
    "garbage missing": (["clip.mkv", "-o", "c.mov", "--garbage", "none.png"], "none.png"),
    "past the end": (["clip.mkv", "-o", "c.mov", "--end", "6"], "from 0 to 5"),
    "too much choke": (["clip.mkv", "-o", "c.mov", "--choke", "65"], "--choke"),
    "screen not known": (["clip.mkv", "-o", "c.mov", "--screen", "red"], "--screen must be"),
}


def test_every_bad_input_is_one_line_without_torch(folder: Path) -> None:
    script = (
        "import json, sys\nfrom mattekit.cli import main\n"
        "for arguments in json.load(sys.stdin):\n"
        "    print(main(['key', *arguments]), 'torch' in sys.modules, file=sys.stderr)\n"
    )
    given = json.dumps([arguments for arguments, _ in BAD.values()])
    done = subprocess.run([sys.executable, "-c", script], input=given, capture_output=True, text=True, check=True)
    lines = done.stderr.splitlines()
    assert len(lines) == 2 * len(BAD), done.stderr
    for (_, said), line, result in zip(BAD.values(), lines[::2], lines[1::2], strict=True):
        assert said in line and result == "2 False"
    assert [path.name for path in folder.iterdir()] == ["clip.mkv"]


def test_a_keyed_subject_is_laid_over_a_background_and_previewed(folder: Path) -> None:
    outputs = ["--composite", "o.mkv", "--background", "white", "--preview", "p.mkv", "-o", "c_%d.exr"]
    assert main(["key", "clip.mkv", "--screen", "green", *outputs, "--layers"]) == 0
    over, preview = (np.stack(list(read_planes(probe(path)))) / 65535 for path in ("o.mkv", "p.mkv"))
    assert (over[:, :4, -8:] > 0.999).all()
    assert preview.shape == (5, 48, 3 * 64, 3)
    assert np.abs(preview[:, :, 128:] - over).max() < 1e-4
    assert sorted(path.name for path in folder.glob("c_*.exr")) == [f"c_{index}.exr" for index in range(5)]
    assert main(["key", "clip.mkv", "--alpha", "a.mkv", "--background", "white"]) == 2
