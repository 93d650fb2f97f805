"""Clips made of photos by random flow."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.data.fake_motion import Wobble, fake_motion
from mattekit.ops.warp import pixel_grid, warp

STILL = Wobble(amplitudes=(0.0, 0.0, 0.0), leave=0.0, jitter=0.0, cover=(0.5, 0.5))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def photo(side: int = 96) -> Tensor:
    """Return (4, H, W): smooth colours on a soft disc in the middle; black where alpha is 0."""
    x, y = pixel_grid((side, side), like=torch.zeros(1))[0] - (side - 1) / 2
    alpha = ((side / 3 - torch.hypot(x, y)) / (side / 8)).clamp(0, 1)
    waves = torch.stack(
        [0.55 + 0.4 * torch.sin((x * a + y * b) * 2 * math.pi) for a, b in ((0.03, 0), (0, 0.03), (0.02, 0.02))]
    )
    return torch.cat((waves * (alpha > 0), alpha[None]))


def test_without_motion_the_photo_stands_still_in_the_middle() -> None:
    layer = fake_motion(photo(), generator(), length=3, size=(64, 64), wobble=STILL)
    assert layer.flow is not None and float(layer.flow.abs().max()) == 0
    assert bool((layer.alpha[0] == layer.alpha[2]).all())
    torch.testing.assert_close(layer.alpha[0], layer.alpha[0].flip(-1), atol=1e-4, rtol=0)
    rows = (layer.alpha[0, 0] > 0.05).any(dim=1).nonzero().flatten()
    assert abs(len(rows) - 32) <= 1


@pytest.mark.parametrize("seed", range(4))
def test_the_next_frame_fetched_along_the_flow_is_this_frame_where_valid(seed: int) -> None:
    # two bilinear samples of a photo whose waves are about 70 px long and whose edge is about 25 px wide, enlarged to
    # the frame: each misses by less than (second derivative) / 8 a side, 0.003; the flow adds 1e-3 px times the slope
    layer = fake_motion(photo(192), generator(seed), length=6, size=(192, 192), wobble=Wobble(cover=(0.8, 1.0)))
    assert layer.flow is not None and layer.valid is not None
    for now, after in ((layer.alpha[:-1], layer.alpha[1:]), (layer.colour[:-1], layer.colour[1:])):
        there, _ = warp(after, layer.flow)
        assert float(((there - now).abs() * layer.valid * (layer.alpha[:-1] > 0.05)).max()) < 0.02
    assert float(layer.valid.mean()) > 0.1


def test_a_third_of_the_clips_leave_half_the_frame_and_come_back() -> None:
    wobble = Wobble(amplitudes=(0.0, 0.0, 0.0), jitter=0.1, cover=(0.4, 0.6))
    source, left = photo(24), 0
    for seed in range(240):
        alpha = fake_motion(source, generator(seed), length=3, size=(16, 16), wobble=wobble).alpha
        torch.testing.assert_close(alpha[0], alpha[2], atol=1e-5, rtol=0)
        share = float(alpha[1].sum() / alpha[0].sum())
        assert share > 0.99 or 0.3 < share < 0.7
        left += share < 0.9
    assert abs(left - 80) < 3 * math.sqrt(240 * 2 / 9)


def test_in_the_middle_of_a_leaving_clip_the_box_centre_lies_on_the_border() -> None:
    always = Wobble(amplitudes=(0.0, 0.0, 0.0), leave=1.0, cover=(0.5, 0.5))
    sides = set()
    for seed in range(8):
        alpha = fake_motion(photo(), generator(seed), length=9, size=(64, 64), wobble=always).alpha[4, 0]
        columns = (alpha > 0.05).any(dim=0).nonzero().flatten()
        assert int(columns[0]) == 0 or int(columns[-1]) == 63
        assert abs(len(columns) - 16) <= 1  # half of the 32 px that the box is wide
        sides.add(int(columns[0]) == 0)
    assert sides == {True, False}


def test_no_dark_rim_and_no_alpha_beyond_the_photo() -> None:
    source = photo()
    source[:3] = torch.where(source[3:] > 0, 0.8, 0.0)
    layer = fake_motion(source, generator(3), length=5, size=(80, 80), wobble=Wobble(leave=1.0))
    assert float((layer.colour - 0.8).abs().max()) < 1e-4
    wide = fake_motion(torch.ones(4, 10, 10), generator(), length=1, size=(40, 80), wobble=STILL)
    assert float(wide.alpha[..., :20].max()) == 0 and float(wide.alpha[..., 60:].max()) == 0


def test_a_subject_cut_off_by_the_photo_hides_the_cut_below_the_frame() -> None:
    for seed in range(6):
        layer = fake_motion(torch.ones(4, 30, 20), generator(seed), length=4, size=(60, 60), wobble=Wobble(leave=0.0))
        seen = (layer.alpha[:, 0, 50] > 0.5).float()
        middle = seen @ torch.arange(60.0) / seen.sum(dim=1)
        for frame, column in zip(layer.alpha[:, 0], middle.round().int().tolist(), strict=True):
            assert float(frame[-1, column]) > 0.99


def test_the_same_seed_gives_the_same_bytes_and_one_frame_has_no_flow() -> None:
    one, same = (fake_motion(photo(), generator(7), length=4, size=(41, 57)) for _ in range(2))
    assert bool((one.colour == same.colour).all()) and bool((one.alpha == same.alpha).all())
    assert one.flow is not None and same.flow is not None and bool((one.flow == same.flow).all())
    single = fake_motion(photo(), generator(7), length=1, size=(41, 57))
    assert single.flow is not None and single.flow.shape == (0, 2, 41, 57) and len(single) == 1


def test_an_empty_alpha_and_a_clip_without_frames_are_refused() -> None:
    with pytest.raises(InputError, match="alpha is nowhere above 0.05"):
        fake_motion(torch.zeros(4, 8, 8), generator())
    with pytest.raises(InputError, match="got 0 frames of 8x8"):
        fake_motion(photo(), generator(), length=0, size=(8, 8))
