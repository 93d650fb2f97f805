"""Feathers: a shaft with barbs that part here and there, banded, downy at the foot."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mattekit.data.layer import Layer
from mattekit.data.procedural.canvas import Canvas, finish
from mattekit.data.procedural.fibres import Fibres, draw_fibres
from mattekit.data.procedural.growth import grow, light_strands, random_light, sway, tapered
from mattekit.data.procedural.motion import Motion, times_of
from mattekit.data.procedural.skin import HAIR, Skin, random_colour

Floats = NDArray[np.floating[Any]]
_STEPS = 6


def feather(random: np.random.Generator, size: tuple[int, int], *, frames: int, texture: Tensor | None = None) -> Layer:
    """Render one to seven feathers.

    Args:
        random: Where the randomness comes from.
        size: (height, width) in px.
        frames: How many.
        texture: (3, H, W) that colours them, or None.
    """
    light = random_light(random)
    count = int(random.choice((1, 2, 3, 5, 7)))
    palette = np.array(HAIR)[random.integers(0, len(HAIR), 3)]
    if random.uniform() < 0.4:
        palette = np.stack([random_colour(random) for _ in range(3)])
    plumes = []
    for index in range(count):
        fan = (index - (count - 1) / 2) * random.uniform(0.25, 0.4) + random.normal(0, 0.1)
        skin = Skin(random, kinds=("plain", "clouds", "stripes", "patches", "dots"), palette=palette, texture=texture)
        plumes.append(_plume(random, fan, skin, light, share=1.3 / (1 + 0.15 * count)))
    motion = Motion(random, swing=0.15, wave=0.015, centre=(0.0, 0.4))
    canvases = []
    for time in times_of(frames):
        canvas = Canvas(size)
        for barbs, shaft, phases in plumes:
            moved = motion.place(sway(barbs.points, phases, time=time, amount=0.06), time)
            draw_fibres(canvas, Fibres(moved, barbs.widths, barbs.colours, barbs.depth), layers=6)
            stem = Fibres(motion.place(shaft.points, time), shaft.widths, shaft.colours, shaft.depth)
            draw_fibres(canvas, stem, layers=1)
        canvases.append(canvas)
    return finish(canvases)


def _plume(
    random: np.random.Generator, fan: float, skin: Skin, light: Floats, *, share: float
) -> tuple[Fibres, Fibres, Floats]:
    """Return the barbs, the shaft and the phases of the barbs of one feather that leans by an angle."""
    lean = np.array((np.sin(fan), -np.cos(fan)))
    root = np.array(((random.uniform(-0.05, 0.05), 0.42),))
    length = np.array((random.uniform(0.6, 0.85),))
    side_pull = np.array(((random.normal(0, 0.5), 0.15),))
    shaft = grow(root, lean[None], length, steps=40, pull=side_pull, bend=random.uniform(0, 1.2))
    count = int(random.integers(180, 420))
    place = np.tile(np.sort(random.uniform(0.1, 1, count)), 2)
    side = np.repeat((-1.0, 1.0), count)
    index = np.minimum((place * 40).astype(int), 39)
    base = shaft[0][index] + (shaft[0][index + 1] - shaft[0][index]) * (place * 40 - index)[:, None]
    ahead = shaft[0][index + 1] - shaft[0][index]
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    groups = random.normal(0, random.uniform(0.03, 0.2), 40)[(place * 14 + 20 * (side > 0)).astype(int)]
    opening = random.uniform(0.45, 0.9) * (1.15 - 0.6 * place) + groups
    normal = np.stack((-ahead[:, 1], ahead[:, 0]), axis=1) * side[:, None]
    start = np.cos(opening)[:, None] * ahead + np.sin(opening)[:, None] * normal
    wide = random.uniform(0.08, 0.2) * share * np.where(side > 0, 1, random.uniform(0.6, 1))
    reach = (
        wide * (np.sin(np.pi * np.clip(place * 0.85 + 0.12, 0, 1)) ** 0.6 + 0.05) * random.lognormal(0, 0.06, 2 * count)
    )
    down = place < random.uniform(0.15, 0.4)
    start = start + np.where(down[:, None], random.normal(0, 0.5, (2 * count, 2)), 0)
    barbs = grow(base, start, reach, steps=_STEPS, pull=ahead, bend=random.uniform(0.3, 1.2))
    barbs += np.where(down[:, None, None], random.normal(0, 0.004, barbs.shape).cumsum(axis=1), 0)
    thick = float(length[0]) / count * random.uniform(0.8, 1.5)
    widths = tapered(np.where(down, 0.5, 1) * thick, _STEPS, tip=0.15, swell=2)
    middle = (barbs[:, 1:] + barbs[:, :-1]) / 2
    colours = skin.at(middle) * random.lognormal(0, 0.07, (2 * count, 1, 1)) * np.linspace(0.8, 1.1, _STEPS)[:, None]
    colours = np.where(down[:, None, None], 0.5 * colours + 0.45, colours)
    lit = light_strands(barbs, np.clip(1.15 * colours, 0, 1), light=light, gloss=0.25, sharp=10)
    stem = light_strands(shaft, np.array(((0.75, 0.7, 0.6),)) * random.uniform(0.4, 1.1), light=light)
    depth = -np.repeat(place[:, None], _STEPS, axis=1)
    fibres = Fibres(barbs, widths, lit, depth)
    return fibres, Fibres(shaft, tapered(np.array((0.011,)), 40), stem, np.zeros((1, 40))), 8 * place + side
