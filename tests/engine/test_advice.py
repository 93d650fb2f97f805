"""Where another key trimap would help: cases computed by hand, and what must hold of any."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from mattekit.engine.advice import Advice, advise, nearest_key, rising_doubt


def frames(found: list[Advice]) -> list[int]:
    return [advice.frame for advice in found]


def test_doubt_by_distance_is_the_median_at_each_distance() -> None:
    assert rising_doubt({1: [0.3, 0.1, 0.2], 2: [0.4, 0.6], 3: [0.7]}) == pytest.approx([0, 0.2, 0.5, 0.7])


def test_doubt_by_distance_never_falls() -> None:
    assert rising_doubt({1: [0.1], 2: [0.6], 3: [0.2], 4: [0.5]}) == pytest.approx([0, 0.1, 0.4, 0.4, 0.5])
    assert rising_doubt({1: [0.4, 0.4], 2: [0.1]}) == pytest.approx([0, 0.3, 0.3])


def test_distances_that_no_frame_has_take_the_next_farther_ones() -> None:
    assert rising_doubt({3: [0.3], 5: [0.5]}) == pytest.approx([0, 0.3, 0.3, 0.3, 0.5, 0.5])
    assert rising_doubt({}) == [0]


def test_the_nearest_key_is_one_of_the_same_scene() -> None:
    assert [nearest_key(frame, [0, 9], [5]) for frame in (0, 4, 5, 8, 12)] == [0, 4, 4, 1, 3]
    assert nearest_key(5, [0], [5]) is None


def test_doubt_that_grows_with_distance_asks_for_the_middle_of_the_far_part() -> None:
    found = advise({frame: 1 - 0.1 * frame for frame in range(1, 10)}, [0], most=1)
    # A key at 7 serves 4 to 9 and leaves 0.3, 0.2, 0.1, 0, 0.1, 0.2 of their 3.9; one at 6 leaves as much, and has less
    # doubt of its own; one at 8 serves 5 to 9 and leaves 0.7 of 3.5.
    assert frames(found) == [7]
    assert found[0].gain == pytest.approx(3.9 - 0.9)
    assert found[0].confidence == pytest.approx(0.3)


def test_doubt_that_is_the_same_everywhere_asks_for_a_frame_far_from_the_key_that_others_are_near_to() -> None:
    found = advise(dict.fromkeys(range(1, 5), 0.6), [0], most=1)
    # A key at 3 leaves 0.4 sqrt(1/2) at 2, 0 at 3 and 0.4 sqrt(1/4) at 4; one at 2 leaves
    # 0, 0.4 sqrt(1/3) and 0.4 sqrt(2/4), which is more, and one at 4 serves 3 and itself alone.
    assert frames(found) == [3]
    assert found[0].gain == pytest.approx(1.2 - 0.4 * 0.5**0.5 - 0.2)


def test_a_bad_stretch_is_served_before_a_good_end() -> None:
    confidences = dict.fromkeys(range(1, 40), 0.99) | {11: 0.6, 12: 0.3, 13: 0.6}
    (only,) = advise(confidences, [0], most=3)
    assert 11 <= only.frame <= 13
    assert only.gain > 1.4  # all of the 0.4, 0.7 and 0.4 but what frames as near to a key show, 0.01


def test_every_scene_is_weighed_by_itself() -> None:
    confidences = dict.fromkeys(range(1, 20), 0.9) | dict.fromkeys(range(21, 30), 0.2)
    first = advise(confidences, [0, 20], cuts=[20], most=1)
    assert 20 < first[0].frame < 30
    assert all(nearest_key(advice.frame, [0, 20], [20]) for advice in advise(confidences, [0, 20], cuts=[20]))


def test_nothing_is_said_where_all_is_confident_or_nothing_was_carried() -> None:
    assert advise(dict.fromkeys(range(1, 100), 0.995), [0]) == []
    assert advise({}, [0, 1, 2]) == []
    assert advise({1: 0.0}, [0], most=0) == []


def test_a_clip_of_two_frames_can_only_ask_for_the_other_one() -> None:
    assert frames(advise({1: 0.5}, [0], most=3)) == [1]
    assert frames(advise({0: 0.5}, [1], most=3)) == [0]


@pytest.mark.parametrize("seed", range(20))
def test_more_doubt_at_the_frame_that_comes_first_leaves_it_first(seed: int) -> None:
    chance = random.Random(seed)
    confidences = {frame: chance.uniform(0.5, 1.0) for frame in range(1, 25)}
    best = advise(confidences, [0], most=1)[0].frame
    for less in (0.4, 0.2, 0.0):
        assert advise(confidences | {best: less}, [0], most=1)[0].frame == best


@pytest.mark.parametrize("seed", range(10))
def test_each_further_key_is_expected_to_gain_no_more_than_the_one_before(seed: int) -> None:
    chance = random.Random(seed)
    confidences = {frame: chance.random() for frame in range(60) if frame not in (4, 30)}
    found = advise(confidences, [30, 4], cuts=[20], most=6)
    assert len({advice.frame for advice in found}) == len(found) > 2
    assert all(one.gain >= other.gain - 1e-9 for one, other in pairwise(found))
    assert frames(advise(confidences, [4, 30], cuts=[20], most=3)) == frames(found)[:3]


def test_the_number_of_a_clips_first_frame_changes_nothing() -> None:
    chance = random.Random(1)
    confidences = {frame: chance.random() for frame in range(1, 30)}
    moved = {frame + 1000: confidence for frame, confidence in confidences.items()}
    assert frames(advise(moved, [1000], cuts=[1012])) == [f + 1000 for f in frames(advise(confidences, [0], cuts=[12]))]


def test_a_long_clip_is_weighed_in_little_time() -> None:
    confidences = {frame: 0.9 - 0.3 * (frame > 9000) for frame in range(1, 12000)}
    assert 4500 < frames(advise(confidences, [0], most=1))[0] < 12000  # nearer than 0 to all of the bad end
