"""Runs the command in a process whose calls to the system are watched, and lets the n-th of them fail.

FFmpeg writes files by itself, so that no patch in Python reaches it. Linux can ask another process what is to become of
a call before it is made (seccomp's user notification): it may go on, return an error, or be the last thing that the
process did.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import faulthandler
import fcntl
import io
import multiprocessing
import os
import platform
import select
import socket
import struct
import sys
import threading
from collections.abc import Collection
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

NUMBERS = {
    "write": 1,
    "close": 3,
    "pwrite": 18,
    "writev": 20,
    "fsync": 74,
    "rename": 82,
    "mkdir": 83,
    "rmdir": 84,
    "link": 86,
    "unlink": 87,
    "open": 257,
    "mkdirat": 258,
    "unlinkat": 263,
    "renameat": 264,
    "linkat": 265,
    "renameat2": 316,
}
"""Calls that change files, by their numbers on x86-64; those about the folder of the job count, inputs apart."""

LONGEST = 30
"""Seconds after which a command is ended that hangs; it tells where."""
INPUTS = ("clip.mkv", "t.png")
BY_HANDLE = ("write", "close", "pwrite", "writev", "fsync")
AT_FOLDER = ("open", "mkdirat", "unlinkat", "renameat", "linkat", "renameat2")
SECCOMP, SET_FILTER, NEW_LISTENER, NO_NEW_PRIVILEGES = 317, 1, 8, 38
RECEIVE, SEND, GO_ON = 0xC0502100, 0xC0182101, 1
RECEIVED, ANSWER = struct.Struct("=QIIiIQ6Q"), struct.Struct("=QqiI")


@dataclass(frozen=True)
class Fault:
    """What happens at one call.

    Attributes:
        at: Its number among those that count, from 0.
        calls: Names of the calls that count.
        error: The error that it returns, or None.
        signal: A signal that is sent before it is made, or None.
    """

    at: int
    calls: Collection[str]
    error: int | None = None
    signal: int | None = None


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (below 0 for a signal), what it said, and its calls, "name path" each."""

    code: int
    said: str
    calls: tuple[str, ...]


def why_not() -> str | None:
    """Return why calls cannot be watched here, or None if they can."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return "watching calls to the system is written for Linux on x86-64"
    try:
        known = Path("/proc/sys/kernel/seccomp/actions_avail").read_text().split()
    except OSError:
        known = []
    return None if "user_notif" in known else "this kernel does not let a process watch another's calls"


class Watched:
    """A process that has loaded everything and runs commands in forks of itself.

    As a context manager it ends with the block.
    """

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        if not self._connection.poll(180) or self._connection.recv() != "ready":
            raise RuntimeError("the process that runs commands must start; it did not")

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._process.kill()
        self._process.join()

    def run(self, arguments: list[str], folder: Path, fault: Fault | None = None, *, seconds: float = 60) -> Ended:
        """Run the command in a folder, with at most one fault."""
        self._connection.send((arguments, str(folder), fault))
        if not self._connection.poll(seconds):
            self._process.kill()
            raise TimeoutError(f"the command must end within {seconds:g} s; it did not with {fault}")
        ended: Ended = self._connection.recv()
        return ended


def _serve(connection: Connection) -> None:
    """Load what commands need, then run those that are asked for, each in a fork."""
    import torch

    from faults.jobs import use_noise
    from mattekit.cli import main

    torch.set_num_threads(1)
    use_noise()
    with contextlib.redirect_stdout(io.StringIO()):
        main(["matte", "--help"])
    import mattekit.engine.stream
    import mattekit.ops  # noqa: F401

    assert threading.active_count() == 1, "a fork takes over one thread only"
    connection.send("ready")
    while True:
        try:
            arguments, folder, fault = connection.recv()
        except EOFError:
            return
        connection.send(_run(arguments, folder, fault))


def _run(arguments: list[str], folder: str, fault: Fault | None) -> Ended:
    ours, theirs = socket.socketpair()
    said = os.memfd_create("said")
    process = os.fork()
    if process == 0:
        _be_watched(theirs, arguments, folder, said)
    theirs.close()
    _, handles, _, _ = socket.recv_fds(ours, 1, 1)
    ours.close()
    calls = _watch(handles[0], process, folder, fault) if handles else ()
    for handle in handles:
        os.close(handle)
    _, status = os.waitpid(process, 0)
    with os.fdopen(said, "rb") as file:
        file.seek(0)
        text = file.read().decode("utf-8", "replace")
    return Ended(os.waitstatus_to_exitcode(status), text, tuple(calls))


def _be_watched(theirs: socket.socket, arguments: list[str], folder: str, said: int) -> None:
    """Ask to be watched, run the command, and end; threads that the command starts are watched too."""
    code = 99
    try:
        from mattekit.cli import main

        os.chdir(folder)
        os.dup2(said, 2)
        sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115 - as long as the process
        faulthandler.enable(sys.stderr)
        faulthandler.dump_traceback_later(LONGEST, exit=True, file=sys.stderr)
        handle = _ask()
        socket.send_fds(theirs, [b"x"], [handle])
        code = main(arguments)
    finally:
        os._exit(code)


def _ask() -> int:
    """Have the system tell of the calls that count; return the handle at which it does."""
    load, jump_equal, give_back = 0x20, 0x15, 0x06
    steps = [(load, 0, 0, 0)]
    left = len(NUMBERS)
    for number in NUMBERS.values():
        steps.append((jump_equal, left, 0, number))
        left -= 1
    steps += [(give_back, 0, 0, 0x7FFF0000), (give_back, 0, 0, 0x7FC00000)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "a process must be able to give up privileges")
    handle: int = library.syscall(SECCOMP, SET_FILTER, NEW_LISTENER, ctypes.byref(program))
    if handle < 0:
        raise OSError(ctypes.get_errno(), "a process must be able to be watched")
    return handle


def _watch(handle: int, process: int, folder: str, fault: Fault | None) -> list[str]:
    """Answer every call of a process until it has ended; return those about its folder."""
    calls: list[str] = []
    counted = 0
    names = {number: name for name, number in NUMBERS.items()}
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    while True:
        events = poll.poll()
        if any(
            event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) and not event & select.POLLIN
            for _, event in events
        ):
            return calls
        received = bytearray(RECEIVED.size)
        try:
            fcntl.ioctl(handle, RECEIVE, received)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINTR):
                continue
            return calls
        identity, thread, _, number, _, _, *values = RECEIVED.unpack(received)
        name, answer = names[number], 0
        path = _path(name, thread, values)
        if path is not None and path.startswith(folder + "/") and path[len(folder) + 1 :] not in INPUTS:
            calls.append(f"{name} {path[len(folder) + 1 :]}")
            if fault is not None and name in fault.calls:
                if counted == fault.at:
                    answer = _act(fault, process)
                counted += 1
        _answer(handle, identity, answer)


def _act(fault: Fault, process: int) -> int:
    """Send the fault's signal; return its error."""
    if fault.signal is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, fault.signal)
    return fault.error or 0


def _answer(handle: int, identity: int, error: int) -> None:
    with contextlib.suppress(OSError):  # the process may have ended, or been interrupted and asks again
        fcntl.ioctl(handle, SEND, ANSWER.pack(identity, 0, -error, 0 if error else GO_ON))


def _path(name: str, thread: int, values: list[Any]) -> str | None:
    """Return the path that a call is about, as the process sees it; the last one where there are two."""
    try:
        if name in BY_HANDLE:
            return os.readlink(f"/proc/{thread}/fd/{values[0]}")
        if name == "open" and not values[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return None  # it is only read
        place = {"rename": 1, "link": 1, "renameat": 3, "linkat": 3, "renameat2": 3}.get(name, int(name in AT_FOLDER))
        with open(f"/proc/{thread}/mem", "rb", buffering=0) as memory:
            memory.seek(values[place])
            text = os.fsdecode(memory.read(4096).split(b"\0", 1)[0])
        if text.startswith("/"):
            return text
        handle = ctypes.c_int(values[place - 1] & 0xFFFFFFFF).value if name in AT_FOLDER else -100
        base = os.readlink(f"/proc/{thread}/cwd" if handle == -100 else f"/proc/{thread}/fd/{handle}")
        return os.path.normpath(os.path.join(base, text))
    except (OSError, OverflowError):
        return None
