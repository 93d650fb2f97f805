"""Smooth random fields that repeat at their borders, do not depend on the picture's size, and may change over time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
PERIOD = 2.0
"""Heights of the picture after which a field repeats."""


class Noise:
    """A random field of mean 0 and standard deviation 1 whose spectrum falls with frequency.

    Args:
        random: Where the randomness comes from.
        scale: Size in heights of the largest features.
        slope: How fast the amplitude of finer features falls; 1 is cloudy, 2 is smooth.
        pace: Radians a second that features of the size ``scale`` turn; finer ones change faster.
        side: Samples a period.
    """

    def __init__(
        self,
        random: np.random.Generator,
        *,
        scale: float = 0.5,
        slope: float = 1.0,
        pace: float = 0.0,
        side: int = 256,
    ) -> None:
        down, across = np.fft.fftfreq(side, 1 / side)[:, None], np.fft.rfftfreq(side, 1 / side)[None]
        frequency = np.hypot(down, across)
        largest = PERIOD / scale
        phase = random.uniform(0, 2 * np.pi, frequency.shape)
        amplitude = random.rayleigh(1, frequency.shape) * (1 + (frequency / largest) ** 2) ** (-(1 + slope) / 2)
        amplitude *= np.clip(frequency / largest, 0, 1) ** 2
        self._spectrum = amplitude * np.exp(1j * phase)
        self._turn = pace * (frequency / largest) ** 0.7 * random.choice((-1.0, 1.0), frequency.shape)
        self._side = side
        grid = np.fft.irfft2(self._spectrum, (side, side))
        self._deviation = float(grid.std())
        self._time, self._grid = 0.0, (grid / self._deviation).astype(np.float32)

    def at(self, places: Floats, time: float = 0.0) -> Floats:
        """Return the field (...,) at places (..., 2) in heights, at a time in seconds."""
        if time != self._time:
            grid = np.fft.irfft2(self._spectrum * np.exp(1j * self._turn * time), (self._side, self._side))
            self._time, self._grid = time, (grid / self._deviation).astype(np.float32)
        x = (places[..., 0] * (self._side / PERIOD)).astype(np.float32)
        y = (places[..., 1] * (self._side / PERIOD)).astype(np.float32)
        left, top = np.floor(x), np.floor(y)
        right, low = x - left, y - top
        mask = self._side - 1
        column, row = left.astype(np.int32) & mask, top.astype(np.int32) & mask
        start, next_column = row * self._side, (column + 1) & mask
        below = ((row + 1) & mask) * self._side
        flat = self._grid.reshape(-1)
        upper = flat[start + column] * (1 - right) + flat[start + next_column] * right
        lower = flat[below + column] * (1 - right) + flat[below + next_column] * right
        return np.asarray(upper + (lower - upper) * low)


def places_of(size: tuple[int, int]) -> Floats:
    """Return the middles of all pixels, (H, W, 2) float32, in heights from the middle of the picture."""
    height, width = size
    x = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / height
    y = (np.arange(height, dtype=np.float32) + 0.5) / height - 0.5
    return np.stack(np.meshgrid(x, y), axis=-1)
