"""A loss over the bands of a binomial Laplacian pyramid, as networks that see no trimap are trained with."""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.checks import check_same_size

SMALLEST = 4
"""Px of the shorter side below which a picture has no further band."""


def binomial_laplacian_loss(alpha: Tensor, alpha_true: Tensor, *, levels: int = 5) -> Tensor:
    """Return the mean absolute error of each band, the coarser ones weighted by their area, over the number of bands.

    Sides are cropped to even numbers before each level; the coarsest rest is not compared, and pictures too small for
    a band have none.

    Args:
        alpha: (..., H, W).
        alpha_true: Same shape.
        levels: How many bands.

    Raises:
        InputError: The sizes differ.

    Source: Hou and Liu, Context-aware image matting, ICCV 2019, with the kernel 1 4 6 4 1 and reflected borders, as RVM
    is trained: sum over s of 2^(s-1) / 5 times the mean.
    """
    check_same_size("alpha", alpha, "alpha_true", alpha_true)
    error = (alpha - alpha_true).reshape(-1, 1, *alpha.shape[-2:])  # bands are linear: of the difference, once
    total = error.new_zeros(())
    for level in range(levels):
        error = error[..., : error.shape[-2] // 2 * 2, : error.shape[-1] // 2 * 2]
        if min(error.shape[-2:]) < SMALLEST:
            break
        coarse = blur(error)[..., ::2, ::2]
        total = total + 2**level / levels * (error - doubled(coarse)).abs().mean()
        error = coarse
    return total


def doubled(planes: Tensor) -> Tensor:
    """Return (N, 1, H, W) at twice its height and width: zeros between, times 4, then blurred."""
    spread = planes.new_zeros(*planes.shape[:2], 2 * planes.shape[-2], 2 * planes.shape[-1])
    spread[..., ::2, ::2] = 4 * planes
    return blur(spread)


def blur(planes: Tensor) -> Tensor:
    """Return (N, 1, H, W) blurred with the taps 1 4 6 4 1 over 16 along both sides, borders reflected."""
    taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], device=planes.device, dtype=planes.dtype) / 16
    padded = functional.pad(planes, (2, 2, 2, 2), mode="reflect")
    across = functional.conv2d(padded, taps.view(1, 1, 1, 5))
    return functional.conv2d(across, taps.view(1, 1, 5, 1))
