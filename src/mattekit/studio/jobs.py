"""The jobs of a session: what was asked for, how far it is, and how it ended."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

OPEN = ("queued", "running")
STATES = (*OPEN, "done", "failed", "cancelled")

MOST_KEPT = 32
"""Jobs that have ended and are still listed."""


@dataclass(frozen=True)
class Job:
    """Something that takes a while.

    Attributes:
        id: Stands for it in messages.
        kind: "propagate", "matte" or "export".
        state: One of `STATES`.
        done: Frames that are done.
        total: Frames in all, 0 while that is not known.
        message: One line on how it ended, or what must be known of it; mostly empty.
    """

    id: str
    kind: str
    state: str = "queued"
    done: int = 0
    total: int = 0
    message: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.state in OPEN

    def facts(self) -> dict[str, Any]:
        """Return what a page is told of it."""
        return asdict(self)


class Jobs:
    """Jobs in the order they were asked for, of those that have ended only the last few; for any thread."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[Job]:
        """Yield the jobs, the oldest first."""
        with self._lock:
            return iter(list(self._jobs.values()))

    def add(self, kind: str) -> Job:
        """Return a new job."""
        job = Job(secrets.token_urlsafe(9), kind)
        with self._lock:
            self._jobs[job.id] = job
            ended = [other.id for other in self._jobs.values() if not other.is_open]
            for old in ended[: max(0, len(ended) - MOST_KEPT)]:
                del self._jobs[old]
        return job

    def get(self, name: str) -> Job | None:
        """Return a job by its id, or None where there is none."""
        with self._lock:
            return self._jobs.get(name)

    def change(self, name: str, *, state: str, done: int, total: int, message: str) -> Job | None:
        """Take note of how far a job is and return it; None where there is none, it has ended, or nothing is new."""
        with self._lock:
            job = self._jobs.get(name)
            if job is None or not job.is_open:
                return None
            changed = replace(job, state=state, done=done, total=total, message=message)
            self._jobs[name] = changed
            return changed if changed != job else None

    def end(self, name: str, state: str, message: str = "") -> Job | None:
        """Take note of the end of a job and return it; None where there is none, or where it has ended."""
        job = self.get(name)
        if job is None:
            return None
        return self.change(name, state=state, done=job.done, total=job.total, message=message)
