"""Damaged input of any kind is read or refused in one line: nothing else is raised, hangs, or takes much memory.

``python tests/fuzz/run.py --minutes 10`` goes on with fresh damage and keeps what breaks a reader in ``crashes``.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies

from fuzz.mutation import KINDS, Edit, draw_edits, edits_of, mutate, shrink_edits
from fuzz.run import CRASHES, kept
from fuzz.targets import TARGETS
from fuzz.worker import Outcome, Reader, can_measure

pytestmark = pytest.mark.skipif(not can_measure(), reason="this system does not tell how much memory a process took")

EXAMPLES = 25
"""Damaged files for each share of a target."""


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as reader:
        yield reader


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    return {name: target.seeds(tmp_path_factory.mktemp(name)) for name, target in TARGETS.items()}


@pytest.mark.parametrize("target", TARGETS)
def test_damage_is_read_or_refused_in_one_line(reader: Reader, whole: dict[str, dict[str, bytes]], target: str) -> None:
    seeds = whole[target]
    names, wrap = sorted(seeds), TARGETS[target].wrap

    @settings(
        max_examples=EXAMPLES * TARGETS[target].share,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(strategies.sampled_from(names), strategies.sampled_from(names), edits_of())
    def damage(name: str, other: str, edits: list[Edit]) -> None:
        outcome = reader.run(target, name, wrap(mutate(seeds[name], edits, seeds[other])))
        assert not outcome.is_fault, f"{outcome.kind}: {outcome.told}"

    damage()


@pytest.mark.parametrize("crash", sorted(CRASHES.glob("*.z")), ids=lambda path: path.name)
def test_what_once_broke_a_reader_does_so_no_more(reader: Reader, crash: Path) -> None:
    outcome = reader.run(*kept(crash))
    assert not outcome.is_fault, f"{outcome.kind}: {outcome.told}"


def test_damage_is_what_it_is_called() -> None:
    data = bytes(range(200))
    assert mutate(data, [Edit("truncate", 1 << 15, 0, 0)]) == data[:100]
    assert mutate(data, [Edit("flip", 0, 0, 3)]) == bytes([8]) + data[1:]
    assert mutate(data, [Edit("byte", 1 << 15, 0, 7)]) == data[:50] + bytes([7]) + data[51:]
    assert mutate(data, [Edit("delete", 0, 0, 0)]) == data[1:]
    assert mutate(data, [Edit("duplicate", 0, 0, 1 << 15)]) == data[100:101] + data
    assert mutate(data, [Edit("number", 0, 1, 2 * 11)]) == b"\xff" * 4 + data[4:]
    assert mutate(data, [Edit("head", 0, (1 << 16) - 1, 0)], b"z" * 200) == b"z" * 50 + data[50:]
    assert {edit.kind for seed in range(99) for edit in draw_edits(random.Random(seed))} == set(KINDS)


def test_edits_that_do_not_matter_are_left_out() -> None:
    edits = [Edit("flip", place, 9, 0) for place in range(5)]
    assert shrink_edits(edits, lambda kept: any(edit.place == 3 for edit in kept)) == [Edit("flip", 3, 0, 0)]


def test_a_reader_that_raises_hangs_or_dies_is_told(reader: Reader) -> None:
    assert reader.run("text", "nobody.json", b"{}").kind == "refused"
    assert reader.run("no target", "a", b"").kind == "died"
    assert Outcome("slow").is_fault
    assert Outcome("died").is_fault
    assert not Outcome("refused", "no").is_fault
