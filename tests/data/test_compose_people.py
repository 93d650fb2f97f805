"""Clips of people composed by the rules of RVM: places, easing, looks, segmentation, and the same batch by the seed."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.data import compose_people, people_looks
from mattekit.data.affine import Reach, half_sides, look_up, matrices, moving_change, square_crop
from mattekit.data.compose_people import Chances, PeopleComposer
from mattekit.data.easing import EASINGS, random_progress
from mattekit.data.pack import Source
from mattekit.types import Stage

STAGE = Stage("any", steps=1, batch=2, length=4, size=(24, 32), rate=(0.0, 0.0))
STILL = torch.zeros(1, 5, dtype=torch.float64)
STILL[:, 3] = 1


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def disc(name: str, *, frames: int = 1, side: int = 40, kind: str = "photo", level: int = 200) -> Source:
    """A disc of one colour; outside it the colour is black, as alpha tools leave it."""
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    pixels = torch.zeros(frames, 4, side, side, dtype=torch.uint8)
    for frame in range(frames):
        inside = (x - side / 2 - frame).square() + (y - side / 2).square() < (side / 4) ** 2
        pixels[frame, :3, inside], pixels[frame, 3, inside] = level, 255
    return Source(name, kind, pixels)


def ground(name: str, *, frames: int = 1, level: int = 30) -> Source:
    return Source(name, "background", torch.full((frames, 3, 30, 50), level, dtype=torch.uint8))


def composer(**options: object) -> PeopleComposer:
    subjects = [disc("still"), disc("clip", frames=5, kind="clip")]
    return PeopleComposer(subjects, [ground("wall"), ground("road", frames=3)], **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", list(EASINGS))
def test_every_easing_curve_leads_from_0_to_1(name: str) -> None:
    ends = EASINGS[name](torch.tensor([0.0, 1.0], dtype=torch.float64))
    assert ends.tolist() == pytest.approx([0, 1], abs=2e-3)


def test_there_are_31_curves_and_their_halves_mirror_each_other() -> None:
    time = torch.linspace(0, 1, 21, dtype=torch.float64)
    assert len(EASINGS) == 31
    for name in ("cubic", "bounce", "elastic", "back"):
        begins, ends = EASINGS[f"{name} in"], EASINGS[f"{name} out"]
        torch.testing.assert_close(ends(time), 1 - begins(1 - time))
        assert float(EASINGS[f"{name} in-out"](torch.tensor(0.5))) == pytest.approx(0.5, abs=1e-3)
    assert float(EASINGS["quad in"](torch.tensor(0.5))) == 0.25
    assert EASINGS["step"](time).tolist() == [0.0] * 10 + [1.0] * 11
    assert random_progress(1, seeded()).tolist() == [0.0]


def test_a_picture_that_does_not_change_is_found_as_it_is() -> None:
    picture = torch.rand(1, 3, 16, 16, generator=seeded())
    crop = square_crop(half_sides((16, 16)), aspect=1.0, place=(0.5, 0.5))
    places = matrices(STILL, half_sides((16, 16))) @ crop
    torch.testing.assert_close(look_up(picture, places, (16, 16), padding="zeros"), picture)
    middle = look_up(picture, places, (8, 16), padding="zeros")
    torch.testing.assert_close(middle, picture[:, :, 4:12])


def test_a_shift_moves_by_its_share_of_the_side_and_a_turn_goes_clockwise() -> None:
    picture = torch.zeros(1, 1, 20, 40)
    picture[..., 10, 20] = 1
    half, crop = half_sides((20, 40)), square_crop(half_sides((20, 40)), aspect=1.0, place=(0.5, 0.5))
    moved = STILL.clone()
    moved[:, 1], moved[:, 2] = 0.1, -0.1  # 4 px to the right, 2 px up
    seen = look_up(picture, matrices(moved, half) @ crop, (20, 20), padding="zeros")[0, 0]
    assert seen.argmax() == 8 * 20 + 14
    corner = torch.zeros(1, 1, 20, 20)
    corner[..., 5, 10] = 1  # above the middle
    turned = STILL.clone()
    turned[:, 0] = math.pi / 2
    places = matrices(turned, (1.0, 1.0)) @ square_crop((1.0, 1.0), aspect=1.0, place=(0.5, 0.5))
    seen = look_up(corner, places, (20, 20), padding="zeros")[0, 0]
    assert divmod(int(seen.argmax()), 20) == (10, 14)  # to the right of it


def test_motion_stays_between_its_ends_but_for_curves_that_overshoot() -> None:
    for seed in range(30):
        change = moving_change(9, Reach(), seeded(seed))
        assert change.shape == (9, 5) and float(change[:, 0].abs().max()) < math.radians(10) * 2
        assert 0.8 < float(change[0, 3]) < 1.2


def test_the_same_seed_gives_the_same_batch_and_another_another() -> None:
    one, other, third = (composer().sample(STAGE, seeded(seed)) for seed in (3, 3, 4))
    assert torch.equal(one.frames, other.frames) and torch.equal(one.alpha_true, other.alpha_true)
    assert not torch.equal(one.frames, third.frames)
    assert one.frames.shape == (2, 4, 3, 24, 32) and one.alpha_true.shape == (2, 4, 1, 24, 32)


def test_frames_are_alpha_of_the_foreground_over_the_background() -> None:
    for seed in range(12):
        sample = composer().sample(STAGE, seeded(seed))
        mixed = sample.alpha_true * sample.foreground_true + (1 - sample.alpha_true) * sample.background_true
        torch.testing.assert_close(sample.frames, mixed)
        for picture in (sample.frames, sample.alpha_true, sample.foreground_true):
            assert float(picture.min()) >= 0 and float(picture.max()) <= 1


def test_no_dark_rim_comes_from_black_colour_outside_the_subject() -> None:
    sample = composer(plain=True).sample(replace(STAGE, batch=8), seeded())
    seen = sample.foreground_true[sample.alpha_true.expand_as(sample.foreground_true) > 0.02]
    assert len(seen) > 1000 and float(seen.min()) == pytest.approx(200 / 255, abs=0.01)


def test_a_stage_of_stills_and_one_of_clips_take_what_they_name() -> None:
    subjects = [disc("still", level=100), disc("clip", frames=5, kind="clip", level=200)]
    drawn = PeopleComposer(subjects, [ground("wall", level=0)], plain=True)
    for kind, level in (("matting stills", 100), ("matting clips", 200)):
        sample = drawn.sample(replace(STAGE, kind=kind, batch=6), seeded())
        assert float(sample.frames.max()) == pytest.approx(level / 255, abs=0.01)
    with pytest.raises(InputError, match="kind must be one of matting, .*, segmentation; got 'colouring'"):
        drawn.sample(replace(STAGE, kind="colouring"), seeded())


def test_a_still_subject_moves_in_nearly_every_clip_and_a_plain_one_never(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose_people, "STILLS", Chances(1, 0, 0, 0.5, 0, 0, 0, 0, 0, 0))
    for plain in (False, True):
        drawn = PeopleComposer([disc("still")], [ground("wall")], plain=plain)
        changes = [drawn.sample(STAGE, seeded(seed)).alpha_true.diff(dim=1).abs().max() for seed in range(10)]
        assert [bool(change > 0) for change in changes].count(True) == (0 if plain else 10)


def test_segmentation_without_masks_is_where_alpha_is_above_one_half() -> None:
    sample = composer().sample(replace(STAGE, kind="segmentation"), seeded(1))
    assert set(sample.alpha_true.unique().tolist()) <= {0.0, 1.0} and float(sample.alpha_true.sum()) > 0
    assert torch.equal(sample.frames, sample.foreground_true)


def test_segmentation_takes_masks_of_pictures_for_stills_and_of_clips_for_clips() -> None:
    people = [
        Source("crowd", "segmentation", disc("a", level=90).pixels),
        Source("dancer", "segmentation", disc("b", frames=6, level=220).pixels),
    ]
    clips = composer(segmentation=people[:1])
    assert (
        float(clips.sample(replace(STAGE, kind="segmentation", batch=1), seeded()).frames.min()) > 0.05
    )  # a composite
    drawn = composer(segmentation=people)
    clip = drawn.sample(replace(STAGE, kind="segmentation"), seeded())
    still = drawn.sample(replace(STAGE, kind="segmentation", length=1, batch=16), seeded())
    for sample in (clip, still):
        mask, grey = sample.alpha_true.bool(), sample.frames.mean(2, keepdim=True)
        assert set(sample.alpha_true.unique().tolist()) == {0.0, 1.0}
        assert float(grey[~mask].mean()) < 0.05 < float(grey[mask].mean())
    assert clip.frames.shape == (2, 4, 3, 24, 32) and still.frames.shape == (16, 1, 3, 24, 32)


def spread(picture: Tensor) -> float:
    return float(picture.std())


def test_looks_that_change_nothing_change_nothing_and_others_do_what_they_say() -> None:
    frames = 0.3 + 0.4 * torch.rand(3, 3, 12, 12, generator=seeded())
    torch.testing.assert_close(people_looks.jitter(frames, torch.zeros(4, 3)), frames)
    torch.testing.assert_close(people_looks.sharpen(frames, 1.0), frames)
    torch.testing.assert_close(people_looks.blur(frames, torch.zeros(3)), frames)
    bright = people_looks.jitter(frames, torch.tensor([[0.1, 0, -1.0], [0, 0, 0], [0, -1.0, 0], [0, 0, 0]]))
    torch.testing.assert_close(bright[0], frames[0] * 1.1)
    assert float(bright[1].std(dim=0).max()) < 1e-6 and float(bright[2].max()) == 0
    assert spread(people_looks.blur(frames, torch.full((3,), 3.0))) < 0.2 * spread(frames)
    assert spread(people_looks.sharpen(frames, 0.0)) < spread(frames) < spread(people_looks.sharpen(frames, 3.0))
    assert float(people_looks.grey(frames).std(dim=1).max()) < 1e-6
    noisy = people_looks.grain(frames, seeded(), size=3.0, monochrome=True, amplitude=0.05) - frames
    assert 0.01 < spread(noisy) < 0.06 and float(noisy.std(dim=1).max()) < 1e-5


def test_a_pause_repeats_one_frame_and_the_clip_goes_on_after_it() -> None:
    orders = [people_looks.pause(8, seeded(seed)).tolist() for seed in range(40)]
    for order in orders:
        still = [place for place, frame in enumerate(order) if place != frame]
        assert {order[place] for place in still} <= {still[0] - 1} if still else True
        assert [frame for place, frame in enumerate(order) if place not in still] == [
            place for place in range(8) if place not in still
        ]
    assert len({tuple(order) for order in orders}) > 10


def test_a_composer_without_sources_is_refused() -> None:
    with pytest.raises(InputError, match="foregrounds and backgrounds must not be empty; got 0 and 1"):
        PeopleComposer([], [ground("wall")])
