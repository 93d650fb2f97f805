"""Maps made steady along the motion: how far the motion is believed at each pixel, and the mean along it."""

from __future__ import annotations

import torch
from torch import Tensor

from mattekit.checks import check_rank, check_same_size
from mattekit.ops.flow import STRIDES
from mattekit.ops.follow import follow
from mattekit.ops.luma import luma
from mattekit.ops.warp import warp

WEIGHTS = (0.5, 0.25)
"""What maps one and two frames away count against the frame's own, where the motion is fully believed."""

CHANGE = 0.05
"""Change of colour along the motion, summed over the channels, at which belief falls to 1 / e."""

GAP = 1.5
"""Px from the start at which going there and back may end."""

LEAST = 0.2
"""Mean belief below which a frame shows another scene than the one before it."""


def belief(frames: Tensor, flows: Tensor) -> Tensor:
    """Return how far the motion between two frames is believed at each pixel of either.

    ``exp(-|I - W(J)| / CHANGE)``, in which W fetches along the flow; 0 where going there and back misses the start by
    more than `GAP` px, or leads out of the picture.

    Args:
        frames: (2, 3, H, W) in [0, 1].
        flows: (2, 2, H, W) in px, from the first to the second and back, as from `mattekit.ops.flow.find_flow`.

    Returns:
        (2, 1, H, W) in [0, 1], of the pixels of the first and of the second.

    Raises:
        InputError: The shapes do not fit.
    """
    check_rank("frames", frames, "2 3 H W")
    check_rank("flows", flows, "2 2 H W")
    check_same_size("frames", frames, "flows", flows)
    return _believed(frames, frames.flip(0), flows, flows.flip(0))


def _believed(here: Tensor, there: Tensor, forth: Tensor, back: Tensor) -> Tensor:
    """Return how far the motion (N, 2, H, W) from frames (N, 3, H, W) to others is believed, given the way back."""
    brought, inside = warp(torch.cat((there, back), dim=1), forth)
    change = (here - brought[:, :3]).abs().sum(dim=1, keepdim=True)
    gap = (forth + brought[:, 3:]).square().sum(dim=1, keepdim=True)
    return torch.exp(-change / CHANGE) * inside * (gap <= GAP**2)


def fetched(maps: Tensor, flows: Tensor) -> Tensor:
    """Return what each of two maps (2, 1, H, W) holds where a pixel of the respective other frame went."""
    return warp(maps.flip(0), flows)[0]


def steadied(frames: Tensor, maps: Tensor) -> Tensor:
    """Return the maps of a whole clip made steady along the motion, all pairs of frames at once.

    ``A_t = (P_t + sum_j w_j c_j W(P_j)) / (1 + sum_j w_j c_j)`` over up to two frames to each side, in which W fetches
    along the motion and c is `belief` in it. Nothing comes from another scene.

    Args:
        frames: (T, 3, H, W) in [0, 1].
        maps: (T, 1, H, W) in [0, 1].

    Returns:
        (T, 1, H, W) in [0, 1].

    Raises:
        InputError: The shapes do not fit.

    Source: the motion is found as `mattekit.ops.flow.find_flow` does by "lucas-kanade", which needs no OpenCV.
    """
    check_rank("frames", frames, "T 3 H W")
    check_rank("maps", maps, "T 1 H W")
    check_same_size("frames", frames, "maps", maps)
    total, weight = maps.clone(), torch.ones_like(maps)
    together = torch.ones(0, dtype=torch.bool, device=maps.device)  # whether neighbours are of one scene
    for away, share in enumerate(WEIGHTS[: max(0, len(frames) - 1)], start=1):
        early, late, count = slice(None, -away), slice(away, None), len(frames) - away
        here, held = (torch.cat((each[early], each[late])) for each in (frames, maps))
        grey = luma(here)
        flow = follow(grey, grey.roll(count, 0), strides=STRIDES)
        believed = _believed(here, here.roll(count, 0), flow, flow.roll(count, 0))
        if away == 1:
            together = believed.unflatten(0, (2, count)).mean((0, 2, 3, 4)) >= LEAST
        joined = together.unfold(0, away, 1).all(dim=1).repeat(2).view(-1, 1, 1, 1)
        counted = share * believed * joined
        brought = counted * warp(held.roll(count, 0), flow)[0]
        for part, which in ((early, slice(None, count)), (late, slice(count, None))):
            total[part] += brought[which]
            weight[part] += counted[which]
    return total / weight
