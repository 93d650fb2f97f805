"""How the edges of a matte moved from one frame to the next, found from alpha alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.checks import check_rank, check_same_size
from mattekit.ops.filters import box_filter, sobel
from mattekit.ops.warp import warp

STRIDES = (8, 4, 2)
"""Sides in px of the averages that motion is found on, one after the other."""

WINDOW = 4
"""Pixels of a level to each side that are taken to move as one."""

STEPS, LONGEST = 2, 2.0
"""Times that each level looks again, and pixels of a level that it moves at most each time."""

STILL = 1e-4
"""Squared slope, a pixel of a level, below which no motion is told; and a hundredth of the window's own."""


def follow(alpha: Tensor, previous: Tensor, *, strides: Sequence[int] = STRIDES) -> Tensor:
    """Return where in the frame before each pixel's alpha was.

    Only the motion across an edge can be told from alpha, which is what matters to what is carried along with it; where
    nothing is soft around, the motion of the coarser level is kept.

    Args:
        alpha: (N, 1, H, W) in [0, 1].
        previous: (N, 1, H, W), of the frame before.
        strides: Sides in px of the averages that motion is found on; those with fewer than 8 to a side are left out.

    Returns:
        (N, 2, H, W) in px, x then y: alpha at p is about ``previous`` at ``p + flow``. 0 for pictures under 16 px.

    Raises:
        InputError: A wrong shape, or sizes differ.

    Source:
        Lucas and Kanade, An Iterative Image Registration Technique, IJCAI 1981, from coarse levels to fine ones; the
        slope is that of both pictures, and the normal equations are damped.
    """
    check_rank("alpha", alpha, "N 1 H W")
    check_rank("previous", previous, "N 1 H W")
    check_same_size("alpha", alpha, "previous", previous)
    height, width = alpha.shape[-2:]
    flow, side = alpha.new_zeros(len(alpha), 2, 1, 1), 1
    for stride in strides:
        if min(height, width) < 8 * stride:
            continue
        here, there = (
            functional.avg_pool2d(each, stride, ceil_mode=True, count_include_pad=False) for each in (alpha, previous)
        )
        flow = _enlarged(flow, (here.shape[-2], here.shape[-1])) * (side / stride)
        for _ in range(STEPS):
            flow = flow + _step(here, warp(there, flow)[0])
        side = stride
    wide = _enlarged(flow, (side * flow.shape[-2], side * flow.shape[-1])) * side
    return wide[..., :height, :width].expand(-1, -1, height, width)


def _step(here: Tensor, there: Tensor) -> Tensor:
    """Return the motion (N, 2, h, w) that best explains the difference of two levels, window by window."""
    right, down = sobel((here + there) / 2)
    change = here - there
    sums = box_filter(torch.cat((right * right, right * down, down * down, right * change, down * change), 1), WINDOW)
    xx, xy, yy, xd, yd = sums.split(1, dim=1)
    damping = STILL + 0.01 * (xx + yy)
    xx, yy = xx + damping, yy + damping
    determinant = xx * yy - xy * xy
    flow = torch.cat(((yy * xd - xy * yd) / determinant, (xx * yd - xy * xd) / determinant), dim=1)
    return flow.clamp(-LONGEST, LONGEST)


def _enlarged(flow: Tensor, size: tuple[int, int]) -> Tensor:
    return functional.interpolate(flow, size=size, mode="bilinear", align_corners=False)
