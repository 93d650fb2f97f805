"""A head with neck and shoulders, seen from before or behind, that turns and nods a little."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mattekit.data.procedural.canvas import Canvas, Paint
from mattekit.data.procedural.growth import random_light
from mattekit.data.procedural.noise import Noise
from mattekit.data.procedural.outline import ellipse, folds, round_shade, smooth
from mattekit.data.procedural.skin import FLESH, Skin, hair_colours

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Head:
    """Shape, colours and movement of a bust; lengths in heights of the picture.

    Attributes:
        centre: (3,) of the head at rest.
        radii: (3,) of the head.
        shoulders: (2,) half their width and how far below the head they lie.
        frontal: Whether the face shows.
        parting: Where the hair parts, -1 to 1.
        flesh: (3,) colour.
        hair: (2, 3) colours at the root and at the tip.
        eyes: (3,) colour.
        cloth: Colour of the clothes.
        wrinkles: Folds of the clothes.
        light: (3,) towards the light.
        swing: (3,) largest turn in radians, shift along x and along y.
        pace: (3,) radians a second of each.
        phase: (3,) of each.
    """

    centre: Floats
    radii: Floats
    shoulders: Floats
    frontal: bool
    parting: float
    flesh: Floats
    hair: Floats
    eyes: Floats
    cloth: Skin
    wrinkles: Noise
    light: Floats
    swing: Floats
    pace: Floats
    phase: Floats

    def moved(self, points: Floats, time: float) -> Floats:
        """Return points (..., 2 or 3) of the head where they are at a time in seconds."""
        turn, right, down = self.swing * np.sin(self.pace * time + self.phase)
        pivot = self.centre[:2] + np.array((0, 1.2 * self.radii[1]))
        x, y = points[..., 0] - pivot[0], points[..., 1] - pivot[1]
        cosine, sine = np.cos(turn), np.sin(turn)
        shifted = np.stack((cosine * x - sine * y + right, sine * x + cosine * y + down), axis=-1) + pivot
        return np.concatenate((shifted, points[..., 2:]), axis=-1)


def random_head(random: np.random.Generator, *, texture: Tensor | None = None) -> Head:
    """Draw a bust at random.

    Args:
        random: Where the randomness comes from.
        texture: (3, H, W) for the clothes, or None.
    """
    wide = float(np.exp(random.uniform(np.log(0.085), np.log(0.2))))
    radii = wide * np.array((1, random.uniform(1.22, 1.4), random.uniform(1.0, 1.2)))
    return Head(
        centre=np.array((random.uniform(-0.08, 0.08), random.uniform(-0.2, -0.08), 0.0)),
        radii=radii,
        shoulders=wide * np.array((random.uniform(1.8, 2.6), random.uniform(1.5, 1.9))),
        frontal=bool(random.uniform() < 0.6),
        parting=random.uniform(-0.6, 0.6),
        flesh=np.array(FLESH[int(random.integers(len(FLESH)))]) * random.uniform(0.9, 1.05),
        hair=hair_colours(random),
        eyes=random.uniform(0.05, 0.45, 3),
        cloth=Skin(random, texture=texture),
        wrinkles=Noise(random, scale=0.3, slope=2.4),
        light=random_light(random),
        swing=random.uniform(0, 1, 3) * np.array((0.14, 0.025, 0.015)),
        pace=random.uniform(1.5, 5, 3),
        phase=random.uniform(0, 2 * np.pi, 3),
    )


def paint_bust(canvas: Canvas, head: Head, time: float) -> None:
    """Paint shoulders, neck and head without hair."""
    x, y = head.centre[:2]
    wide, tall = head.radii[:2]
    neck = head.flesh * 0.8
    canvas.polygon(
        smooth(
            np.array(
                (
                    (x - 0.5 * wide, y + 0.5 * tall),
                    (x + 0.5 * wide, y + 0.5 * tall),
                    (x + 0.62 * wide, y + 2 * tall),
                    (x - 0.62 * wide, y + 2 * tall),
                )
            ),
            closed=True,
        ),
        neck,
    )
    half, drop = head.shoulders
    down = np.array((-0.25, 0.02, 0.5, 1.5, 3, 6, 12)) * wide + drop
    out = np.array((0.45 * wide / half, 0.6, 0.95, 1.08, 1.12, 1.15, 1.15)) * half
    right = np.stack((out, down), axis=1)
    left = (right * np.array((-1, 1)))[::-1]
    collar = smooth(np.concatenate((left, right)), 90) + np.array((x, y))

    def cloth(places: Floats) -> Floats:
        shade = folds(head.wrinkles, places, head.light) * np.clip(1.1 - 0.4 * (places[..., 1] - y), 0.6, 1.1)
        return np.asarray(np.clip(head.cloth.planes(places) * shade[None], 0, 1), dtype=np.float32)

    canvas.polygon(collar, cloth)
    _paint_face(canvas, head, time)


def _paint_face(canvas: Canvas, head: Head, time: float) -> None:
    middle = head.moved(head.centre, time)[:2]
    turn = float(head.swing[0] * np.sin(head.pace[0] * time + head.phase[0]))

    def lit(colour: Floats) -> Paint:
        def paint(places: Floats) -> Floats:
            shade = round_shade(places, middle, head.radii[:2] * 1.05, head.light, turn=turn)
            return np.asarray(np.clip(colour[:, None, None] * shade[None], 0, 1), dtype=np.float32)

        return paint

    for side in (-1, 1):
        ear = head.moved(
            ellipse(head.centre[:2] + side * head.radii[:2] * (0.98, 0), head.radii[:2] * (0.16, 0.2)), time
        )
        canvas.polygon(ear, head.flesh * 0.75)
    canvas.polygon(head.moved(ellipse(head.centre[:2], head.radii[:2]), time), lit(0.55 * head.hair[0]))
    if head.frontal:
        face = ellipse(head.centre[:2] + head.radii[:2] * (0, 0.2), head.radii[:2] * (0.93, 0.82))
        canvas.polygon(head.moved(face, time), lit(head.flesh))
        for place, radii, colour in _features(head):
            spot = ellipse(head.centre[:2] + head.radii[:2] * place, head.radii[0] * np.array(radii), points=24)
            canvas.polygon(head.moved(spot, time), np.clip(colour, 0, 1), opacity=0.9)


def _features(head: Head) -> list[tuple[tuple[float, float], tuple[float, float], Floats]]:
    """Return place and radii, in radii of the head, and colour of eyes, brows, nose and mouth."""
    dark, lips = head.flesh * 0.45, head.flesh * np.array((0.85, 0.5, 0.5))
    found: list[tuple[tuple[float, float], tuple[float, float], Floats]] = []
    for side in (-1, 1):
        found += [
            ((side * 0.4, -0.02), (0.17, 0.075), np.array((0.9, 0.89, 0.87))),
            ((side * 0.4, -0.02), (0.075, 0.075), head.eyes),
            ((side * 0.4, -0.02), (0.035, 0.035), np.zeros(3)),
            ((side * 0.4, -0.18), (0.22, 0.035), dark),
        ]
    return [
        *found,
        ((0.0, 0.22), (0.1, 0.2), head.flesh * 1.06),
        ((0.0, 0.31), (0.12, 0.05), head.flesh * 0.78),
        ((0.0, 0.56), (0.3, 0.075), lips),
    ]
