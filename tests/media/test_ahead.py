"""Work ahead in a thread: order, errors, and an end that an interrupt of the waiting cannot break."""

from __future__ import annotations

import threading
import time

import pytest

from mattekit.media.ahead import run_ahead


class Source:
    """Counts upwards slowly at its end, and tells whether it is closed and in which thread."""

    def __init__(self, count, *, closing=0.0, error=None):
        self.items, self.closing, self.error = iter(range(count)), closing, error
        self.closed_in = None

    def __iter__(self):
        return self

    def __next__(self):
        try:
            return next(self.items)
        except StopIteration:
            if self.error is not None:
                raise self.error from None
            raise

    def close(self):
        time.sleep(self.closing)
        self.closed_in = threading.current_thread().name


def test_items_come_in_order_and_the_source_is_closed_where_it_ran():
    source = Source(20)
    assert list(run_ahead(source, 3)) == list(range(20))
    assert source.closed_in == "mattekit-ahead"
    assert list(run_ahead(iter(()), 1)) == []


def test_an_error_comes_in_its_place():
    got = []
    with pytest.raises(ValueError, match="broken"):
        got.extend(run_ahead(Source(0, error=ValueError("broken")), 2))
    ahead = run_ahead(Source(3, error=ValueError("broken")), 2)
    assert [next(ahead), next(ahead), next(ahead)] == [0, 1, 2]
    with pytest.raises(ValueError, match="broken"):
        next(ahead)


def test_no_more_than_the_depth_waits():
    seen = []

    def source():
        for number in range(10):
            seen.append(number)
            yield number

    ahead = run_ahead(source(), 2)
    next(ahead)
    time.sleep(0.2)
    assert len(seen) <= 1 + 2 + 1
    ahead.close()
    assert len(seen) <= 1 + 2 + 2


def test_closing_early_waits_until_the_source_is_closed_though_join_says_the_thread_has_ended(monkeypatch):
    """An interrupted Thread.join leaves a thread that runs marked as ended (CPython 3.11)."""
    source = Source(100, closing=0.4)
    ahead = run_ahead(source, 2)
    next(ahead)
    monkeypatch.setattr(threading.Thread, "is_alive", lambda self: False)
    monkeypatch.setattr(threading.Thread, "join", lambda self, timeout=None: None)
    ahead.close()
    assert source.closed_in == "mattekit-ahead"


def test_an_interrupt_while_the_end_is_waited_for_is_no_reason_to_go_before_it(monkeypatch):
    source = Source(100, closing=0.4)
    ahead = run_ahead(source, 2)
    next(ahead)
    real = threading.Thread.join
    interrupts = []

    def join(self, timeout=None):
        if not interrupts:
            interrupts.append(1)
            raise KeyboardInterrupt
        real(self, timeout)

    monkeypatch.setattr(threading.Thread, "join", join)
    with pytest.raises(KeyboardInterrupt):
        ahead.close()
    assert source.closed_in == "mattekit-ahead"


def test_an_error_of_closing_is_told_and_hangs_nobody():
    class Stubborn(Source):
        def close(self):
            raise OSError("no end")

    with pytest.raises(OSError, match="no end"):
        list(run_ahead(Stubborn(2), 2))
