"""What is up to date and what is stale, against what the engine would look at."""

from __future__ import annotations

import random

import numpy as np
import pytest

from mattekit.engine.nearest import keyframes_around, scene_of
from mattekit.studio.board import Board, Held, HeldAlpha, Source
from mattekit.studio.pictures import pack

SIZE = (2, 3)


def held(value: int, source: Source | None = None) -> Held:
    return Held(pack(np.full(SIZE, value % 256, dtype=np.uint8)), source)


def filled(keys: list[int], frames: int = 20, cuts: tuple[int, ...] = ()) -> Board:
    """Return a board on which all that can be carried is carried."""
    board = Board(SIZE, frames)
    board.cuts = cuts
    for key in keys:
        board.put(key, held(key))
    for frame in range(frames):
        if frame not in keys and board.source(frame) is not None:
            board.put(frame, held(100 + frame, board.source(frame)))
    return board


def looked_at(board: Board, frame: int) -> set[tuple[int, int]]:
    """Return the key frames, with checksums, that the engine looks at on its way to a frame."""
    first, end = scene_of(board.cuts, frame)
    keys = [key for key in board.keys if key >= first and (end is None or key < end)]
    begin = max((key for key in keys if key < frame), default=frame)
    found = {key for near in range(begin, frame + 1) for key in keyframes_around(keys, near)}
    return {(key, board.trimaps[key].packed.crc) for key in found}


def statuses(board: Board) -> list[str]:
    return [board.trimap_status(frame) for frame in range(board.frames)]


@pytest.mark.parametrize("seed", range(12))
def test_a_source_names_just_the_key_frames_that_the_engine_looks_at(seed: int) -> None:
    draw = random.Random(seed)
    cuts = tuple(sorted(draw.sample(range(1, 40), draw.choice([0, 0, 1, 3]))))
    board = filled(draw.sample(range(40), draw.choice([1, 2, 4])), 40, cuts)
    for frame in set(range(40)) - set(board.keys):
        source = board.source(frame)
        assert {stamp for stamp in source or () if stamp is not None} == looked_at(board, frame)
        assert board.trimap_status(frame) == ("none" if source is None else "carried")


def test_an_edit_makes_stale_what_lies_between_its_neighbours_and_looks_at_it() -> None:
    board = filled([0, 8, 16])
    board.put(8, held(99))
    stale = [frame for frame, status in enumerate(statuses(board)) if status == "stale"]
    assert stale == [
        2,
        3,
        4,
        5,
        6,
        7,
        9,
        10,
        11,
        12,
        13,
        14,
        15,
    ]  # 1 is far from 8


def test_taking_an_edit_back_makes_all_right_again() -> None:
    board = filled([0, 8, 16])
    before = statuses(board)
    board.put(8, held(99))
    board.put(8, held(8))
    assert statuses(board) == before


def test_a_new_key_frame_leaves_what_is_beyond_its_neighbours() -> None:
    board = filled([0, 16])
    board.put(4, held(4))
    assert statuses(board)[:5] == ["key", "stale", "stale", "stale", "key"]
    assert statuses(board)[5:16] == ["stale"] * 11 and statuses(board)[16:] == ["key", "carried", "carried", "carried"]


def test_nothing_reaches_over_a_cut() -> None:
    board = filled([0, 12], cuts=(10,))
    board.put(0, held(77))
    assert statuses(board) == ["key", *["stale"] * 9, "carried", "carried", "key", *["carried"] * 7]


def test_what_was_carried_is_not_seen_once_its_scene_has_no_key_frame() -> None:
    board = filled([0])
    board.put(0, None)
    assert statuses(board) == ["none"] * 20 and board.get(3) is None and board.pixels(3) is None
    board.put(0, held(0))
    assert statuses(board) == ["key", *["carried"] * 19] and board.pixels(3) is not None


def test_an_alpha_holds_while_the_trimaps_around_it_are_the_same() -> None:
    board = filled([0])
    board.alphas[5] = HeldAlpha(pack(np.zeros(SIZE)), board.stamps(board.window(5)))
    board.alphas[9] = HeldAlpha(pack(np.zeros(SIZE)), board.stamps([9]))
    assert list(board.window(5)) == [3, 4, 5, 6, 7]
    assert (board.alpha_status(4), board.alpha_status(5), board.alpha_status(9)) == ("none", "done", "done")
    board.put(7, held(1, board.source(7)))
    assert (board.alpha_status(5), board.alpha_status(9)) == ("stale", "done")
    board.put(0, held(1))
    assert board.alpha_status(9) == "stale"


def test_a_window_ends_at_cuts_and_at_the_ends_of_the_clip() -> None:
    board = Board(SIZE, 8)
    board.cuts = (4,)
    assert [list(board.window(frame)) for frame in (0, 3, 4, 7)] == [[0, 1, 2], [1, 2, 3], [4, 5, 6], [5, 6, 7]]


@pytest.mark.parametrize("seed", range(8))
def test_what_is_touched_holds_every_status_that_changes(seed: int) -> None:
    draw = random.Random(seed)
    board = filled(draw.sample(range(30), draw.choice([1, 3, 5])), 30, tuple(draw.choice([(), (11,), (7, 20)])))
    for frame in range(30):
        if board.get(frame) is not None:
            board.alphas[frame] = HeldAlpha(pack(np.zeros(SIZE)), board.stamps(board.window(frame)))
    for _ in range(10):
        before = [(board.trimap_status(frame), board.alpha_status(frame)) for frame in range(30)]
        frame = draw.randrange(30)
        touched = set(board.touched(frame))
        board.put(frame, draw.choice([None, held(draw.randrange(256)), held(3, Source(None, None))]))
        touched |= set(board.touched(frame))
        after = [(board.trimap_status(frame), board.alpha_status(frame)) for frame in range(30)]
        assert {number for number in range(30) if before[number] != after[number]} <= touched
