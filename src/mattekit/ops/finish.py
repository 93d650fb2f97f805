"""What compositors turn of a matte, pixel by pixel and along its edge: levels, feather and softness."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.ops.filters import gaussian_blur

TENTHS = 2.563
"""Standard deviations between the tenth and the ninetieth percentile of a Gaussian."""

HARDEST = 1e-3
"""Share of its width that a ramp keeps at least, so that the steepest slope stays finite."""

MOST = 64
"""Px that an edge may be widened by."""


def stretch(alpha: Tensor, *, black: float = 0.0, white: float = 1.0, gamma: float = 1.0) -> Tensor:
    """Stretch an alpha so that black becomes 0 and white becomes 1, then bend what lies between.

    Args:
        alpha: Any shape, in [0, 1].
        black: Values up to this become 0.
        white: Values from this on become 1.
        gamma: ``a ** (1 / gamma)``; above 1 lifts what is half covered, below 1 lowers it. 0 and 1 stay.

    Returns:
        The same shape, in [0, 1]; the input itself where nothing is asked for.

    Raises:
        InputError: Black is not below white, one of them not in [0, 1], or gamma not above 0.

    Example:
        >>> stretch(torch.tensor([0.25, 0.5, 0.75]), black=0.25, white=0.75).tolist()
        [0.0, 0.5, 1.0]
    """
    if not 0 <= black < white <= 1:
        raise InputError(f"black must be below white, both in 0 to 1; got {black:g} and {white:g}")
    if not 0 < gamma < math.inf:
        raise InputError(f"gamma must be above 0; got {gamma:g}; 1 changes nothing")
    if (black, white) != (0, 1):
        alpha = ((alpha - black) / (white - black)).clamp(0, 1)
    return alpha if gamma == 1 else alpha.pow(1 / gamma)


def feather(alpha: Tensor, pixels: float) -> Tensor:
    """Blur an alpha so that a hard straight edge becomes a ramp of so many px from a tenth to nine tenths.

    Args:
        alpha: (..., H, W) in [0, 1].
        pixels: Width of the ramp, 0 to 64; 0 returns the input.

    Returns:
        (..., H, W) in [0, 1].

    Raises:
        InputError: Px are out of range.
    """
    _check_width("feather", pixels)
    return gaussian_blur(alpha, pixels / TENTHS).clamp(0, 1) if pixels > 0 else alpha


def soften(alpha: Tensor, pixels: float) -> Tensor:
    """Make edges flatter without moving the line where they are half covered.

    A blurred alpha is taken, but every pixel stays on its own side of one half: corners and thin parts keep their
    outline, which :func:`feather` rounds off or loses.

    Args:
        alpha: (..., H, W) in [0, 1].
        pixels: Width of the ramp that a hard edge becomes, 0 to 64; 0 returns the input.

    Returns:
        (..., H, W) in [0, 1]; at least 0.5 where the input is, at most 0.5 where the input is.

    Raises:
        InputError: Px are out of range.
    """
    _check_width("softness", pixels)
    if pixels == 0:
        return alpha
    blurred = feather(alpha, pixels)
    held = torch.where(alpha > 0.5, blurred.clamp_min(0.5), blurred.clamp_max(0.5))
    return torch.where(alpha == 0.5, alpha, held)


def sharpen(alpha: Tensor, amount: float) -> Tensor:
    """Make edges steeper without moving the line where they are half covered.

    Args:
        alpha: Any shape, in [0, 1].
        amount: Share of a ramp's width that goes, 0 to 1: at 0.5 the slope is doubled, at 1 the edge is hard.

    Returns:
        The same shape, in [0, 1]; 0.5 stays 0.5.

    Raises:
        InputError: The amount is out of range.

    Example:
        >>> sharpen(torch.tensor([0.125, 0.375, 0.5, 0.625]), 0.5).tolist()
        [0.0, 0.25, 0.5, 0.75]
    """
    if not 0 <= amount <= 1:
        raise InputError(f"an edge must be sharpened by 0 to 1; got {amount:g}")
    return alpha if amount == 0 else ((alpha - 0.5) / max(1 - amount, HARDEST) + 0.5).clamp(0, 1)


def _check_width(name: str, pixels: float) -> None:
    if not 0 <= pixels <= MOST:
        raise InputError(f"{name} must be 0 to {MOST} px; got {pixels:g}")
