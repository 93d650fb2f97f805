"""Cuts are found, and nothing else is taken for one: on made-up pictures, and on the real clips and what they make."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.media import probe
from mattekit.media.thumbnails import read_thumbnails
from mattekit.ops import gaussian_blur, resize
from mattekit.ops.cuts import THUMBNAIL, are_apart, colour_shares, find_cuts, lost_structure, stands_out

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "val"
CLIPS = (
    *("bgv/car_turn", "bgv/mallard", "bgv/palm_street", "bgv/pool", "bgv/rollercoaster", "bgv/stream"),
    *("real/cat", "real/corgi", "real/girl_outdoor"),
)
SIZE = (36, 64)


def scene(seed: int, width: int = 64) -> Tensor:
    """A picture (3, 36, width) of smooth blobs in colours of its own."""
    generator = torch.Generator().manual_seed(seed)
    colour = torch.rand(3, 1, 1, generator=generator)
    blobs = gaussian_blur(torch.rand(3, 36, width, generator=generator), 2.0)
    return (colour + 4 * (blobs - 0.5)).clamp(0, 1)


def moving(seed: int, count: int, step: int = 1) -> list[Tensor]:
    """Frames over which a scene goes by, so many px a frame."""
    wide = scene(seed, 64 + count * step)
    return [wide[..., index * step : index * step + 64] for index in range(count)]


@cache
def real(name: str) -> Tensor:
    """The small pictures of a clip, (T, 3, 36, 64)."""
    path = DATA / f"{name}.mp4"
    if not path.exists():
        pytest.skip(f"needs the shared validation clips; {path.name} is not there")
    return resize(torch.stack(list(read_thumbnails(probe(path), longest=THUMBNAIL))), SIZE)


def test_the_shares_of_colours_are_what_one_counts() -> None:
    half = torch.zeros(3, 2, 4)
    half[:, :, 2:] = 1
    shares = colour_shares(half)
    assert (float(shares[0]), float(shares[-1]), float(shares.sum())) == (0.5, 0.5, 1.0)
    grey = colour_shares(torch.full((3, 2, 2), (0.5 / 7) ** 2))  # half-way between two steps of each channel
    assert sorted(grey[grey > 0].tolist()) == pytest.approx([0.125] * 8)


def test_structure_is_found_again_where_it_moved_or_the_light_changed_and_not_in_another_scene() -> None:
    one = torch.stack(moving(1, 2, 4))
    assert float(lost_structure(one[:1], one[1:])) < 0.12
    assert float(lost_structure(one[:1], one[:1] * 0.5 + 0.1)) < 0.02
    assert float(lost_structure(one[:1], scene(2)[None])) > 0.2


def test_a_change_stands_out_beside_the_second_largest_of_each_side() -> None:
    assert stands_out([0.0, 0.01, 0.02, 0.5, 0.01, 0.02], 3)
    assert stands_out([0.0, 0.01, 0.5, 0.5, 0.01, 0.02], 3)
    assert not stands_out([0.0, 0.3, 0.3, 0.5, 0.01, 0.02], 3)
    assert not stands_out([0.0, 0.01, 0.02, 0.09, 0.01, 0.02], 3)
    assert stands_out([0.0, 0.5], 1)


def test_hard_cuts_are_found_wherever_they_are() -> None:
    for lengths in ([5, 5], [1, 6], [6, 1], [1, 1], [3, 3, 3], [9, 4, 7]):
        parts = [moving(seed, length) for seed, length in enumerate(lengths)]
        begins = [sum(lengths[:place]) for place in range(1, len(lengths))]
        assert find_cuts([picture for part in parts for picture in part]) == begins, lengths


def test_numbers_are_counted_from_the_first_frame_given() -> None:
    assert find_cuts([*moving(0, 6), *moving(1, 6)], start=100) == [106]


def test_a_cut_that_is_blended_over_one_frame_is_one_cut() -> None:
    one, other = moving(0, 6), moving(1, 6)
    assert find_cuts([*one, (one[-1] + other[0]) / 2, *other]) == [6]


@pytest.mark.parametrize("length", [1, 2])
def test_a_flash_is_no_cut(length: int) -> None:
    pictures = moving(3, 16, 2)
    for white in (0.7, 1.0):
        lit = [(1 - white) * each + white if 7 <= index < 7 + length else each for index, each in enumerate(pictures)]
        assert find_cuts(lit) == []


def test_a_light_that_is_switched_and_a_fade_are_no_cuts() -> None:
    pictures = moving(4, 24)
    assert find_cuts([*pictures[:12], *(0.5 * each for each in pictures[12:])]) == []
    fading = [each * (1 - index / 23) + scene(5) * index / 23 for index, each in enumerate(pictures)]
    assert find_cuts(fading) == []


def test_a_whip_pan_is_no_cut() -> None:
    wide = torch.cat([scene(seed, 64) for seed in range(4)], dim=-1)
    stops = [0, 0, 0, 0, 0, 6, 20, 40, 62, 84, 106, 126, 140, 146, 146, 146, 146, 146]
    pictures = []
    for start, end in zip(stops, [*stops[1:], 146], strict=True):  # each frame is blurred over its way
        pictures.append(torch.stack([wide[..., place : place + 64] for place in range(start, end + 1, 2)]).mean(0))
    assert find_cuts(pictures) == []


def test_plain_pictures_and_short_clips_have_no_cuts() -> None:
    assert find_cuts([]) == []
    assert find_cuts([scene(0)]) == []
    assert find_cuts([torch.zeros(3, 36, 64)] * 12) == []
    assert find_cuts([torch.zeros(3, 1, 1)] * 3) == []


def test_no_more_than_a_few_pictures_are_held() -> None:
    alive: list[int] = []

    def pictures():  # type: ignore[no-untyped-def]
        import weakref

        for index in range(40):
            picture = torch.zeros(3, 4, 4)
            alive.append(index)
            weakref.finalize(picture, alive.remove, index)
            yield picture
            assert len(alive) <= 10

    assert find_cuts(pictures()) == []
    assert len(alive) <= 1


@pytest.mark.parametrize("name", CLIPS)
def test_a_real_clip_of_one_scene_has_no_cut(name: str) -> None:
    assert find_cuts(list(real(name))) == []


def test_the_real_clip_with_a_cut_has_that_one() -> None:
    assert find_cuts(list(real("real/woman"))) == [22]


@pytest.mark.parametrize("gain", [1.0, 0.18])
def test_all_cuts_between_real_clips_are_found_in_the_light_and_in_the_dark(gain: float) -> None:
    for shift in range(1, len(CLIPS)):
        order = [CLIPS[place * shift % len(CLIPS)] for place in range(len(CLIPS))] if shift in (1, 2, 4) else []
        parts = [real(name)[10 * place % 40 :][: 5 + place] for place, name in enumerate(order)]
        begins = [sum(len(part) for part in parts[:place]) for place in range(1, len(parts))]
        joined = [(gain * 255 * picture).round() / 255 for part in parts for picture in part]
        assert find_cuts(joined) == begins


def test_a_flash_over_real_clips_is_no_cut() -> None:
    for name in CLIPS:
        pictures = list(real(name)[:16])
        pictures[8] = 0.3 * pictures[8] + 0.7
        assert find_cuts(pictures) == [], name


def test_pictures_of_another_shape_are_refused() -> None:
    with pytest.raises(InputError, match=r"picture must have shape \(3, H, W\)"):
        find_cuts([torch.zeros(1, 4, 4)])
    with pytest.raises(InputError, match="must have one size"):
        lost_structure(torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 5))
    assert not are_apart([scene(0)], [scene(0), scene(1)])
