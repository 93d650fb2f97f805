"""Changes taken back and made again."""

from __future__ import annotations

import numpy as np

from mattekit.studio.board import Held
from mattekit.studio.history import ENTRY_BYTES, MOST_STEPS, History, Step
from mattekit.studio.pictures import pack


def step(frame: int) -> Step:
    return Step(frame, None, Held(pack(np.full((4, 4), frame % 256, dtype=np.uint8))), None)


def test_changes_are_taken_back_and_made_again_in_order() -> None:
    history = History()
    assert history.undo() is None and history.redo() is None
    for frame in range(3):
        history.add(step(frame))
    assert [history.undo().frame for _ in range(2)] == [2, 1] and history.depths == (1, 2)
    assert history.redo().frame == 1 and history.depths == (2, 1)


def test_a_new_change_forgets_what_was_taken_back() -> None:
    history = History()
    history.add(step(0))
    history.undo()
    history.add(step(1))
    assert history.depths == (1, 0) and history.redo() is None and history.undo().frame == 1


def test_memory_is_bounded_and_the_oldest_changes_go_first() -> None:
    history = History(10 * ENTRY_BYTES)
    for frame in range(1000):
        history.add(step(frame))
    done, _ = history.depths
    assert 5 < done < 10
    assert [history.undo().frame for _ in range(done)] == list(range(999, 999 - done, -1))


def test_so_many_changes_are_kept_and_no_more() -> None:
    history = History()
    for frame in range(MOST_STEPS + 7):
        history.add(step(frame))
    assert history.depths == (MOST_STEPS, 0)
