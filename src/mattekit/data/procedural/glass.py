"""Bubbles, drops and glass balls: almost clear in the middle, dense at the rim, with highlights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mattekit.data.layer import Layer
from mattekit.data.procedural.canvas import Canvas, finish
from mattekit.data.procedural.growth import random_light
from mattekit.data.procedural.motion import times_of
from mattekit.data.procedural.noise import places_of
from mattekit.data.procedural.outline import ellipse
from mattekit.data.procedural.raster import polygon_cover
from mattekit.data.procedural.skin import Skin, random_colour

Floats = NDArray[np.floating[Any]]


def glass(random: np.random.Generator, size: tuple[int, int], *, frames: int, texture: Tensor | None = None) -> Layer:
    """Render one large or many small clear balls that drift and wobble.

    Args:
        random: Where the randomness comes from.
        size: (height, width) in px.
        frames: How many.
        texture: (3, H, W) that is mirrored at their rims, or None.
    """
    count = int(random.choice((1, 2, 4, 9, 18)))
    light = random_light(random)
    clear, sharp = random.uniform(0.02, 0.35), random.uniform(1.5, 5)
    tint = np.clip(0.4 + 0.6 * random_colour(random), 0, 1)
    skin = Skin(random, texture=texture)
    balls = []
    for _ in range(count):
        radius = random.uniform(0.5, 1.2) * 0.34 / np.sqrt(count)
        speed = random.normal(0, 0.05, 2) + np.array((0, random.uniform(-0.3, 0.1)))
        balls.append((random.uniform(-0.33, 0.33, 2), speed, radius, random.uniform(0, 6)))
    canvases = []
    for time in times_of(frames):
        canvas = Canvas(size)
        for start, speed, radius, phase in balls:
            squash = radius * (1 + 0.06 * np.sin(9 * time + phase) * np.array((1, -1)))
            _paint_ball(canvas, start + speed * time, squash, light, (clear, sharp), tint, skin)
        canvases.append(canvas)
    return finish(canvases)


def _paint_ball(
    canvas: Canvas, centre: Floats, radii: Floats, light: Floats, look: tuple[float, float], tint: Floats, skin: Skin
) -> None:
    """Paint a ball whose surface is denser the more it turns away, as Schlick's rule for mirrors has it.

    Source:
        Schlick, An Inexpensive BRDF Model for Physically-based Rendering, 1994, equation 15, with a free exponent.
    """
    outline = canvas.pixels(ellipse(centre, radii, points=120))
    left, top = np.floor(outline.min(axis=0)).astype(int).clip(0)
    right, bottom = np.minimum(np.ceil(outline.max(axis=0)).astype(int), canvas.size[::-1])
    if right <= left or bottom <= top:
        return
    whole = polygon_cover([outline - np.array((left, top))], (bottom - top, right - left))
    places = places_of(canvas.size)[top:bottom, left:right]
    ball: Floats = np.divide(places - centre.astype(np.float32), radii, dtype=np.float32)
    clear, sharp = look
    facing = np.sqrt(np.clip(1 - (ball**2).sum(axis=-1), 0, 1))
    alpha = whole * (clear + (0.85 - clear) * (1 - facing) ** sharp)
    bright = np.clip(0.6 + 0.5 * (ball[..., 0] * light[0] + ball[..., 1] * light[1]), 0.2, 1.2)
    colour = np.clip(tint[:, None, None] * skin.planes(ball * 0.5) * bright[None], 0, 1)
    corner = (int(top), int(left))
    canvas.over(colour.astype(np.float32), alpha.astype(np.float32), corner=corner)
    for side, strength, width in ((1.0, 0.95, 0.03), (-0.8, 0.4, 0.1)):
        away = ((ball - side * 0.62 * light[:2]) ** 2).sum(axis=-1)
        glint = whole * strength * np.exp(-away / width)
        canvas.over(np.ones((3, 1, 1), dtype=np.float32), glint.astype(np.float32), corner=corner)
