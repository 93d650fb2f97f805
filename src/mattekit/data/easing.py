"""Easing curves: how far a motion is on its way, by the share of its time that has passed."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Easing = Callable[[Tensor], Tensor]
"""From time in [0, 1] to the share of the way, 0 at the start and 1 at the end; some overshoot between."""

LINEAR = 0.2
"""Probability of even motion."""
OVERSHOOT = 1.70158
"""Of the curve that draws back first: about a tenth of the way."""


def _circular(time: Tensor) -> Tensor:
    return 1 - (1 - time.square()).clamp_min(0).sqrt()


def _exponential(time: Tensor) -> Tensor:
    return torch.where(time <= 0, torch.zeros_like(time), torch.exp2(10 * (time - 1)))


def _elastic(time: Tensor) -> Tensor:
    return torch.sin(13 * math.pi / 2 * time) * _exponential(time)


def _back(time: Tensor) -> Tensor:
    return time.square() * ((OVERSHOOT + 1) * time - OVERSHOOT)


def _bounce(time: Tensor) -> Tensor:
    """Return ever higher parabolas that touch 0: four arcs, each twice as wide as the one before but the last."""
    left = 1 - time  # of a ball that falls from 1 and bounces at 1 / 2.75, 2 / 2.75, 2.5 / 2.75 and 1
    height = torch.zeros_like(time)
    for middle, start, rest in ((0.0, 0.0, 0.0), (1.5, 1.0, 0.75), (2.25, 2.0, 0.9375), (2.625, 2.5, 0.984375)):
        arc = 7.5625 * (left - middle / 2.75).square() + rest
        height = torch.where(left >= start / 2.75, arc, height)
    return 1 - height


BEGINNINGS: dict[str, Easing] = {
    "sine": lambda time: 1 - torch.cos(math.pi / 2 * time),
    "quad": lambda time: time**2,
    "cubic": lambda time: time**3,
    "quartic": lambda time: time**4,
    "quintic": lambda time: time**5,
    "exponential": _exponential,
    "circular": _circular,
    "back": _back,
    "elastic": _elastic,
    "bounce": _bounce,
}
"""Curves that are slow, or odd, at the start."""


def _out(curve: Easing) -> Easing:
    return lambda time: 1 - curve(1 - time)


def _in_out(curve: Easing) -> Easing:
    return lambda time: torch.where(time < 0.5, curve(2 * time) / 2, 1 - curve(2 - 2 * time) / 2)


EASINGS: dict[str, Easing] = {
    f"{name} {way}": turned(curve)
    for name, curve in BEGINNINGS.items()
    for way, turned in (("in", lambda curve: curve), ("out", _out), ("in-out", _in_out))
} | {"step": lambda time: (time >= 0.5).to(time.dtype)}
"""All curves by name, even motion aside."""


def random_progress(length: int, generator: torch.Generator) -> Tensor:
    """Return how far a motion is in each frame, (T,) float64, along a random curve.

    Args:
        length: Frames; a single one is at the start.
        generator: CPU generator.

    Source: Lin et al., WACV 2022, supplement; curves after Penner's easing equations.
    """
    linear, chosen = torch.rand(2, generator=generator).tolist()
    time = torch.linspace(0, 1, length, dtype=torch.float64) if length > 1 else torch.zeros(1, dtype=torch.float64)
    if linear < LINEAR:
        return time
    curves = list(EASINGS.values())
    return curves[min(int(chosen * len(curves)), len(curves) - 1)](time)
