"""Choke and grow: how far an edge moves, alike in every direction, and what they leave alone."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.ops.morphology import choke


def soft_disc(radius: float, side: int = 61) -> Tensor:
    """Return (1, side, side): a disc whose edge is a ramp of 4 px, half covered at the radius."""
    middle = (side - 1) / 2
    rows, columns = torch.arange(side).view(-1, 1) - middle, torch.arange(side).view(1, -1) - middle
    return ((radius - (rows.square() + columns.square()).sqrt()) / 4 + 0.5).clamp(0, 1)[None]


def half_radius(alpha: Tensor, angle: float) -> float:
    """Return how far from the middle alpha falls to one half in a direction."""
    middle = (alpha.shape[-1] - 1) / 2
    steps = torch.arange(0, middle, 0.05)
    spots = torch.stack((steps * math.cos(angle), steps * math.sin(angle)), dim=-1) / (middle + 0.5)
    values = torch.nn.functional.grid_sample(alpha[None], spots[None, None], align_corners=False)[0, 0, 0]
    return float(steps[(values < 0.5).nonzero()[0, 0]])


@pytest.mark.parametrize(("pixels", "wanted"), [(1, 0.0), (0.25, 0.75), (0, 1.0)])
def test_an_edge_moves_in_by_parts_of_a_pixel(pixels: float, wanted: float) -> None:
    alpha = torch.zeros(1, 9, 9)
    alpha[..., 4:] = 1
    found = choke(alpha, pixels)
    assert found[0, 4, 4].item() == pytest.approx(wanted)
    assert found[0, 4, 3].item() == 0 and found[0, 4, 6].item() == 1
    assert choke(alpha, -pixels)[0, 4, 3].item() == pytest.approx(pixels)


@pytest.mark.parametrize("pixels", [0.5, 1.0, 2.3, 5.0, -0.5, -1.7, -4.0])
def test_the_half_level_line_moves_as_far_in_every_direction(pixels: float) -> None:
    alpha = soft_disc(18.0)
    found = choke(alpha, pixels)
    for step in range(24):
        angle = 2 * math.pi * step / 24
        assert half_radius(alpha, angle) - half_radius(found, angle) == pytest.approx(pixels, abs=0.15)


def test_growing_is_choking_the_background() -> None:
    alpha = torch.rand(2, 1, 17, 23, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(choke(alpha, -1.3), 1 - choke(1 - alpha, 1.3))


def test_a_flip_commutes_and_frames_do_not_influence_each_other() -> None:
    alpha = torch.rand(3, 1, 17, 23, generator=torch.Generator().manual_seed(0))
    found = choke(alpha, 1.6)
    torch.testing.assert_close(choke(alpha.flip(-1), 1.6), found.flip(-1))
    assert torch.equal(choke(alpha[1:2], 1.6), found[1:2])


def test_what_touches_the_border_is_not_eaten_from_there() -> None:
    alpha = torch.ones(1, 1, 12, 12)
    assert torch.equal(choke(alpha, 5.5), alpha)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 1), (17, 13)])
def test_any_size_keeps_its_shape_and_range(size: tuple[int, int]) -> None:
    alpha = torch.rand(1, *size, generator=torch.Generator().manual_seed(1))
    for pixels in (-40.5, -0.3, 0.3, 40.5):
        found = choke(alpha, pixels)
        assert found.shape == alpha.shape and 0 <= float(found.min()) <= float(found.max()) <= 1


def test_too_many_pixels_are_refused() -> None:
    with pytest.raises(InputError, match="choke must be -64 to 64 px; got 65"):
        choke(torch.zeros(1, 4, 4), 65)
