"""What is asked of a worker, what came of it, and how both travel: as JSON text, the same in every engine."""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from mattekit.checks import InputError, MattekitError, one_line

Work: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""A top-level function from the arguments of a task to its result, both of what JSON can hold."""


@dataclass(frozen=True)
class Task:
    """One piece of work that needs no other.

    Attributes:
        name: Tells the task from all others of a run.
        arguments: What the work is given: text, numbers, truth values, None, lists and mappings of them. Files are
            named by absolute paths, as text.
    """

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What came of a task.

    Attributes:
        name: The task's name.
        result: What the work returned, or None if it failed.
        error: Why it failed, in one line, or None if it did not.
        attempts: How many times it was tried.
        seconds: How long all attempts took together.
    """

    name: str
    result: Mapping[str, Any] | None
    error: str | None
    attempts: int
    seconds: float


@dataclass(frozen=True)
class Attempt:
    """What came of one try of a task.

    Attributes:
        result: What the work returned, or None.
        error: Why it failed, or None.
        seconds: How long it took.
        again: Whether another try may end better.
    """

    result: Mapping[str, Any] | None
    error: str | None
    seconds: float
    again: bool = True


@dataclass
class Ticket:
    """A task under way: its arguments as text, and what its attempts have cost so far."""

    name: str
    arguments: str
    attempts: int = 0
    seconds: float = 0.0


class Queue:
    """The tasks that wait, each with its count of attempts.

    Raises:
        InputError: Two tasks have one name, or arguments are not what JSON can hold.
    """

    def __init__(self, tasks: Sequence[Task], *, retries: int) -> None:
        self._retries = retries
        self._waiting: deque[Ticket] = deque()
        names: set[str] = set()
        for task in tasks:
            if task.name in names:
                raise InputError(f"names of tasks must be distinct; got {task.name!r} twice")
            names.add(task.name)
            try:
                self._waiting.append(Ticket(task.name, json.dumps(dict(task.arguments))))
            except (TypeError, ValueError, RecursionError) as error:
                raise InputError(
                    f"arguments of a task must be what JSON can hold; task {task.name!r}: {one_line(error)}"
                ) from error

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self) -> Ticket:
        """Return the task that has waited longest."""
        return self._waiting.popleft()

    def put_back(self, ticket: Ticket) -> None:
        """Let a task that no worker began be the next."""
        self._waiting.appendleft(ticket)

    def settle(self, ticket: Ticket, attempt: Attempt) -> Outcome | None:
        """Count an attempt; return the task's outcome, or None if it waits again, behind all others."""
        ticket.attempts += 1
        ticket.seconds += attempt.seconds
        if attempt.error is not None and attempt.again and ticket.attempts <= self._retries:
            self._waiting.append(ticket)
            return None
        return Outcome(ticket.name, attempt.result, attempt.error, ticket.attempts, ticket.seconds)


def check_work(work: Work) -> None:
    """Raise unless a function is found again by its module and name, as a worker must find it.

    Raises:
        InputError: It is a lambda, a nested function, a method or a partial.
    """
    name = getattr(work, "__qualname__", "")
    if getattr(sys.modules.get(getattr(work, "__module__", "")), name, None) is not work:
        raise InputError(f"work must be a top-level function of a module; got {work!r}")


def attempt(work: Work, arguments: str) -> str:
    """Try a task once, where it runs; every fault of it ends up in the report.

    Args:
        work: The function.
        arguments: The task's arguments, as JSON.

    Returns:
        The fields of an `Attempt`, as JSON. An exception travels as text, since its class may not be known elsewhere.
    """
    started = time.perf_counter()
    result: object = None
    error, again = None, False
    try:
        result = work(json.loads(arguments))
    except InputError as refused:
        error = one_line(refused)
    except (Exception, SystemExit) as fault:
        error, again = _describe(fault), True
    seconds = time.perf_counter() - started
    if error is None:
        try:
            if not isinstance(result, Mapping):
                raise TypeError(f"it is of type {type(result).__name__}")
            return json.dumps({"result": dict(result), "error": None, "seconds": seconds, "again": False})
        except (TypeError, ValueError, RecursionError) as unfit:
            error = f"the result must be a mapping of what JSON can hold; {one_line(unfit)}"
    return json.dumps({"result": None, "error": error, "seconds": seconds, "again": again})


def read_attempt(report: str | bytes) -> Attempt:
    """Return the attempt that a report of `attempt` tells of."""
    return Attempt(**json.loads(report))


def _describe(fault: BaseException) -> str:
    """Return an unexpected exception in one line: its class, its text, and the place it came from."""
    if isinstance(fault, MattekitError):
        return one_line(fault)
    text = one_line("".join(traceback.format_exception_only(fault)))
    place = traceback.extract_tb(fault.__traceback__)[-1]
    return f"{text} ({Path(place.filename).name}:{place.lineno})"
