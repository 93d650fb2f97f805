"""What holds wherever tasks run: in this process, in processes of this machine, on Ray."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import chores
from mattekit.checks import InputError
from mattekit.scale import ENGINES, Outcome, Task, cluster, run

TESTS = str(Path(chores.__file__).parent)


@pytest.fixture(scope="module")
def own_ray() -> Iterator[None]:
    """One Ray for the whole file, started and stopped as `run` would, since its start takes seconds."""
    pytest.importorskip("ray", reason='Ray is not installed: pip install "mattekit[ray]"')
    ray, handler = cluster.load_ray(), signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", TESTS)  # so that its workers find the chores
        with cluster._connected(ray, 2, None):
            assert signal.getsignal(signal.SIGTERM) is handler  # Ray had put its own
            yield
    assert not ray.is_initialized()


@pytest.fixture(params=["one process", "two processes", "ray"])
def options(request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.param == "ray":
        request.getfixturevalue("own_ray")
    return {
        "one process": {"engine": "local", "workers": 1},
        "two processes": {"engine": "local", "workers": 2},
        "ray": {"engine": "ray", "workers": 2},
    }[request.param]


def by_name(outcomes: Iterator[Outcome]) -> dict[str, Outcome]:
    found = list(outcomes)
    named = {outcome.name: outcome for outcome in found}
    assert len(named) == len(found)
    return named


def numbers(count: int, **more: object) -> list[Task]:
    return [Task(f"task {number}", {"number": number, **more}) for number in range(count)]


def test_results_are_those_of_a_plain_loop(options: dict[str, Any]) -> None:
    outcomes = by_name(run(chores.square, numbers(20), **options))
    assert {name: outcome.result for name, outcome in outcomes.items()} == {
        task.name: chores.square(task.arguments) for task in numbers(20)
    }
    assert all((outcome.error, outcome.attempts) == (None, 1) for outcome in outcomes.values())
    assert all(0 <= outcome.seconds < 5 for outcome in outcomes.values())


def test_no_tasks_have_no_outcomes(options: dict[str, Any]) -> None:
    assert list(run(chores.square, [], **options)) == []


def test_the_order_of_the_tasks_changes_no_result(options: dict[str, Any]) -> None:
    tasks = numbers(6)
    forward, backward = (by_name(run(chores.square, given, **options)) for given in (tasks, tasks[::-1]))
    assert {name: each.result for name, each in forward.items()} == {
        name: each.result for name, each in backward.items()
    }


def test_a_failing_task_is_named_and_stops_no_other(options: dict[str, Any], tmp_path: Path) -> None:
    ways = ["refused", "fault", "unheard", "mute", "exit", "unknown"]
    tasks = [
        Task(way, {"number": number, "way": way, "times": 9, "folder": str(tmp_path)})
        for number, way in enumerate(ways)
    ]
    good = [Task(f"good {number}", {"number": number, "folder": str(tmp_path)}) for number in (10, 11)]
    outcomes = by_name(run(chores.stumble, [*tasks, *good], **options))
    assert {name: outcome.result for name, outcome in outcomes.items() if outcome.error is None} == {
        "good 10": {"square": 100},
        "good 11": {"square": 121},
    }
    errors = {name: outcome.error for name, outcome in outcomes.items()}
    assert errors["refused"] == "the source must be there; got nothing"
    assert errors["fault"] == "the file must be whole; it is not"
    assert errors["unheard"].startswith("chores.Unheard: no one knows me (chores.py:")
    assert errors["mute"].startswith("chores.Mute: <exception str() failed> (chores.py:")
    assert errors["exit"].startswith("SystemExit: enough (chores.py:")
    assert {name: outcome.attempts for name, outcome in outcomes.items() if outcome.error} == {
        way: 1 if way == "refused" else 2 for way in ways
    }


@pytest.mark.parametrize("retries", [0, 2])
def test_a_task_is_tried_again_as_often_as_allowed(options: dict[str, Any], retries: int, tmp_path: Path) -> None:
    tasks = numbers(3, way="fault", times=2, folder=str(tmp_path))
    outcomes = by_name(run(chores.stumble, tasks, retries=retries, **options))
    assert {outcome.attempts for outcome in outcomes.values()} == {retries + 1}
    assert {outcome.error is None for outcome in outcomes.values()} == {retries == 2}


def test_a_worker_killed_midway_costs_only_the_task_that_it_held(options: dict[str, Any], tmp_path: Path) -> None:
    if options["workers"] == 1:
        pytest.skip("the one process is this one")
    deaths = {3: 1, 5: 9}
    tasks = [
        Task(
            f"task {number}",
            {"number": number, "way": "killed", "times": deaths.get(number, 0), "folder": str(tmp_path)},
        )
        for number in range(8)
    ]
    outcomes = by_name(run(chores.stumble, tasks, **options))
    fatal = outcomes.pop("task 5")
    assert fatal.result is None
    assert fatal.error.startswith("its worker process died: ")
    assert fatal.attempts == 2
    good = [0, 1, 2, 3, 4, 6, 7]
    assert {name: outcome.result for name, outcome in outcomes.items()} == {
        f"task {number}": {"square": number**2} for number in good
    }
    assert {name: outcome.attempts for name, outcome in outcomes.items()} == {
        f"task {number}": 1 + (number == 3) for number in good
    }


def test_no_more_tasks_are_under_way_than_there_are_workers(options: dict[str, Any]) -> None:
    tasks = [Task(str(number), {"seconds": 0.05}) for number in range(10)]
    spans = [outcome.result for outcome in run(chores.nap, tasks, **options)]
    most = max(sum(one["started"] <= other["started"] < one["ended"] for one in spans) for other in spans)
    assert most <= options["workers"]
    assert len({span["process"] for span in spans}) <= options["workers"]


def test_two_workers_are_at_work_at_once(options: dict[str, Any], tmp_path: Path) -> None:
    if options["workers"] == 1:
        pytest.skip("one process does one thing at a time")
    tasks = [Task(str(number), {"number": number, "guests": 2, "folder": str(tmp_path)}) for number in range(2)]
    assert sorted(outcome.result["met"] for outcome in run(chores.meet, tasks, **options)) == [[0, 1], [0, 1]]


def test_left_early_it_begins_no_further_task(options: dict[str, Any], tmp_path: Path) -> None:
    with closing(run(chores.stumble, numbers(200, folder=str(tmp_path)), **options)) as outcomes:
        assert next(outcomes).error is None
    begun = len(list(tmp_path.iterdir()))
    assert begun <= 1 + 2 * options["workers"]


def test_a_task_under_way_is_interrupted_and_cleans_up(options: dict[str, Any], tmp_path: Path) -> None:
    if options["workers"] == 1:
        pytest.skip("nothing is under way while this process reads")
    tasks = [Task(str(number), {"seconds": number * 30 + 0.5, "folder": str(tmp_path)}) for number in range(2)]
    with closing(run(chores.linger, tasks, **options)) as outcomes:
        assert next(outcomes).name == "0"
        assert len(list(tmp_path.glob("*.busy"))) == 1
    assert len(list(tmp_path.glob("*.clean"))) == 2


def test_what_cannot_travel_is_refused_as_a_result(options: dict[str, Any]) -> None:
    tasks = [Task(what, {"what": what}) for what in ("list", "path", "function")]
    for outcome in run(chores.give, tasks, **options):
        assert outcome.error.startswith("the result must be a mapping of what JSON can hold; ")
        assert (outcome.result, outcome.attempts) == (None, 1)


def test_one_thread_is_a_workers_share(options: dict[str, Any]) -> None:
    if options["workers"] == 1:
        pytest.skip("this process has the threads that it was given")
    (outcome,) = run(chores.threads, [Task("one", {})], **options)
    assert outcome.result["threads"] == "1"
    assert outcome.result["process"] != os.getpid()


def nested() -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    def work(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return arguments

    return work


@pytest.mark.parametrize(
    ("tasks", "options", "message"),
    [
        (numbers(2), {"engine": "farm"}, "engine must be one of local, ray; got 'farm'"),
        (numbers(2), {"workers": 0}, "workers must be at least 1; got 0"),
        (numbers(2), {"retries": -1}, "retries must be at least 0; got -1"),
        (numbers(2), {"address": "auto"}, "address is for engine ray; got 'auto' with engine local"),
        (numbers(2) * 2, {}, "names of tasks must be distinct; got 'task 0' twice"),
        (
            [Task("one", {"path": Path("here")})],
            {},
            "arguments of a task must be what JSON can hold; "
            "task 'one': Object of type PosixPath is not JSON serializable",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_at_once(tasks: Sequence[Task], options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as refusal:
        run(chores.square, tasks, **options)
    assert str(refusal.value) == message


@pytest.mark.parametrize("work", [nested(), lambda arguments: arguments, {}.get], ids=["nested", "lambda", "method"])
def test_work_that_a_worker_could_not_find_is_refused(work: Any) -> None:
    with pytest.raises(InputError, match="work must be a top-level function of a module; got "):
        run(work, numbers(1))


def test_the_engines_are_those_that_are_named() -> None:
    assert ENGINES == ("local", "ray")
