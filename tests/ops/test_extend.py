"""Colour extended beyond a mask."""

from __future__ import annotations

import pytest
import torch

from mattekit.checks import InputError
from mattekit.ops.extend import extend_colour


def test_colour_inside_the_mask_stays_and_one_colour_fills_everything() -> None:
    colour = torch.rand(1, 3, 13, 17)
    mask = (torch.rand(1, 1, 13, 17) > 0.5).float()
    filled = extend_colour(colour, mask)
    assert bool((filled[(mask > 0).expand_as(filled)] == colour[(mask > 0).expand_as(filled)]).all())
    even = extend_colour(torch.full((1, 3, 13, 17), 0.25) * mask, mask)
    torch.testing.assert_close(even, torch.full_like(even, 0.25))


def test_the_nearer_colour_wins() -> None:
    colour, mask = torch.zeros(1, 1, 1, 64), torch.zeros(1, 1, 1, 64)
    colour[..., 63], mask[..., 0], mask[..., 63] = 1.0, 1, 1
    filled = extend_colour(colour, mask)[0, 0, 0]
    assert float(filled[8]) < 0.1 and float(filled[55]) > 0.9


def test_turning_the_picture_turns_the_result() -> None:
    colour, mask = torch.rand(1, 3, 16, 16), (torch.rand(1, 1, 16, 16) > 0.8).float()
    torch.testing.assert_close(extend_colour(colour.flip(-1), mask.flip(-1)), extend_colour(colour, mask).flip(-1))


def test_an_empty_mask_gives_the_mean_colour() -> None:
    colour = torch.rand(2, 3, 5, 7)
    filled = extend_colour(colour, torch.zeros(2, 1, 5, 7))
    torch.testing.assert_close(filled, colour.mean((-2, -1), keepdim=True).expand_as(filled))


def test_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="colour and mask must have one size"):
        extend_colour(torch.rand(1, 3, 4, 4), torch.rand(1, 1, 4, 5))
