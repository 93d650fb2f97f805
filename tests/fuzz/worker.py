"""Runs a reader on damaged bytes in a process of its own, which may take so long and so much memory and no more."""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import traceback
import warnings
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mattekit.cli.app import hush_libraries

SECONDS = 10
"""Longest that one input may take, in a machine that does other things too."""
MEGABYTES = 256
"""Most memory that one input may take beyond what the process has."""
PIXELS = 1 << 20
"""Most pixels of a picture in that process: what the user sets is what memory follows."""
STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Outcome:
    """What came of one input.

    Attributes:
        kind: "read", "refused", or a fault: "raised", "lines", "warned", "memory", "slow" or "died".
        told: The message, with where it came from for faults.
        megabytes: Memory taken at most.
    """

    kind: str
    told: str = ""
    megabytes: int = 0

    @property
    def is_fault(self) -> bool:
        return self.kind not in ("read", "refused")


class Reader:
    """A process that reads what it is given; it is started anew when it died or was too slow.

    As a context manager it ends with the block.
    """

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._seconds = seconds
        self._process: Any = None
        self._connection: Connection | None = None

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def run(self, target: str, name: str, data: bytes) -> Outcome:
        """Have a target read bytes as a file of a name."""
        connection = self._connection or self._start()
        connection.send((target, name, data))
        try:
            if not connection.poll(self._seconds):
                self.stop()
                return Outcome("slow", f"{target} took more than {self._seconds:g} s")
            outcome: Outcome = connection.recv()
        except EOFError:
            self._process.join()
            code = self._process.exitcode
            self.stop()
            return Outcome("died", f"{target} ended the process with code {code}")
        return outcome

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _start(self) -> Connection:
        self._connection, theirs = self._context.Pipe()
        self._process = self._context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        if not self._connection.poll(120) or self._connection.recv() != "ready":
            raise RuntimeError("the process that reads must start; it did not")
        return self._connection


def _serve(connection: Connection) -> None:
    """Read what comes until the connection ends."""
    os.environ["MATTEKIT_MOST_PIXELS"] = str(PIXELS)
    import torch

    from fuzz.targets import TARGETS

    torch.set_num_threads(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries in C may grumble there
    limit = _kilobytes("VmSize") * 1024 + 4 * MEGABYTES * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    connection.send("ready")
    while True:
        try:
            target, name, data = connection.recv()
        except EOFError:
            return
        folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        try:
            for neighbour, content in TARGETS[target].beside(name).items():
                (folder / neighbour).write_bytes(content)
            (folder / name).write_bytes(data)
            outcome = _measured(TARGETS[target].read, folder / name)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        connection.send(outcome)


def _measured(read: Any, path: Path) -> Outcome:
    """Run a reader, and tell how it ended and what memory it took."""
    Path("/proc/self/clear_refs").write_text("5")  # begins to measure the peak anew
    before = _kilobytes("VmRSS")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for hidden in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
            warnings.simplefilter("ignore", hidden)  # as without any option of Python's
        hush_libraries()
        outcome = _attempted(read, path)
    taken = max(0, _kilobytes("VmHWM") - before) // 1024
    if not outcome.is_fault and warned:
        outcome = Outcome("warned", f"{warned[0].category.__name__}: {warned[0].message} at {warned[0].filename}")
    if not outcome.is_fault and taken > MEGABYTES:
        outcome = Outcome("memory", f"{taken} MB were taken; {outcome.told}")
    return Outcome(outcome.kind, outcome.told, taken)


def _attempted(read: Any, path: Path) -> Outcome:
    from mattekit.checks import InputError

    try:
        read(path)
    except InputError as error:
        told = str(error)
        return Outcome("lines" if "\n" in told or not told else "refused", told)
    except BaseException as error:
        return Outcome("raised", f"{type(error).__name__}: {error} | {_where(error)}")
    return Outcome("read")


def _where(error: BaseException) -> str:
    """Return the last two places in mattekit that an error went through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "mattekit" in frame.filename]
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[:-3:-1])


def _kilobytes(field: str) -> int:
    """Return a field of the process's status."""
    for line in STATUS.read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    return 0


def can_measure() -> bool:
    """Return whether this system tells the memory that a process took."""
    return sys.platform == "linux" and os.access("/proc/self/clear_refs", os.W_OK)
