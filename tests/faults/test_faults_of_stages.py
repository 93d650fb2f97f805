"""The n-th frame cannot be read, matted, converted, encoded, muxed or closed: outputs are as they were, in one line."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import av
import pytest

import mattekit.models
from faults.jobs import JOBS, command, contents, fresh, load_noise, make_inputs
from faults.judge import failings, wrong_answer
from faults.stages import STAGES, Counter, failing
from mattekit.cli import main

ERRORS: dict[str, tuple[Callable[[], BaseException], int]] = {
    "no space": (lambda: OSError(errno.ENOSPC, "No space left on device"), 2),
    "bad data": (lambda: av.error.InvalidDataError(-1, "Invalid data found when processing input"), 2),
    "no memory": (MemoryError, 1),
    "interrupt": (KeyboardInterrupt, 130),
}
"""What is raised, and the exit code that it must give where outputs are written."""

VIDEO, PICTURES = ("encode", "mux", "close"), ("folder", "pattern", "still", "exr", "jpeg")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    make_inputs(folder)
    return folder


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("kind", ["mkv with sound", "mov", "pattern", "together"])
def test_any_frame_may_fail_at_any_stage(
    tmp_path: Path,
    inputs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    stage: str,
) -> None:
    if stage in VIDEO and kind in PICTURES:
        stage = "convert"
    monkeypatch.setattr(mattekit.models, "load", load_noise)
    folder = tmp_path / "job"
    fresh(folder, inputs, kind, overwrite=True)
    monkeypatch.chdir(folder)
    counter = Counter(None, MemoryError)
    with failing(stage, counter):
        assert main(command(kind, overwrite=True)) == 0
    whole, wrong, made = contents(folder), [], 0
    assert counter.calls > 0
    for at in range(counter.calls):
        name = list(ERRORS)[at % len(ERRORS)]
        error, code = ERRORS[name]
        monkeypatch.chdir(tmp_path)
        before = fresh(folder, inputs, kind, overwrite=True)
        monkeypatch.chdir(folder)
        capsys.readouterr()
        with failing(stage, Counter(at, error)):
            ended = main(command(kind, overwrite=True))
        said, after, made = capsys.readouterr().err, contents(folder), made + 1
        found = failings(kind, before, whole, after)
        if after != before:
            found.append("outputs were replaced and it failed")
        allowed = (code, 1) if stage in ("read", "model") else (code,)
        found += [wrong_answer(ended, said, expected=allowed) or ""]
        wrong += [f"{kind}, {stage} {at}, {name}: {line}" for line in found if line]
    print(f"{made} faults")
    assert not wrong, "\n".join(wrong)


def test_every_job_is_of_a_kind_of_its_own() -> None:
    assert len({job.options for job in JOBS.values()}) == len(JOBS)
