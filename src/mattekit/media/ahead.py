"""Runs an iterator ahead in a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class _Last:
    """Ends the queue, with the error that ended the iterator, if any."""

    error: BaseException | None = None


class _Worker(threading.Thread, Generic[Item]):
    """Fills a queue from an iterator until the iterator ends, fails, or is no longer wanted.

    Simple queues alone are safe from an interrupt at any moment: locks may stay taken, and a thread's join may say that
    it has ended while it runs.
    """

    def __init__(self, source: Iterator[Item], depth: int) -> None:
        super().__init__(name="mattekit-ahead", daemon=True)
        self.source = source
        self.ready: queue.SimpleQueue[Item | _Last] = queue.SimpleQueue()
        self.room: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._is_stopped = self._is_over = False
        for _ in range(depth):
            self.room.put(None)

    def run(self) -> None:
        """Move items into the queue; the source is closed in this thread, which also opened it."""
        last = _Last()
        try:
            try:
                for item in self.source:
                    self.room.get()
                    if self._is_stopped:
                        break
                    self.ready.put(item)
            finally:
                close = getattr(self.source, "close", None)
                if close is not None:
                    close()
        except BaseException as error:
            last = _Last(error)
        finally:
            self.ready.put(last)
            self._is_over = True
            self._ended.put(None)

    def stop(self) -> None:
        """End the thread and wait until it has closed the source, though the waiting be interrupted once."""
        self._is_stopped = True
        self.room.put(None)
        try:
            self._wait()
        except BaseException:
            self._wait()
            raise

    def _wait(self) -> None:
        """Wait for the end of the work; of the thread itself little is left then."""
        while not self._is_over:
            with suppress(queue.Empty):
                self._ended.get(timeout=0.2)
        self.join()


def run_ahead(source: Iterator[Item], depth: int) -> Iterator[Item]:
    """Yield what an iterator yields, while a thread prepares the next items.

    The thread starts with the first item asked for and ends when the iterator ends or this generator is closed.

    Args:
        source: Is run, and closed, in the thread.
        depth: Most items that wait at once.

    Raises:
        Exception: Whatever the iterator raised, in its place in the order.
    """
    worker = _Worker(source, depth)
    worker.start()
    try:
        while True:
            item = worker.ready.get()
            if isinstance(item, _Last):
                if item.error is not None:
                    raise item.error
                return
            worker.room.put(None)
            yield item
    finally:
        worker.stop()
