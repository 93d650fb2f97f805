"""Processes of this machine: how they start, how they die, and that none is left behind."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import chores
from mattekit.checks import MattekitError
from mattekit.scale import Task, run
from mattekit.scale.local import _Pool
from mattekit.scale.tasks import Queue

TESTS = Path(chores.__file__).parent

LONG_RUN = """
import signal, sys, chores
from mattekit.scale import Task, run

def interrupt(number, frame):
    raise KeyboardInterrupt

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupt)
    tasks = [Task(str(number), {"seconds": 60, "folder": sys.argv[1]}) for number in range(9)]
    try:
        list(run(chores.linger, tasks, workers=2))
    except KeyboardInterrupt:
        sys.exit(130)
"""

UNGUARDED = """
import chores
from mattekit.scale import Task, run
list(run(chores.square, [Task("one", {"number": 1})], workers=2))
"""

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *filter(None, sys.path)])}


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(holds: Callable[[], bool], seconds: float = 15) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize("ending", ["ctrl-c", "sigterm", "sigkill"])
def test_whatever_ends_the_run_ends_its_workers(ending: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(LONG_RUN)
    program = subprocess.Popen(
        [sys.executable, str(tmp_path / "script.py"), str(tmp_path)],
        env=ENVIRONMENT,
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert wait_until(lambda: len(list(tmp_path.glob("*.busy"))) == 2)
    workers = [int(mark.stem) for mark in tmp_path.glob("*.busy")]
    if ending == "ctrl-c":
        os.killpg(program.pid, signal.SIGINT)  # as a terminal does
    else:
        program.send_signal(signal.SIGTERM if ending == "sigterm" else signal.SIGKILL)
    assert program.wait(10) == (-signal.SIGKILL if ending == "sigkill" else 130)
    assert wait_until(lambda: not any(map(alive, workers)), 10 if ending == "sigkill" else 0)
    assert sorted(mark.stem for mark in tmp_path.glob("*.clean")) == sorted(map(str, workers))
    assert program.stderr is not None
    with program.stderr as stderr:
        assert stderr.read() == ""


def test_left_early_it_leaves_no_process() -> None:
    tasks = [Task(str(number), {"seconds": 0.01}) for number in range(9)]
    with closing(run(chores.nap, tasks, workers=2)) as outcomes:
        worker = next(outcomes).result["process"]
        assert alive(worker)
    assert not alive(worker)


def test_a_worker_killed_while_it_waits_costs_no_task_an_attempt() -> None:
    queue = Queue([Task(str(number), {"number": number}) for number in range(3)], retries=0)
    pool = _Pool(pickle.dumps(chores.square), 2)
    outcomes = []
    try:
        pool.fill(queue)
        while not all(worker.ready for worker in pool._workers):
            assert pool.step(queue) == []
        dead = pool._workers[0].process
        dead.kill()
        dead.join()
        pool.fill(queue)  # finds nobody there
        while pool.busy or queue:
            outcomes += pool.step(queue)
            pool.fill(queue)
    finally:
        pool.stop()
    assert sorted((outcome.name, outcome.result["square"], outcome.attempts) for outcome in outcomes) == [
        ("0", 0, 1),
        ("1", 1, 1),
        ("2", 4, 1),
    ]


def test_a_script_without_a_guard_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(UNGUARDED)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")], env=ENVIRONMENT, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 1
    assert "worker processes must be able to start; 3 in a row ended before their first task" in done.stderr


def test_work_that_a_process_cannot_import_is_a_fault_and_no_failure_of_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = type(sys)("lost_module")
    exec("def work(arguments):\n    return arguments", lost.__dict__)
    monkeypatch.setitem(sys.modules, "lost_module", lost)
    with pytest.raises(MattekitError, match="work must be importable in a worker process; ModuleNotFoundError: "):
        list(run(lost.work, [Task("one", {}), Task("two", {})], workers=2))


def test_thousands_of_tasks_pass_through_two_processes() -> None:
    tasks = [Task(str(number), {"number": number}) for number in range(3_000)]
    total = sum(outcome.result["square"] for outcome in run(chores.square, tasks, workers=2))
    assert total == sum(number**2 for number in range(3_000))


def test_the_engine_answers_without_torch_and_without_ray() -> None:
    script = "import sys, mattekit.scale; sys.exit(bool({'torch', 'ray'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_one_isolated_worker_that_is_killed_costs_the_one_task_that_it_held(tmp_path: Path) -> None:
    tasks = [
        Task(str(number), {"number": number, "way": "killed", "times": 9 * (number == 1), "folder": str(tmp_path)})
        for number in range(3)
    ]
    outcomes = {outcome.name: outcome for outcome in run(chores.stumble, tasks, isolated=True)}
    assert [outcomes[name].result for name in "02"] == [{"square": 0}, {"square": 4}]
    assert (outcomes["1"].result, outcomes["1"].attempts) == (None, 2)
