"""Mattes damaged on purpose: the damaged frames come first, and a true matte yields nothing."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import walkers
from mattekit.checks import InputError
from mattekit.metrics.blind import Finding, Inspector, Look, find, suspicions
from mattekit.ops import gaussian_blur

HOLE, SHAKEN, FROZEN = 8, (13, 22), (28, 38)


@pytest.fixture(scope="module")
def walk() -> tuple[Tensor, Tensor, Tensor]:
    return walkers.walking_disc(40)


@pytest.fixture(scope="module")
def short(walk: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    frames, alpha, foreground = (each[:16] for each in walk)
    return frames, alpha, foreground


def look(frames: Tensor, alpha: Tensor, foreground: Tensor | None = None) -> list[Look]:
    inspector = Inspector()
    with torch.inference_mode():
        for index, (frame, matte) in enumerate(zip(frames, alpha, strict=True)):
            inspector.add(frame, matte, None if foreground is None else foreground[index])
        return inspector.finish()


def entries(looks: list[Look]) -> list[Finding]:
    return find(looks, walkers.SIZE)[0]


def test_a_true_matte_yields_nothing(walk: tuple[Tensor, Tensor, Tensor]) -> None:
    assert entries(look(*walk)) == []


def test_a_hole_a_flickering_stretch_and_a_frozen_one_are_the_first_three(walk: tuple[Tensor, Tensor, Tensor]) -> None:
    frames, alpha, _ = walk
    damaged = walkers.freeze(walkers.shake(walkers.punch(alpha, HOLE), *SHAKEN), *FROZEN)
    looks = look(frames, damaged)
    found, scores = find(looks, walkers.SIZE)
    assert {each.cause: each.frames for each in found} == {
        "hole": "frame 8",
        "flicker": "frames 13-21",
        "frozen": "frames 28-37",
    }
    assert found[0].words == "hole of 81 px" and found[1].words.startswith("alpha frozen while the picture moves by")
    damage = {HOLE, *range(*SHAKEN), *range(*FROZEN)}
    worst = scores.argsort()[::-1][: len(damage) // 2].tolist()
    assert set(worst) <= damage | {SHAKEN[1]}


def test_an_alpha_frozen_for_most_of_the_clip_is_found(walk: tuple[Tensor, Tensor, Tensor]) -> None:
    frames, alpha, _ = walk
    found = entries(look(frames, walkers.freeze(alpha, 6, 40)))
    assert found[0].cause == "frozen" and found[0].first == 6 and found[0].last >= 30


@pytest.mark.parametrize("frame", [1, 8, 14])
def test_a_hole_is_found_in_its_frame_alone(short: tuple[Tensor, Tensor, Tensor], frame: int) -> None:
    frames, alpha, _ = short
    looks = look(frames, walkers.punch(alpha, frame))
    assert [each.frame for each in looks if each.hole > 0] == [frame]
    top, left, bottom, right = looks[frame].boxes["hole"]
    assert (bottom - top) * walkers.SIZE[0] == pytest.approx(11) and (right - left) * walkers.SIZE[1] == pytest.approx(
        11
    )
    assert [(each.cause, each.frames) for each in entries(looks)][:1] == [("hole", f"frame {frame}")]


def test_an_island_is_found_where_it_is(short: tuple[Tensor, Tensor, Tensor]) -> None:
    frames, alpha, _ = short
    looks = look(frames, 1 - walkers.punch(1 - alpha, 8, centre=(20, 10)))
    first = entries(looks)[0]
    assert str(first).startswith("frame 8: island of 81 px")
    assert first.box is not None and first.box[0] < 20 / 96 < first.box[2] and first.box[1] < 10 / 160 < first.box[3]


def test_a_hole_that_stays_counts_once(short: tuple[Tensor, Tensor, Tensor]) -> None:
    frames, alpha, _ = short
    damaged = alpha.clone()
    for frame in range(3, len(alpha)):
        damaged[frame] = walkers.punch(alpha, frame)[frame]
    assert [each.frame for each in look(frames, damaged) if each.hole > 0] == [3]


def test_a_lasting_hole_of_a_few_frames_counts_in_each(short: tuple[Tensor, Tensor, Tensor]) -> None:
    frames, alpha, _ = short
    damaged = alpha.clone()
    for frame in range(5, 9):
        damaged[frame] = walkers.punch(alpha, frame)[frame]
    looks = look(frames, damaged)
    assert [each.frame for each in looks if each.hole > 0] == [5, 6, 7, 8]
    assert entries(looks)[0].frames == "frames 5-8"


def test_damage_of_the_first_and_of_the_last_frame_is_found(short: tuple[Tensor, Tensor, Tensor]) -> None:
    frames, alpha, _ = short
    damaged = alpha.clone()
    damaged[[0, -1]] *= 0.6
    assert {each.worst for each in entries(look(frames, damaged))} == {0, len(alpha) - 1}


def test_a_matte_that_vanishes_for_a_frame_is_the_first_entry(short: tuple[Tensor, Tensor, Tensor]) -> None:
    frames, alpha, _ = short
    damaged = alpha.clone()
    damaged[8] = 0
    assert entries(look(frames, damaged))[0].frames == "frame 8"


def test_a_blurred_stretch_is_told_where_it_begins_and_ends(walk: tuple[Tensor, Tensor, Tensor]) -> None:
    frames, alpha, _ = walk
    damaged = alpha.clone()
    damaged[12:28] = gaussian_blur(alpha[12:28], 3)
    told = [str(each) for each in entries(look(frames, damaged))]
    assert told == [
        "frame 12: the edge is 10.5 px wide, in the frame before 3.0",
        "frame 28: the edge is 3.0 px wide, in the frame before 10.5",
    ]


def test_spill_in_some_frames_stands_out(short: tuple[Tensor, Tensor, Tensor]) -> None:
    frames, alpha, foreground = short
    spilt = foreground.clone()
    spilt[6:9] = torch.tensor([0.1, 0.3, 0.1]).view(3, 1, 1)
    looks = look(frames, alpha, spilt)
    assert [(each.cause, each.frames) for each in entries(looks)] == [("spill", "frames 6-8")]
    assert math.isnan(look(frames[:3], alpha[:3])[0].spill)


def test_a_cut_is_told_and_does_not_count_as_flicker(short: tuple[Tensor, Tensor, Tensor]) -> None:
    other, alpha, _ = walkers.walking_disc(12, seed=7)
    clip = torch.cat((short[0][:12], 1 - other.flip(-1)))
    looks = look(clip, torch.cat((short[1][:12], alpha.flip(-1))))
    assert [each.frame for each in looks if each.cut] == [12]
    assert entries(looks) == []


def test_a_clip_of_any_length_gives_a_look_a_frame(short: tuple[Tensor, Tensor, Tensor]) -> None:
    frames, alpha, _ = short
    assert Inspector().finish() == []
    for count in (1, 2, 3):
        looks = look(frames[:count], alpha[:count])
        assert len(looks) == count and entries(looks) == []
        assert all(len(values) == count for values in suspicions(looks, walkers.SIZE).values())


def test_what_is_measured_does_not_depend_on_later_frames(short: tuple[Tensor, Tensor, Tensor]) -> None:
    frames, alpha, _ = short
    part, whole = look(frames[:10], alpha[:10]), look(frames, alpha)
    assert [each.width for each in part] == [each.width for each in whole[:10]]
    assert [each.flicker for each in part[1:9]] == [each.flicker for each in whole[1:9]]


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (33, 47), (3, 300)])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_empty_and_full_mattes_of_odd_sizes_are_quiet(size: tuple[int, int], value: float) -> None:
    frames = torch.rand(4, 3, *size, generator=torch.Generator().manual_seed(0))
    looks = look(frames, torch.full((4, 1, *size), value), frames)
    assert find(looks, size)[0] == []


def test_an_alpha_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match=r"frame and alpha must have one size .*got \(4, 4\) and \(4, 5\)"):
        Inspector().add(torch.zeros(3, 4, 4), torch.zeros(1, 4, 5))
