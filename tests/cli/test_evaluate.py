"""`mattekit evaluate` through the command."""

from __future__ import annotations

import csv
import json
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mattekit.cli import main
from mattekit.media import Style, open_writer
from mattekit.metrics import alpha_flow, measure
from mattekit.types import ClipInfo

SIZE = (24, 32)


def disc(frames: int, *, wrong: int | None = None) -> Tensor:
    """Return alpha (T, 1, H, W) of a moving soft disc; one frame may be a half everywhere."""
    y, x = torch.meshgrid(torch.arange(SIZE[0]), torch.arange(SIZE[1]), indexing="ij")
    middle = 10 + torch.arange(frames)[:, None, None] * 0.5
    alpha = ((9 - torch.hypot(x - middle, y - 12.0)) / 4).clamp(0, 1)
    if wrong is not None:
        alpha[wrong] = 0.5
    return alpha[:, None]


def store(path: Path, alpha: Tensor) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    clip = ClipInfo(path, "video", (alpha.shape[2], alpha.shape[3]), len(alpha), Fraction(25), Fraction(1, 25))
    with open_writer(path, clip, content="alpha", style=Style(bits=None if path.suffix == ".mov" else 8)) as writer:
        for index, plane in enumerate(alpha):
            writer.write(plane, index)
    return path


@pytest.mark.parametrize("convention", ["dvm", "rvm-lr", "rvm-hr", "videomatting"])
@pytest.mark.parametrize("frames", [1, 8, 9, 10, 19])
def test_scores_in_pieces_are_those_of_the_whole_clip(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], convention: str, frames: int
) -> None:
    alpha, true = disc(frames, wrong=frames - 1), disc(frames)
    one, other = store(tmp_path / "p.mkv", alpha), store(tmp_path / "t.mkv", true)
    assert main(["evaluate", str(one), str(other), "--convention", convention, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["clips"]["t"]
    pytest.importorskip("cv2", reason="MESSDdt needs OpenCV")
    levels = [(clip * 255).round().to(torch.uint8) for clip in (alpha, true)]
    whole = measure(convention, *levels, flow=alpha_flow).means
    assert set(found) == set(whole)
    for name, value in found.items():
        assert value is None if whole[name] is None else value == pytest.approx(whole[name], rel=1e-9), name


def test_folders_of_clips_are_matched_by_name_in_any_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store(tmp_path / "true" / "a.mkv", disc(3))
    store(tmp_path / "true" / "b" / "alpha.mkv", disc(4))
    store(tmp_path / "made" / "a", disc(3))
    store(tmp_path / "made" / "b.mov", disc(4, wrong=1))
    store(tmp_path / "made" / "c.mkv", disc(2))
    told = ["evaluate", str(tmp_path / "made"), str(tmp_path / "true"), "--json", "--workers", "2"]
    assert main(told) == 0
    captured = capsys.readouterr()
    clips = json.loads(captured.out)["clips"]
    assert list(clips) == ["a", "b"] and clips["a"]["SAD"] == 0 and clips["b"]["SAD"] > 0
    assert "mean" in captured.err


def test_the_report_has_every_frame_the_curves_and_the_worst_frame(tmp_path: Path) -> None:
    one, other = store(tmp_path / "p.mkv", disc(12, wrong=7)), store(tmp_path / "t.mkv", disc(12))
    assert main(["evaluate", str(one), str(other), "-o", str(tmp_path / "report"), "--worst", "1"]) == 0
    report = tmp_path / "report"
    with (report / "frames.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    sad = [float(row["SAD"]) for row in rows]
    assert len(sad) == 12 and sad.index(max(sad)) == 7 and sad[6] == 0
    assert [row["dtSSD"] == "" for row in rows] == [False] * 11 + [True]
    scores = json.loads((report / "scores.json").read_text())
    assert [each["frame"] for each in scores["clips"]["t"]["worst"]] == [7]
    page = (report / "index.html").read_text()
    picture = scores["clips"]["t"]["worst"][0]["picture"]
    assert (report / "pictures" / picture).is_file() and picture in page
    assert page.count("<svg") >= 2 and "http" not in page


def test_trimaps_set_the_region_and_what_they_know(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    true, alpha = disc(3), disc(3)
    trimap = torch.where((true > 0) & (true < 1), 0.5, true)
    alpha[:, :, :2] = 1.0  # wrong where the trimap knows better
    paths = [store(tmp_path / f"{name}.mkv", clip) for name, clip in (("p", alpha), ("t", true))]
    trimaps = store(tmp_path / "trimaps", trimap)
    told = ["evaluate", *map(str, paths), "--trimaps", str(trimaps), "--json"]
    assert main(told) == 0
    assert json.loads(capsys.readouterr().out)["mean"]["SAD"] == 0
    assert main(["evaluate", *map(str, paths), "--convention", "adobe", "--json"]) == 2
    assert "'adobe' must have a trimap for every frame; got none" in capsys.readouterr().err


def test_names_in_the_page_cannot_do_harm(tmp_path: Path) -> None:
    name = "<script>alert(1)"
    for folder in ("made", "true"):
        store(tmp_path / folder / f"{name}.mkv", disc(2))
    assert main(["evaluate", str(tmp_path / "made"), str(tmp_path / "true"), "-o", str(tmp_path / "report")]) == 0
    assert "<script" not in (tmp_path / "report" / "index.html").read_text()


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("missing", "alpha must be a clip or a folder of clips"),
        ("short", "t: predicted must have the truth's 3 frames of size (24, 32) (height, width); got 2 of (24, 32)"),
        ("unmatched", "every clip of"),
        ("empty", "a folder of clips must hold videos or folders of images"),
        ("taken", "must not exist yet; it does: name a new folder for the report"),
        ("convention", "--convention must be one of"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str, message: str) -> None:
    true = store(tmp_path / "true" / "t.mkv", disc(3))
    short = store(tmp_path / "short.mkv", disc(2))
    (tmp_path / "empty").mkdir()
    told = {
        "missing": [tmp_path / "nowhere.mkv", true],
        "short": [short, true],
        "unmatched": [store(tmp_path / "made" / "other.mkv", disc(3)).parent, true.parent],
        "empty": [tmp_path / "empty", true.parent],
        "taken": [true, true, "-o", tmp_path],
        "convention": [true, true, "--convention", "mine"],
    }[case]
    capsys.readouterr()
    assert main(["evaluate", *map(str, told)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and message in error
