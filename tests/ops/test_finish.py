"""Levels, feather and softness of an alpha."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.ops.finish import feather, sharpen, soften, stretch


def noise(*size: int) -> Tensor:
    return torch.rand(*size, generator=torch.Generator().manual_seed(0))


def step(side: int = 41) -> Tensor:
    alpha = torch.zeros(1, 1, 9, side)
    alpha[..., side // 2 :] = 1
    return alpha


def test_levels_below_black_are_clear_above_white_opaque_and_linear_between() -> None:
    found = stretch(torch.tensor([0.0, 0.1, 0.3, 0.5, 0.9, 1.0]), black=0.1, white=0.5)
    torch.testing.assert_close(found, torch.tensor([0.0, 0.0, 0.5, 1.0, 1.0, 1.0]))


def test_gamma_bends_the_middle_and_holds_the_ends() -> None:
    found = stretch(torch.tensor([0.0, 0.25, 1.0]), gamma=2.0)
    torch.testing.assert_close(found, torch.tensor([0.0, 0.5, 1.0]))


def test_nothing_asked_for_is_the_input_itself() -> None:
    alpha = noise(2, 1, 8, 9)
    assert stretch(alpha) is alpha and feather(alpha, 0) is alpha
    assert soften(alpha, 0) is alpha and sharpen(alpha, 0) is alpha


@pytest.mark.parametrize("pixels", [2.0, 6.0, 12.0])
def test_a_feathered_edge_goes_from_a_tenth_to_nine_tenths_in_so_many_px(pixels: float) -> None:
    row = feather(step(), pixels)[0, 0, 4].double()
    places = torch.arange(len(row), dtype=torch.float64)
    tenth, most = (float(places[row <= level][-1] + _part(row, level)) for level in (0.1, 0.9))
    assert most - tenth == pytest.approx(pixels, rel=0.1, abs=0.4)


def _part(row: Tensor, level: float) -> float:
    first = int((row <= level).nonzero()[-1, 0])
    return float((level - row[first]) / (row[first + 1] - row[first]))


@pytest.mark.parametrize("change", [lambda a: soften(a, 3.0), lambda a: sharpen(a, 0.6), lambda a: sharpen(a, 1.0)])
def test_softness_moves_no_pixel_over_one_half(change) -> None:
    alpha = noise(2, 1, 25, 31)
    found = change(alpha)
    assert bool((found[alpha > 0.5] >= 0.5).all()) and bool((found[alpha < 0.5] <= 0.5).all())
    assert not torch.equal(found, alpha)


def test_softening_flattens_and_sharpening_steepens_an_edge() -> None:
    ramp = torch.linspace(-2, 3, 41).clamp(0, 1).expand(1, 1, 9, 41)
    slope = lambda alpha: float((alpha[..., 1:] - alpha[..., :-1]).max())  # noqa: E731
    assert slope(sharpen(ramp, 0.5)) == pytest.approx(2 * slope(ramp), rel=1e-3)
    assert slope(soften(ramp, 20.0)) < 0.7 * slope(ramp)
    hard = sharpen(ramp, 1.0)
    assert float(((hard > 0.01) & (hard < 0.99)).float().mean()) < 0.03


def test_softening_keeps_a_thin_part_that_feathering_loses() -> None:
    hair = torch.zeros(1, 1, 15, 15)
    hair[..., 7] = 1
    assert float(feather(hair, 8.0)[..., 7].max()) < 0.5 <= float(soften(hair, 8.0)[..., 7].min())


def test_what_is_out_of_range_is_refused() -> None:
    alpha = noise(1, 4, 4)
    with pytest.raises(InputError, match=r"black must be below white, both in 0 to 1; got 0\.5 and 0\.2"):
        stretch(alpha, black=0.5, white=0.2)
    with pytest.raises(InputError, match="gamma must be above 0; got 0"):
        stretch(alpha, gamma=0)
    with pytest.raises(InputError, match="feather must be 0 to 64 px; got -1"):
        feather(alpha, -1)
    with pytest.raises(InputError, match="softness must be 0 to 64 px; got 65"):
        soften(alpha, 65)
    with pytest.raises(InputError, match=r"sharpened by 0 to 1; got 1\.5"):
        sharpen(alpha, 1.5)
