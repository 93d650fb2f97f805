"""Many independent tasks, on this machine or on many; paths and numbers travel, never frames."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from mattekit.checks import InputError, check_choice
from mattekit.scale.cluster import load_ray, run_on_cluster
from mattekit.scale.local import run_here, run_in_processes
from mattekit.scale.tasks import Outcome, Queue, Task, Work, check_work

__all__ = ["ENGINES", "Outcome", "Task", "run"]

ENGINES = ("local", "ray")
"""Where tasks can run: processes of this machine, or Ray."""


def run(
    work: Work,
    tasks: Sequence[Task],
    *,
    engine: str = "local",
    workers: int = 1,
    retries: int = 1,
    address: str | None = None,
    isolated: bool = False,
) -> Generator[Outcome, None, None]:
    """Run every task and yield what came of each as it finishes.

    No task stops another. An `InputError` of the work is the task's own fault and ends it; after any other exception,
    and after the death of the worker process that held it, the task is tried again. At most `workers` tasks are under
    way at once. Closing the generator early, or an interrupt, stops them all; hold it in `contextlib.closing` where
    the loop may be left by an exception.

    Args:
        work: A top-level function of a module that the workers can import. It is given the task's arguments and
            returns a mapping; both cross as JSON in every engine, so that tuples come as lists everywhere.
        tasks: What to do; names are distinct.
        engine: One of `ENGINES`. Locally one worker is this process, more are processes with one thread each.
        workers: The most tasks under way at once.
        retries: How many more times a failed task is tried.
        address: Of a running Ray cluster, as HOST:PORT, ``auto`` or ``ray://HOST:PORT``; None starts Ray here for this
            run. A Ray to which this program is already connected is used as it is, and left so.
        isolated: Whether one local worker is a process of its own too, so that its death stops nothing else.

    Returns:
        One outcome for each task, in the order in which they finish.

    Raises:
        InputError: An argument cannot be used, or Ray is asked for and not installed.
        MattekitError: Worker processes cannot start or cannot import the work.

    Example:
        >>> [outcome.result for outcome in run(dict, [Task("one", {"seed": 1})])]
        [{'seed': 1}]
    """
    check_choice("engine", engine, ENGINES)
    if workers < 1:
        raise InputError(f"workers must be at least 1; got {workers}")
    if retries < 0:
        raise InputError(f"retries must be at least 0; got {retries}")
    if address is not None and engine != "ray":
        raise InputError(f"address is for engine ray; got {address!r} with engine {engine}")
    check_work(work)
    queue = Queue(tasks, retries=retries)
    if engine == "ray":
        return run_on_cluster(load_ray(), work, queue, workers=workers, address=address)
    if workers > 1 or isolated:
        return run_in_processes(work, queue, workers=workers)
    return run_here(work, queue)
