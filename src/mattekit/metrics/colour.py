"""Errors of colour: of the foreground alone, and of what one sees when it is laid over a background."""

from __future__ import annotations

import torch
from torch import Tensor

from mattekit.checks import InputError, check_rank, check_same_size
from mattekit.metrics.levels import from_levels
from mattekit.metrics.spatial import stack
from mattekit.ops import composite


def foreground_mad(foreground: Tensor, foreground_true: Tensor, region: Tensor) -> Tensor:
    """Average the absolute differences of straight colour over a region and the three channels.

    Args:
        foreground: (T, 3, H, W) straight colour in [0, 1], or uint8 in 0-255.
        foreground_true: (T, 3, H, W) likewise.
        region: (T, 1, H, W) boolean. Colour exists only where the true alpha is above 0.

    Returns:
        (T,) float64 in [0, 1]; NaN where the region is empty. The ``rvm`` conventions multiply by 1000.

    Raises:
        InputError: The shapes do not fit.

    Source:
        The counterpart of :func:`foreground_mse`, over the same pixels; no published table is known to have it.
    """
    return _means(_differences(foreground, foreground_true, region), power=1)


def foreground_mse(foreground: Tensor, foreground_true: Tensor, region: Tensor) -> Tensor:
    """Average the squared differences of straight colour over a region and the three channels.

    Args:
        foreground: (T, 3, H, W) straight colour in [0, 1], or uint8 in 0-255.
        foreground_true: (T, 3, H, W) likewise.
        region: (T, 1, H, W) boolean. Colour exists only where the true alpha is above 0.

    Returns:
        (T,) float64 in [0, 1]; NaN where the region is empty. Tables multiply by 1000.

    Raises:
        InputError: The shapes do not fit.

    Source:
        Lin et al., Robust High-Resolution Video Matting with Temporal Guidance, WACV 2022: the pixels whose true alpha
        is above 0. Others measure the premultiplied colour instead; that is :func:`composite_mse` over black.
    """
    return _means(_differences(foreground, foreground_true, region), power=2)


def composite_mse(
    alpha: Tensor,
    alpha_true: Tensor,
    *,
    foreground: Tensor,
    foreground_true: Tensor,
    region: Tensor,
    background: Tensor | None = None,
) -> Tensor:
    """Average the squared differences of two composites over one background, over a region and the three channels.

    Args:
        alpha: (T, 1, H, W) in [0, 1], or uint8 in 0-255.
        alpha_true: (T, 1, H, W) likewise.
        foreground: (T, 3, H, W) straight colour in [0, 1], or uint8 in 0-255.
        foreground_true: (T, 3, H, W) likewise.
        region: (T, 1, H, W) boolean.
        background: (T, 3, H, W), one for all frames with T = 1, or a flat colour of 1x1 px; black where None, which
            compares premultiplied colour.

    Returns:
        (T,) float64 in [0, 1]; NaN where the region is empty.

    Raises:
        InputError: The shapes do not fit.

    Source:
        The compositing equation. Papers that compare premultiplied colour (Hou and Liu, Context-Aware Image Matting
        for Simultaneous Foreground and Alpha Estimation, ICCV 2019) take the pixels whose true alpha is above 0.
    """
    check_rank("alpha", alpha, "T 1 H W")
    if alpha.shape != alpha_true.shape:
        raise InputError(
            f"alpha_true must have the shape of alpha, {tuple(alpha.shape)}; got {tuple(alpha_true.shape)}"
        )
    check_same_size("alpha", alpha, "foreground", foreground)
    behind = torch.zeros(1, 3, 1, 1, device=alpha.device) if background is None else background
    laid, laid_true = (
        composite(from_levels(colour), from_levels(matte), from_levels(behind))
        for colour, matte in ((foreground, alpha), (foreground_true, alpha_true))
    )
    return _means(_differences(laid, laid_true, region), power=2)


def _differences(colour: Tensor, colour_true: Tensor, region: Tensor) -> list[Tensor]:
    """Return for each frame (3, N) float64, the differences at the N pixels of its region."""
    check_rank("foreground", colour, "T 3 H W")
    check_rank("region", region, "T 1 H W")
    check_same_size("foreground", colour, "region", region)
    if colour.shape != colour_true.shape:
        raise InputError(
            f"foreground_true must have the shape of foreground, {tuple(colour.shape)}; got {tuple(colour_true.shape)}"
        )
    if region.dtype != torch.bool or len(region) != len(colour):
        raise InputError(
            f"region must be boolean with a frame for each of {len(colour)}; got {len(region)} of {region.dtype}"
        )
    frames = zip(colour, colour_true, region[:, 0], strict=True)
    return [from_levels(one[:, place]) - from_levels(other[:, place]) for one, other, place in frames]


def _means(differences: list[Tensor], *, power: int) -> Tensor:
    means = [part.abs().pow(power).mean() for part in differences]
    return stack(means, torch.empty(0, dtype=torch.float64))
