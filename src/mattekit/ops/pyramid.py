"""Gaussian and Laplacian pyramids with the five binomial taps 1 4 6 4 1."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from mattekit.checks import InputError
from mattekit.ops.filters import separable


def shrink(x: Tensor) -> Tensor:
    """Blur with the binomial taps and keep every second row and column.

    Args:
        x: (..., H, W).

    Returns:
        (..., ceil(H / 2), ceil(W / 2)).
    """
    taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], device=x.device, dtype=x.dtype) / 16
    return separable(x, taps)[..., ::2, ::2]


def grow(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Double height and width with the binomial taps.

    Args:
        x: (..., H, W).
        size: (height, width) wanted, each twice the present one or one less.

    Returns:
        (..., height, width); a constant stays that constant.

    Raises:
        InputError: The size is not of that kind.
    """
    for wanted, present in zip(size, x.shape[-2:], strict=True):
        if wanted not in (2 * present, 2 * present - 1):
            raise InputError(f"size must be twice {tuple(x.shape[-2:])} or one less; got {size}")
    planes = x.reshape(-1, 1, *x.shape[-2:])
    tall = _double_rows(planes)[..., : size[0], :]
    wide = _double_rows(tall.mT).mT[..., : size[1]]
    return wide.reshape(*x.shape[:-2], *size)


def gaussian_pyramid(x: Tensor, levels: int) -> list[Tensor]:
    """Return a picture and ever smaller blurred copies of it.

    Args:
        x: (..., H, W).
        levels: How many pictures, the input among them.

    Returns:
        ``levels`` tensors, each half the size of the one before, rounded up.

    Raises:
        InputError: There is less than one level.
    """
    if levels < 1:
        raise InputError(f"levels must be 1 or more; got {levels}")
    pyramid = [x]
    for _ in range(levels - 1):
        pyramid.append(shrink(pyramid[-1]))
    return pyramid


def laplacian_pyramid(x: Tensor, levels: int) -> list[Tensor]:
    """Split a picture into bands of detail and a small rest.

    Args:
        x: (..., H, W).
        levels: How many pictures, the rest among them.

    Returns:
        ``levels`` tensors, finest first; the last is the rest. :func:`collapse` gives the picture back.

    Raises:
        InputError: There is less than one level.

    Source:
        Burt and Adelson, The Laplacian Pyramid as a Compact Image Code, 1983.
    """
    pyramid = gaussian_pyramid(x, levels)
    bands = [fine - grow(coarse, _size(fine)) for fine, coarse in pairwise(pyramid)]
    return [*bands, pyramid[-1]]


def collapse(pyramid: Sequence[Tensor]) -> Tensor:
    """Put the bands of :func:`laplacian_pyramid` together again.

    Args:
        pyramid: Bands, finest first, and the rest.

    Returns:
        The picture, up to floating point rounding.

    Raises:
        InputError: The pyramid is empty.
    """
    if not pyramid:
        raise InputError("a pyramid must have at least one level; got none")
    picture = pyramid[-1]
    for band in reversed(pyramid[:-1]):
        picture = band + grow(picture, _size(band))
    return picture


def _size(x: Tensor) -> tuple[int, int]:
    return x.shape[-2], x.shape[-1]


def _double_rows(planes: Tensor) -> Tensor:
    """Put a row between each two: the old rows weigh 1 6 1, the new ones 4 4; the border repeats."""
    padded = F.pad(planes, (0, 0, 1, 1), mode="replicate")
    above, here, below = padded[..., :-2, :], padded[..., 1:-1, :], padded[..., 2:, :]
    doubled = torch.stack(((above + 6 * here + below) / 8, (here + below) / 2), dim=-2)
    return doubled.flatten(-3, -2)
