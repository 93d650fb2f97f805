"""Runs an iterator ahead in a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class _Last:
    """Ends the queue, with the error that ended the iterator, if any."""

    error: BaseException | None = None


class _Worker(threading.Thread, Generic[Item]):
    """Fills a bounded queue from an iterator until the iterator ends, fails, or is no longer wanted."""

    def __init__(self, source: Iterator[Item], depth: int) -> None:
        super().__init__(name="mattekit-ahead", daemon=True)
        self.source = source
        self.ready: queue.Queue[Item | _Last] = queue.Queue(maxsize=depth)
        self.stopped = threading.Event()

    def run(self) -> None:
        """Move items into the queue; the source is closed in this thread, which also opened it."""
        last = _Last()
        try:
            for item in self.source:
                self.ready.put(item)
                if self.stopped.is_set():
                    break
        except BaseException as error:
            last = _Last(error)
        finally:
            close = getattr(self.source, "close", None)
            if close is not None:
                close()
        self.ready.put(last)

    def stop(self) -> None:
        """End the thread: make room in the queue until it has noticed."""
        self.stopped.set()
        while self.is_alive():
            try:
                self.ready.get(timeout=0.05)
            except queue.Empty:
                continue
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
            yield item
    finally:
        worker.stop()
