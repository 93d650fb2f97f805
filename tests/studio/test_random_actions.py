"""Hundreds of random actions leave a session in order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mattekit.studio import background, tasks
from studio.fakes import HereWorker, load_fakes
from studio.random_actions import FRAMES, Actor, memory_mb, open_session


@pytest.fixture
def _fakes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(background, "Worker", HereWorker)
    monkeypatch.setattr(tasks, "load", load_fakes)
    yield


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_done_the_end_is_that_of_one_walk_and_all_can_be_taken_back(
    tmp_path: Path, _fakes: None, seed: int
) -> None:
    session, clip = open_session(tmp_path)
    actor = Actor(session, seed)
    for number in range(1, 201):
        actor.act()
        if number % 10 == 0:
            actor.check()
        if number % 50 == 0:
            actor.finish(clip)
    assert session.state()["cuts"] == [FRAMES // 2]
    actor.undo_all()
    session.close()


def test_memory_stays_flat(tmp_path: Path, _fakes: None) -> None:
    session, clip = open_session(tmp_path)
    actor = Actor(session, 9)
    held = []
    for _ in range(4):
        for _ in range(100):
            actor.act()
        actor.finish(clip)
        held.append(memory_mb())
    assert held[-1] - held[0] < 30
    session.close()
