"""`mattekit matte --resume`: killed anywhere, it goes on from what is kept, and the files are the same to the byte."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

import mattekit.models
import scenes
import shots
from mattekit.cli import main, resume
from mattekit.media.records import read_record
from mattekit.media.segments import JOB, Segments

SEGMENT = 3

MORTAL = """
import os, signal, sys
import mattekit.models, shots
from mattekit.cli import main, resume
from mattekit.media.segments import Segments
from mattekit.media.writer import Writer

def dies(kind, name, after):
    plain, calls = getattr(kind, name), []
    def mortal(*arguments):
        calls.append(1)
        if len(calls) > after:
            os.kill(os.getpid(), signal.SIGKILL)
        return plain(*arguments)
    setattr(kind, name, mortal)

resume.SEGMENT = 3
if "--weights" not in sys.argv:
    mattekit.models.load = shots.Loader()
for folder in sys.argv[1].split(","):
    child = os.fork()  # nothing has run yet, so that no thread is lost by it
    if child == 0:
        os.chdir(folder)
        kind, name, after = folder.split("-")
        dies({"Segments": Segments, "Writer": Writer}[kind], name, int(after))
        main(sys.argv[2:])
        os._exit(99)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

KEYS = ["matte", "clip.mkv", "--trimap", "0=t0.png", "--trimap", "8=t8.png", "--chunk", "1"]
OUTPUTS = ["--alpha", "a.mkv", "--cutout", "c.mkv"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(shots.make_shot(tmp_path))
    monkeypatch.setattr(resume, "SEGMENT", SEGMENT)
    return tmp_path


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> shots.Remembering:
    loader = shots.Loader()
    monkeypatch.setattr(mattekit.models, "load", loader)
    return loader.matter


def interrupt(monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str], *, segments: int) -> Path:
    """Run until so many segments are kept, and return their folder."""
    plain, calls = Segments.commit, []

    def commit(*given: object) -> None:
        calls.append(1)
        if len(calls) > segments:
            raise KeyboardInterrupt
        plain(*given)

    with monkeypatch.context() as patch:
        patch.setattr(Segments, "commit", commit)
        assert main([*arguments, "--resume"]) == 130
    (kept,) = Path().glob(".mattekit-resume-*")
    assert len(list(kept.glob("*.frames"))) == segments
    return kept


def test_where_nothing_is_kept_nothing_is_left(folder: Path, stub: shots.Remembering) -> None:
    assert main([*KEYS, *OUTPUTS, "--resume", "--end", "99"]) == 2
    assert main([*KEYS, "--composite", "a.mkv", "--background", "none.png", "--resume"]) == 2
    stub.step = None  # type: ignore[method-assign,assignment]
    assert main([*KEYS, *OUTPUTS, "--resume"]) == 1
    assert not list(Path().glob(".mattekit-*"))


def contents() -> dict[str, bytes]:
    return {name: Path(name).read_bytes() for name in ("a.mkv", "c.mkv")}


def kill_and_resume(
    folder: Path, arguments: list[str], places: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    """Have a process killed at each place, go on in this one, and compare with runs that nothing has stopped."""
    for name in ("plain", "whole", *places):
        shots.make_shot(folder / name)
    os.chdir(folder / "plain")
    assert main(arguments) == 0
    plain = contents()
    os.chdir(folder / "whole")
    assert main([*arguments, "--resume"]) == 0
    assert contents() == plain
    os.chdir(folder)
    command = [sys.executable, "-c", MORTAL, ",".join(places), *arguments, "--resume"]
    paths = os.pathsep.join([str(Path(shots.__file__).parent), *filter(None, sys.path)])
    said = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths})
    assert said.stdout.split() == [str(-signal.SIGKILL)] * len(places), said.stderr
    for place, frames in places.items():
        os.chdir(folder / place)
        assert len(list(Path().glob(".mattekit-resume-*"))) == 1
        capsys.readouterr()
        assert main([*arguments, "--resume"]) == 0
        assert (f"went on after {frames} kept frames" in capsys.readouterr().err) == (frames > 0)
        assert contents() == plain
        assert sorted(os.listdir()) == ["a.mkv", "c.mkv", "clip.mkv", "t0.png", "t8.png"]


def test_killed_anywhere_and_resumed_the_files_are_those_of_a_plain_run(
    folder: Path, stub: shots.Remembering, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"Segments-commit-0": 0, "Segments-add-1": 0, "Segments-add-8": 6, "Segments-commit-3": 9}
    kill_and_resume(folder, [*KEYS, *OUTPUTS, "--threads", "1"], {**places, "Writer-finish-1": shots.FRAMES}, capsys)


def test_killed_and_resumed_real_networks_make_the_same_bytes(
    folder: Path, random_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*KEYS, "--end", "8", "--chunk", "2", "--weights", str(random_weights), "--threads", "1"]
    kill_and_resume(folder, [*arguments, *OUTPUTS], {"Segments-add-5": 4}, capsys)


@pytest.mark.parametrize("segments", [1, 2, 4])
def test_kept_frames_are_not_made_again(
    folder: Path, stub: shots.Remembering, monkeypatch: pytest.MonkeyPatch, segments: int
) -> None:
    assert main([*KEYS, *OUTPUTS]) == 0
    whole, _ = contents(), [Path(name).unlink() for name in ("a.mkv", "c.mkv")]
    interrupt(monkeypatch, [*KEYS, *OUTPUTS], segments=segments)
    stub.steps = 0
    assert main([*KEYS, *OUTPUTS, "--resume"]) == 0
    assert contents() == whole
    assert stub.steps <= shots.FRAMES - segments * SEGMENT - 2


def test_confidences_of_kept_frames_are_told_again(
    folder: Path, stub: shots.Remembering, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*KEYS, *OUTPUTS]) == 0
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("confidence: ")
    for name in ("a.mkv", "c.mkv"):
        Path(name).unlink()
    interrupt(monkeypatch, [*KEYS, *OUTPUTS], segments=3)
    assert main([*KEYS, *OUTPUTS, "--resume"]) == 0
    assert capsys.readouterr().err.splitlines()[-1] == line


@pytest.mark.parametrize(
    ("damaged", "left"), [("000003.frames", 3), ("000001.frames", 1), ("000003.state", 2), ("000003.json", 3)]
)
def test_a_damaged_segment_is_made_again_from_the_one_before(
    folder: Path, stub: shots.Remembering, monkeypatch: pytest.MonkeyPatch, damaged: str, left: int
) -> None:
    assert main([*KEYS, *OUTPUTS]) == 0
    whole, _ = contents(), [Path(name).unlink() for name in ("a.mkv", "c.mkv")]
    kept = interrupt(monkeypatch, [*KEYS, *OUTPUTS], segments=4)
    content = bytearray((kept / damaged).read_bytes())
    content[len(content) // 2] ^= 1
    (kept / damaged).write_bytes(content)
    stub.steps = 0
    assert main([*KEYS, *OUTPUTS, "--resume"]) == 0
    assert contents() == whole
    remade = shots.FRAMES - (3 if damaged.endswith("state") else left) * SEGMENT
    assert remade - 4 <= stub.steps <= remade


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ([*KEYS, "--band", "3"], "--band"),
        ([*KEYS, "--chunk", "2"], "--chunk"),
        ([*KEYS, "--end", "14"], "--start or --end"),
        ([*KEYS[:4], "--chunk", "1"], "trimaps"),
        ([*KEYS, "--threads", "2"], "--threads"),
    ],
)
def test_another_job_is_refused_in_one_line_that_names_the_change(
    folder: Path,
    stub: shots.Remembering,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: list[str],
    named: str,
) -> None:
    kept = interrupt(monkeypatch, [*KEYS, *OUTPUTS], segments=1)
    capsys.readouterr()
    try:
        assert main([*change, *OUTPUTS, "--resume"]) == 2
    finally:
        torch.set_num_threads(1)
    said = capsys.readouterr().err
    assert said == (
        f"mattekit: what --resume continues must be the job that was begun; changed since: {named}; "
        f"give the same again, or delete {kept.absolute()} to begin anew\n"
    )


def test_a_redrawn_trimap_another_clip_and_other_weights_are_refused(
    folder: Path, random_weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = folder / "w.safetensors"
    weights.write_bytes(random_weights.read_bytes())
    arguments = [*KEYS, *OUTPUTS, "--weights", "w.safetensors"]
    interrupt(monkeypatch, arguments, segments=1)
    scenes.write_picture(folder / "t8.png", torch.ones(1, 48, 64))
    scenes.write_video(folder / "clip.mkv", scenes.soft_disc(shots.FRAMES).frames.flip(-1))
    weights.write_bytes(random_weights.read_bytes()[:-4] + b"\0\0\0\0")
    capsys.readouterr()
    assert main([*arguments, "--resume"]) == 2
    assert "changed since: clip, trimaps, weights; give the same" in capsys.readouterr().err


def test_two_runs_of_one_job_at_a_time_are_refused_and_other_outputs_are_another_job(
    folder: Path, stub: shots.Remembering, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = interrupt(monkeypatch, [*KEYS, *OUTPUTS], segments=1)
    pytest.importorskip("fcntl", reason="this system has no such locks")
    job = read_record(kept / JOB)
    assert job is not None
    with Segments(kept, job, start=0):
        capsys.readouterr()
        assert main([*KEYS, *OUTPUTS, "--resume"]) == 2
        assert "must be used by one run at a time; another holds it" in capsys.readouterr().err
        assert main([*KEYS, "--alpha", "other.mkv", "--resume"]) == 0
    assert [path.name for path in Path().glob(".mattekit-*")] == [kept.name]


def test_what_is_left_of_a_damaged_clip_goes_on_too(
    folder: Path, stub: shots.Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (folder / "clip.mkv").read_bytes()
    (folder / "clip.mkv").write_bytes(content[: len(content) * 4 // 5])
    arguments = [*KEYS[:4], "--chunk", "1", "--alpha", "a.mkv", "--salvage"]
    assert main(arguments) == 0
    (made,) = Path().glob("a*.mkv")
    whole = made.read_bytes()
    made.unlink()
    interrupt(monkeypatch, arguments, segments=2)
    assert main([*arguments, "--resume"]) == 0
    assert made.read_bytes() == whole
    assert not list(Path().glob(".mattekit-*"))


def test_finishing_and_formats_may_change_before_it_goes_on(
    folder: Path, stub: shots.Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    finishing = ["--alpha", "a.mkv", "--cutout", "c.mkv", "--bits", "8", "--choke", "1"]
    assert main([*KEYS, *finishing]) == 0
    whole, _ = contents(), [Path(name).unlink() for name in ("a.mkv", "c.mkv")]
    interrupt(monkeypatch, [*KEYS, *OUTPUTS], segments=3)
    assert main([*KEYS, *finishing, "--resume"]) == 0
    assert contents() == whole
