"""What a session has its background process do: carrying, matting, and finding people."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import Future
from typing import Any

from mattekit.checks import InputError
from mattekit.studio.board import Board, Held, HeldAlpha
from mattekit.studio.jobs import Job
from mattekit.studio.pictures import Packed
from mattekit.studio.telling import Teller
from mattekit.studio.worker import Message, Setup, Worker

LOST = "the background process ended before it was done; what it did is kept: start the job again"


class Background:
    """A session's side of its background process.

    Args:
        setup: What the process is started with.
        board: Where what it makes is put.
        teller: Told of it.
        lock: Held while either changes.
    """

    def __init__(self, setup: Setup, board: Board, teller: Teller, lock: threading.RLock) -> None:
        self._board, self._teller, self._lock = board, teller, lock
        self._worker = Worker(setup, greet=self._greeting, hear=self._hear, lost=self._lost)
        self._questions: dict[int, Future[Packed]] = {}
        self._numbers = itertools.count()
        self._facts: dict[str, Any] = {"family": "dvm", "person": False, "ready": False}

    @property
    def process(self) -> int | None:
        """Number of the process, or None where there is none."""
        return self._worker.process

    def start(self) -> None:
        """Start the process unless there is one."""
        with self._lock:  # before that of the worker, always
            self._worker.start()

    def close(self) -> None:
        """End the process, and whatever waits for it."""
        self._worker.close()
        self._give_up("the session was closed")

    def facts(self) -> dict[str, Any]:
        """Return what is known of the networks: their family, whether people can be found, whether they are loaded."""
        return dict(self._facts)

    def put(self, number: int, held: Held | None) -> None:
        """Tell the process of a frame's new trimap."""
        self._worker.tell(("put", number, held))

    def look(self, number: int) -> None:
        """Tell the process which frame the user sees."""
        self._worker.tell(("look", number))

    def begin(self, kind: str, start: int, end: int) -> Job:
        """Return a new job, which the process is told of."""
        with self._lock:
            self._worker.start()
            job = self._teller.jobs.add(kind)
            self._teller.job(job)
            self._worker.tell(("job", job.id, kind, start, end))
        return job

    def cancel(self, job: Job) -> None:
        """End a job; the frame that is being done still comes."""
        with self._lock:
            self._worker.tell(("cancel", job.id))
            self._teller.job(self._teller.jobs.end(job.id, "cancelled"))

    def people(self, number: int, *, patience: float) -> Packed:
        """Return the trimap of the people in a frame; the only thing here that is waited for.

        Args:
            number: Of the frame.
            patience: Seconds to wait at most; the process may have to load first.

        Raises:
            InputError: Nobody is there, what finds people is not, or it took too long.
        """
        question, future = next(self._numbers), Future[Packed]()
        with self._lock:
            self._worker.start()
            self._questions[question] = future
            self._worker.tell(("person", question, number))
        try:
            return future.result(patience)
        except TimeoutError as error:
            raise InputError("people must be found in time; the background process is busy: try again") from error
        finally:
            with self._lock:
                self._questions.pop(question, None)

    def _greeting(self) -> list[Message]:
        with self._lock:
            puts: list[Message] = [("put", number, held) for number, held in self._board.trimaps.items()]
            return [*puts, ("alphas", {number: held.made_from for number, held in self._board.alphas.items()})]

    def _hear(self, message: Message) -> None:
        kind, rest = message[0], message[1:]
        with self._lock:
            if kind == "trimap":
                self._carried(*rest)
            elif kind == "alpha":
                self._matted(*rest)
            elif kind == "job":
                name, state, done, total, text = rest
                self._teller.job(self._teller.jobs.change(name, state=state, done=done, total=total, message=text))
            elif kind == "cuts":
                self._board.cuts = rest[0]
                self._teller.tell({"type": "cuts", "cuts": list(rest[0])})
                self._teller.frames(range(self._board.frames))
            elif kind == "ready":
                self._board.context = rest[0]["context"]
                self._facts = {**self._facts, **rest[0], "ready": True}
                self._teller.tell({"type": "model", **self._facts})
            elif kind == "answer":
                self._answered(*rest)
            elif kind == "broken":
                self._give_up(rest[0])

    def _carried(self, number: int, held: Held) -> None:
        present = self._board.trimaps.get(number)
        if present is not None and present.is_key:
            return  # the user was faster
        self._board.put(number, held)
        near = range(number - self._board.context, number + self._board.context + 1)
        self._teller.trimap_changed(number, near)

    def _matted(self, number: int, held: HeldAlpha) -> None:
        self._board.alphas[number] = held
        self._teller.frames([number])

    def _answered(self, question: int, found: Packed | None, message: str) -> None:
        future = self._questions.pop(question, None)
        if future is None:
            return
        if found is None:
            future.set_exception(InputError(message))
        else:
            future.set_result(found)

    def _lost(self) -> None:
        self._facts = {**self._facts, "ready": False}
        self._give_up(LOST)

    def _give_up(self, message: str) -> None:
        """End all that the process was to do."""
        with self._lock:
            for job in self._teller.jobs:
                if job.is_open and job.kind != "export":
                    self._teller.job(self._teller.jobs.end(job.id, "failed", message))
            for future in self._questions.values():
                if not future.done():
                    future.set_exception(InputError(message))
            self._questions.clear()
