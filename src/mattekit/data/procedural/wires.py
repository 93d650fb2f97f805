"""Thin rigid things: spoked wheels, fences, cages, cables and masts, of round shiny wire."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mattekit.data.layer import Layer
from mattekit.data.procedural.canvas import Canvas, finish
from mattekit.data.procedural.fibres import Fibres, draw_fibres
from mattekit.data.procedural.growth import light_strands, random_light
from mattekit.data.procedural.motion import Motion, times_of
from mattekit.data.procedural.outline import ellipse
from mattekit.data.procedural.skin import Skin, random_colour

Floats = NDArray[np.floating[Any]]
Lines = list[tuple[Floats, float]]
_STEPS = 30


def wires(random: np.random.Generator, size: tuple[int, int], *, frames: int, texture: Tensor | None = None) -> Layer:
    """Render a wheel, a fence, a cage, cables or a mast.

    Args:
        random: Where the randomness comes from.
        size: (height, width) in px.
        frames: How many.
        texture: (3, H, W) that colours the wire, or None.
    """
    build = (_wheel, _fence, _cage, _cables, _mast)[int(random.integers(5))]
    thick = float(np.exp(random.uniform(np.log(0.0012), np.log(0.012))))
    lines, solids = build(random, thick)
    spin = random.uniform(-4, 4) if build is _wheel else 0.0
    motion = Motion(random, swing=0.06, wave=0.01 if build is _cables else 0.0, spin=spin)
    grey = random.uniform(0.1, 0.8) * np.ones(3)
    metal = np.clip(random_colour(random) if random.uniform() < 0.4 else grey, 0, 1)
    sets = _round_wire(random, lines, metal, texture)
    times, canvases = times_of(frames), []
    for time in times:
        canvas = Canvas(size)
        for fibres, inside in zip(sets, (False, True), strict=True):
            moved = Fibres(motion.place(fibres.points, time), fibres.widths, fibres.colours, fibres.depth)
            draw_fibres(canvas, moved, layers=6, inside=inside)
        for loops in solids:
            canvas.polygon([motion.place(loop, time) for loop in loops], metal * 0.35)
        canvases.append(canvas)
    layer = finish(canvases)
    flow, valid = motion.flow(layer.alpha, times)
    return Layer(layer.colour, layer.alpha, flow, valid)


def _round_wire(
    random: np.random.Generator, lines: Lines, metal: Floats, texture: Tensor | None
) -> tuple[Fibres, Fibres]:
    """Return wires that look round: dark strands, and narrower bright ones to be painted on them."""
    light = random_light(random)
    points, widths = np.stack([line for line, _ in lines]), np.array([width for _, width in lines])
    base = np.repeat(metal[None], len(lines), axis=0) * random.lognormal(0, 0.1, (len(lines), 1))
    colours: Floats = np.repeat(base[:, None], _STEPS, axis=1)
    if texture is not None:
        colours = Skin(random, texture=texture).at(points[:, :-1])
    lit = light_strands(points, np.clip(colours, 0, 1), light=light, gloss=0.5, sharp=6)
    level = np.arange(len(lines))[:, None] + np.zeros((1, _STEPS))
    broad = np.repeat(widths[:, None], _STEPS + 1, axis=1)
    wire = Fibres(points, broad, 0.6 * lit, level)
    shift = 0.18 * light[:2] * widths[:, None, None]
    return wire, Fibres(points + shift, 0.35 * broad, np.clip(1.4 * lit + 0.1, 0, 1), level)


def _wheel(random: np.random.Generator, thick: float) -> tuple[Lines, list[list[Floats]]]:
    """Return spokes that cross, a rim, a tyre and a hub; the wheel is seen at a slant."""
    radius, slant = random.uniform(0.25, 0.45), random.uniform(0.5, 1)
    flat = np.array((slant, 1.0))
    spokes, cross = int(random.choice((5, 8, 12, 20, 28, 36))), random.uniform(0, 1.2)
    lines: Lines = []
    for spoke in range(spokes):
        angle = 2 * np.pi * spoke / spokes
        lean = cross * (-1) ** spoke
        ends = np.array(((np.cos(angle + lean), np.sin(angle + lean)), (np.cos(angle), np.sin(angle))))
        start, end = ends[0] * 0.08 * radius, ends[1] * radius * 0.96
        lines.append(((start + (end - start) * np.linspace(0, 1, _STEPS + 1)[:, None]) * flat, thick))
    tyre, rim, hub = (radius * flat * share for share in (1.0, 1 - random.uniform(0.03, 0.12), 0.12))
    zero = np.zeros(2)
    return lines, [[ellipse(zero, tyre, points=160), ellipse(zero, rim, points=160)[::-1]], [ellipse(zero, hub)]]


def _fence(random: np.random.Generator, thick: float) -> tuple[Lines, list[list[Floats]]]:
    """Return a mesh of two sets of wires, straight or bent as in a chain-link fence, with posts."""
    pitch, turn = random.uniform(0.03, 0.12), random.choice((np.pi / 4, 0.0, random.uniform(0, 1)))
    along = np.linspace(-0.9, 0.9, _STEPS + 1)
    kink = random.uniform(0, 0.4) * pitch * np.where(np.arange(_STEPS + 1) % 2 == 0, 1, -1)
    lines: Lines = []
    for way in (turn, turn + np.pi / 2):
        ahead, side = np.array((np.cos(way), np.sin(way))), np.array((-np.sin(way), np.cos(way)))
        for offset in np.arange(-0.9, 0.9, pitch):
            lines.append((along[:, None] * ahead + (offset + kink)[:, None] * side, thick))
    posts = []
    for x in np.arange(random.uniform(-0.7, -0.3), 0.7, random.uniform(0.35, 0.9)):
        posts.append([np.array(((x, -0.7), (x + 6 * thick, -0.7), (x + 6 * thick, 0.7), (x, 0.7)))])
    return lines, posts


def _cage(random: np.random.Generator, thick: float) -> tuple[Lines, list[list[Floats]]]:
    """Return bars and hoops of a domed cage, on a base."""
    wide, tall, bars = random.uniform(0.15, 0.35), random.uniform(0.25, 0.42), int(random.integers(6, 24))
    along = np.linspace(0, 1, _STEPS + 1)
    lines: Lines = []
    for bar in range(bars):
        place = np.cos(np.pi * (bar + 0.5) / bars)
        dome = np.sqrt(np.clip(1 - (1 - np.minimum(along / 0.4, 1)) ** 2, 0, 1))
        lines.append((np.stack((wide * place * dome, -tall + 2 * tall * along), axis=1), thick))
    for level in (0.2, 0.55, 0.95):
        angle = np.pi * along
        dome = np.sqrt(max(0.0, 1 - (1 - min(level / 0.4, 1)) ** 2))
        hoop = np.stack((wide * dome * np.cos(angle), -tall + 2 * tall * level + 0.08 * wide * np.sin(angle)), axis=1)
        lines.append((hoop, 1.6 * thick))
    return lines, [[ellipse(np.array((0, tall)), np.array((wide, 0.12 * wide)))]]


def _cables(random: np.random.Generator, thick: float) -> tuple[Lines, list[list[Floats]]]:
    """Return slack cables from side to side and tangled ones."""
    along = np.linspace(0, 1, _STEPS + 1)
    lines: Lines = []
    for _ in range(int(random.integers(3, 26))):
        ends = np.array(((-0.9, random.uniform(-0.5, 0.4)), (0.9, random.uniform(-0.5, 0.4))))
        line = ends[0] + (ends[1] - ends[0]) * along[:, None]
        line[:, 1] += random.uniform(0, 0.5) * 4 * along * (1 - along)
        if random.uniform() < 0.4:
            line += 0.08 * np.sin(2 * np.pi * along[:, None] * random.uniform(0.5, 2) + random.uniform(0, 6, 2))
        lines.append((line, thick * random.uniform(0.5, 2.5)))
    return lines, []


def _mast(random: np.random.Generator, thick: float) -> tuple[Lines, list[list[Floats]]]:
    """Return a lattice mast: two legs, rungs and braces, with aerials."""
    foot, head, rungs = random.uniform(0.1, 0.3), random.uniform(0.01, 0.08), int(random.integers(6, 18))
    share = np.linspace(0, 1, _STEPS + 1)[:, None]
    lines: Lines = []

    def beam(start: tuple[float, float], end: tuple[float, float], width: float) -> None:
        lines.append((np.array(start) + (np.array(end) - np.array(start)) * share, width))

    def half(y: float) -> float:
        return head + (foot - head) * (y + 0.42) / 0.9

    for side in (-1, 1):
        beam((side * half(-0.42), -0.42), (side * half(0.52), 0.52), 2 * thick)
    levels = np.linspace(-0.42, 0.52, rungs)
    for number, (low, high) in enumerate(pairwise(levels)):
        beam((-half(low), low), (half(low), low), thick)
        side = 1 if number % 2 else -1
        beam((side * half(low), low), (-side * half(high), high), thick)
    for _ in range(int(random.integers(2, 9))):
        y = random.uniform(-0.48, 0.2)
        beam((-random.uniform(0, 0.4), y), (random.uniform(0, 0.4), y + random.uniform(-0.1, 0.1)), thick)
    return lines, []
