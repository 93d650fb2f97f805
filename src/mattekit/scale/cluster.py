"""Tasks on Ray, on this machine or on a cluster. Ray is imported only when it is asked for."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from mattekit.checks import InputError, one_line
from mattekit.scale.tasks import Attempt, Outcome, Queue, Ticket, Work, attempt, read_attempt

GRACE = 5.0
"""Seconds a task has to remove its temporary files once it is told to stop; then its worker is killed."""

STORE_BYTES = 80 << 20
"""Shared memory of a Ray that we start, about the least it takes: nothing of size travels through it."""

_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS_SKIP_REGEX": "."}
"""Environment that Ray reads: nothing is sent home, and the deaths that we report are not printed to stdout as well."""


def load_ray() -> Any:
    """Return the module of Ray.

    Raises:
        InputError: It is not installed.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        return import_module("ray")
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise InputError('engine ray needs Ray; it is not installed; run: pip install "mattekit[ray]"') from error


def run_on_cluster(
    ray: Any, work: Work, queue: Queue, *, workers: int, address: str | None
) -> Generator[Outcome, None, None]:
    """Run the tasks on Ray, so many at once, each on one CPU.

    Raises:
        InputError: No cluster answers at the address.
    """
    with _connected(ray, workers, address):
        remote = ray.remote(num_cpus=1, max_retries=0)(attempt)
        flying: dict[Any, tuple[Ticket, float]] = {}

        def fill() -> None:
            while queue and len(flying) < workers:
                ticket = queue.take()
                flying[remote.remote(work, ticket.arguments)] = ticket, time.perf_counter()

        try:
            fill()
            while flying:
                landed, _ = ray.wait([*flying])
                outcomes = [queue.settle(flying[each][0], _fetch(ray, each, flying[each][1])) for each in landed]
                for each in landed:
                    del flying[each]
                fill()  # first of all, so that no worker waits for whoever reads the outcomes
                yield from (outcome for outcome in outcomes if outcome is not None)
        finally:
            _cancel(ray, [*flying])


def _fetch(ray: Any, reference: Any, since: float) -> Attempt:
    """Return what came of an attempt; whatever kept its report from coming is a failure that another may not meet."""
    try:
        return read_attempt(ray.get(reference))
    except Exception as error:
        seconds = time.perf_counter() - since
        if isinstance(error, ray.exceptions.RayTaskError):  # the work could not be imported there
            return Attempt(None, f"its worker could not begin: {one_line(error.cause)}", seconds)
        return Attempt(None, f"its worker process died: {type(error).__name__}: {one_line(error)}", seconds)


def _cancel(ray: Any, references: list[Any]) -> None:
    """Interrupt what is still under way, so that it cleans up, and kill what does not end in time.

    Ray promises no more than to try: a task that has only just begun may miss its interrupt, so it is repeated.
    """
    deadline = time.monotonic() + GRACE
    while references and time.monotonic() < deadline:
        for reference in references:
            ray.cancel(reference)
        _, references = ray.wait(references, num_returns=len(references), timeout=1.0)
    for reference in references:
        ray.cancel(reference, force=True)


@contextmanager
def _connected(ray: Any, workers: int, address: str | None) -> Iterator[None]:
    """Hold a connection to Ray: the one that is there, or one of our own that is closed at the end."""
    if ray.is_initialized():
        yield
        return
    try:
        with _own_handler_of_sigterm():
            _connect(ray, workers, address)
        yield
    finally:
        ray.shutdown()


def _connect(ray: Any, workers: int, address: str | None) -> None:
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is None:
        ray.init("local", num_cpus=workers, include_dashboard=False, object_store_memory=STORE_BYTES, **quiet)
        return
    try:
        _knock(address)
        ray.init(address, **quiet)
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(
            f"address must be that of a running Ray cluster that lets us in; got {address!r}: {one_line(error)}; "
            "start one with: ray start --head"
        ) from error


def _knock(address: str) -> None:
    """Raise unless somebody listens at HOST:PORT: Ray itself goes on asking for minutes."""
    if address == "auto" or "://" in address:
        return
    host, _, port = address.rpartition(":")
    socket.create_connection((host, int(port)), timeout=GRACE).close()


@contextmanager
def _own_handler_of_sigterm() -> Iterator[None]:
    """Keep this program's way to end: Ray sets its own when it starts."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if before is not None:  # it can be put back only if it was set from Python
            signal.signal(signal.SIGTERM, before)
