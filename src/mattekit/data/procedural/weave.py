"""How much thread of a woven pattern lies in each pixel, exact however fine the weave."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattekit.data.procedural.noise import Noise

Floats = NDArray[np.floating[Any]]
KINDS = ("net", "tulle", "crochet", "knots", "floral", "ribbons")


class Weave:
    """A pattern of threads.

    Args:
        random: Where the randomness comes from.
    """

    def __init__(self, random: np.random.Generator) -> None:
        self.kind = str(random.choice(KINDS))
        self._pitch = float(np.exp(random.uniform(np.log(0.008), np.log(0.08))))
        self._duty = random.uniform(0.06, 0.3)
        self._turn, self._skew = random.uniform(0, np.pi), random.uniform(0.75, 1.3)
        self._wobble = Noise(random, scale=0.15, slope=1.5)
        self._flowers = Noise(random, scale=random.uniform(0.12, 0.3), slope=2.0)
        self._bloom, self._uneven = random.uniform(0.2, 1.2), random.uniform(0, 0.15)

    def cover(self, rest: Floats) -> Floats:
        """Return the share of thread (H, W) in [0, 1] of pixels whose resting places (H, W, 2) are given."""
        uneven = self._uneven * self._wobble.at(rest)
        lines = {"net": 2, "tulle": 3, "knots": 2, "floral": 3, "ribbons": 2, "crochet": 2}[self.kind]
        open_part = np.ones(rest.shape[:2])
        for line in range(lines):
            turn = self._turn + np.pi * line / lines
            phase = (np.cos(turn) * rest[..., 0] + self._skew * np.sin(turn) * rest[..., 1]) / self._pitch + uneven
            open_part *= 1 - periodic_cover(phase, self._duty)
        cover = 1 - open_part
        if self.kind in ("knots", "crochet"):
            cover = np.maximum(cover, self._dots(rest, uneven))
        elif self.kind == "floral":
            cover = np.maximum(cover, self._motif(rest))
        elif self.kind == "ribbons":
            cover = np.maximum(cover, periodic_cover(rest[..., 1] / (6 * self._pitch) + uneven / 6, 0.4))
        result: Floats = np.clip(cover, 0, 1)
        return result

    def _dots(self, rest: Floats, uneven: Floats) -> Floats:
        """Return the coverage of knots where lines cross, or of rings around these places."""
        phases = []
        for line in range(2):
            turn = self._turn + np.pi * line / 2
            phases.append(
                (np.cos(turn) * rest[..., 0] + self._skew * np.sin(turn) * rest[..., 1]) / self._pitch + uneven
            )
        away = np.hypot(*(phase - np.round(phase) for phase in phases))
        pixel = np.maximum(_slope(phases[0]), 1e-6)
        if self.kind == "knots":
            return _soft(1.6 * self._duty - away, pixel)
        return _soft(0.8 * self._duty - np.abs(away - 0.38), pixel)

    def _motif(self, rest: Floats) -> Floats:
        """Return the coverage of dense flowers with a thread around them."""
        height = self._flowers.at(rest)
        pixel = np.maximum(_slope(height), 1e-6)
        inside = _soft(height - self._bloom, pixel)
        rim = _soft(0.12 - np.abs(height - self._bloom), pixel)
        dense = periodic_cover(rest[..., 0] / (0.4 * self._pitch), 0.75)
        return np.maximum(inside * dense, rim)


def periodic_cover(phase: Floats, duty: float) -> Floats:
    """Return how much of each pixel lies in stripes.

    Args:
        phase: (H, W) periods from the middle of a stripe; it changes over a pixel as it does to its neighbours.
        duty: Share of a period that a stripe fills.

    Returns:
        (H, W) in [0, 1], the mean over the pixel's extent across the stripes; ``duty`` where stripes are far finer
        than a pixel.
    """
    width = np.maximum(_slope(phase), 1e-4)
    cover: Floats = (_filled(phase + width / 2, duty) - _filled(phase - width / 2, duty)) / width
    return np.clip(cover, 0, 1)


def _filled(phase: Floats, duty: float) -> Floats:
    """Return the length of stripe between 0 and a phase."""
    whole = np.floor(phase + 0.5)
    rest: Floats = whole * duty + np.clip(phase - whole, -duty / 2, duty / 2)
    return rest


def _slope(field: Floats) -> Floats:
    """Return how much a field (H, W) changes a px, in the direction in which it changes most."""
    down, right = (np.gradient(field, axis=axis) if field.shape[axis] > 1 else np.zeros_like(field) for axis in (0, 1))
    slope: Floats = np.hypot(right, down)
    return slope


def _soft(inside: Floats, pixel: Floats) -> Floats:
    """Return coverage where a signed distance and the distance a px covers are known."""
    cover: Floats = np.clip(inside / pixel + 0.5, 0, 1)
    return cover
