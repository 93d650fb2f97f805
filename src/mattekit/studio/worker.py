"""The background process of a session, seen from the session: started when needed, spoken to without waiting."""

from __future__ import annotations

import multiprocessing
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from mattekit.studio.work import work
from mattekit.types import ClipInfo

GRACE = 2.0
"""Seconds that the process has to end by itself."""

Message = tuple[Any, ...]


@dataclass(frozen=True)
class Setup:
    """What the background process needs to know from the beginning.

    Attributes:
        clip: The clip.
        weights: File of the networks' weights; None takes those that the package carries.
        device: Where they run; "auto" takes the first of CUDA, MPS and CPU that is there.
        threads: How many one operation may use; None leaves torch's own choice.
    """

    clip: ClipInfo
    weights: Path | None = None
    device: str = "auto"
    threads: int | None = None


class Worker:
    """A process that does a session's work; where it ends, the next message starts another.

    Args:
        setup: Handed to the process.
        greet: Returns the messages that a new process is told first.
        hear: Called in a thread of its own with each message of the process.
        lost: Called, likewise, when the process has ended without being asked to.
    """

    def __init__(
        self,
        setup: Setup,
        *,
        greet: Callable[[], list[Message]],
        hear: Callable[[Message], None],
        lost: Callable[[], None],
    ) -> None:
        self._setup, self._greet, self._hear, self._lost = setup, greet, hear, lost
        self._lock = threading.Lock()
        self._line: _Line | None = None
        self._closed = False

    @property
    def is_running(self) -> bool:
        """Whether there is a process."""
        with self._lock:
            return self._line is not None

    @property
    def process(self) -> int | None:
        """Number of the process, or None where there is none."""
        with self._lock:
            return None if self._line is None else self._line.process.pid

    def start(self) -> None:
        """Start a process unless there is one; it is greeted first."""
        with self._lock:
            if self._line is None and not self._closed:
                self._line = _Line(self._setup, hear=self._hear, lost=self._gone)
                for message in self._greet():
                    self._line.send(message)

    def tell(self, message: Message) -> None:
        """Send a message to the process if there is one; this waits for nothing."""
        with self._lock:
            if self._line is not None:
                self._line.send(message)

    def close(self) -> None:
        """End the process; it is given a moment to end by itself."""
        with self._lock:
            line, self._line, self._closed = self._line, None, True
        if line is not None:
            line.close()

    def _gone(self, line: _Line) -> None:
        with self._lock:
            if self._line is not line:
                return
            self._line = None
        line.close()
        self._lost()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold interruptions by keyboard back, from this thread and for good from what it starts meanwhile.

    A terminal sends them to every process; one that has not yet come to its first line would end with a traceback.
    """
    if not hasattr(signal, "pthread_sigmask"):  # as on Windows
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # started with the first process, it would let them through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Line:
    """A process, with a thread that speaks to it and one that listens."""

    def __init__(self, setup: Setup, *, hear: Callable[[Message], None], lost: Callable[[_Line], None]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=work, args=(theirs, setup), daemon=True, name="mattekit")
        with _uninterrupted():
            self.process.start()
        theirs.close()
        self._waiting: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._threads = (
            threading.Thread(target=self._speak, daemon=True),
            threading.Thread(target=self._listen, args=(hear, lost), daemon=True),
        )
        for thread in self._threads:
            thread.start()

    def send(self, message: Message) -> None:
        """Put a message where the speaking thread takes it."""
        self._waiting.put(message)

    def close(self) -> None:
        """End the process and the threads."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._waiting.put(("end",))
        self._waiting.put(None)
        self.process.join(GRACE)
        if self.process.is_alive():
            self.process.terminate()
            self.process.join(GRACE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        for thread in self._threads:  # which end with the process; what they read from is closed after them
            if thread is not threading.current_thread():
                thread.join(GRACE)
        self._pipe.close()
        self.process.close()

    def _speak(self) -> None:
        while True:
            message = self._waiting.get()
            if message is None:
                return
            with suppress(OSError, ValueError):  # the process has ended; the listening thread notices
                self._pipe.send(message)

    def _listen(self, hear: Callable[[Message], None], lost: Callable[[_Line], None]) -> None:
        while True:
            try:
                message = self._pipe.recv()
            except (EOFError, OSError):
                break
            if not self._closing.is_set():
                hear(message)
        if not self._closing.is_set():
            lost(self)
