"""Plants: twigs with veined leaves and gaps between them, tufts of grass, ferns; all bend in the wind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mattekit.data.layer import Layer
from mattekit.data.procedural.canvas import Canvas, finish
from mattekit.data.procedural.fibres import Fibres, draw_fibres
from mattekit.data.procedural.growth import grow, light_strands, random_light, sway, tapered
from mattekit.data.procedural.motion import Motion, times_of
from mattekit.data.procedural.skin import Skin

Floats = NDArray[np.floating[Any]]
GREENS = (
    (0.25, 0.42, 0.14),
    (0.36, 0.5, 0.2),
    (0.16, 0.3, 0.13),
    (0.55, 0.55, 0.2),
    (0.6, 0.3, 0.12),
    (0.62, 0.5, 0.35),
)


@dataclass(frozen=True)
class Plant:
    """Stems as strands at rest, and leaves that sit on them.

    Attributes:
        stems: (N, S+1, 2).
        widths: (N, S+1).
        colours: (N, S, 3).
        stem: (L,) stem of each leaf.
        joint: (L,) point of the stem that it sits on.
        outlines: (L, P, 2) about the joint.
        tints: (L, 3) colours.
    """

    stems: Floats
    widths: Floats
    colours: Floats
    stem: NDArray[np.integer[Any]]
    joint: NDArray[np.integer[Any]]
    outlines: Floats
    tints: Floats


def foliage(random: np.random.Generator, size: tuple[int, int], *, frames: int, texture: Tensor | None = None) -> Layer:
    """Render a twig with leaves or a fern.

    Args:
        random: Where the randomness comes from.
        size: (height, width) in px.
        frames: How many.
        texture: (3, H, W) that colours it, or None.
    """
    light = random_light(random)
    plant = _twig(random, light, texture)
    motion = Motion(random, swing=0.06, wave=0.008, centre=(0.0, 0.5))
    phases = random.uniform(0, 2 * np.pi, len(plant.stems)) * 0.3
    canvases = []
    for time in times_of(frames):
        canvas = Canvas(size)
        stems = motion.place(sway(plant.stems, phases, time=time, amount=0.05), time)
        draw_fibres(canvas, Fibres(stems, plant.widths, plant.colours, np.zeros(plant.colours.shape[:2])), layers=1)
        flutter = 0.12 * np.sin(4 * time + 1.7 * np.arange(len(plant.stem)))
        for index in range(len(plant.stem)):
            cosine, sine = np.cos(flutter[index]), np.sin(flutter[index])
            outline = plant.outlines[index] @ np.array(((cosine, sine), (-sine, cosine)))
            _paint_leaf(canvas, outline + stems[plant.stem[index], plant.joint[index]], plant.tints[index], light)
        canvases.append(canvas)
    return finish(canvases)


def grass(random: np.random.Generator, size: tuple[int, int], *, frames: int, texture: Tensor | None = None) -> Layer:
    """Render a tuft of grass or reeds.

    Args:
        random: Where the randomness comes from.
        size: (height, width) in px.
        frames: How many.
        texture: (3, H, W) that colours it, or None.
    """
    count, steps = int(random.integers(60, 700)), 10
    light = random_light(random)
    spread = random.uniform(0.05, 0.5)
    roots = np.stack((random.normal(0, spread, count), random.uniform(0.3, 0.55, count)), axis=1)
    lean = roots[:, 0] * random.uniform(0, 1.5) + random.normal(0, 0.25, count)
    lengths = random.uniform(0.25, 0.85) * random.lognormal(0, 0.3, count).clip(0.3, 1.5)
    pull = np.stack((np.sign(lean), np.full(count, 0.8)), axis=1)
    droop = random.uniform(0, 2.5)
    blades = grow(roots, np.stack((lean, np.full(count, -1.0)), axis=1), lengths, steps=steps, pull=pull, bend=droop)
    thick = float(np.exp(random.uniform(np.log(0.0015), np.log(0.014))))
    base = _greens(random, roots, count, texture)
    along = np.linspace(0.55, 1.1, steps)[None, :, None]
    colours = light_strands(blades, np.clip(base[:, None] * along * 1.3, 0, 1), light=light, gloss=0.2)
    widths = tapered(thick * random.lognormal(0, 0.3, count), steps, tip=0.04, swell=2)
    depth = np.repeat(roots[:, 1:] + random.normal(0, 0.02, (count, 1)), steps, axis=1)
    wind = random.uniform(0.01, 0.1)
    canvases = []
    for time in times_of(frames):
        canvas = Canvas(size)
        points = sway(blades, 4 * roots[:, 0] + 0.3 * lean, time=time, amount=wind)
        draw_fibres(canvas, Fibres(points, widths, colours, depth), layers=12)
        canvases.append(canvas)
    return finish(canvases)


def _twig(random: np.random.Generator, light: Floats, texture: Tensor | None) -> Plant:
    """Grow a few stems from below, side stems on them, and leaves on all."""
    main, side, steps = int(random.integers(1, 6)), int(random.integers(4, 16)), 14
    roots = np.stack((random.normal(0, 0.05, main), np.full(main, 0.52)), axis=1)
    start = np.stack((random.normal(0, 0.5, main), np.full(main, -1.0)), axis=1)
    pull = random.normal(0, 1, (main, 2))
    trunks = grow(roots, start, random.uniform(0.55, 0.95, main), steps=steps, pull=pull, bend=0.6)
    owner, joint = random.integers(0, main, side), random.integers(3, steps, side)
    heading = trunks[owner, joint + 1] - trunks[owner, joint]
    heading /= np.linalg.norm(heading, axis=1, keepdims=True)
    turned = heading + random.choice((-1, 1), (side, 1)) * np.stack((-heading[:, 1], heading[:, 0]), axis=1)
    lengths = random.uniform(0.12, 0.35, side)
    twigs = grow(trunks[owner, joint], turned, lengths, steps=steps, pull=np.array((0.0, -0.4)), bend=1.0)
    stems = np.concatenate((trunks, twigs))
    thick = np.concatenate((random.uniform(0.006, 0.014, main), random.uniform(0.002, 0.005, side)))
    wood = np.array((0.35, 0.26, 0.17)) * random.uniform(0.6, 1.3) * np.ones((len(stems), 1))
    leaves = int(random.integers(30, 170))
    stem = random.integers(0, len(stems), leaves)
    place = random.integers(3, steps + 1, leaves)
    ahead = stems[stem, place] - stems[stem, place - 1]
    angle = np.arctan2(ahead[:, 1], ahead[:, 0]) + random.choice((-1, 1), leaves) * random.uniform(0.3, 1.3, leaves)
    outlines = _outlines(random, angle, random.uniform(0.03, 0.11) * random.lognormal(0, 0.25, leaves))
    tints = _greens(random, stems[stem, place] + 0.03 * random.normal(0, 1, (leaves, 2)), leaves, texture)
    return Plant(
        stems,
        tapered(thick, steps, tip=0.3),
        light_strands(stems, wood, light=light, gloss=0.1),
        stem,
        place,
        outlines,
        tints,
    )


def _outlines(random: np.random.Generator, angle: Floats, length: Floats) -> Floats:
    """Return (L, 26, 2) leaf outlines from the foot at the origin to the tip and back, some foreshortened."""
    along = np.linspace(0, 1, 14)
    peak, point = random.uniform(0.6, 1.0), random.uniform(0.6, 1.4)
    half = along**peak * (1 - along) ** point
    half *= random.uniform(0.12, 0.32) / half.max()
    if random.uniform() < 0.3:  # a toothed rim
        half[1:-1] *= 1 + 0.25 * (-1.0) ** np.arange(12)
    wide = random.uniform(0.35, 1, len(angle))[:, None] * np.concatenate((half, -half[-2:0:-1]))[None]
    bend = random.normal(0, 0.25, len(angle))[:, None]
    x = np.concatenate((along, along[-2:0:-1]))[None] + np.zeros_like(wide)
    y = wide + bend * x * x
    turned = np.stack(
        (
            np.cos(angle)[:, None] * x - np.sin(angle)[:, None] * y,
            np.sin(angle)[:, None] * x + np.cos(angle)[:, None] * y,
        ),
        2,
    )
    return turned * length[:, None, None]


def _paint_leaf(canvas: Canvas, outline: Floats, tint: Floats, light: Floats) -> None:
    """Paint both halves of a leaf, the one towards the light brighter, and its rib and veins."""
    middle = np.concatenate((outline[:1], (outline[1:13] + outline[:13:-1]) / 2, outline[13:14]))
    away = outline[7] - middle[7]
    bright = 0.12 if away @ light[:2] > 0 else -0.12
    canvas.polygon(outline, np.clip(tint * (1 - bright), 0, 1))
    canvas.polygon(np.concatenate((outline[:14], middle[-2:0:-1])), np.clip(tint * (1 + bright), 0, 1))
    ends = np.concatenate((outline[3:12:2], outline[25:15:-2]))
    ribs = np.stack((np.concatenate((middle[2:11:2], middle[2:11:2])), 0.85 * ends + 0.15 * middle[7]), axis=1)
    pale = np.clip(tint * 1.22 + 0.03, 0, 1)
    size = np.linalg.norm(outline[13] - outline[0])
    lines = np.concatenate((ribs, np.stack((middle[:-1], middle[1:]), axis=1)))
    widths = np.repeat(np.concatenate((np.full(len(ribs), 0.008), np.full(13, 0.022))) * size, 2).reshape(-1, 2)
    colours = np.broadcast_to(pale, (len(lines), 1, 3))
    draw_fibres(canvas, Fibres(lines, widths, colours, np.zeros((len(lines), 1))), layers=1, inside=True)


def _greens(random: np.random.Generator, places: Floats, count: int, texture: Tensor | None) -> Floats:
    if texture is not None:
        return Skin(random, texture=texture).at(places)
    base = np.array(GREENS[int(random.integers(len(GREENS)))])
    other = np.array(GREENS[int(random.integers(len(GREENS)))])
    share = random.uniform(0, 1, (count, 1)) ** 2
    mixed: Floats = (base + (other - base) * share) * random.lognormal(0.1, 0.25, (count, 1))
    return np.clip(mixed, 0, 1)
