"""Smoke and flame: cloudy density carried along by a rising, whirling flow."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor

from mattekit.data.layer import Layer
from mattekit.data.procedural.canvas import Canvas, finish
from mattekit.data.procedural.fibres import Fibres, draw_fibres
from mattekit.data.procedural.motion import RATE, times_of
from mattekit.data.procedural.noise import Noise, places_of
from mattekit.data.procedural.skin import Skin, random_colour

Floats = NDArray[np.floating[Any]]
_GRID = 96
_WARM_UP = 24
FIRE = np.array(((0.35, 0.03, 0.01), (0.85, 0.2, 0.03), (1.0, 0.55, 0.1), (1.0, 0.85, 0.4), (1.0, 0.98, 0.9)))
"""Colours of a flame from thin to thick."""


def smoke(random: np.random.Generator, size: tuple[int, int], *, frames: int, texture: Tensor | None = None) -> Layer:
    """Render smoke, steam or dust.

    Args:
        random: Where the randomness comes from.
        size: (height, width) in px.
        frames: How many.
        texture: (3, H, W) that tints it, or None.
    """
    drift = _Drift(random, rise=random.uniform(0.02, 0.35), whirl=random.uniform(0.05, 0.4))
    cloud = Noise(random, scale=random.uniform(0.25, 0.7), slope=random.uniform(0.7, 1.5), side=512)
    tint = np.clip(random_colour(random) * 0.3 + 0.7 * random.uniform(0.15, 1), 0, 1)
    skin = Skin(random, texture=texture)
    thick, floor = float(np.exp(random.uniform(np.log(0.5), np.log(6)))), random.uniform(-1.0, 0.3)
    radii, column = random.uniform(0.2, 0.45, 2), random.uniform() < 0.4
    canvases = []
    for _ in range(frames):
        canvas = Canvas(size)
        places = places_of(size)
        origin = drift.origins(size)
        noise = cloud.at(origin)
        body = (
            _column(origin, places, radii[0])
            if column
            else 1.25 - np.hypot(origin[..., 0] / radii[0], origin[..., 1] / radii[1])
        )
        density = thick * np.clip(body, 0, 1) * np.clip(0.55 * noise - floor + 0.4 * body, 0, None)
        density *= np.clip(6 * (0.5 * size[1] / size[0] - np.abs(places[..., 0])), 0, 1)
        density *= np.clip(6 * (0.5 - np.abs(places[..., 1])), 0, 1)
        shade = np.clip(0.85 + 0.16 * noise - 0.25 * places[..., 1], 0.3, 1.3)
        base = skin.planes(origin) if texture is not None else tint[:, None, None]
        canvas.over(np.clip(base * shade[None], 0, 1).astype(np.float32), -np.expm1(-density).astype(np.float32))
        canvases.append(canvas)
        drift.step()
    return finish(canvases)


def flame(random: np.random.Generator, size: tuple[int, int], *, frames: int, texture: Tensor | None = None) -> Layer:
    """Render a fire with sparks.

    Args:
        random: Where the randomness comes from.
        size: (height, width) in px.
        frames: How many.
        texture: (3, H, W) whose colours it takes instead of a fire's, or None.
    """
    drift = _Drift(random, rise=random.uniform(0.5, 1.2), whirl=random.uniform(0.25, 0.7))
    cloud = Noise(random, scale=random.uniform(0.15, 0.35), slope=random.uniform(1.3, 2.2))
    skin = Skin(random, texture=texture) if texture is not None else None
    ramp = (
        FIRE
        if random.uniform() < 0.75
        else np.clip(random_colour(random) * np.linspace(0.3, 1, 5)[:, None] + FIRE[:, 2:], 0, 1)
    )
    wide, tall, lick = random.uniform(0.12, 0.32), random.uniform(0.5, 0.9), random.uniform(0.25, 0.7)
    sparks = _Sparks(random)
    canvases = []
    for time in times_of(frames):
        canvas = Canvas(size)
        places = places_of(size)
        origin = drift.origins(size)
        up = np.clip((0.45 - places[..., 1]) / tall, 0, None)
        body = np.clip(1.1 - np.abs(origin[..., 0]) / wide / (0.25 + np.clip(1 - up, 0, 1) ** 0.7), -1, 1) + 0.3 - up
        heat = np.clip(body + lick * cloud.at(origin) * (0.4 + up), 0, 2) * np.clip(14 * (0.47 - places[..., 1]), 0, 1)
        alpha = -np.expm1(-2.2 * heat**1.3) * np.clip(8 * (0.5 + places[..., 1]), 0, 1)
        warm = np.clip(heat * 2.2, 0, 3.999)
        low = warm.astype(int)
        colour = ramp[low] + (ramp[low + 1] - ramp[low]) * (warm - low)[..., None]
        if skin is not None:
            colour = skin.at(origin)
        canvas.over(np.moveaxis(colour, -1, 0).astype(np.float32), alpha.astype(np.float32))
        draw_fibres(canvas, sparks.at(time), layers=1)
        canvases.append(canvas)
        drift.step()
    return finish(canvases)


class _Drift:
    """Keeps for every place where the matter there began, while a flow without sources carries it on."""

    def __init__(self, random: np.random.Generator, *, rise: float, whirl: float) -> None:
        self._rise, self._whirl = rise, whirl
        self._stream = Noise(random, scale=random.uniform(0.3, 0.7), slope=1.6, pace=2.0, side=128)
        self._places = places_of((_GRID, 2 * _GRID))
        self._origin = self._places.copy()
        self._time = 0.0
        for _ in range(_WARM_UP):
            self.step()

    def step(self) -> None:
        """Go on by one frame: every place takes what lay upstream of it."""
        slope = self._stream.slopes(self._places, self._time)
        # What a stream function's slope turned by a right angle carries neither piles up nor thins out.
        speed = 0.12 * self._whirl * np.stack((slope[..., 1], -slope[..., 0]), axis=-1) / 2
        speed[..., 1] -= self._rise
        back = self._places - speed / RATE
        self._origin = self._fetch(self._origin - self._places, back) + back
        self._origin += 0.02 * (self._rested() - self._origin)
        self._time += 1 / RATE

    def origins(self, size: tuple[int, int]) -> Floats:
        """Return (H, W, 2): where what is at each pixel began, in heights."""
        places = places_of(size)
        found: Floats = self._fetch(self._origin - self._places, places) + places
        found[..., 1] -= self._rise * _WARM_UP / RATE
        return found

    def _rested(self) -> Floats:
        """Return origins without whirls, which the present ones slowly go back to, or smoke would wind up for ever."""
        rested = self._places.copy()
        rested[..., 1] += self._rise * (self._time + _WARM_UP / RATE)
        return rested

    def _fetch(self, field: Floats, places: Floats) -> Floats:
        grid = torch.from_numpy(places * np.array((1, 2), dtype=np.float32))[None].float()
        planes = torch.from_numpy(np.moveaxis(field, -1, 0).copy())[None].float()
        fetched = functional.grid_sample(planes, grid, mode="bicubic", padding_mode="border", align_corners=False)
        return np.asarray(fetched[0].permute(1, 2, 0).numpy())


def _column(origin: Floats, places: Floats, radius: float) -> Floats:
    """Return the density of a plume that widens as it rises, 1 in its middle."""
    wide = radius * (0.25 + 0.9 * np.clip(0.5 - places[..., 1], 0, 1))
    column: Floats = 1.1 - (origin[..., 0] / wide) ** 2
    return column


class _Sparks:
    """Short glowing streaks that fly up."""

    def __init__(self, random: np.random.Generator) -> None:
        count = int(random.integers(0, 40))
        self._start = np.stack((random.normal(0, 0.15, count), random.uniform(-0.4, 0.4, count)), axis=1)
        self._speed = np.stack((random.normal(0, 0.2, count), random.uniform(-1, -0.3, count)), axis=1)
        self._width = random.lognormal(np.log(0.003), 0.5, count)

    def at(self, time: float) -> Fibres:
        """Return them at a time in seconds."""
        first = self._start + self._speed * time
        points = np.stack((first, first + self._speed * 0.02), axis=1)
        colours = np.full((len(first), 1, 3), (1.0, 0.75, 0.35))
        return Fibres(points, np.repeat(self._width[:, None], 2, axis=1), colours, np.zeros((len(first), 1)))
