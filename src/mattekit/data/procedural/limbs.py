"""Moving people seen by an open shutter: arms with fingers, and runners, blurred as they swing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mattekit.data.layer import Layer
from mattekit.data.procedural.canvas import Canvas, Paint, finish
from mattekit.data.procedural.growth import random_light
from mattekit.data.procedural.motion import RATE, times_of
from mattekit.data.procedural.outline import ellipse, tube
from mattekit.data.procedural.skin import FLESH, HAIR, Skin

Floats = NDArray[np.floating[Any]]
Subject = Callable[[Canvas, float], None]
SHUTTER = 8
"""Moments of an open shutter whose pictures are averaged."""


def limbs(random: np.random.Generator, size: tuple[int, int], *, frames: int, texture: Tensor | None = None) -> Layer:
    """Render a waving arm or a running figure, each frame the mean of moments while the shutter is open.

    Args:
        random: Where the randomness comes from.
        size: (height, width) in px.
        frames: How many.
        texture: (3, H, W) for the clothes, or None.
    """
    subject: Subject = (_Arm if random.uniform() < 0.5 else _Runner)(random, texture).paint
    shutter = random.uniform(0.2, 1.0)
    return finish([expose(subject, size, time, shutter=shutter) for time in times_of(frames)])


def expose(paint: Subject, size: tuple[int, int], time: float, *, shutter: float) -> Canvas:
    """Return the mean of `SHUTTER` pictures.

    Premultiplied colour and alpha are averaged alike, so that the result lies over a still background exactly as the
    average of the composites would.

    Args:
        paint: Paints the subject on a canvas at a time in seconds.
        size: (height, width) in px.
        time: When the shutter opens.
        shutter: Share of a frame's duration that it stays open.
    """
    total = Canvas(size)
    for moment in range(SHUTTER):
        canvas = Canvas(size)
        paint(canvas, time + shutter / RATE * (moment + 0.5) / SHUTTER)
        total.colour += canvas.colour / SHUTTER
        total.alpha += canvas.alpha / SHUTTER
    return total


class _Arm:
    """A forearm that reaches in from the border, with a hand whose fingers move."""

    def __init__(self, random: np.random.Generator, texture: Tensor | None) -> None:
        self._flesh = np.array(FLESH[int(random.integers(len(FLESH)))]) * random.uniform(0.9, 1.05)
        self._sleeve, self._light = Skin(random, texture=texture), random_light(random)
        self._side, self._scale = random.choice((-1.0, 1.0)), random.uniform(0.7, 1.5)
        self._elbow = np.array((random.uniform(-0.25, 0.25), random.uniform(0.35, 0.6)))
        self._aim, self._reach = random.uniform(-2.2, -0.95), random.uniform(0.3, 0.5)
        self._swing, self._pace = random.uniform(0.1, 0.8), random.uniform(4, 14)
        self._phase, self._spread = random.uniform(0, 2 * np.pi), random.uniform(0.06, 0.25)
        self._curl, self._sleeved = random.uniform(0, 1.2), random.uniform(0.2, 0.95)

    def paint(self, canvas: Canvas, time: float) -> None:
        angle = self._aim + self._swing * np.sin(self._pace * time + self._phase)
        wrist_bend = 0.5 * self._swing * np.sin(self._pace * time + self._phase - 0.8)
        wrist = self._elbow + self._reach * _heading(angle)
        unit = 0.1 * self._scale
        upper = self._elbow - 0.6 * _heading(angle - 0.2)
        colour = _rounded(self._flesh, wrist, self._light)
        canvas.polygon(tube(np.stack((upper, self._elbow, wrist)), unit * np.array((1.3, 1.1, 0.72))), colour)
        aim = angle + wrist_bend
        palm = wrist + 0.55 * unit * _heading(aim)
        for finger in range(5):
            self._finger(canvas, finger, palm, aim, unit, time)
        canvas.polygon(
            tube(np.stack((wrist, palm + 0.45 * unit * _heading(aim))), unit * np.array((0.72, 0.95))), colour
        )
        cuff = self._elbow + self._sleeved * (wrist - self._elbow)
        cloth = _cloth(self._sleeve, wrist)
        canvas.polygon(tube(np.stack((upper, self._elbow, cuff)), unit * np.array((1.7, 1.5, 1.15)), cap=2), cloth)

    def _finger(self, canvas: Canvas, finger: int, palm: Floats, aim: float, unit: float, time: float) -> None:
        place = (finger - 2.0) * self._side
        thumb = finger == 0
        heading = aim + place * self._spread * (2.2 if thumb else 1)
        across = np.array((-np.sin(aim), np.cos(aim)))
        root = palm + unit * (0.24 * place * across + (0.0 if thumb else 0.4) * _heading(aim))
        bend = 0.35 * (self._curl + 0.3 * np.sin(self._pace * time + finger)) * (1 if thumb else -1) * self._side
        line, length = [root], unit * (0.42, 0.48, 0.55, 0.5, 0.4)[finger]
        for joint in range(3):
            line.append(line[-1] + length * (0.9, 0.62, 0.48)[joint] * _heading(heading + bend * joint))
        canvas.polygon(
            tube(np.stack(line), unit * np.array((0.25, 0.24, 0.21, 0.17))), self._flesh * (0.82 + 0.05 * finger)
        )


class _Runner:
    """A figure in profile whose arms and legs swing."""

    def __init__(self, random: np.random.Generator, texture: Tensor | None) -> None:
        self._flesh = np.array(FLESH[int(random.integers(len(FLESH)))])
        self._hair = np.array(HAIR[int(random.integers(len(HAIR)))])
        self._shirt, self._trousers = Skin(random, texture=texture), Skin(random, kinds=("plain", "clouds"))
        self._light, self._facing = random_light(random), random.choice((-1.0, 1.0))
        self._size, self._hip = random.uniform(0.75, 1.1), np.array((random.uniform(-0.15, 0.15), 0.05))
        self._pace, self._phase, self._stride = random.uniform(4, 13), random.uniform(0, 6), random.uniform(0.3, 0.9)
        self._speed, self._lean = random.uniform(-0.2, 0.5), random.uniform(0, 0.35)

    def paint(self, canvas: Canvas, time: float) -> None:
        beat = self._pace * time + self._phase
        hip = self._hip + np.array((self._speed * time * self._facing, 0.012 * np.sin(2 * beat))) * self._size
        neck = hip + 0.27 * self._size * np.array((self._facing * np.sin(self._lean), -np.cos(self._lean)))
        shirt, trousers = _cloth(self._shirt, hip), _cloth(self._trousers, hip)
        flesh = _rounded(self._flesh, neck, self._light)
        far = _rounded(0.75 * self._flesh, neck, self._light)
        self._arm(canvas, neck, beat + np.pi, _cloth(self._shirt, hip, dark=0.75), far)
        self._leg(canvas, hip, beat + np.pi, _cloth(self._trousers, hip, dark=0.7))
        self._leg(canvas, hip, beat, trousers)
        trunk = np.stack((hip, (hip + neck) / 2, neck))
        canvas.polygon(tube(trunk, self._size * np.array((0.13, 0.15, 0.15))), shirt)
        head = neck + self._size * np.array((self._facing * 0.035, -0.09))
        canvas.polygon(tube(np.stack((neck, head)), self._size * np.array((0.06, 0.06))), flesh)
        canvas.polygon(ellipse(head, self._size * np.array((0.055, 0.07))), flesh)
        back = head - self._size * np.array((self._facing * 0.015, 0.022))
        canvas.polygon(ellipse(back, self._size * np.array((0.055, 0.055))), self._hair)
        self._arm(canvas, neck, beat, shirt, flesh)

    def _arm(self, canvas: Canvas, neck: Floats, beat: float, shirt: Paint, flesh: Paint) -> None:
        shoulder = neck + self._size * np.array((0, 0.03))
        swing = np.pi / 2 - self._facing * self._stride * np.sin(beat)
        elbow = shoulder + 0.14 * self._size * _heading(swing)
        hand = elbow + 0.13 * self._size * _heading(swing - self._facing * (0.9 + 0.4 * np.sin(beat)))
        canvas.polygon(tube(np.stack((shoulder, elbow, hand)), self._size * np.array((0.06, 0.05, 0.038))), flesh)
        canvas.polygon(ellipse(hand, self._size * np.array((0.026, 0.022))), flesh)
        canvas.polygon(
            tube(np.stack((shoulder, 0.3 * shoulder + 0.7 * elbow)), self._size * np.array((0.075, 0.07))), shirt
        )

    def _leg(self, canvas: Canvas, hip: Floats, beat: float, cloth: Paint) -> None:
        swing = np.pi / 2 + self._facing * self._stride * np.sin(beat)
        knee = hip + 0.21 * self._size * _heading(swing)
        foot = knee + 0.21 * self._size * _heading(swing + self._facing * (0.5 - 0.5 * np.cos(beat)))
        toe = foot + self._size * np.array((self._facing * 0.06, 0.01))
        canvas.polygon(tube(np.stack((foot, toe)), self._size * np.array((0.05, 0.035))), np.full(3, 0.15))
        canvas.polygon(tube(np.stack((hip, knee, foot)), self._size * np.array((0.11, 0.075, 0.045))), cloth)


def _heading(angle: float) -> Floats:
    return np.array((np.cos(angle), np.sin(angle)))


def _rounded(colour: Floats, about: Floats, light: Floats) -> Paint:
    """Return a colour that is brighter on the side of the light."""

    def paint(places: Floats) -> Floats:
        away = places - about.astype(np.float32)
        shade = np.clip(0.9 + 0.9 * (away[..., 0] * light[0] + away[..., 1] * light[1]), 0.55, 1.15)
        return np.asarray(np.clip(colour[:, None, None] * shade[None], 0, 1), dtype=np.float32)

    return paint


def _cloth(skin: Skin, about: Floats, *, dark: float = 1.0) -> Paint:
    """Return a skin that moves with a point of the body."""
    return lambda places: np.float32(dark) * skin.planes(places - about.astype(np.float32))
