"""How sharp a camera sees a layer: blur that alpha and colour share."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.data.layer import Layer


def focus(layer: Layer, sigma: float) -> Layer:
    """Return a layer as a lens shows it that spreads every point to a Gaussian spot.

    Premultiplied colour and alpha are blurred alike, so that straight colour stays straight: laid over a background
    that is flat across the spot, the result is the blur of what the sharp layer would give.

    Args:
        layer: Any; its flow is kept.
        sigma: Standard deviation of the spot in px, 0 or more.

    Returns:
        A layer of the same size. Where alpha is 0 the colour is the one before.
    """
    if sigma <= 0.15:  # the spot lies within its pixel
        return layer
    blurred = _blur(torch.cat((layer.colour * layer.alpha, layer.alpha), dim=1), sigma)
    alpha = blurred[:, 3:]
    colour = torch.where(alpha > 1 / 512, blurred[:, :3] / alpha.clamp_min(1 / 512), layer.colour)
    return Layer(colour.clamp(0, 1), alpha.clamp(0, 1), layer.flow, layer.valid)


def _blur(planes: Tensor, sigma: float) -> Tensor:
    """Return planes (T, C, H, W) correlated with a Gaussian, shifted and added, as is fast for few taps."""
    radius = math.ceil(2.5 * sigma)
    taps = [math.exp(-(offset**2) / (2 * sigma**2)) for offset in range(-radius, radius + 1)]
    for dim in (2, 3):
        padding = (radius, radius, 0, 0) if dim == 3 else (0, 0, radius, radius)
        padded = functional.pad(planes, padding, mode="replicate")
        total = torch.zeros_like(planes)
        for place, tap in enumerate(taps):
            total.add_(padded.narrow(dim, place, planes.shape[dim]), alpha=tap / sum(taps))
        planes = total
    return planes
