"""The n-th step of writing the report of an evaluation fails: it is absent or whole, and nothing lies beside it."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faults.judge import wrong_answer
from faults.stages import Counter
from mattekit.cli import evaluation, main

ERRORS: dict[str, tuple[Callable[[], BaseException], int]] = {
    "no space": (lambda: OSError(errno.ENOSPC, "No space left on device"), 2),
    "interrupt": (KeyboardInterrupt, 130),
}
STEPS = {
    "folder": (Path, "mkdir"),
    "table": (Path, "open"),
    "picture": (Image.Image, "save"),
    "text": (Path, "write_text"),
    "read again": (Path, "read_text"),
    "sync": (os, "fsync"),
    "rename": (os, "rename"),
}
COMMAND = ["evaluate", "made", "true", "-o", "report", "--worst", "1", "--convention", "rvm-lr"]
MADE = {"report/pictures/0000-000001.png", "report/index.html", "report/scores.json", "report/clips.csv"}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, wrong in (("made", 1), ("true", 0)):
        (tmp_path / name).mkdir()
        for number in range(2):
            alpha = np.full((8, 8), 128, np.uint8)
            alpha[:4] = 255 - 99 * (wrong * number)
            Image.fromarray(alpha).save(tmp_path / name / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("step", STEPS)
def test_a_report_is_absent_or_whole(place: Path, capsys: pytest.CaptureFixture[str], step: str, error: str) -> None:
    before, (owner, name), (make, code) = contents(place), STEPS[step], ERRORS[error]
    made, at = 0, 0
    while True:
        counter = Counter(at, make)
        capsys.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, name, counter.before(getattr(owner, name)))
            ended = main(COMMAND)
        if counter.calls <= at:
            break
        made += 1
        said = capsys.readouterr().err
        at += 1
        if ended == 0:  # what fails in a task is tried again, and not every system syncs a folder
            assert step in ("sync", "picture")
            assert contents(place) - before >= MADE
            shutil.rmtree(place / "report")
            continue
        assert contents(place) == before, f"{step} {at}: {said}"
        assert wrong_answer(ended, said, expected=(code,)) is None, f"{step} {at}: {said}"
    assert made > 0
    assert ended == 0
    assert contents(place) - before >= MADE


@pytest.mark.parametrize("kind", ["cut", "appeared"])
def test_what_is_not_whole_or_has_lost_its_place_is_not_published(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    def spoil(hidden: Path, *rest: object) -> None:
        write(hidden, *rest)  # type: ignore[arg-type]
        if kind == "cut":
            os.truncate(hidden / "index.html", 100)
        else:
            (place / "report").mkdir()

    write = evaluation.write_report
    monkeypatch.setattr("mattekit.cli.evaluate.write_report", spoil)
    before = contents(place)
    assert main(COMMAND) == 2
    said = capsys.readouterr().err
    assert ("must hold what was written" if kind == "cut" else "appeared meanwhile") in said
    assert contents(place) - before == (set() if kind == "cut" else {"report"})
