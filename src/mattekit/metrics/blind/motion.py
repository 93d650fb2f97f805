"""A cheap motion estimate between two frames: search on a coarse grid, then Lucas-Kanade from coarse to fine."""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.checks import check_rank
from mattekit.ops.extend import extend_colour
from mattekit.ops.filters import sobel
from mattekit.ops.luma import luma
from mattekit.ops.pyramid import gaussian_pyramid
from mattekit.ops.warp import consistent, warp

LEVELS, SEARCH = 4, 3
"""Sizes of the pyramid, and how many of its coarsest pixels to each side are searched: 24 px of the given frames."""

STEPS, WINDOW, LARGEST = 2, 3, 1.5
"""Lucas-Kanade steps a size, of which the finest has one; the half side of their window and the longest step, in px."""

STIFFNESS = 2e-5
"""Added to the squared slopes: where a window shows less than this, the motion stays what the coarser size says."""

UNLIKE = 0.06
"""Mean difference in luma over a small window above which the motion is not trusted."""

NEAR = 8
"""An edge within so many px of trusted, solid subject moves with it."""


def estimate_motion(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Return where each pixel of one frame was in another, and where that can be trusted, both ways.

    Frames of about 256 px width are meant: motion up to about 24 px of them is found, finer than a pixel where there is
    texture. Repeated patterns, thin things that move against their surroundings, and changes of light are not followed;
    most of that is marked.

    Args:
        one: (3, H, W) in [0, 1].
        other: (3, H, W) in [0, 1].

    Returns:
        Flow (2, 2, H, W) in px, x then y: from ``one`` to ``other``, and from ``other`` to ``one``; and trust
        (2, 1, H, W) in {0, 1}: going there and back returns to the start, and both frames look alike there.

    Raises:
        InputError: The shapes do not fit.

    Source:
        Lucas and Kanade, An Iterative Image Registration Technique, IJCAI 1981; the slopes are those of the frame that
        stands still, so that they are summed once.
    """
    check_rank("one", one, "3 H W")
    check_rank("other", other, "3 H W")
    bright = luma(torch.stack((one, other)))
    *finer, coarsest = gaussian_pyramid(bright, LEVELS)
    flow = _refine(coarsest, _search(coarsest), STEPS)
    for level in range(LEVELS - 2, -1, -1):
        size = finer[level].shape[-2:]
        flow = 2 * functional.interpolate(flow, size=size, mode="bilinear", align_corners=False)
        flow = _refine(finer[level], flow, STEPS if level else 1)
    gap = window_mean((bright - warp(bright.flip(0), flow)[0]).abs(), 2)
    trust = torch.cat((consistent(flow[:1], flow[1:]), consistent(flow[1:], flow[:1])))
    return flow, trust * (gap < UNLIKE)


def follow_subject(flow: Tensor, trust: Tensor, *, alpha: Tensor) -> tuple[Tensor, Tensor]:
    """Let the edge of a subject move as its inside does, not as what is behind it.

    Args:
        flow: (N, 2, H, W) in px.
        trust: (N, 1, H, W) in {0, 1}.
        alpha: (N, 1, H, W) in [0, 1], of the frames the flow starts from.

    Returns:
        Flow and trust. Near solid subject the motion is that of the trusted part of it, and trusted where most of it
        is; elsewhere both are as given.
    """
    solid = (2 * alpha - 1).clamp(0, 1)
    known = solid * trust
    around = window_mean(torch.cat((known, solid), dim=1), NEAR)
    near = (around[:, 1:] > 0.02).to(flow.dtype)
    inside = extend_colour(flow, known)
    return torch.lerp(flow, inside, near), torch.where(near > 0, around[:, :1] > 0.5 * around[:, 1:], trust > 0).to(
        flow.dtype
    )


def window_mean(x: Tensor, radius: int) -> Tensor:
    """Average over a square window; the border repeats.

    Sums of 1, 2, 4, ... neighbours make a sum of any length: five times as fast here as pooling.

    Args:
        x: (N, C, H, W).
        radius: Px on each side of the centre.

    Returns:
        (N, C, H, W).
    """
    side = 2 * radius + 1
    padded = functional.pad(x, (radius,) * 4, mode="replicate")
    return _running_sum(_running_sum(padded, side, -1), side, -2) / side**2


def _running_sum(x: Tensor, length: int, dim: int) -> Tensor:
    """Return sums of so many neighbours along a dimension, which becomes that much shorter, less one."""
    wanted = x.shape[dim] - length + 1
    total, taken, power, sums = None, 0, 1, x
    while power <= length:
        if length & power:
            part = sums.narrow(dim, taken, wanted)
            total, taken = part if total is None else total + part, taken + power
        power *= 2
        if power <= length:
            count = sums.shape[dim] - power // 2
            sums = sums.narrow(dim, 0, count) + sums.narrow(dim, power // 2, count)
    return x if total is None else total


def _search(still: Tensor) -> Tensor:
    """Return the best whole-pixel motion (2, 2, h, w) between a pair within the search range; the shorter of equals."""
    side = 2 * SEARCH + 1
    padded = functional.pad(still.flip(0), (SEARCH,) * 4, mode="replicate")
    moved = functional.unfold(padded, side).unflatten(-1, still.shape[-2:])
    offsets = torch.arange(-SEARCH, SEARCH + 1, device=still.device, dtype=still.dtype)
    down, across = torch.meshgrid(offsets, offsets, indexing="ij")
    length = torch.hypot(across, down).flatten()
    cost = window_mean((moved - still).abs(), 2) + 0.002 * length.view(1, -1, 1, 1)
    best = cost.argmin(dim=1)
    return torch.stack((across.flatten()[best], down.flatten()[best]), dim=1)


def _refine(still: Tensor, flow: Tensor, steps: int) -> Tensor:
    """Return the flow (2, 2, h, w) of a pair (2, 1, h, w), after a few Lucas-Kanade steps at one size, smoothed."""
    moving = still.flip(0)
    right, below = sobel(still)
    products = window_mean(torch.cat((right * right, right * below, below * below), dim=1), WINDOW)
    xx, xy, yy = (products + products.new_tensor([STIFFNESS, 0.0, STIFFNESS]).view(1, 3, 1, 1)).split(1, dim=1)
    scale = 1 / (xx * yy - xy * xy)
    slopes = torch.cat((right, below), dim=1)
    corners = still.new_tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]).expand(2, 2, 3)
    grid = functional.affine_grid(corners, list(still.shape), align_corners=False)
    unit = still.new_tensor([2 / still.shape[-1], 2 / still.shape[-2]]).view(1, 2, 1, 1)
    for _ in range(steps):
        place = grid + (flow * unit).permute(0, 2, 3, 1)
        moved = functional.grid_sample(moving, place, padding_mode="border", align_corners=False)
        x, y = window_mean(slopes * (still - moved), WINDOW).split(1, dim=1)
        step = torch.cat((yy * x - xy * y, xx * y - xy * x), dim=1) * scale
        flow = flow + step.clamp_(-LARGEST, LARGEST)
    return window_mean(flow, 1)
