"""`mattekit inspect` through the command."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import scenes
import walkers
from mattekit.cli import main

HOLE = 5


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a clip of twelve frames, its true matte and foreground, and a matte with a hole."""
    folder = tmp_path_factory.mktemp("inspect")
    frames, alpha, foreground = walkers.walking_disc(12)
    damaged = walkers.punch(alpha, HOLE)
    scenes.write_video(folder / "clip.mkv", frames)
    scenes.write_video(folder / "true.mkv", alpha.expand(-1, 3, -1, -1))
    scenes.write_video(folder / "damaged.mkv", damaged.expand(-1, 3, -1, -1))
    scenes.write_video(folder / "colour.mkv", foreground)
    scenes.write_video(folder / "part.mkv", damaged[3:9].expand(-1, 3, -1, -1))
    scenes.write_video(folder / "wide.mkv", torch.zeros(12, 3, 96, 128))
    (folder / "cut").mkdir()
    for index, picture in enumerate(scenes.to_bytes(torch.cat((foreground, damaged), dim=1))):
        Image.fromarray(picture).save(folder / "cut" / f"{index:03d}.png")
    (folder / "old.png").write_bytes(b"old")
    (folder / "old.csv").write_bytes(b"old")
    return folder


@pytest.fixture
def folder(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(made)
    return made


def test_the_damaged_frame_is_printed_drawn_and_in_the_table(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet, table = tmp_path / "sheet.png", tmp_path / "frames.csv"
    assert main(["inspect", "clip.mkv", "damaged.mkv", "-o", str(sheet), "--csv", str(table)]) == 0
    told = capsys.readouterr()
    assert "frame 5: hole of 81 px" in told.out.splitlines()[0]
    assert "12 frames in " in told.err
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["frame"]) for row in rows] == list(range(12))
    assert max(rows, key=lambda row: float(row["suspicion"]))["frame"] == "5"
    assert rows[5]["cause"] == "hole" and rows[5]["hole"] == "81" and rows[5]["spill"] == ""
    pixels = np.asarray(Image.open(sheet)).astype(int)
    yellow = (pixels[..., 0] > 230) & (pixels[..., 1] > 200) & (pixels[..., 2] < 60)
    assert pixels.shape[1] == 4 * 324 + 4 and yellow[:, 3 * 324 :].sum() > 100 and not yellow[:, : 3 * 324].any()


def test_a_true_matte_with_its_foreground_has_nothing_that_stands_out(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--foreground", "colour.mkv", "-o", str(tmp_path / "sheet.png"), "--threads", "1"]
    assert main(["inspect", "clip.mkv", "true.mkv", *arguments]) == 0
    assert capsys.readouterr().out == "nothing stands out\n"
    assert Image.open(tmp_path / "sheet.png").height > 96


@pytest.mark.parametrize("matte", ["damaged.mkv", "part.mkv"])
def test_a_span_is_numbered_as_in_the_clip_and_the_matte_may_hold_it_alone(
    folder: Path, matte: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", "clip.mkv", matte, "--start", "3", "--end", "9", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["frames"] == 6 and told["cuts"] == [] and told["outputs"] == {}
    first = told["findings"][0]
    assert (first["first"], first["last"], first["worst"], first["cause"]) == (5, 5, 5, "hole")
    assert first["words"] == "hole of 81 px" and told["found"] == len(told["findings"])


def test_a_cut_out_is_both_alpha_and_foreground(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "clip.mkv", "cut", "--foreground", "cut", "--top", "1"]) == 0
    assert "frame 5: hole of 81 px" in capsys.readouterr().out


def test_outputs_stand_untouched_without_overwrite(folder: Path, tmp_path: Path) -> None:
    for name, option in (("sheet.png", "-o"), ("frames.csv", "--csv")):
        path = tmp_path / name
        path.write_bytes(b"old")
        given = ["inspect", "clip.mkv", "true.mkv", "--start", "4", "--end", "7", option, str(path)]
        assert main(given) == 2 and path.read_bytes() == b"old"
        assert main([*given, "--overwrite"]) == 0 and path.read_bytes() != b"old"
        assert [each.name for each in tmp_path.glob(".*")] == []


BAD = {
    "missing clip": (["none.mkv", "true.mkv"], "none.mkv"),
    "missing alpha": (["clip.mkv", "none.mkv"], "none.mkv"),
    "missing foreground": (["clip.mkv", "true.mkv", "--foreground", "none.mkv"], "none.mkv"),
    "alpha of another size": (["clip.mkv", "wide.mkv"], "alpha wide.mkv must have the clip's size (height, width)"),
    "fewer frames": (["clip.mkv", "part.mkv"], "alpha part.mkv must have the clip's 12 frames; got 6"),
    "another span": (["clip.mkv", "part.mkv", "--start", "8"], "or the 4 from --start to --end; got 6"),
    "foreground of another size": (["clip.mkv", "true.mkv", "--foreground", "wide.mkv"], "foreground wide.mkv"),
    "alpha in colour": (["true.mkv", "clip.mkv"], "alpha clip.mkv must be grey or have an alpha channel"),
    "empty span": (["clip.mkv", "true.mkv", "--start", "12"], "frames must be chosen from 0 to 12"),
    "sheet is a video": (["clip.mkv", "true.mkv", "-o", "a.mp4"], "a contact sheet must be a .png file; got a.mp4"),
    "sheet in no folder": (["clip.mkv", "true.mkv", "-o", "nowhere/a.png"], "nowhere"),
    "sheet exists": (["clip.mkv", "true.mkv", "-o", "old.png"], "old.png must not exist yet"),
    "table is no table": (["clip.mkv", "true.mkv", "--csv", "a.txt"], "a table must be a .csv file; got a.txt"),
    "table in no folder": (["clip.mkv", "true.mkv", "--csv", "nowhere/a.csv"], "nowhere/a.csv must lie in a folder"),
    "table exists": (["clip.mkv", "true.mkv", "--csv", "old.csv"], "old.csv must not exist yet"),
    "sheet over the alpha": (
        ["cut/000.png", "cut/001.png", "-o", "cut/001.png", "--overwrite"],
        "must not be the input",
    ),
    "none at the top": (["clip.mkv", "true.mkv", "--top", "0"], "--top"),
}


def test_every_bad_input_is_one_line_without_torch(folder: Path) -> None:
    script = (
        "import json, sys\nfrom mattekit.cli import main\n"
        "for arguments in json.load(sys.stdin):\n"
        "    print(main(['inspect', *arguments]), 'torch' in sys.modules, file=sys.stderr)\n"
    )
    before = sorted(path.name for path in folder.rglob("*"))
    given = json.dumps([arguments for arguments, _ in BAD.values()])
    done = subprocess.run([sys.executable, "-c", script], input=given, capture_output=True, text=True, check=True)
    lines = done.stderr.splitlines()
    assert len(lines) == 2 * len(BAD) and done.stdout == "", done.stderr
    for (_, said), line, result in zip(BAD.values(), lines[::2], lines[1::2], strict=True):
        assert said in line and result == "2 False"
    assert sorted(path.name for path in folder.rglob("*")) == before
