"""What a case of the torture corpus is, and how one is run through the real command line and judged."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from mattekit.cli import main
from mattekit.media import probe
from mattekit.media.salvage import salvage

Maker = Callable[[Path], None]
LARGEST_READ = 1 << 26
"""Inputs above this are compared by size and time, not by their bytes."""


@dataclass(frozen=True)
class Case:
    """One line of the table.

    Attributes:
        promise: Number of the promise that it tests.
        makes: Maker of each input by file name, made in this order.
        command: Arguments after ``mattekit``.
        code: Exit code.
        says: What the one line of an error, or the lines of a success, must contain.
        leaves: Frames and size (height, width) of each output; all else must be as before.
        environment: Variables that are set.
        same_times: Output whose times must be exactly those of an input, by name.
        limit: Bytes that a file may have, in a process of its own, or None.
        locked: Whether the folder must not be written to, in a process of its own.
        stop: Signal sent once an output has been begun, in a process of its own, or None.
    """

    promise: int
    makes: Mapping[str, Maker]
    command: tuple[str, ...]
    code: int = 2
    says: str = ""
    leaves: Mapping[str, tuple[int, tuple[int, int]]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    same_times: tuple[str, str] | None = None
    limit: int | None = None
    locked: bool = False
    stop: int | None = None

    @property
    def alone(self) -> bool:
        """Whether it needs a process of its own."""
        return self.limit is not None or self.locked or self.stop is not None


@dataclass(frozen=True)
class Outcome:
    """What a run left.

    Attributes:
        code: Exit code.
        said: What was written to stderr.
    """

    code: int
    said: str


def prepare(case: Case, folder: Path) -> dict[str, object]:
    """Make the inputs of a case in a folder and return what it holds."""
    for name, maker in case.makes.items():
        maker(folder / name)
    return contents(folder)


def run_here(case: Case, folder: Path) -> Outcome:
    """Run a case in this process."""
    out, err, before = io.StringIO(), io.StringIO(), os.getcwd()
    os.chdir(folder)
    try:
        with redirect_stdout(out), redirect_stderr(err), mock.patch.dict(os.environ, dict(case.environment)):
            code = main(list(case.command))
    finally:
        os.chdir(before)
    return Outcome(code, err.getvalue())


def contents(folder: Path) -> dict[str, object]:
    """Return what stands at each path below a folder: bytes of files, targets of links, kinds of the rest."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name, status = str(path.relative_to(folder)), path.lstat()
        if stat.S_ISLNK(status.st_mode):
            found[name] = ("link", os.readlink(path))
        elif stat.S_ISREG(status.st_mode):
            is_large = status.st_size > LARGEST_READ
            found[name] = (status.st_size, status.st_mtime_ns) if is_large else path.read_bytes()
        else:
            found[name] = stat.S_IFMT(status.st_mode)
    return found


def judge(case: Case, folder: Path, before: Mapping[str, object], outcome: Outcome) -> None:
    """Raise AssertionError unless a case ended as the table says.

    The exit code, the words, one line and no traceback for an error, inputs as they were, the outputs whole and nothing
    beside them.
    """
    assert outcome.code == case.code, f"exit {outcome.code}, not {case.code}: {outcome.said}"
    assert case.says in outcome.said, outcome.said
    assert "Traceback" not in outcome.said
    if case.code > 0:
        assert outcome.said.startswith("mattekit: "), outcome.said
        assert outcome.said.count("\n") == 1, outcome.said
    for name, (frames, size) in case.leaves.items():
        clip = salvage(folder / name) if (folder / name).is_dir() else probe(folder / name)  # a folder may have gaps
        assert (clip.frames, clip.size) == (frames, size), f"{name}: {clip.frames} frames of {clip.size}"
    after = contents(folder)
    new = {name for name in after if name not in before and not any(_below(name, output) for output in case.leaves)}
    left = {name for name in new if case.code >= 0 or not Path(name).parts[0].startswith(".mattekit-")}
    assert not left, f"left behind: {sorted(left)}"
    changed = {name for name in before if after.get(name) != before[name] and name not in case.leaves}
    assert not changed, f"changed: {sorted(changed)}"
    if case.same_times is not None:
        output, source = (_times(folder / name) for name in case.same_times)
        assert output == source, f"times {output}, not {source}"


def _below(name: str, output: str) -> bool:
    return name == output or name.startswith(f"{output}/")


def _times(path: Path) -> list[object]:
    from footage import video_times

    return list(video_times(path))
