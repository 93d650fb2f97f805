"""Colour of a region extended to where it is not known: pull-push over a pyramid of averages."""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.checks import check_rank, check_same_size


def extend_colour(colour: Tensor, mask: Tensor) -> Tensor:
    """Fill pixels outside a mask with a smooth extension of the colour inside it.

    The colour is averaged by two in each direction until one pixel is left (pull), each level weighted by how much of
    it the mask covers; then every level takes from the coarser one what it lacks (push). Near samples outweigh far
    ones because a pixel counts as fully known as soon as a quarter of it is.

    Args:
        colour: (N, C, H, W), any range.
        mask: (N, 1, H, W) in [0, 1]; 1 where the colour holds.

    Returns:
        (N, C, H, W). Equal to ``colour`` where the mask is 1; the mean colour of the picture where the mask is empty.

    Raises:
        InputError: Shapes differ.

    Source:
        Gortler et al., The Lumigraph, SIGGRAPH 1996, section 3.4.2 (pull-push).

    Example:
        >>> colour, mask = torch.full((1, 3, 4, 4), 0.25), torch.zeros(1, 1, 4, 4)
        >>> mask[..., 0] = 1
        >>> bool((extend_colour(colour * mask, mask) == 0.25).all())
        True
    """
    check_rank("colour", colour, "N C H W")
    check_rank("mask", mask, "N 1 H W")
    check_same_size("colour", colour, "mask", mask)
    levels = [(colour, mask)]
    while max(levels[-1][0].shape[-2:]) > 1:
        levels.append(_pull(*levels[-1]))
    coarsest, weight = levels[-1]
    filled = torch.where(weight > 0, coarsest, colour.mean(dim=(-2, -1), keepdim=True))
    for finer, weight in reversed(levels[:-1]):
        coarse = functional.interpolate(filled, size=finer.shape[-2:], mode="bilinear", align_corners=False)
        filled = weight * finer + (1 - weight) * coarse
    return filled


def _pull(colour: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return colour and weight at half the size; an odd last row or column is averaged alone."""
    kernel = [min(2, side) for side in colour.shape[-2:]]
    total = functional.avg_pool2d(colour * weight, kernel, ceil_mode=True, count_include_pad=False)
    share = functional.avg_pool2d(weight, kernel, ceil_mode=True, count_include_pad=False)
    return total / share.clamp_min(1e-8), (4 * share).clamp_max(1)
