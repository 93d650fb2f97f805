"""Where an alpha stands still from one frame to the next, so that colour found before holds on."""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.checks import check_same_size
from mattekit.ops.filters import box_filter, dilate, sobel

BLOCK, WINDOW = 4, 2
"""Motion is told from noise over blocks of so many px, and so many blocks to each side."""

SHIFT = 0.2
"""Motion in px a frame at which steadiness falls to 1 / e."""

CHANGE = 0.1
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
        (..., 1, H, W) in [0, 1]: 1 where nothing moves, near 0 from 0.4 px a frame on.

    Raises:
        InputError: The sizes differ.
    """
    check_same_size("alpha", alpha, "previous", previous)
    changed = (alpha - previous).abs()
    slope = torch.maximum(_slope(alpha), _slope(previous))
    motion = _about(torch.cat((changed, slope), dim=-3))
    motion = motion[..., :1, :, :] / (motion[..., 1:, :, :] + FLAT)
    return torch.exp(-((motion / SHIFT).square() + (dilate(changed, 1) / CHANGE).square()))


def _about(values: Tensor) -> Tensor:
    """Return the means (..., C, H, W) over the blocks around each pixel."""
    height, width = values.shape[-2:]
    planes = values.reshape(-1, *values.shape[-3:])
    blocks = box_filter(functional.avg_pool2d(planes, BLOCK, ceil_mode=True, count_include_pad=False), WINDOW)
    span = (blocks.shape[-2] * BLOCK, blocks.shape[-1] * BLOCK)
    wide = functional.interpolate(blocks, size=span, mode="bilinear", align_corners=False)
    return wide[..., :height, :width].reshape(values.shape)


def _slope(alpha: Tensor) -> Tensor:
    right, below = sobel(alpha)
    return (right.square() + below.square()).sqrt()
