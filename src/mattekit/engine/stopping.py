"""When training has to stop before its end: the time is up, or somebody asked."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopping:
    """Says after each step whether to stop.

    Args:
        minutes: Time from now on; None is without end.
    """

    def __init__(self, minutes: float | None = None) -> None:
        self._begun, self._minutes = time.monotonic(), minutes
        self.interrupted = False

    @property
    def wanted(self) -> bool:
        """Whether the time is up or somebody asked."""
        late = self._minutes is not None and time.monotonic() - self._begun > 60 * self._minutes
        return late or self.interrupted

    @contextmanager
    def heeding_signals(self) -> Iterator[None]:
        """Take the first Ctrl-C or request to end as a wish, so that the step is finished; the next one is at once.

        Half a step is no state that training could go on from.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = [signal.getsignal(number) for number in SIGNALS]

        def note(number: int, frame: FrameType | None) -> None:
            self.interrupted = True
            for each, handler in zip(SIGNALS, before, strict=True):
                signal.signal(each, handler)

        for number in SIGNALS:
            signal.signal(number, note)
        try:
            yield
        finally:
            for number, handler in zip(SIGNALS, before, strict=True):
                signal.signal(number, handler)
