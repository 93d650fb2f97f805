"""Errors between neighbouring frames: dtSSD, and SSDA which its authors defined beside it.

Sums in double precision, one value a frame or a pair of frames; :mod:`mattekit.metrics.conventions` averages them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mattekit.metrics.levels import from_levels
from mattekit.metrics.spatial import check_clip


def ssda(alpha: Tensor, alpha_true: Tensor, region: Tensor) -> Tensor:
    """Take the root of the summed squared differences over a region.

    Args:
        alpha: (T, 1, H, W) in [0, 1].
        alpha_true: (T, 1, H, W) in [0, 1].
        region: (T, 1, H, W) boolean.

    Returns:
        (T,) float64; 0 where the region is empty.

    Raises:
        InputError: The shapes do not fit.

    Source:
        Erofeev et al., Perceptually Motivated Benchmark for Video Matting, BMVC 2015.
    """
    check_clip(alpha, alpha_true, region)
    squares = (from_levels(alpha) - from_levels(alpha_true)).square()
    return torch.where(region, squares, 0.0).sum(dim=(1, 2, 3)).sqrt()


def dtssd(alpha: Tensor, alpha_true: Tensor, region: Tensor) -> Tensor:
    """Compare how the prediction changes from frame to frame with how the truth changes.

    For each pair of neighbours: the root of the sum, over the region of the earlier frame, of
    ``((alpha[t + 1] - alpha[t]) - (alpha_true[t + 1] - alpha_true[t]))^2``.

    Args:
        alpha: (T, 1, H, W) in [0, 1].
        alpha_true: (T, 1, H, W) in [0, 1].
        region: (T, 1, H, W) boolean; that of the last frame is not used.

    Returns:
        (T - 1,) float64, empty for a single frame; 0 where the earlier region is empty.

    Raises:
        InputError: The shapes do not fit.

    Source:
        Erofeev et al., Perceptually Motivated Benchmark for Video Matting, BMVC 2015. Published scripts differ: RVM's
        take the root of the mean over the whole frame times 100 and count the first frame as 0; VideoMatting108's
        count the last frame as 0; DVM's return the sum and the pixel count and leave the averaging open.
    """
    check_clip(alpha, alpha_true, region)
    difference = from_levels(alpha) - from_levels(alpha_true)
    squares = (difference[1:] - difference[:-1]).square()
    return torch.where(region[:-1], squares, 0.0).sum(dim=(1, 2, 3)).sqrt()
