"""Where an alpha stands still from one frame to the next, so that colour found before holds on."""

from __future__ import annotations

import torch
from torch import Tensor

from mattekit.checks import check_same_size
from mattekit.ops.filters import box_filter, dilate, sobel

WINDOW = 8
"""Px to each side over which motion is told from noise."""

SHIFT = 0.1
"""Motion in px a frame at which steadiness falls to 1 / e."""

CHANGE = 0.05
"""Change of alpha, there or at the nearest px, at which it falls likewise."""

FLAT = 1e-3
"""Slope of alpha, a px, below which no motion could be seen."""


def steadiness(alpha: Tensor, previous: Tensor) -> Tensor:
    """Tell how far each pixel's alpha stands still.

    Motion is the change of alpha over a window as a share of its slope there, px a frame: noise of alpha that is small
    against its edges counts little, and a flat part of a moving matte moves with the edges around it.

    Args:
        alpha: (..., 1, H, W) in [0, 1].
        previous: (..., 1, H, W), of the frame before.

    Returns:
        (..., 1, H, W) in [0, 1]: 1 where nothing moves, near 0 from 0.2 px a frame on.

    Raises:
        InputError: The sizes differ.
    """
    check_same_size("alpha", alpha, "previous", previous)
    changed = (alpha - previous).abs()
    slope = torch.maximum(_slope(alpha), _slope(previous))
    motion = box_filter(changed, WINDOW) / (box_filter(slope, WINDOW) + FLAT)
    return torch.exp(-((motion / SHIFT).square() + (dilate(changed, 1) / CHANGE).square()))


def _slope(alpha: Tensor) -> Tensor:
    right, below = sobel(alpha)
    return (right.square() + below.square()).sqrt()
