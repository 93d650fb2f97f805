"""Lace, nets and glass-like veils: cloth through which the background shows, with folds that travel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mattekit.data.layer import Layer
from mattekit.data.procedural.canvas import Canvas, finish
from mattekit.data.procedural.growth import random_light
from mattekit.data.procedural.motion import Motion, times_of
from mattekit.data.procedural.noise import Noise, places_of
from mattekit.data.procedural.outline import blob
from mattekit.data.procedural.raster import polygon_cover
from mattekit.data.procedural.skin import Skin, random_colour
from mattekit.data.procedural.weave import Weave

Floats = NDArray[np.floating[Any]]


def lace(random: np.random.Generator, size: tuple[int, int], *, frames: int, texture: Tensor | None = None) -> Layer:
    """Render a piece of lace or net with a solid rim.

    Args:
        random: Where the randomness comes from.
        size: (height, width) in px.
        frames: How many.
        texture: (3, H, W) that colours the threads, or None.
    """
    weave, light = Weave(random), random_light(random)
    skin = Skin(random, kinds=("plain", "plain", "clouds", "stripes"), texture=texture)
    drape = Noise(random, scale=random.uniform(0.15, 0.5), slope=2.8, pace=random.uniform(0.3, 2), side=128)
    depth = random.uniform(0.1, 0.5)
    outer, inner = _hem(random)
    motion = Motion(random, swing=0.06, wave=random.uniform(0.005, 0.04))
    canvases = []
    for time in times_of(frames):
        canvas = Canvas(size)
        places = places_of(size)
        rest = motion.rest(places, time)
        fold = 0.06 * drape.slopes(rest, time)
        rest = rest + 0.012 * depth * fold  # threads run over the folds
        shade = np.clip(1 - depth * (light[0] * fold[..., 0] + light[1] * fold[..., 1]), 0.45, 1.4)
        whole, open_part = (polygon_cover([canvas.pixels(motion.place(loop, time))], size) for loop in (outer, inner))
        thread = weave.cover(rest)
        alpha = np.maximum(whole - open_part, 0) + open_part * thread
        colour = skin.planes(rest) * (shade * (0.8 + 0.2 * thread))[None]
        canvas.over(np.clip(colour, 0, 1).astype(np.float32), np.minimum(alpha, 1).astype(np.float32))
        canvases.append(canvas)
    return finish(canvases)


def veil(random: np.random.Generator, size: tuple[int, int], *, frames: int, texture: Tensor | None = None) -> Layer:
    """Render thin cloth or foil: low alpha, denser where it turns away, bright where it mirrors the light.

    Args:
        random: Where the randomness comes from.
        size: (height, width) in px.
        frames: How many.
        texture: (3, H, W) that tints it, or None.
    """
    sheets = [_Sheet(random, texture) for _ in range(int(random.integers(1, 4)))]
    canvases = []
    for time in times_of(frames):
        canvas = Canvas(size)
        for sheet in sheets:
            sheet.paint(canvas, time)
        canvases.append(canvas)
    return finish(canvases)


class _Sheet:
    """One layer of thin material."""

    def __init__(self, random: np.random.Generator, texture: Tensor | None) -> None:
        self._light = random_light(random)
        self._skin = Skin(random, kinds=("plain", "plain", "clouds", "stripes"), texture=texture)
        self._tint = random_colour(random) * 0.5 + 0.5 * random.uniform(0.5, 1)
        self._drape = Noise(
            random, scale=random.uniform(0.12, 0.6), slope=random.uniform(1.8, 2.6), pace=random.uniform(0.3, 2)
        )
        self._stretch = np.array((random.uniform(0.8, 2.5), random.uniform(0.1, 1)), dtype=np.float32)
        self._thin, self._depth = float(np.exp(random.uniform(np.log(0.04), np.log(0.5)))), random.uniform(0.3, 1.2)
        self._gloss, self._sharp = random.uniform(0, 0.9), random.uniform(10, 80)
        self._outer, self._inner = _hem(random)
        self._edge = random.uniform(0, 0.6)
        self._motion = Motion(random, swing=0.08, wave=random.uniform(0.01, 0.05))

    def paint(self, canvas: Canvas, time: float) -> None:
        rest = self._motion.rest(places_of(canvas.size), time)
        slope = 0.06 * self._depth * self._drape.slopes(rest * self._stretch, time)
        steep = np.sqrt(1 + (slope**2).sum(axis=-1))
        whole, inner = (
            polygon_cover([canvas.pixels(self._motion.place(loop, time))], canvas.size)
            for loop in (self._outer, self._inner)
        )
        alpha = 1 - (1 - self._thin) ** (steep**1.5)  # the way through the sheet grows as it turns away
        alpha = whole * alpha + np.maximum(whole - inner, 0) * (1 - alpha) * self._edge
        facing = (self._light[2] - slope[..., 0] * self._light[0] - slope[..., 1] * self._light[1]) / steep
        colour = self._skin.planes(rest) * 0.6 + 0.4 * self._tint[:, None, None]
        colour = np.clip(colour * (0.55 + 0.55 * np.clip(facing, 0, 1))[None], 0, 1)
        canvas.over(colour.astype(np.float32), alpha.astype(np.float32))
        half = self._light + np.array((0, 0, 1))
        half /= np.linalg.norm(half)
        mirrored = np.clip((half[2] - slope[..., 0] * half[0] - slope[..., 1] * half[1]) / steep, 0, 1)
        glint = whole * self._gloss * mirrored**self._sharp
        canvas.over(np.ones((3, 1, 1), dtype=np.float32), glint.astype(np.float32))


def _hem(random: np.random.Generator) -> tuple[Floats, Floats]:
    """Return the outline of a piece of cloth and a line a little inside it, scalloped at times."""
    radii = random.uniform(0.25, 0.46, 2)
    outer = blob(
        random,
        random.uniform(-0.06, 0.06, 2),
        radii,
        rough=random.uniform(0, 0.12),
        square=random.uniform(2, 7),
        points=420,
    )
    middle = outer.mean(axis=0)
    hem = float(np.exp(random.uniform(np.log(0.004), np.log(0.05))))
    away = outer - middle
    length = np.linalg.norm(away, axis=1, keepdims=True)
    inner = middle + away * (1 - hem / length)
    if random.uniform() < 0.5:
        angle = np.linspace(0, 2 * np.pi, len(outer), endpoint=False)[:, None]
        outer = middle + away * (1 + random.uniform(0.01, 0.05) * np.abs(np.sin(int(random.integers(8, 24)) * angle)))
    return outer, inner
