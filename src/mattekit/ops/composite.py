"""Putting a foreground over a background, and the two ways of storing its colour."""

from __future__ import annotations

import torch
from torch import Tensor

from mattekit.checks import check_same_size


def composite(foreground: Tensor, alpha: Tensor, background: Tensor) -> Tensor:
    """Lay a foreground of straight colour over a background.

    Args:
        foreground: (..., C, H, W) straight colour in [0, 1].
        alpha: (..., 1, H, W) in [0, 1].
        background: (..., C, H, W) in [0, 1]; dimensions before C may broadcast. Of foreground and background, each may
            be a flat colour of 1x1 px.

    Returns:
        ``alpha * foreground + (1 - alpha) * background``, (..., C, H, W) in [0, 1].

    Raises:
        InputError: The three differ in height or width.

    Example:
        >>> import torch
        >>> white, black = torch.ones(3, 1, 1), torch.zeros(3, 1, 1)
        >>> composite(white, torch.full((1, 1, 1), 0.25), black).flatten().tolist()
        [0.25, 0.25, 0.25]
    """
    for name, layer in (("foreground", foreground), ("background", background)):
        if tuple(layer.shape[-2:]) != (1, 1):
            check_same_size(name, layer, "alpha", alpha)
    return alpha * foreground + (1 - alpha) * background


def premultiply(colour: Tensor, alpha: Tensor) -> Tensor:
    """Multiply straight colour by alpha.

    Args:
        colour: (..., C, H, W) straight colour in [0, 1].
        alpha: (..., 1, H, W) in [0, 1].

    Returns:
        (..., C, H, W), nowhere above alpha.

    Raises:
        InputError: The two differ in height or width.
    """
    check_same_size("colour", colour, "alpha", alpha)
    return colour * alpha


def unpremultiply(premultiplied: Tensor, alpha: Tensor) -> Tensor:
    """Divide premultiplied colour by alpha.

    Args:
        premultiplied: (..., C, H, W) in [0, alpha].
        alpha: (..., 1, H, W) in [0, 1].

    Returns:
        (..., C, H, W) straight colour in [0, 1]; 0 where alpha is 0, for no colour is known there.

    Raises:
        InputError: The two differ in height or width.
    """
    check_same_size("premultiplied", premultiplied, "alpha", alpha)
    seen = alpha > 0
    straight = premultiplied / torch.where(seen, alpha, torch.ones_like(alpha))
    return torch.where(seen, straight, torch.zeros_like(straight)).clamp(0, 1)
