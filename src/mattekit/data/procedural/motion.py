"""How a drawn thing moves by itself: it swings as a whole and waves run through it, both known exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mattekit.data.procedural.noise import places_of

Floats = NDArray[np.floating[Any]]
RATE = 24.0
"""Frames a second."""


class Motion:
    """A swing of the whole and travelling waves; all lengths in heights of the picture, times in seconds.

    A point of the thing that rests at m is at ``place(m, t)``; ``rest(p, t)`` undoes it.

    Args:
        random: Where the randomness comes from.
        swing: Largest turn in radians and, times a half, largest shift.
        wave: Largest displacement by the waves; 0 keeps the thing rigid.
        spin: Radians a second that it turns steadily.
        centre: (x, y) it turns about.
    """

    def __init__(
        self,
        random: np.random.Generator,
        *,
        swing: float = 0.05,
        wave: float = 0.0,
        spin: float = 0.0,
        centre: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        self._turn = swing * random.uniform(-1, 1)
        self._shift = 0.5 * swing * random.uniform(-1, 1, 2)
        self._pace, self._phase = random.uniform(1.5, 6, 3), random.uniform(0, 2 * np.pi, 3)
        self._spin, self._centre = spin, np.asarray(centre)
        count = 3 if wave > 0 else 0
        self._heading = random.uniform(0, 2 * np.pi, count)
        number = 2 * np.pi / random.uniform(0.35, 1.2, count)
        way = random.uniform(0, 2 * np.pi, count)
        self._number = (number[:, None] * np.stack((np.cos(way), np.sin(way)), axis=1)).reshape(-1, 2)
        self._wave_pace, self._wave_phase = random.uniform(1, 7, count), random.uniform(0, 2 * np.pi, count)
        # The slopes of the waves sum to less than a half, so that the way back is found by repetition.
        self._size = np.minimum(wave * random.uniform(0.3, 1, count), 0.15 / np.maximum(number, 1e-6))

    def place(self, rest: Floats, time: float) -> Floats:
        """Return where points (..., 2) that rest at given places are at a time."""
        found = rest
        for _ in range(8 if len(self._size) else 0):
            found = rest + self._displacement(found, time)
        turn, shift = self._pose(time)
        moved: Floats = (found - self._centre) @ _rotation(turn).T + self._centre + shift
        return moved

    def rest(self, places: Floats, time: float) -> Floats:
        """Return the resting places of what is at places (..., 2) at a time."""
        turn, shift = self._pose(time)
        turned = (places - (self._centre + shift)) @ _rotation(turn) + self._centre
        still: Floats = turned - self._displacement(turned, time) if len(self._size) else turned
        return still.astype(places.dtype)

    def flow(self, alpha: Tensor, times: Sequence[float]) -> tuple[Tensor, Tensor]:
        """Return the exact forward flow and its validity of a thing that moves so, as `Layer` wants them.

        Args:
            alpha: (T, 1, H, W); nothing is valid where it is 0.
            times: T times in seconds.
        """
        height, width = alpha.shape[-2:]
        places = places_of((height, width))
        limit = np.array((width / 2, height / 2)) / height - 0.5 / height
        flows, valids = [], []
        for index in range(len(times) - 1):
            there = self.place(self.rest(places, times[index]), times[index + 1])
            inside = (np.abs(there) <= limit).all(axis=-1) & (alpha[index, 0].numpy() > 0)
            flows.append(torch.from_numpy(((there - places) * height).astype(np.float32)).permute(2, 0, 1))
            valids.append(torch.from_numpy(inside.astype(np.float32))[None])
        if not flows:
            return torch.zeros(0, 2, height, width), torch.zeros(0, 1, height, width)
        return torch.stack(flows), torch.stack(valids)

    def _pose(self, time: float) -> tuple[float, Floats]:
        swing = np.sin(self._pace * time + self._phase)
        return self._turn * float(swing[0]) + self._spin * time, self._shift * swing[1:]

    def _displacement(self, places: Floats, time: float) -> Floats:
        total = np.zeros_like(places)
        for size, heading, number, pace, phase in zip(
            self._size, self._heading, self._number, self._wave_pace, self._wave_phase, strict=True
        ):
            angle = places @ number.astype(places.dtype) + places.dtype.type(phase - pace * time)
            wave = np.sin(angle)
            total[..., 0] += places.dtype.type(size * np.cos(heading)) * wave
            total[..., 1] += places.dtype.type(size * np.sin(heading)) * wave
        return total


def times_of(frames: int) -> list[float]:
    """Return the times in seconds of a clip's frames."""
    return [index / RATE for index in range(frames)]


def _rotation(turn: float) -> Floats:
    return np.array(((np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))))
