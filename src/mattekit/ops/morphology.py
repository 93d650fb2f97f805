"""Edges of an alpha moved inwards or outwards by parts of a pixel, alike in every direction."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.checks import InputError
from mattekit.ops.filters import erode

MOST = 64
"""Px by which an edge may be moved."""

DIRECTIONS = 16
"""Points on the rim of the disc that an edge is moved by; between them it is at most 2 % nearer."""


def choke(alpha: Tensor, pixels: float) -> Tensor:
    """Move the edges of an alpha inwards by px, outwards where negative.

    Each value becomes the smallest within a disc of that radius: the whole pixels inside it, and points on its rim
    read between pixels. A ramp keeps its slope; a hard edge moved by parts of a pixel gets that share of coverage.

    Args:
        alpha: (..., H, W) in [0, 1].
        pixels: How far, -64 to 64; parts of a px count. 0 returns the input.

    Returns:
        (..., H, W) in [0, 1]; nothing outside the picture counts, so what touches the border is not eaten from there.

    Raises:
        InputError: Px are out of range.

    Example:
        >>> choke(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), 0.25).tolist()
        [[0.0, 0.0, 0.75, 1.0]]
    """
    if not abs(pixels) <= MOST:
        raise InputError(f"choke must be -{MOST} to {MOST} px; got {pixels:g}")
    if pixels == 0:
        return alpha
    return _shrink(alpha, pixels) if pixels > 0 else -_shrink(-alpha, -pixels)


def _shrink(alpha: Tensor, radius: float) -> Tensor:
    """Return the smallest value (..., H, W) within a disc."""
    margin = math.ceil(radius)
    planes = alpha.reshape(-1, 1, *alpha.shape[-2:])
    padded = functional.pad(planes, (margin,) * 4, mode="replicate")
    least = erode(planes, math.floor(radius))
    for step in range(DIRECTIONS):
        angle = 2 * math.pi * step / DIRECTIONS
        right, down = round(radius * math.cos(angle), 9), round(radius * math.sin(angle), 9)
        least = torch.minimum(least, _shifted(padded, margin, right=right, down=down))
    return least.reshape(alpha.shape)


def _shifted(padded: Tensor, margin: int, *, right: float, down: float) -> Tensor:
    """Return (N, 1, H, W), the padded picture read a way off, linearly between pixels."""
    height, width = (side - 2 * margin for side in padded.shape[-2:])
    top, left = margin + math.floor(down), margin + math.floor(right)
    rows = _between(padded, top, height, down - math.floor(down), -2)
    return _between(rows, left, width, right - math.floor(right), -1)


def _between(values: Tensor, first: int, count: int, share: float, dimension: int) -> Tensor:
    """Return ``count`` slices from ``first``, each blended with the next one by a share."""
    near = values.narrow(dimension, first, count)
    return near if share == 0 else torch.lerp(near, values.narrow(dimension, first + 1, count), share)
