"""A map completed by the colours of the frame: what it missed is found, its edge moves to the frame's, no run-away."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.ops import gaussian_blur
from mattekit.ops.graph_cut import cut_map


def person() -> tuple[Tensor, Tensor]:
    """Return a frame (3, H, W) of a red disc on green, both textured, and the mask (1, H, W) of the disc."""
    y, x = torch.meshgrid(torch.arange(96.0), torch.arange(128.0), indexing="ij")
    mask = (torch.hypot(y - 48, x - 64) <= 28).float()[None]
    red, green = torch.tensor([0.8, 0.2, 0.2]).view(3, 1, 1), torch.tensor([0.2, 0.6, 0.3]).view(3, 1, 1)
    noise = 0.05 * torch.randn(3, 96, 128, generator=torch.Generator().manual_seed(0))
    return (mask * red + (1 - mask) * green + noise).clamp(0, 1), mask


def overlap(one: Tensor, other: Tensor) -> float:
    both = torch.minimum(one, other).sum() / torch.maximum(one, other).sum()
    return float(both)


def test_what_a_map_missed_is_found_by_its_colour_and_the_edge_is_the_frames() -> None:
    frame, mask = person()
    maps = gaussian_blur(mask, 6.0)
    maps[:, 40:60, 55:62] = 0.02
    maps[:, :, 78:] *= 0.3
    found = cut_map(frame, maps)
    assert set(found.unique().tolist()) == {0.0, 1.0}
    assert overlap((maps > 0.5).float(), mask) < 0.75 and overlap(found, mask) > 0.97
    assert bool((found == cut_map(frame, maps)).all())


def test_large_frames_are_cut_at_a_small_size_and_masks_have_the_size_of_the_frame() -> None:
    frame, mask = person()
    large = [torch.nn.functional.interpolate(each[None], scale_factor=4.0)[0] for each in (frame, mask)]
    found = cut_map(large[0], gaussian_blur(large[1], 8.0))
    assert found.shape == (1, 384, 512) and overlap(found, large[1]) > 0.95


def test_a_cut_that_goes_astray_leaves_what_the_map_says() -> None:
    grey = torch.full((3, 96, 128), 0.5)
    maps = torch.zeros(1, 96, 128)
    maps[:, 40:50, 40:50] = 0.9
    found = cut_map(grey, maps)
    assert float(found.sum()) <= 4 * 100 and float(found[:, 42:48, 42:48].min()) == 1


@pytest.mark.parametrize("level", [0.0, 0.4, 0.6, 1.0])
def test_a_map_that_is_the_same_everywhere_is_cut_at_a_half(level: float) -> None:
    frame, _ = person()
    assert bool((cut_map(frame, torch.full((1, 96, 128), level)) == float(level > 0.5)).all())
    assert cut_map(frame[:, :1, :1], torch.full((1, 1, 1), level)).shape == (1, 1, 1)


def test_a_map_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="frame and map must have one size"):
        cut_map(torch.zeros(3, 8, 8), torch.zeros(1, 8, 9))
