"""Linear and rank filters on every plane of a tensor."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from mattekit.checks import InputError, check_choice

ELEMENTS = ("round", "square")


def box_filter(x: Tensor, radius: int) -> Tensor:
    """Average over a square window, at the borders over the part of it that lies inside.

    Args:
        x: (..., H, W).
        radius: Pixels on each side of the centre; the window's side is ``2 * radius + 1``.

    Returns:
        (..., H, W); a constant stays that constant up to the border.

    Raises:
        InputError: The radius is negative.
    """
    _check_radius(radius)
    planes = _planes(x)
    side = 2 * radius + 1
    rows = F.avg_pool2d(planes, (1, side), 1, (0, radius), count_include_pad=False)
    return F.avg_pool2d(rows, (side, 1), 1, (radius, 0), count_include_pad=False).reshape(x.shape)


def gaussian_blur(x: Tensor, sigma: float) -> Tensor:
    """Blur with a Gaussian cut off at three standard deviations; the border repeats.

    Args:
        x: (..., H, W).
        sigma: Standard deviation in px; 0 returns the input.

    Returns:
        (..., H, W); a constant stays that constant.

    Raises:
        InputError: Sigma is negative or not finite.
    """
    if not (math.isfinite(sigma) and sigma >= 0):
        raise InputError(f"sigma must be 0 or more; got {sigma}")
    radius = math.ceil(3 * sigma)
    if radius == 0:
        return x
    offsets = torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype)
    taps = torch.exp(-(offsets**2) / (2 * sigma**2))
    return separable(x, taps / taps.sum())


def separable(x: Tensor, taps: Tensor) -> Tensor:
    """Correlate rows and columns with the same odd number of taps; the border repeats.

    Args:
        x: (..., H, W).
        taps: (K,) with K odd.

    Returns:
        (..., H, W).

    Raises:
        InputError: The number of taps is even.
    """
    if taps.ndim != 1 or len(taps) % 2 == 0:
        raise InputError(f"taps must be an odd number of values; got shape {tuple(taps.shape)}")
    radius = len(taps) // 2
    padded = F.pad(_planes(x), (radius, radius, radius, radius), mode="replicate")
    rows = F.conv2d(padded, taps.view(1, 1, 1, -1))
    return F.conv2d(rows, taps.view(1, 1, -1, 1)).reshape(x.shape)


def sobel(x: Tensor) -> tuple[Tensor, Tensor]:
    """Estimate the slope along x and y with 3x3 Sobel kernels divided by 8; the border repeats.

    Args:
        x: (..., H, W).

    Returns:
        Two tensors (..., H, W): change a px to the right, change a px downwards. A ramp of slope 1 gives 1 inside.
    """
    padded = F.pad(_planes(x), (1, 1, 1, 1), mode="replicate")
    across = padded[..., 2:] - padded[..., :-2]
    down = padded[..., 2:, :] - padded[..., :-2, :]
    right = across[..., :-2, :] + 2 * across[..., 1:-1, :] + across[..., 2:, :]
    below = down[..., :-2] + 2 * down[..., 1:-1] + down[..., 2:]
    return (right / 8).reshape(x.shape), (below / 8).reshape(x.shape)


def dilate(x: Tensor, radius: int, *, element: str = "round") -> Tensor:
    """Take the largest value within a radius; nothing outside the picture counts.

    Args:
        x: (..., H, W), floating point.
        radius: Reach in px; 0 returns the input.
        element: ``"round"``, every offset with ``dx^2 + dy^2 <= radius^2``, or ``"square"``, every offset with
            neither part beyond the radius.

    Returns:
        (..., H, W).

    Raises:
        InputError: The radius is negative or the element is unknown.

    Example:
        >>> import torch
        >>> dot = torch.zeros(1, 5)
        >>> dot[0, 2] = 1
        >>> dilate(dot, 1).tolist()
        [[0.0, 1.0, 1.0, 1.0, 0.0]]
    """
    _check_radius(radius)
    check_choice("element", element, ELEMENTS)
    if radius == 0:
        return x
    planes = _planes(x)
    if element == "square":
        return _widen(_widen(planes, radius).mT, radius).mT.reshape(x.shape)
    return _dilate_round(planes, radius).reshape(x.shape)


def erode(x: Tensor, radius: int, *, element: str = "round") -> Tensor:
    """Take the smallest value within a radius; nothing outside the picture counts.

    Args:
        x: (..., H, W), floating point.
        radius: Reach in px; 0 returns the input.
        element: As for :func:`dilate`.

    Returns:
        (..., H, W).

    Raises:
        InputError: The radius is negative or the element is unknown.
    """
    return -dilate(-x, radius, element=element)


def _check_radius(radius: int) -> None:
    if radius < 0:
        raise InputError(f"radius must be 0 or more; got {radius}")


def _planes(x: Tensor) -> Tensor:
    return x.reshape(-1, 1, *x.shape[-2:])


def _widen(planes: Tensor, radius: int) -> Tensor:
    """Return the largest value within a radius along each row."""
    for half in range(radius):
        planes = _widen_once(planes, half)
    return planes


def _widen_once(planes: Tensor, half: int) -> Tensor:
    """Grow a row maximum of half width ``half`` by one px on either side.

    Two windows a px left and right of the centre cover it between them, except when they are single pixels.
    """
    padded = F.pad(planes, (1, 1, 0, 0), mode="replicate")
    wider = torch.maximum(padded[..., :-2], padded[..., 2:])
    return wider if half > 0 else torch.maximum(wider, planes)


def _dilate_round(planes: Tensor, radius: int) -> Tensor:
    """Join the row maxima of a disc: the farther a row from the centre, the shorter its half width.

    Repeating the border changes nothing: moving an offset back inside the picture keeps it inside the disc.
    """
    height = planes.shape[-2]
    result = planes
    rows, half = planes, 0
    for distance in range(radius, -1, -1):
        wanted = math.isqrt(radius**2 - distance**2)
        while half < wanted:
            rows, half = _widen_once(rows, half), half + 1
        padded = F.pad(rows, (0, 0, distance, distance), mode="replicate")
        result = torch.maximum(result, padded[..., :height, :])
        result = torch.maximum(result, padded[..., 2 * distance :, :])
    return result
