"""Runs jobs with one fault each, at every place where it can come, and tells what went wrong."""

from __future__ import annotations

import errno
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from faults.jobs import command, contents, fresh
from faults.judge import failings, failings_of_death, wrong_answer
from faults.kernel import Ended, Fault, Watched

WRITING = ("write", "pwrite", "writev")
FORCING = ("fsync",)
CLOSING = ("close",)
OPENING = ("open", "mkdir", "mkdirat")
NAMING = ("rename", "renameat", "renameat2", "link", "linkat")
REMOVING = ("unlink", "unlinkat", "rmdir")
ALL = (*WRITING, *FORCING, *CLOSING, *OPENING, *NAMING, *REMOVING)
GROUPS = {
    "write": (WRITING, (errno.ENOSPC, errno.EIO)),
    "fsync": (FORCING, (errno.EIO, errno.ENOSPC)),
    "close": (CLOSING, (errno.EIO,)),
    "open": (OPENING, (errno.ENOSPC, errno.EMFILE)),
    "rename": (NAMING, (errno.EIO, errno.EACCES)),
}
"""Calls that are made to fail together, and with what. Calls that take away are left alone: they only follow faults."""
KILLED, DONE, USAGE, INTERRUPTED = -signal.SIGKILL, 0, 2, 130


@dataclass
class Tally:
    """How many faults were made, and what went wrong after which."""

    made: int = 0
    wrong: list[str] = field(default_factory=list)

    def __iadd__(self, other: Tally) -> Tally:
        self.made += other.made
        self.wrong += other.wrong
        return self


@dataclass(frozen=True)
class Bench:
    """Where jobs are run.

    Attributes:
        watched: Runs them.
        inputs: Folder with the clip and its trimap.
        folder: The folder of the job, emptied for each.
        known: Calls and files of jobs without a fault, each run once.
    """

    watched: Watched
    inputs: Path
    folder: Path
    known: dict[tuple[str, bool], tuple[list[str], dict[str, bytes]]] = field(default_factory=dict)

    def run(self, kind: str, fault: Fault | None = None, *, overwrite: bool) -> tuple[Ended, dict[str, bytes]]:
        """Run a job in a fresh folder; return how it ended and what was there before."""
        before = fresh(self.folder, self.inputs, kind, overwrite=overwrite)
        return self.watched.run(command(kind, overwrite=overwrite), self.folder, fault), before

    def whole(self, kind: str, *, overwrite: bool) -> tuple[list[str], dict[str, bytes]]:
        """Run a job without a fault; return its calls and what is there after it."""
        if (kind, overwrite) not in self.known:
            ended, _ = self.run(kind, overwrite=overwrite)
            if ended.code != DONE:
                raise RuntimeError(f"job {kind} must end well without a fault; it said {ended.said}")
            self.known[kind, overwrite] = list(ended.calls), contents(self.folder)
        return self.known[kind, overwrite]


def count(calls: Iterable[str], names: Sequence[str]) -> int:
    """Return how many calls have one of the names."""
    return sum(call.split(" ", 1)[0] in names for call in calls)


def spread(total: int, most: int | None) -> Iterator[int]:
    """Yield numbers from 0 to below a total, ``most`` of them at equal distances, the last one always."""
    if most is None or total <= most:
        yield from range(total)
        return
    yield from sorted({(total - 1) * (step + 1) // most for step in range(most)})


def fail(bench: Bench, kind: str, group: str, *, overwrite: bool, most: int | None = None) -> Tally:
    """Let the n-th call of a group fail, for every n, and each of its errors in turn."""
    names, errors = GROUPS[group]
    calls, whole = bench.whole(kind, overwrite=overwrite)
    tally = Tally()
    for at in spread(count(calls, names), most):
        error = errors[at % len(errors)]
        ended, before = bench.run(kind, Fault(at, names, error=error), overwrite=overwrite)
        after = contents(bench.folder)
        found = failings(kind, before, whole, after)
        if ended.code == DONE:
            found += [] if after == whole else ["it said that all was well"]
        else:
            found += [] if after == before else ["outputs were replaced and it failed"]
            found += [wrong_answer(ended.code, ended.said, expected=(USAGE,)) or ""]
        tally += _told(found, f"{kind}, {group} {at} fails with {errno.errorcode[error]}", overwrite, ended)
    return tally


def interrupt(bench: Bench, kind: str, number: int, *, overwrite: bool, most: int | None = None) -> Tally:
    """Send a signal before the n-th call of any kind, for every n."""
    calls, whole = bench.whole(kind, overwrite=overwrite)
    tally = Tally()
    for at in spread(count(calls, ALL), most):
        ended, before = bench.run(kind, Fault(at, ALL, signal=number), overwrite=overwrite)
        after = contents(bench.folder)
        found = failings(kind, before, whole, after)
        if ended.code == DONE:
            found += [] if after == whole else ["it said that all was well"]
        else:
            found += [wrong_answer(ended.code, ended.said, expected=(INTERRUPTED,)) or ""]
        tally += _told(found, f"{kind}, signal {number} before call {at}", overwrite, ended)
    return tally


def kill(bench: Bench, kind: str, *, overwrite: bool, most: int | None = None) -> Tally:
    """End the process at once before the n-th call of any kind, for every n, and run the job once more after it."""
    calls, whole = bench.whole(kind, overwrite=overwrite)
    tally = Tally()
    for at in spread(count(calls, ALL), most):
        ended, before = bench.run(kind, Fault(at, ALL, signal=signal.SIGKILL), overwrite=overwrite)
        found = failings_of_death(kind, before, whole, contents(bench.folder))
        if ended.code != KILLED:
            found.append(f"it ended with {ended.code}")
        again = bench.watched.run(command(kind, overwrite=True), bench.folder)
        now = contents(bench.folder)
        if again.code != DONE or any(now.get(path) != data for path, data in whole.items()):
            found.append(f"the next run was hindered: {again.said!r}")
        tally += _told(found, f"{kind}, killed before call {at}", overwrite, ended)
    return tally


def _told(found: list[str], what: str, overwrite: bool, ended: Ended) -> Tally:
    """Return one fault's tally."""
    found = [line for line in found if line]
    last = ended.calls[-3:]
    when = f"{what}{' over old files' * overwrite}: {'; '.join(found)} (code {ended.code}; last calls {last})"
    return Tally(1, [when] if found else [])


def main(minutes: float = 60) -> int:
    """Make every fault of every kind in every job; return 1 when anything went wrong."""
    import tempfile

    from faults.jobs import JOBS, make_inputs

    end, total = time.monotonic() + 60 * minutes, Tally()
    with tempfile.TemporaryDirectory() as name, Watched() as watched:
        bench = Bench(watched, Path(name) / "inputs", Path(name) / "job")
        bench.inputs.mkdir()
        make_inputs(bench.inputs)
        for kind in JOBS:
            for overwrite in (False, True):
                tally = Tally()
                for group in GROUPS:
                    tally += fail(bench, kind, group, overwrite=overwrite)
                for number in (signal.SIGINT, signal.SIGTERM):
                    tally += interrupt(bench, kind, number, overwrite=overwrite)
                tally += kill(bench, kind, overwrite=overwrite)
                total += tally
                print(
                    f"{kind}{' over old files' * overwrite}: {tally.made} faults, {len(tally.wrong)} gone wrong",
                    flush=True,
                )
                for line in tally.wrong:
                    print(f"    {line}", flush=True)
                if time.monotonic() > end:
                    break
    print(f"{total.made} faults were made; {len(total.wrong)} went wrong")
    return int(bool(total.wrong))
