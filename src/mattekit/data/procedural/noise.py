"""Smooth random fields that repeat at their borders, do not depend on the picture's size, and may change over time."""

from __future__ import annotations

from functools import lru_cache
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
        self._time, self._grid = 0.0, np.asarray(grid / self._deviation, dtype=np.float32)

    def at(self, places: Floats, time: float = 0.0) -> Floats:
        """Return the field (...,) at places (..., 2) in heights, at a time in seconds."""
        if time != self._time:
            self._time, self._grid = time, self._tile(time)
        field: Floats = _sample(self._grid[None], places)[0]
        return field

    def slopes(self, places: Floats, time: float = 0.0) -> Floats:
        """Return how the field rises a height along x and y, (..., 2), at places (..., 2) and a time in seconds."""
        step = PERIOD / self._side
        if time != self._time:
            self._time, self._grid = time, self._tile(time)
        across, down = (np.roll(self._grid, -1, axis) - np.roll(self._grid, 1, axis) for axis in (1, 0))
        return np.moveaxis(_sample(np.stack((across, down)) / np.float32(2 * step), places), 0, -1)

    def _tile(self, time: float) -> Floats:
        grid = np.fft.irfft2(self._spectrum * np.exp(1j * self._turn * time), (self._side, self._side))
        return np.asarray(grid / self._deviation, dtype=np.float32)


def _sample(tiles: Floats, places: Floats) -> Floats:
    """Return tiles (C, n, n) at places (..., 2), linear between samples and repeated: (C, ...)."""
    side = tiles.shape[-1]
    x = (places[..., 0] * (side / PERIOD)).astype(np.float32)
    y = (places[..., 1] * (side / PERIOD)).astype(np.float32)
    left, top = np.floor(x), np.floor(y)
    right, low = x - left, y - top
    mask = side - 1
    column, row = left.astype(np.int32) & mask, top.astype(np.int32) & mask
    start, next_column = row * side, (column + 1) & mask
    below = ((row + 1) & mask) * side
    corners = (start + column, start + next_column, below + column, below + next_column)
    sampled = np.empty((len(tiles), *x.shape), dtype=np.float32)
    for channel, tile in enumerate(tiles):
        one, two, three, four = (tile.reshape(-1)[corner] for corner in corners)
        upper, lower = one + (two - one) * right, three + (four - three) * right
        sampled[channel] = upper + (lower - upper) * low
    return sampled


@lru_cache(maxsize=4)
def places_of(size: tuple[int, int]) -> Floats:
    """Return the middles of all pixels, (H, W, 2) float32, in heights from the middle; not to be changed."""
    height, width = size
    x = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / height
    y = (np.arange(height, dtype=np.float32) + 0.5) / height - 0.5
    places = np.stack(np.meshgrid(x, y), axis=-1)
    places.setflags(write=False)
    return places
