"""Tasks in this process, or in processes of this machine, each with a pipe of its own.

A worker holds one task at a time and nobody else's pipe, so that the death of a process tells at once, and with
certainty, which task it held.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from types import FrameType
from typing import NoReturn

from mattekit.checks import MattekitError, one_line
from mattekit.scale.tasks import Attempt, Outcome, Queue, Ticket, Work, attempt, read_attempt

GRACE = 5.0
"""Seconds a worker has to remove its temporary files once it is told to stop; then it is killed."""

MOST_FAILED_STARTS = 3
"""Workers in a row that may end before they are ready; more are not a mishap."""

ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Environment of a worker: as many threads as processes would only get in each other's way."""

_READY = b""


def run_here(work: Work, queue: Queue) -> Generator[Outcome, None, None]:
    """Run the tasks one after the other in this process."""
    while queue:
        ticket = queue.take()
        outcome = queue.settle(ticket, read_attempt(attempt(work, ticket.arguments)))
        if outcome is not None:
            yield outcome


def run_in_processes(work: Work, queue: Queue, *, workers: int) -> Generator[Outcome, None, None]:
    """Run the tasks in so many processes at once; none is left behind, however this ends.

    Raises:
        MattekitError: Processes cannot start, or cannot import the work.
    """
    pool = _Pool(pickle.dumps(work), workers)
    try:
        pool.fill(queue)
        while pool.busy or queue:
            outcomes = pool.step(queue)
            pool.fill(queue)  # first of all, so that no worker waits for whoever reads the outcomes
            yield from outcomes
    finally:
        pool.stop()


class _Worker:
    """A process that is given one task after the other through its own pipe."""

    def __init__(self, work: bytes) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()
        self.ready = False
        self.ticket: Ticket | None = None
        self._since = 0.0
        self.send(work)

    def send(self, message: bytes) -> bool:
        """Send a message; return whether there was anyone to send it to."""
        try:
            self.connection.send_bytes(message)
        except OSError:
            return False
        return True

    def receive(self) -> bytes | None:
        """Return the message that is there, or None if the process has ended."""
        try:
            return self.connection.recv_bytes()
        except (EOFError, OSError):
            return None

    def hold(self, ticket: Ticket) -> bool:
        """Begin a task; return whether the worker still lives to do it."""
        sent = self.send(ticket.arguments.encode())
        self.ticket, self._since = (ticket if sent else None), time.perf_counter()
        return sent

    def finish(self, message: bytes) -> Attempt:
        """Return what a message says of the task; the worker is free again."""
        self.ticket = None
        return read_attempt(message)

    def bury(self) -> Attempt:
        """Return what the death of the process means for the task that it held."""
        seconds = time.perf_counter() - self._since
        self.end(time.monotonic() + GRACE)
        return Attempt(None, f"its worker process died: {_cause_of_death(self.process.exitcode)}", seconds)

    def end(self, deadline: float) -> None:
        """Wait until the process has ended, and kill it at the deadline."""
        self.connection.close()
        self.process.join(max(0.0, deadline - time.monotonic()))
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        told = time.monotonic() + GRACE
        while self.process.exitcode is None and time.monotonic() < told:
            time.sleep(0.01)  # another thread waited for it at this very moment, and is about to say how it ended


class _Pool:
    """As many workers as there are tasks for, made good when one dies."""

    def __init__(self, work: bytes, size: int) -> None:
        self._work, self._size = work, size
        self._workers: list[_Worker] = []
        self._failed_starts = 0

    @property
    def busy(self) -> int:
        """How many tasks are under way."""
        return sum(worker.ticket is not None for worker in self._workers)

    def fill(self, queue: Queue) -> None:
        """Start the workers that are missing and give those that are free a task."""
        while len(self._workers) < min(self._size, len(queue) + self.busy):
            with _signals_held():  # the new process inherits that, until it can heed them
                self._workers.append(_Worker(self._work))
        for worker in self._workers:
            if queue and worker.ready and worker.ticket is None:
                ticket = queue.take()
                if not worker.hold(ticket):
                    queue.put_back(ticket)

    def step(self, queue: Queue) -> list[Outcome]:
        """Wait until workers have something to say, and return the outcomes that this brings."""
        heard = wait([worker.connection for worker in self._workers])
        found = [self._hear(worker, queue) for worker in [*self._workers] if worker.connection in heard]
        return [outcome for outcome in found if outcome is not None]

    def _hear(self, worker: _Worker, queue: Queue) -> Outcome | None:
        message, ticket = worker.receive(), worker.ticket
        if message is None:
            self._workers.remove(worker)
            death = worker.bury()
            if not worker.ready:
                self._count_failed_start(worker)
            return queue.settle(ticket, death) if ticket is not None else None
        if ticket is not None:
            return queue.settle(ticket, worker.finish(message))
        if message != _READY:
            raise MattekitError(f"work must be importable in a worker process; {message.decode()}")
        worker.ready, self._failed_starts = True, 0
        return None

    def _count_failed_start(self, worker: _Worker) -> None:
        self._failed_starts += 1
        if self._failed_starts >= MOST_FAILED_STARTS:
            raise MattekitError(
                f"worker processes must be able to start; {MOST_FAILED_STARTS} in a row ended before their first task, "
                f"the last by {_cause_of_death(worker.process.exitcode)}; a script that starts them must do so under "
                "`if __name__ == '__main__':`"
            )

    def stop(self) -> None:
        """End every worker: free ones by closing their pipe, the others by a signal that lets them clean up."""
        for worker in self._workers:
            worker.connection.close()
            if worker.ticket is not None or not worker.ready:
                worker.process.terminate()
        deadline = time.monotonic() + GRACE
        for worker in self._workers:
            worker.end(deadline)


def _cause_of_death(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    name = {each.value: each.name for each in signal.Signals}.get(-code, f"signal {-code}")
    return f"{name}, perhaps for want of memory" if name == "SIGKILL" else name


@contextmanager
def _signals_held() -> Iterator[None]:
    """Put off requests to end until the block is left, where the system can."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection) -> None:
    """Do what comes through the pipe until it closes: the worker process."""
    os.environ.update(ONE_THREAD)
    with suppress(KeyboardInterrupt, EOFError, ConnectionError):
        _heed_signals()
        threading.Thread(target=_end_with_parent, daemon=True).start()
        try:
            work: Work = pickle.loads(connection.recv_bytes())
        except Exception as error:
            connection.send_bytes(one_line(f"{type(error).__name__}: {error}").encode())
            return
        if "torch" in sys.modules:  # it was there before the environment was set
            sys.modules["torch"].set_num_threads(1)
        connection.send_bytes(_READY)
        while True:
            arguments = connection.recv_bytes().decode()
            connection.send_bytes(attempt(work, arguments).encode())


def _heed_signals() -> None:
    """Let SIGTERM interrupt the work, once, so that it cleans up; a Ctrl-C is for the parent, which sends SIGTERM."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, interrupt)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})


def _end_with_parent() -> None:
    """End this process when its parent has, even if the parent could say nothing."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)
