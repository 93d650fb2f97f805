"""Errors of single frames: SAD, MAD and MSE over a region.

Papers agree on the formulas and differ in region and scale. Nothing is scaled here; :mod:`mattekit.metrics.conventions`
names who uses what. All sums are in double precision.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mattekit.checks import InputError, check_rank
from mattekit.metrics.levels import from_levels


def check_clip(alpha: Tensor, alpha_true: Tensor, region: Tensor) -> None:
    """Raise unless prediction, truth and region are (T, 1, H, W) of one shape, and the region is boolean.

    Raises:
        InputError: They are not.
    """
    for name, tensor in (("alpha", alpha), ("alpha_true", alpha_true), ("region", region)):
        check_rank(name, tensor, "T 1 H W")
        if tensor.shape != alpha.shape:
            raise InputError(f"{name} must have the shape of alpha, {tuple(alpha.shape)}; got {tuple(tensor.shape)}")
    if region.dtype != torch.bool:
        raise InputError(f"region must be boolean; got {region.dtype}; compare the trimap with 0.5")


def pixel_count(region: Tensor) -> Tensor:
    """Count the pixels of a region in every frame.

    Args:
        region: (T, 1, H, W) boolean.

    Returns:
        (T,) float64.
    """
    return region.sum(dim=(1, 2, 3)).double()


def sad(alpha: Tensor, alpha_true: Tensor, region: Tensor) -> Tensor:
    """Sum the absolute differences over a region.

    Args:
        alpha: (T, 1, H, W) in [0, 1].
        alpha_true: (T, 1, H, W) in [0, 1].
        region: (T, 1, H, W) boolean.

    Returns:
        (T,) float64, px; 0 where the region is empty. Tables divide by 1000. Over the whole frame it is the same
        number as over the unknown region once known pixels are forced.

    Raises:
        InputError: The shapes do not fit.

    Source:
        Rhemann et al., A Perceptually Motivated Online Benchmark for Image Matting, CVPR 2009.
    """
    check_clip(alpha, alpha_true, region)
    return _sum((from_levels(alpha) - from_levels(alpha_true)).abs(), region)


def mad(alpha: Tensor, alpha_true: Tensor, region: Tensor) -> Tensor:
    """Average the absolute differences over a region.

    Args:
        alpha: (T, 1, H, W) in [0, 1].
        alpha_true: (T, 1, H, W) in [0, 1].
        region: (T, 1, H, W) boolean.

    Returns:
        (T,) float64 in [0, 1]; NaN where the region is empty. Some tables multiply by 1000 and take the whole frame;
        one published script calls this mean "mSAD".

    Raises:
        InputError: The shapes do not fit.
    """
    return sad(alpha, alpha_true, region) / pixel_count(region)


def mse(alpha: Tensor, alpha_true: Tensor, region: Tensor, *, added_pixels: int = 0) -> Tensor:
    """Average the squared differences over a region.

    Args:
        alpha: (T, 1, H, W) in [0, 1].
        alpha_true: (T, 1, H, W) in [0, 1].
        region: (T, 1, H, W) boolean.
        added_pixels: What is added to the number of pixels before dividing. Published scripts add 0, 1 (DVM) or
            1e-8 so as not to divide by nothing.

    Returns:
        (T,) float64 in [0, 1]; NaN where the region is empty.

    Raises:
        InputError: The shapes do not fit.

    Source:
        Rhemann et al., A Perceptually Motivated Online Benchmark for Image Matting, CVPR 2009.
    """
    check_clip(alpha, alpha_true, region)
    pixels = pixel_count(region)
    mean = _sum((from_levels(alpha) - from_levels(alpha_true)).square(), region) / (pixels + added_pixels)
    return mean.masked_fill(pixels == 0, torch.nan)


def _sum(values: Tensor, region: Tensor) -> Tensor:
    return torch.where(region, values, 0.0).sum(dim=(1, 2, 3))
