"""Maps made steady along the motion: how far the motion is believed at each pixel, and the mean along it."""

from __future__ import annotations

import torch
from torch import Tensor

from mattekit.checks import check_rank, check_same_size
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
    there, inside = warp(torch.cat((frames.flip(0), flows.flip(0)), dim=1), flows)
    change = (frames - there[:, :3]).abs().sum(dim=1, keepdim=True)
    gap = (flows + there[:, 3:]).square().sum(dim=1, keepdim=True)
    return torch.exp(-change / CHANGE) * inside * (gap <= GAP**2)


def fetched(maps: Tensor, flows: Tensor) -> Tensor:
    """Return what each of two maps (2, 1, H, W) holds where a pixel of the respective other frame went."""
    return warp(maps.flip(0), flows)[0]
