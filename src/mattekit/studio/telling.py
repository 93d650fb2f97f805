"""Who listens to a session, and what each is told: frames whose status changed, jobs, and how much can be undone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from mattekit.studio.board import Board
from mattekit.studio.history import History
from mattekit.studio.jobs import Job, Jobs

Listener = Callable[[dict[str, Any]], None]


class Teller:
    """Tells listeners what happens, in the order in which it happens.

    Args:
        board: What is told of.
        history: Whose depths are told.
        lock: Held whenever the board changes, and while listeners are called; they must not wait for anything.

    Attributes:
        revision: Counts the changes of trimaps.
        jobs: What is under way.
    """

    def __init__(self, board: Board, history: History, lock: threading.RLock) -> None:
        self.revision, self.jobs = 0, Jobs()
        self._board, self._history, self._lock = board, history, lock
        self._revisions: dict[int, int] = {}
        self._told: dict[int, dict[str, Any]] = {}
        self._listeners: dict[int, Listener] = {}
        self._saved = board.stamps(board.keys)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call a listener with every message from now on, from any thread, until what is returned is called."""
        with self._lock:
            name = max(self._listeners, default=0) + 1
            self._listeners[name] = listener

        def stop() -> None:
            with self._lock:
                self._listeners.pop(name, None)

        return stop

    def revision_of(self, number: int) -> int:
        """Return the revision at which a frame's trimap came to be what it is."""
        return self._revisions.get(number, 0)

    def frame_facts(self, number: int) -> dict[str, Any]:
        """Return what is told of a frame."""
        held, alpha = self._board.get(number), self._board.alphas.get(number)
        return {
            "trimap": self._board.trimap_status(number),
            "confidence": None if held is None else held.confidence,
            "flicker": None if alpha is None else alpha.flicker,
            "alpha": self._board.alpha_status(number),
        }

    def facts(self) -> dict[str, Any]:
        """Return what is told of the session as a whole."""
        undo, redo = self._history.depths
        return {
            "revision": self.revision,
            "undo": undo,
            "redo": redo,
            "saved": self.is_saved,
            "jobs": [job.facts() for job in self.jobs],
        }

    @property
    def is_saved(self) -> bool:
        """Whether the key frames are those that were saved last."""
        return self._board.stamps(self._board.keys) == self._saved

    def saved(self) -> None:
        """Take note that the key frames are saved as they are, and tell of it."""
        self._saved = self._board.stamps(self._board.keys)
        self.state()

    def trimap_changed(self, number: int, touched: Iterable[int]) -> None:
        """Take note of a frame's new trimap, and tell of it and of every frame whose status hangs on it."""
        self.revision += 1
        self._revisions[number] = self.revision
        self._told[number] = {}
        self.frames(touched)

    def frames(self, numbers: Iterable[int]) -> None:
        """Tell of those of some frames of which something else is to be said than before."""
        for number in numbers:
            if number in self._board.trimaps or number in self._board.alphas or number in self._told:
                facts = self.frame_facts(number)
                if self._told.get(number) != facts:
                    self._told[number] = facts
                    self.tell({"type": "frame", "frame": number, **facts, "revision": self.revision_of(number)})

    def state(self) -> None:
        """Tell how much can be undone and whether all is saved."""
        facts = self.facts()
        del facts["jobs"]
        self.tell({"type": "state", **facts})

    def job(self, job: Job | None) -> None:
        """Tell how far a job is."""
        if job is not None:
            self.tell({"type": "job", **job.facts()})

    def tell(self, message: dict[str, Any]) -> None:
        """Hand a message to every listener."""
        with self._lock:
            for listener in list(self._listeners.values()):
                listener(message)
