"""Runs a case in a process of its own: with limits, against time, and with its peak of memory."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

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
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "mattekit", *map(os.fsencode, case.command)],
        cwd=folder,
        env={**os.environ, **ONE_THREAD, **case.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: _confine(case),
    )
    with process.stderr:  # a pipe holds the few lines that may come; a file would be cut by the case's own limit
        if case.stop is not None:
            _stop(process, folder, case.stop)
        process.returncode, usage = _wait_for(process.pid, begun + within)
        seconds = time.monotonic() - begun
        words = process.stderr.read().decode("utf-8", "replace")
    if case.locked:
        folder.chmod(0o755)
    processor = usage.ru_utime + usage.ru_stime
    return Outcome(process.returncode, words), Spent(seconds, processor, usage.ru_maxrss << 10)


def run_forked(case: Case, folder: Path, *, within: float = 120.0) -> tuple[Outcome, Spent]:
    """Run a case in a copy of this process, which has imported what the command needs; all else as `run_apart`."""
    if case.locked:
        folder.chmod(0o555)
    ear, mouth = os.pipe()
    sys.stdout.flush()
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        _be_the_command(case, folder, mouth)
    os.close(mouth)
    with open(ear, "rb") as said:
        code, usage = _wait_for(child, begun + within)
        seconds = time.monotonic() - begun
        words = said.read().decode("utf-8", "replace")
    if case.locked:
        folder.chmod(0o755)
    return Outcome(code, words), Spent(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10)


def _be_the_command(case: Case, folder: Path, mouth: int) -> NoReturn:
    """Run the command in a copied process and end it."""
    from mattekit.cli import main

    code = 70
    try:
        os.chdir(folder)
        _confine(case)
        nothing = os.open(os.devnull, os.O_RDWR)
        for target, source in ((0, nothing), (1, nothing), (2, mouth)):
            os.dup2(source, target)
        os.environ.update(case.environment)
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - the process ends with it
        code = main(list(case.command))
        sys.stderr.flush()
    finally:
        os._exit(code)


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


def _wait_for(child: int, until: float) -> tuple[int, resource.struct_rusage]:
    """Wait for the end of a process and return its exit code and what it used.

    Raises:
        TimeoutError: It did not end in time; it is killed.
    """
    while True:
        ended, status, usage = os.wait4(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status), usage
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
            os.wait4(child, 0)
            raise TimeoutError("a case must end in time; this one was killed")
        time.sleep(0.02)
