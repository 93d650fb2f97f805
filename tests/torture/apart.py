"""Runs a case in a process of its own: with limits, against time, and with its peak of memory."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from torture.case import Case, Outcome

DROP_RIGHT, TO_PASS_PERMISSIONS = 24, 1
"""PR_CAPBSET_DROP and CAP_DAC_OVERRIDE of Linux."""
MOST_SECONDS, MOST_BYTES = 10.0, 1 << 31
STARTED_WITHIN = 60.0
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Spent:
    """What a run took.

    Attributes:
        seconds: By the clock.
        processor: Seconds of processor time, of all its threads.
        peak: Most memory that it held, bytes.
    """

    seconds: float
    processor: float
    peak: int


def run_apart(case: Case, folder: Path, *, within: float = 120.0) -> tuple[Outcome, Spent]:
    """Run a case in a process of its own.

    Args:
        case: What to run.
        folder: Holds its inputs.
        within: Seconds after which it is killed.

    Raises:
        TimeoutError: It was.
    """
    if case.locked:
        folder.chmod(0o555)
    with tempfile.TemporaryFile() as said:
        begun = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "mattekit", *map(os.fsencode, case.command)],
            cwd=folder,
            env={**os.environ, **ONE_THREAD, **case.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            preexec_fn=lambda: _confine(case),
        )
        if case.stop is not None:
            _stop(process, folder, case.stop)
        usage = _wait(process, begun + within)
        seconds = time.monotonic() - begun
        said.seek(0)
        words = said.read().decode("utf-8", "replace")
    if case.locked:
        folder.chmod(0o755)
    processor = usage.ru_utime + usage.ru_stime
    return Outcome(process.returncode, words), Spent(seconds, processor, usage.ru_maxrss << 10)


def _confine(case: Case) -> None:
    """Limit the process that a case will run in; no program runs here but the system's own calls."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (100, 100))
    if case.limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (case.limit, case.limit))
    if case.locked and os.geteuid() == 0:  # for whom nothing is locked, unless this right is given away
        ctypes.CDLL(None).prctl(DROP_RIGHT, TO_PASS_PERMISSIONS, 0, 0, 0)


def _stop(process: subprocess.Popen[bytes], folder: Path, number: int) -> None:
    """Send a signal soon after the first output has been begun."""
    until = time.monotonic() + STARTED_WITHIN
    while not list(folder.glob(".mattekit-*")) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.2)
    process.send_signal(number)


def _wait(process: subprocess.Popen[bytes], until: float) -> resource.struct_rusage:
    """Wait for the end of a process and return what it used.

    Raises:
        TimeoutError: It did not end in time; it is killed.
    """
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage
        if time.monotonic() > until:
            process.kill()
            os.wait4(process.pid, 0)
            process.returncode = -9
            raise TimeoutError(f"{' '.join(map(str, process.args))} must end in time; it did not")
        time.sleep(0.02)
