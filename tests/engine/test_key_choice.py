"""Key frames chosen by trust: one a scene at least, more where more can be trusted."""

from __future__ import annotations

from itertools import pairwise

from mattekit.engine.key_choice import APART, EVERY, Reading, choose_keys, trust


def read(*confidences: float, share: float = 0.3) -> list[Reading]:
    return [Reading(share, confidence, False) for confidence in confidences]


NOBODY = Reading(0.0, 1.0, True)


def test_the_most_trusted_frame_of_a_short_scene_is_its_key_frame() -> None:
    (choice,) = choose_keys(read(0.8, 0.9, 0.95, 0.9), start=100)
    assert (choice.frame, choice.trust, choice.empty) == (102, 0.95, False)


def test_a_scene_that_is_easy_to_read_has_a_key_frame_every_so_often_and_a_hard_one_has_one() -> None:
    length = 4 * EVERY
    easy, hard = choose_keys(read(*[0.95] * length)), choose_keys(read(*[0.6] * length))
    frames = [choice.frame for choice in easy]
    assert len(frames) == 4 and len(hard) == 1
    assert all(later - earlier >= APART for earlier, later in pairwise(frames))
    assert all(abs(frame - (EVERY * place + EVERY / 2)) <= 1 for place, frame in enumerate(frames))


def test_where_part_of_a_scene_is_hard_to_read_that_part_has_none() -> None:
    choices = choose_keys(read(*[0.95] * EVERY, *[0.5] * (2 * EVERY), *[0.93] * EVERY))
    frames = [choice.frame for choice in choices]
    assert len(frames) == 2 and frames[0] < EVERY and frames[1] >= 3 * EVERY


def test_every_scene_has_one_and_those_of_nobody_an_empty_one() -> None:
    readings = [*read(0.9, 0.9), *[NOBODY] * 3, *read(0.3, 0.4, 0.2)]
    choices = choose_keys(readings, start=10, cuts=[2, 12, 15, 40])
    assert [(choice.frame, choice.empty) for choice in choices] == [(10, False), (13, True), (16, False)]


def test_a_frame_in_which_half_of_what_is_around_is_missing_is_not_trusted() -> None:
    readings = read(*[0.9] * 12)
    readings[5] = Reading(0.12, 0.99, False)
    readings[6] = Reading(0.0, 1.0, True)
    found = trust(readings)
    assert found[5] < 0.5 and found[6] < 0.05 and found[4] == 0.9
    assert all(choice.frame not in (5, 6) for choice in choose_keys(readings))


def test_people_who_come_in_late_leave_an_empty_key_frame_before() -> None:
    choices = choose_keys([*[NOBODY] * (2 * EVERY), *read(*[0.95] * (2 * EVERY))])
    assert [choice.empty for choice in choices] == [True, True, False, False]


def test_two_key_frames_are_never_next_to_each_other() -> None:
    confidences = [0.9] * (2 * EVERY)
    confidences[EVERY - 1], confidences[EVERY] = 0.97, 0.96
    first, second = choose_keys(read(*confidences))
    assert first.frame == EVERY - 1 and second.frame >= first.frame + APART


def test_one_frame_is_its_own_key_frame_whatever_it_shows() -> None:
    assert [choice.frame for choice in choose_keys(read(0.1), start=7)] == [7]
    assert choose_keys([NOBODY])[0].empty


def test_a_blip_in_a_scene_of_nobody_is_not_believed() -> None:
    readings = [*[NOBODY] * 8, Reading(0.02, 0.6, False), *[NOBODY] * 8]
    assert [choice.empty for choice in choose_keys(readings)] == [True]
