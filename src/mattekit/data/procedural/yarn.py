"""Thick strands of several colours, twisted from plies: balls and tangles of yarn, pompoms, plush, mops."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mattekit.data.layer import Layer
from mattekit.data.procedural.canvas import Canvas, finish
from mattekit.data.procedural.fibres import Fibres, draw_fibres, join
from mattekit.data.procedural.growth import flat_fibres, grow, light_strands, random_light, sway, tapered
from mattekit.data.procedural.motion import Motion, times_of
from mattekit.data.procedural.outline import ellipse
from mattekit.data.procedural.skin import Skin, random_colour

Floats = NDArray[np.floating[Any]]


def yarn(random: np.random.Generator, size: tuple[int, int], *, frames: int, texture: Tensor | None = None) -> Layer:
    """Render a thing made of thick coloured strands.

    Args:
        random: Where the randomness comes from.
        size: (height, width) in px.
        frames: How many.
        texture: (3, H, W) whose colours the strands take where they begin, or None.
    """
    radius = random.uniform(0.2, 0.36)
    centre = random.uniform(-0.08, 0.08, 2)
    palette = np.stack([random_colour(random) for _ in range(int(random.integers(2, 7)))])
    build = (_ball, _ball, _tangle, _pompom)[int(random.integers(4))]
    lines, thick = build(random, radius)
    lines[..., :2] += centre
    colours = _colours(random, lines, palette, texture)
    light = random_light(random)
    strands = join([_plies(random, lines, colours, thick, light), _fuzz(random, lines, colours, thick)])
    core = None if build is _tangle else ellipse(centre, np.full(2, radius * (0.93 if build is _ball else 0.3)))
    motion = Motion(
        random, swing=0.1, wave=random.uniform(0, 0.02), spin=random.uniform(-0.5, 0.5), centre=tuple(centre)
    )
    canvases = []
    for time in times_of(frames):
        canvas = Canvas(size)
        moved = Fibres(motion.place(strands.points, time), strands.widths, strands.colours, strands.depth)
        draw_fibres(canvas, moved.part(strands.depth < 0), layers=5)
        if core is not None:
            canvas.polygon(motion.place(core, time), palette.mean(axis=0) * 0.3)
        draw_fibres(canvas, moved.part(strands.depth >= 0), layers=14)
        canvases.append(canvas)
    return finish(canvases)


def plush(random: np.random.Generator, size: tuple[int, int], *, frames: int, texture: Tensor | None = None) -> Layer:
    """Render a soft toy: rounded pieces of several colours covered with dense short strands that sway.

    Args:
        random: Where the randomness comes from.
        size: (height, width) in px.
        frames: How many.
        texture: (3, H, W) that colours it, or None.
    """
    light = random_light(random)
    motion = Motion(random, swing=0.1)
    pieces = []
    count = int(random.integers(2, 7))
    for index in range(count):
        angle = 2 * np.pi * index / max(count - 1, 1) + random.normal(0, 0.2)
        away = 0.0 if index == count - 1 else random.uniform(0.18, 0.26)
        centre, radii = away * np.array((np.cos(angle), np.sin(angle))), random.uniform(0.09, 0.17, 2)
        skin = Skin(random, texture=texture)
        pieces.append((centre, radii, skin, *_pile(random, centre, radii, skin, light)))
    canvases = []
    for time in times_of(frames):
        canvas = Canvas(size)
        for centre, radii, skin, lines, widths, colours in pieces:
            canvas.polygon(motion.place(ellipse(centre, radii * 0.95), time), skin.palette[0] * 0.5)
            points = motion.place(sway(lines, 12 * lines[:, 0, 0], time=time, amount=0.12), time)
            draw_fibres(canvas, Fibres(points, widths, colours, -np.hypot(*(lines[:, :-1] - centre).T).T), layers=5)
        canvases.append(canvas)
    return finish(canvases)


def _pile(
    random: np.random.Generator, centre: Floats, radii: Floats, skin: Skin, light: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return lines, widths and colours of short thick strands that stand on a rounded piece."""
    count, steps = int(random.integers(500, 1100)), 4
    angle, depth = random.uniform(-np.pi, np.pi, count), np.sqrt(random.uniform(0, 1.02, count))
    outward = np.stack((np.cos(angle), np.sin(angle)), axis=1)
    roots = centre + outward * depth[:, None] * radii
    start = outward * (0.2 + depth[:, None]) + random.normal(0, 0.5, (count, 2))
    length = random.uniform(0.02, 0.06) * random.uniform(0.5, 1.4, count)
    lines = grow(roots, start, length, steps=steps, pull=random.normal(0, 1, (count, 2)), bend=random.uniform(0, 2.5))
    base = skin.at(roots) * random.lognormal(0, 0.12, (count, 1)) * (1.1 - 0.35 * depth[:, None])
    widths = tapered(random.uniform(0.003, 0.011) * random.uniform(0.6, 1.4, count), steps, tip=0.3, swell=3)
    return lines, widths, light_strands(lines, np.clip(1.1 * base, 0, 1), light=light, gloss=0.15)


def _ball(random: np.random.Generator, radius: float) -> tuple[Floats, Floats]:
    """Return strands (N, S+1, 3) wound around a ball in skeins of one direction each, one end loose."""
    count, steps = int(random.integers(50, 110)), 36
    skeins = random.normal(0, 1, (int(random.integers(3, 8)), 3))
    axis = skeins[np.sort(random.integers(0, len(skeins), count))] + random.normal(0, 0.12, (count, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    side = np.cross(axis, random.normal(0, 1, 3))
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    angle = np.linspace(0, 2 * np.pi, steps + 1)[None, :, None]
    offset = random.uniform(-0.75, 0.75, count)[:, None, None]
    ring = np.sqrt(1 - offset**2) * (np.cos(angle) * side[:, None] + np.sin(angle) * np.cross(axis, side)[:, None])
    lines = radius * (ring + offset * axis[:, None]) * random.uniform(0.94, 1.03, (count, 1, 1))
    end = random.normal(0, 0.03, (steps + 1, 3)).cumsum(axis=0) * (1, 0.5, 0.3) + (radius, 0.6 * radius, 0)
    return np.concatenate((lines, end[None])), np.full(count + 1, random.uniform(0.012, 0.03))


def _tangle(random: np.random.Generator, radius: float) -> tuple[Floats, Floats]:
    """Return a loose pile of long bent strands, gaps between them."""
    count, steps = int(random.integers(16, 60)), 40
    along = np.linspace(0, 1, steps + 1)[None, :, None]
    lines = np.zeros((count, steps + 1, 3))
    for wave in range(1, 6):
        size = random.normal(0, 0.8 / wave, (2, count, 1, 3))
        lines += size[0] * np.sin(2 * np.pi * wave * along * 0.8) + size[1] * np.cos(2 * np.pi * wave * along * 0.8)
    return 0.65 * radius * lines, random.uniform(0.006, 0.022) * random.uniform(0.8, 1.2, count)


def _pompom(random: np.random.Generator, radius: float) -> tuple[Floats, Floats]:
    """Return strands that stand out from a middle in all directions and bend."""
    count, steps = int(random.integers(250, 500)), 7
    start = random.normal(0, 1, (count, 3))
    lengths = radius * random.uniform(0.75, 1.15, count)
    pull = np.array((0.0, 1.0, 0.0)) + random.normal(0, 0.5, (count, 3))
    lines = grow(np.zeros((count, 3)), start, lengths, steps=steps, pull=pull, bend=random.uniform(0.2, 2))
    return lines, random.uniform(0.005, 0.016) * random.uniform(0.8, 1.2, count)


def _colours(random: np.random.Generator, lines: Floats, palette: Floats, texture: Tensor | None) -> Floats:
    """Return (N, S, 3): one colour a strand, or changing along it as in dyed yarn."""
    count, steps = len(lines), lines.shape[1] - 1
    if texture is not None:
        return Skin(random, texture=texture).at(lines[:, :-1, :2])
    if random.uniform() < 0.3:
        bands: NDArray[np.int64] = (np.arange(count * steps) // int(random.integers(10, 60))) % len(palette)
        dyed: Floats = palette[bands.reshape(count, steps)]
        return dyed
    owner = (
        np.sort(random.integers(0, len(palette), count)) if random.uniform() < 0.6 else np.arange(count) % len(palette)
    )
    return np.repeat(palette[owner][:, None], steps, axis=1)


def _plies(random: np.random.Generator, lines: Floats, colours: Floats, thick: Floats, light: Floats) -> Fibres:
    """Return each strand as four plies twisted about its middle, which shade one another."""
    steps = lines.shape[1] - 1
    length = np.linalg.norm(np.diff(lines, axis=1), axis=2).sum(axis=1)
    tangent = np.gradient(lines[..., :2], axis=1)
    tangent /= np.linalg.norm(tangent, axis=-1, keepdims=True) + 1e-9
    parts = []
    for ply in range(4):
        angle = np.pi / 2 * ply + 2 * np.pi * (length / (4.5 * thick))[:, None] * np.linspace(0, 1, steps + 1)[None]
        points = lines.copy()
        shift = 0.3 * thick[:, None] * np.cos(angle)
        points[..., 0] -= shift * tangent[..., 1]
        points[..., 1] += shift * tangent[..., 0]
        points[..., 2] += 0.3 * thick[:, None] * np.sin(angle)
        height = 0.72 + 0.28 * np.sin(angle[:, :-1, None]) - 0.12 * np.cos(angle[:, :-1, None]) * np.sign(light[0])
        sphere = np.clip(0.85 + 0.8 * lines[:, :-1, 2:], 0.4, 1.1)
        lit = light_strands(points, np.clip(colours * height * sphere * 1.15, 0, 1), light=light, gloss=0.08, sharp=6)
        parts.append(flat_fibres(points, np.repeat(0.5 * thick[:, None], steps + 1, axis=1), lit))
    return join(parts)


def _fuzz(random: np.random.Generator, lines: Floats, colours: Floats, thick: Floats) -> Fibres:
    """Return fine short hairs that stand out from the strands."""
    count = int(random.integers(300, 2500))
    owner, place = random.integers(0, len(lines), count), random.integers(0, lines.shape[1] - 1, count)
    start = random.normal(0, 1, (count, 3))
    lengths = thick[owner] * random.uniform(0.6, 2.2, count)
    hairs = grow(lines[owner, place], start, lengths, steps=3, pull=random.normal(0, 1, (count, 3)), bend=2.0)
    widths = tapered(random.lognormal(np.log(0.0011), 0.4, count), 3)
    return flat_fibres(hairs, widths, np.repeat(colours[owner, place][:, None], 3, axis=1))
