"""What runs in the background process: takes messages, and works on the most urgent job, one frame at a time.

To the process: ``("put", frame, held)``, ``("alphas", {frame: what each was made from})``, ``("job", id, kind, start,
end)``, ``("cancel", id)``, ``("look", frame)``, ``("person", question)``, ``("end",)``.
From it: ``("ready", facts)``, ``("cuts", numbers)``, ``("trimap", frame, held)``, ``("alpha", frame, held)``,
``("job", id, state, done, total, message)``, ``("answer", question, packed or None, message)``,
``("broken", message)``.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from mattekit.checks import MattekitError, one_line

if TYPE_CHECKING:
    from mattekit.studio.tasks import Bench
    from mattekit.studio.worker import Setup


class _End(Exception):
    """The other end said so."""


def work(pipe: Connection, setup: Setup) -> None:
    """Work until the other end of the pipe is gone or says so; an interruption by keyboard is that end's matter."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        bench = _open(pipe, setup)
        if bench is None:
            return
        bench.find_cuts(lambda: _serve(bench, pipe, wait=False))
        while True:
            _serve(bench, pipe, wait=True)
    except (EOFError, OSError, _End):
        return


def _end_with_parent() -> None:
    """End at once where the process of the session is gone without a word, even in the middle of loading."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _serve(bench: Bench, pipe: Connection, *, wait: bool) -> None:
    """Take the messages that are there, then do one frame; where there is nothing to do, wait for a message."""
    while pipe.poll(None if wait and bench.urgent() is None else 0):
        message = pipe.recv()
        if message[0] == "end":
            raise _End
        _take(bench, message, pipe)
    _step(bench, pipe)


def _open(pipe: Connection, setup: Setup) -> Bench | None:
    """Return the bench, or None after telling why there is none."""
    try:
        from mattekit.studio.tasks import Bench

        return Bench(setup, tell=pipe.send)
    except MattekitError as error:
        pipe.send(("broken", str(error)))
    except (EOFError, OSError):
        raise
    except Exception as error:
        traceback.print_exc()
        pipe.send(("broken", _ours(error)))
    return None


def _take(bench: Bench, message: tuple[Any, ...], pipe: Connection) -> None:
    """Do what a message says that is done at once."""
    kind, rest = message[0], message[1:]
    if kind == "person":
        question = rest[0]
        try:
            pipe.send(("answer", question, bench.person(*rest[1:]), ""))
        except MattekitError as error:
            pipe.send(("answer", question, None, str(error)))
        return
    actions: dict[str, Callable[..., None]] = {
        "put": bench.put,
        "alphas": bench.know_alphas,
        "job": bench.add,
        "cancel": bench.cancel,
        "look": bench.look,
    }
    actions[kind](*rest)


def _step(bench: Bench, pipe: Connection) -> None:
    """Do one frame of the most urgent job; what goes wrong ends that job."""
    job = bench.urgent()
    if job is None:
        return
    try:
        bench.step(job)
    except MattekitError as error:
        bench.fail(job, str(error))
    except (EOFError, OSError):
        raise
    except Exception as error:
        traceback.print_exc()
        bench.fail(job, _ours(error))


def _ours(error: Exception) -> str:
    return f"the background process must not fail; it did: {type(error).__name__}: {one_line(error)}; please report it"
