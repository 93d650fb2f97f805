"""Lets the n-th call of a function in this process fail: of the reader, the model, the converter, the encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import av
import pytest

from faults.jobs import NoiseMatter
from mattekit.media import encode
from mattekit.media.pixels import FrameMaker, PictureReader


@dataclass
class Counter:
    """Counts calls from all threads, and raises at one of them.

    Attributes:
        at: Number of the call that fails, or None.
        error: Makes what it raises.
        calls: How many there were.
    """

    at: int | None
    error: Callable[[], BaseException]
    calls: int = 0

    def count(self) -> None:
        number, self.calls = self.calls, self.calls + 1
        if number == self.at:
            raise self.error()

    def before(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that counts before each call."""

        def counted(*arguments: Any, **named: Any) -> Any:
            self.count()
            return function(*arguments, **named)

        return counted


class Stand:
    """Stands for an object of a library that takes no patches, and counts the calls of some of its methods."""

    def __init__(self, real: Any, counter: Counter, methods: tuple[str, ...], made: tuple[str, ...] = ()) -> None:
        object.__setattr__(self, "_all", (real, counter, methods, made))

    def __getattr__(self, name: str) -> Any:
        real, counter, methods, made = object.__getattribute__(self, "_all")
        found = getattr(real, name)
        if name in methods:
            return counter.before(found)
        if name in made:
            return lambda *arguments, **named: Stand(found(*arguments, **named), counter, methods)
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(object.__getattribute__(self, "_all")[0], name, value)


@contextmanager
def failing(stage: str, counter: Counter) -> Iterator[None]:
    """Have a stage count its calls in the block: a key of `STAGES`."""
    with pytest.MonkeyPatch.context() as patch:
        STAGES[stage](patch, counter)
        yield


def _method(owner: type, name: str) -> Callable[[pytest.MonkeyPatch, Counter], None]:
    return lambda patch, counter: patch.setattr(owner, name, counter.before(getattr(owner, name)))


def _container(*methods: str) -> Callable[[pytest.MonkeyPatch, Counter], None]:
    """Return what has the containers that are written, or their streams, count calls of some methods."""

    class Library:
        def __init__(self, counter: Counter) -> None:
            self.counter = counter

        def open(self, *arguments: Any, **named: Any) -> Any:
            return Stand(av.open(*arguments, **named), self.counter, methods, ("add_stream",))

        def __getattr__(self, name: str) -> Any:
            return getattr(av, name)

    return lambda patch, counter: patch.setattr(encode, "av", Library(counter))


STAGES: dict[str, Callable[[pytest.MonkeyPatch, Counter], None]] = {
    "read": _method(PictureReader, "read"),
    "model": _method(NoiseMatter, "step"),
    "convert": _method(FrameMaker, "make"),
    "encode": _container("encode"),
    "mux": _container("mux"),
    "close": _container("close"),
}
