"""The n-th call to the system fails, or is the last: every output is whole or as it was, and nothing else is left.

``python tests/faults/run.py`` makes every fault in every job; here are all of the job with several outputs and some of
each other.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from faults import kernel
from faults.campaign import GROUPS, Bench, Tally, fail, interrupt, kill
from faults.jobs import JOBS, make_inputs

pytestmark = pytest.mark.skipif(kernel.why_not() is not None, reason=str(kernel.why_not()))

SOME = {"write": 2, "fsync": 1, "close": 1, "open": 1, "rename": 2}
"""How many calls of a group fail in turn in jobs with one output, spread over the job."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("faults")
    (folder / "inputs").mkdir()
    make_inputs(folder / "inputs")
    with kernel.Watched() as watched:
        yield Bench(watched, folder / "inputs", folder / "job")


def told(tally: Tally) -> None:
    """Print how many faults were made, and hold that none went wrong."""
    print(f"{tally.made} faults")
    assert tally.made > 0
    assert not tally.wrong, "\n".join(tally.wrong)


@pytest.mark.parametrize("group", GROUPS)
def test_any_call_of_a_job_with_several_outputs_may_fail(bench: Bench, group: str) -> None:
    told(fail(bench, "together", group, overwrite=True, most=8 if group == "close" else None))


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("kind", [kind for kind in JOBS if kind != "together"])
def test_a_call_of_any_kind_of_output_may_fail(bench: Bench, kind: str, group: str) -> None:
    overwrite = sorted(JOBS).index(kind) % 2 == 0
    told(fail(bench, kind, group, overwrite=overwrite, most=SOME[group]))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_may_come_before_any_call(bench: Bench, number: int) -> None:
    told(interrupt(bench, "together", number, overwrite=True, most=7))


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_sudden_end_may_come_before_any_call_and_does_not_hinder_the_next_run(bench: Bench, overwrite: bool) -> None:
    told(kill(bench, "together", overwrite=overwrite, most=4))


def test_a_fault_that_leaves_something_would_be_told(bench: Bench) -> None:
    _, whole = bench.whole("mkv", overwrite=True)
    from faults.judge import failings, failings_of_death

    before = {**bench.whole("mkv", overwrite=False)[1], "a.mkv": b"old"}
    part = {**whole, "a.mkv": whole["a.mkv"][:-1]}
    assert failings("mkv", before, whole, part) == ["a.mkv is neither old nor new"]
    assert failings("mkv", before, whole, {**before, ".mattekit-0": b""}) == [".mattekit-0 is left over"]
    assert failings_of_death("mkv", before, whole, {**before, ".mattekit-0": b""}) == []
    assert failings_of_death("mkv", before, whole, part) == ["a.mkv is neither old nor new"]
    gone = {path: data for path, data in before.items() if path != "a.mkv"}
    assert failings_of_death("mkv", before, whole, gone) == ["a.mkv is neither old nor new"]
