"""Every bad input: exit 2, one line on stderr, torch not loaded, nothing left behind, nothing changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import scenes
from mattekit.cli import main

ALPHA = ["--alpha", "a.mkv"]
KEY = ["--trimap", "0=t.png"]

CASES: dict[str, tuple[list[str], str]] = {
    # the clip
    "missing clip": (["matte", "none.mp4", *KEY, *ALPHA], "none.mp4"),
    "no video": (["matte", "text.mp4", *KEY, *ALPHA], "text.mp4"),
    "empty file": (["matte", "empty.mp4", *KEY, *ALPHA], "empty.mp4"),
    "folder without images": (["matte", "empty", *KEY, *ALPHA], "empty"),
    "cut short": (["matte", "cut.mkv", *KEY, *ALPHA], "cut.mkv"),
    "playlist": (["matte", "list.mp4", *KEY, *ALPHA], "list.mp4"),
    # key frames
    "no key frame": (["matte", "clip.mkv", *ALPHA], "key frame must be given"),
    "trimap missing": (["matte", "clip.mkv", "--trimap", "0=none.png", *ALPHA], "none.png"),
    "trimap of another size": (["matte", "clip.mkv", "--trimap", "0=small.png", *ALPHA], "got (20, 30)"),
    "trimap with other values": (["matte", "clip.mkv", "--trimap", "0=grey.png", *ALPHA], "got 7, 128, 200"),
    "trimap in colour": (["matte", "clip.mkv", "--trimap", "0=colour.png", *ALPHA], "must be grey"),
    "trimap is no picture": (["matte", "clip.mkv", "--trimap", "0=text.mp4", *ALPHA], "text.mp4"),
    "frame past the end": (["matte", "clip.mkv", "--trimap", "5=t.png", *ALPHA], "from 0 to 4"),
    "negative frame": (["matte", "clip.mkv", "--trimap", "-1=t.png", *ALPHA], "frame number from 0"),
    "no frame number": (["matte", "clip.mkv", "--trimap", "t.png", *ALPHA], "FRAME=PNG"),
    "no picture": (["matte", "clip.mkv", "--trimap", "0=", *ALPHA], "FRAME=PNG"),
    "frame given twice": (["matte", "clip.mkv", *KEY, "--mask", "0=m.png", *ALPHA], "t.png and m.png"),
    "mask of another size": (["matte", "clip.mkv", "--mask", "0=small.png", *ALPHA], "got (20, 30)"),
    "mask of ones": (["matte", "clip.mkv", "--mask", "0=ones.png", *ALPHA], "128 to 255"),
    "trimaps past the end": (["matte", "clip.mkv", "--trimaps", "late", *ALPHA], "got 9"),
    "trimaps without a number": (
        ["matte", "clip.mkv", "--trimaps", "unnumbered", *ALPHA],
        "must have its frame's number",
    ),
    "trimaps missing": (["matte", "clip.mkv", "--trimaps", "nowhere", *ALPHA], "nowhere"),
    "negative band": (["matte", "clip.mkv", "--mask", "0=m.png", "--band", "-1", *ALPHA], "--band"),
    # the span
    "start past the end": (["matte", "clip.mkv", *KEY, "--start", "5", *ALPHA], "from 0 to 5"),
    "end past the end": (["matte", "clip.mkv", *KEY, "--end", "6", *ALPHA], "from 0 to 5"),
    "empty span": (["matte", "clip.mkv", *KEY, "--start", "2", "--end", "2", *ALPHA], "at least one"),
    # outputs
    "no output": (["matte", "clip.mkv", *KEY], "output must be named"),
    "format not known": (["matte", "clip.mkv", *KEY, "--alpha", "a.xyz"], "a.xyz"),
    "cut-out without alpha": (["matte", "clip.mkv", *KEY, "--cutout", "c.mp4"], ".mp4"),
    "folder missing": (["matte", "clip.mkv", *KEY, "--alpha", "nowhere/a.mkv"], "nowhere"),
    "folder is a file": (["matte", "clip.mkv", *KEY, "--alpha", "t.png/a.mkv"], "t.png"),
    "output exists": (["matte", "clip.mkv", *KEY, "--alpha", "old.mkv"], "old.mkv"),
    "output is the input": (["matte", "clip.mkv", *KEY, "--alpha", "clip.mkv", "--overwrite"], "must not be the input"),
    "output is a link to the input": (["matte", "clip.mkv", *KEY, "--alpha", "link.mkv", "--overwrite"], "must not be"),
    "output is the trimap": (["matte", "one.png", *KEY, "--alpha", "t.png", "--overwrite"], "must not be an input"),
    "one picture for a clip": (["matte", "clip.mkv", *KEY, "--alpha", "a.png"], "a.png"),
    "two outputs at one place": (["matte", "clip.mkv", *KEY, *ALPHA, "--cutout", "./a.mkv"], "path of its own"),
    # background
    "composite without background": (["matte", "clip.mkv", *KEY, "--composite", "c.mp4"], "come together"),
    "background without composite": (["matte", "clip.mkv", *KEY, *ALPHA, "--background", "red"], "come together"),
    "background not known": (
        ["matte", "clip.mkv", *KEY, "--composite", "c.mp4", "--background", "reddish"],
        "must be a colour",
    ),
    "background half a colour": (
        ["matte", "clip.mkv", *KEY, "--composite", "c.mp4", "--background", "#12345"],
        "#rrggbb",
    ),
    "background see-through": (
        ["matte", "clip.mkv", *KEY, "--composite", "c.mp4", "--background", "#11223344"],
        "opaque",
    ),
    "output is the background": (
        ["matte", "one.png", *KEY, "--composite", "paper.png", "--background", "paper.png", "--overwrite"],
        "must not be an input",
    ),
    # settings
    "model not known": (["matte", "clip.mkv", *KEY, *ALPHA, "--model", "gpt"], "--model must be one of"),
    "device not known": (["matte", "clip.mkv", *KEY, *ALPHA, "--device", "tpu"], "--device must be one of"),
    "runtime not known": (["matte", "clip.mkv", *KEY, *ALPHA, "--runtime", "abacus"], "--runtime must be one of"),
    "weights missing": (["matte", "clip.mkv", *KEY, *ALPHA, "--weights", "none.safetensors"], "none.safetensors"),
    "no threads": (["matte", "clip.mkv", *KEY, *ALPHA, "--threads", "0"], "--threads"),
    "option not known": (["matte", "clip.mkv", *KEY, *ALPHA, "--sharpen"], "--sharpen"),
    "verb not known": (["matt", "clip.mkv"], "matt"),
    "nothing to matte": (["matte"], "CLIP"),
    # the other verbs
    "propagate to a video": (["propagate", "clip.mkv", *KEY, "-o", "t.mkv"], "PNG"),
    "propagate from nothing": (["propagate", "clip.mkv", "-o", "new"], "key frame must be given"),
    "propagate nowhere": (["propagate", "clip.mkv", *KEY], "--output"),
    "report of another kind": (["propagate", "clip.mkv", *KEY, "-o", "new", "--report", "r.txt"], ".csv or .json"),
    "report exists": (["propagate", "clip.mkv", *KEY, "-o", "new", "--report", "old.csv"], "old.csv must not exist"),
    "report below nowhere": (["propagate", "clip.mkv", *KEY, "-o", "new", "--report", "nowhere/r.csv"], "nowhere"),
    "trimap of nothing": (["trimap", "none.png", "-o", "new.png"], "none.png"),
    "trimap of colours": (["trimap", "colour.png", "-o", "new.png"], "must be grey"),
    "trimap to a video": (["trimap", "m.png", "-o", "new.mkv"], "PNG"),
    "trimap over itself": (["trimap", "m.png", "-o", "m.png", "--overwrite"], "must not be the input"),
    "trimap that exists": (["trimap", "m.png", "-o", "t.png"], "t.png"),
    "prior of nothing": (["prior", "none.mp4", "-o", "new", "--prior", "m.png"], "none.mp4"),
    "prior from too few maps": (
        ["prior", "clip.mkv", "-o", "new", "--prior", "m.png"],
        "must have the clip's 5 frames",
    ),
    "prior from a missing network": (
        ["prior", "clip.mkv", "-o", "new", "--prior", "none.safetensors"],
        "none.safetensors",
    ),
    "prior by a motion not known": (["prior", "clip.mkv", "-o", "new", "--motion", "raft"], "--motion must be one of"),
    "auto with a trimap": (["matte", "clip.mkv", *KEY, *ALPHA, "--model", "auto"], "must be given no trimap"),
    "dvm with maps": (["matte", "clip.mkv", *KEY, *ALPHA, "--prior", "m.png"], "must go with --model person or auto"),
    "demo in a file": (["demo", "-o", "t.png"], "t.png"),
    "demo below nowhere": (["demo", "-o", "nowhere/demo"], "nowhere"),
}

SCRIPT = """
import io, json, os, sys
from contextlib import redirect_stderr, redirect_stdout
from mattekit.cli import main
results = {}
for name, arguments in json.load(sys.stdin).items():
    out, err = io.StringIO(), io.StringIO()
    before = sorted(os.listdir("."))
    with redirect_stdout(out), redirect_stderr(err):
        code = main(arguments)
    results[name] = [code, out.getvalue(), err.getvalue(), "torch" in sys.modules, sorted(os.listdir(".")) == before]
print(json.dumps(results))
"""


@dataclass(frozen=True)
class Result:
    """What one call left: exit code, both outputs, whether torch was loaded, whether the folder is as before."""

    code: int
    out: str
    err: str
    torch: bool
    unchanged: bool


def make_inputs(folder: Path) -> None:
    """Fill a folder with a clip, good and bad pictures, and files that are no media."""
    scene = scenes.soft_disc(5)
    scenes.write_video(folder / "clip.mkv", scene.frames)
    whole = (folder / "clip.mkv").read_bytes()
    (folder / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    scenes.write_picture(folder / "t.png", scene.trimap()[0])
    scenes.write_picture(folder / "m.png", (scene.alpha[0] > 0.5).float())
    scenes.write_picture(folder / "one.png", scene.frames[0])
    scenes.write_picture(folder / "paper.png", scene.background[0])
    scenes.write_picture(folder / "colour.png", scene.frames[0])
    scenes.write_picture(folder / "small.png", torch.zeros(1, 20, 30))
    Image.fromarray(
        np.where(np.arange(64) < 20, 7, np.where(np.arange(64) < 40, 128, 200)).astype(np.uint8)[None].repeat(48, 0)
    ).save(folder / "grey.png")
    Image.fromarray(np.ones((48, 64), np.uint8)).save(folder / "ones.png")
    for name in ("empty", "late", "unnumbered"):
        (folder / name).mkdir()
    scenes.write_picture(folder / "late" / "t_9.png", scene.trimap()[0])
    scenes.write_picture(folder / "unnumbered" / "t.png", scene.trimap()[0])
    (folder / "text.mp4").write_text("no video at all\n")
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "list.mp4").write_text("ffconcat version 1.0\nfile clip.mkv\n")
    (folder / "old.mkv").write_bytes(b"precious")
    (folder / "old.csv").write_bytes(b"precious")
    (folder / "link.mkv").symlink_to("clip.mkv")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """All cases, run one after another in one process that has not imported torch."""
    folder = tmp_path_factory.mktemp("bad")
    make_inputs(folder)
    before = contents(folder)
    cases = json.dumps({name: arguments for name, (arguments, _) in CASES.items()})
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], input=cases, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert contents(folder) == before
    return {name: Result(*values) for name, values in json.loads(done.stdout).items()}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_exits_2_with_one_line_before_torch_is_loaded(name: str, results: dict[str, Result]) -> None:
    result = results[name]
    assert result.code == 2, result.err
    assert result.out == ""
    assert result.err.startswith("mattekit: ")
    assert result.err.count("\n") == 1
    assert CASES[name][1] in result.err
    assert not result.torch
    assert result.unchanged


def test_a_folder_that_must_not_be_written_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_inputs(tmp_path)
    monkeypatch.chdir(tmp_path)
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not (mode & os.W_OK) and may(path, mode))
    assert main(["matte", "clip.mkv", *KEY, *ALPHA]) == 2
    assert "must allow writing" in capsys.readouterr().err
    assert not (tmp_path / "a.mkv").exists()
