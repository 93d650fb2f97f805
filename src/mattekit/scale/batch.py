"""Runs a batch of clips, each a task of its own, and tells what came of every one of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mattekit.checks import InputError
from mattekit.media import show_path
from mattekit.media.paths import reason
from mattekit.scale import run
from mattekit.scale.tasks import Outcome, Task, Work

DONE, SKIPPED, FAILED, INTERRUPTED = STATES = ("done", "skipped", "failed", "interrupted")
"""A clip was matted; was there already; could not be matted; or was not finished when the batch was stopped."""


@dataclass(frozen=True)
class Row:
    """What came of one clip.

    Attributes:
        clip: The clip as it was named, in printable letters.
        state: One of `STATES`.
        seconds: How long all attempts took together.
        frames: How many frames each output holds.
        attempts: How many times it was tried.
        error: Why it failed, in one line, or None.
        outputs: Path of each output by what it shows.
        notes: One line each on what was left out, and on where another trimap would help.
    """

    clip: str
    state: str
    seconds: float = 0.0
    frames: int = 0
    attempts: int = 0
    error: str | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


class Report:
    """A file of JSON lines, one a clip, that grows as clips are finished and is put in order at the end.

    Args:
        path: The file; an earlier one is replaced.
        names: The clips by the names of their tasks, in order.

    Raises:
        InputError: It cannot be written.
    """

    def __init__(self, path: Path, names: Mapping[str, str]) -> None:
        self.rows: dict[str, Row] = {}
        self._path, self._names = path, names
        try:
            self._file = path.open("w", encoding="utf-8")
        except OSError as error:
            raise InputError(
                f"the report must be a file that can be written; {show_path(path)}: {reason(error)}; choose another"
            ) from error

    def add(self, name: str, row: Row) -> None:
        """Write down what came of a clip, at once."""
        self.rows[name] = row
        self._file.write(_line(row))
        self._file.flush()

    def close(self) -> list[Row]:
        """Put the rows in order, those that nothing came of as interrupted, and return them."""
        self._file.close()
        rows = [self.rows.get(name, Row(clip, INTERRUPTED)) for name, clip in self._names.items()]
        beside = self._path.with_name(f".{self._path.name}.part")
        beside.write_text("".join(map(_line, rows)), encoding="utf-8")
        os.replace(beside, self._path)
        return rows


def _line(row: Row) -> str:
    return json.dumps(asdict(row)) + "\n"


def run_batch(
    work: Work,
    tasks: Sequence[Task],
    report: Report,
    *,
    options: Mapping[str, Any],
    clips: Mapping[str, str],
    progress: Callable[[int], None],
) -> None:
    """Run the tasks of a batch, none of them in this process, and report each as it finishes.

    Args:
        work: Of one task; returns frames, outputs and notes.
        tasks: The clips.
        report: Where it is told.
        options: Engine, workers, retries and address, as `mattekit.scale.run` takes them.
        clips: The clip of each task's name, in printable letters.
        progress: Called with how many tasks are finished.
    """
    if not tasks:
        return
    with closing(run(work, tasks, isolated=True, **options)) as outcomes:
        for done, outcome in enumerate(outcomes, start=1):
            report.add(outcome.name, _row(clips[outcome.name], outcome))
            progress(done)


def _row(clip: str, outcome: Outcome) -> Row:
    seconds = round(outcome.seconds, 3)
    if outcome.result is None:
        return Row(clip, FAILED, seconds, attempts=outcome.attempts, error=outcome.error)
    facts = outcome.result
    return Row(clip, DONE, seconds, facts["frames"], outcome.attempts, None, facts["outputs"], facts["notes"])
