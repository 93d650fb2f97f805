"""Thick strands side by side with gaps between: mops, fringes, tassels, ropes, braids, bead curtains, vines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mattekit.data.layer import Layer
from mattekit.data.procedural.canvas import Canvas, finish
from mattekit.data.procedural.fibres import Fibres
from mattekit.data.procedural.growth import grow, random_light, sway, tapered
from mattekit.data.procedural.hanging import COARSE, PLACES, Plan
from mattekit.data.procedural.motion import Motion, times_of
from mattekit.data.procedural.outline import round_shade, smooth
from mattekit.data.procedural.skin import Skin, hair_colours, random_colour
from mattekit.data.procedural.strands import Strands, lanes_of, paint_strands, surface

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]
_SURFACES = {"twist": 0.34, "braid": 0.14, "beads": 0.13, "lumps": 0.17, "plain": 0.12, "bands": 0.1}
"""How often strands have which surface."""
_PLACES = {"curtain": 0.34, "mop": 0.33, "locks": 0.12, "tassels": 0.09, "bundle": 0.12}
"""How often they hang where."""
_LEVELS = 11
"""Strands that are so many apart share a level of depth, and should not cross."""


@dataclass(frozen=True)
class Growth:
    """Fine fibres of S segments that grow on strands.

    Attributes:
        owner: (M,) the strand of each.
        place: (M,) the point of the strand.
        offsets: (M, S+1, 2) from that point.
        widths: (M, S+1).
        colours: (M, S, 3) in [0, 1].
        level: (M,) of its strand.
    """

    owner: Integers
    place: Integers
    offsets: Floats
    widths: Floats
    colours: Floats
    level: Integers


def fringe(random: np.random.Generator, size: tuple[int, int], *, frames: int, texture: Tensor | None = None) -> Layer:
    """Render strands 2 to 14 px wide in a picture 360 px high, with slits and holes between, joined at one end.

    Args:
        random: Where the randomness comes from.
        size: (height, width) in px.
        frames: How many.
        texture: (3, H, W) that colours the strands, or None.
    """
    thick = float(np.exp(random.uniform(np.log(0.0058), np.log(0.038))))
    place = str(random.choice(list(_PLACES), p=list(_PLACES.values())))
    plan = PLACES[place](random, thick)
    light = random_light(random)
    strands, palette = _dress(random, plan, texture)
    fuzz = _fuzz(random, strands) if random.uniform() < 0.45 else None
    leaves = _leaves(random, strands) if fuzz is None and random.uniform() < 0.25 else None
    skin = Skin(random, palette=palette * random.uniform(0.4, 1), texture=texture)
    turn = _turn(random, free=place not in ("locks", "tassels"))
    motion = Motion(random, swing=0.08, wave=random.uniform(0.003, 0.02))
    phases = 4 * plan.lines[:, 0, 0] + random.normal(0, random.uniform(0, 0.8), len(plan.lines))
    loose, pace = random.uniform(0.01, 0.09), random.uniform(2, 7)
    canvases = []
    for time in times_of(frames):
        canvas = Canvas(size)
        points = motion.place(sway(strands.lines, phases, time=time, amount=loose, pace=pace) @ turn.T, time)
        for outline in plan.back:
            _solid(canvas, outline @ turn.T, motion, time, skin=skin, dark=0.45, light=light)
        paint_strands(canvas, strands, points, light=light, extra=_grown(fuzz or leaves, points, turn))
        for outline in plan.front:
            _solid(canvas, outline @ turn.T, motion, time, skin=skin, dark=1.1, light=light)
        canvases.append(canvas)
    return finish(canvases)


def _turn(random: np.random.Generator, *, free: bool) -> Floats:
    """Return the rotation (2, 2) of the whole: strands mostly hang, at times stand, lie or lean."""
    choice = random.uniform()
    angle = random.normal(0, 0.08)
    if free and choice > 0.5:
        angle += float(random.choice((np.pi, np.pi / 2, -np.pi / 2, random.uniform(-np.pi, np.pi))))
    return np.array(((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))))


def _solid(
    canvas: Canvas, outline: Floats, motion: Motion, time: float, *, skin: Skin, dark: float, light: Floats
) -> None:
    low, high = outline.min(axis=0), outline.max(axis=0)

    def paint(places: Floats) -> Floats:
        rest = motion.rest(places, time)
        shade = dark * round_shade(rest, (low + high) / 2, (high - low) / 1.6, light)
        return np.asarray(np.clip(skin.planes(rest) * shade[None], 0, 1), dtype=np.float32)

    canvas.polygon(motion.place(outline, time), paint)


def _palette(random: np.random.Generator) -> Floats:
    """Return colours (K, 3), light and dark by turns, so that neighbours stand out from one another."""
    choice = random.uniform()
    if choice < 0.15:
        hairs = np.repeat(hair_colours(random), 2, axis=0)
        return np.asarray((hairs * random.uniform(0.6, 1.2, (4, 1))).clip(0, 1))
    colours = np.stack([random_colour(random) for _ in range(int(random.integers(2, 8)))])
    if choice < 0.8:
        strong = colours / colours.max(axis=1, keepdims=True)
        colours = np.where(np.arange(len(colours))[:, None] % 2 == 0, strong, strong * random.uniform(0.08, 0.5))
    return np.clip(colours, 0.02, 0.98)


def _dress(random: np.random.Generator, plan: Plan, texture: Tensor | None) -> tuple[Strands, Floats]:
    """Return a plan's strands with their widths, colours and surface, and the palette."""
    count, palette = len(plan.lines), _palette(random)
    kind = str(random.choice(list(_SURFACES), p=list(_SURFACES.values())))
    shortest, longest, samples = {"beads": (1.0, 1.6, 8), "lumps": (1.5, 5.0, 5), "bands": (2.0, 25.0, 5)}.get(
        kind, (0.7, 2.0, 6)
    )
    length = float(np.linalg.norm(np.diff(plan.lines, axis=1), axis=2).sum(axis=1).max())
    pitch = random.uniform(shortest, longest) * plan.thick
    steps = int(np.clip(samples * length / pitch, COARSE, 240))
    pitch = max(pitch, samples * length / steps)
    lines = np.stack([smooth(line, steps + 1) for line in plan.lines])
    owner = (np.arange(count), random.integers(0, 99, count), np.arange(count) // int(random.integers(2, 6)))[
        int(random.integers(3))
    ] % len(palette)
    colours, others = (np.repeat(palette[(owner + more) % len(palette)][:, None], steps, axis=1) for more in (0, 1))
    if texture is not None:
        colours = Skin(random, texture=texture).at(lines[:, 1:])
        others = 0.6 * colours
    elif random.uniform() < 0.4 or kind == "plain":
        others = colours
    level = plan.level if plan.level is not None else random.permutation(_LEVELS)[np.arange(count) % _LEVELS]
    shade = random.lognormal(0, 0.12, count) * (1 - random.uniform(0, 0.45) * (1 - level / max(level.max(), 1)))
    across, each = lanes_of(plan.thick), plan.thick * random.lognormal(0, random.uniform(0.03, 0.3), count)
    turns = np.linspace(0, length / pitch, steps + 1)[None] + random.uniform(0, 1, (count, 1))
    bulge, painted = surface(random, kind, turns=turns, across=across, colours=colours, others=others)
    taper = tapered(each, steps, tip=random.choice((1.0, 1.0, 1.0, 0.85, 0.2)), swell=random.uniform(1, 3))
    round_ = random.uniform(0.7, 1) if kind not in ("plain", "bands") else random.choice((0.3, 1.0))
    gloss = random.uniform(0, 0.5) ** 2 + 0.1 * (kind == "beads")
    lit = np.clip(1.15 * painted * shade[:, None, None, None], 0, 1)
    return Strands(lines, taper * bulge, lit, level, float(round_), float(gloss)), palette


def _fuzz(random: np.random.Generator, strands: Strands) -> Growth:
    """Return fine hairs that stand out from strands, and fray their ends."""
    count, frayed = int(random.integers(200, 2000)), int(random.integers(1, 12)) * len(strands.lines)
    owner = random.integers(0, len(strands.lines), count + frayed)
    place = np.append(
        random.integers(2, strands.lines.shape[1] - 1, count), np.full(frayed, strands.lines.shape[1] - 1)
    )
    wide = strands.widths[owner, place][:, None]
    ahead = strands.lines[owner, place] - strands.lines[owner, place - 1]
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True) + 1e-12
    end = (np.arange(count + frayed) >= count)[:, None]
    start = random.normal(0, 1, ahead.shape) * np.where(end, 0.25, 1) + 1.5 * end * ahead
    side = np.stack((-ahead[:, 1], ahead[:, 0]), axis=1) * random.uniform(-0.4, 0.4, (len(ahead), 1)) * wide
    lengths = wide[:, 0] * random.uniform(0.7, 2.0, len(ahead))
    pull = random.normal(0, 1, ahead.shape)
    offsets = grow(side - 0.3 * end * wide * ahead, start, lengths, steps=3, pull=pull, bend=1.5)
    widths = tapered(random.lognormal(np.log(0.0011), 0.4, len(ahead)), 3, tip=0.3)
    colours = strands.colours[owner, np.minimum(place, strands.colours.shape[1] - 1)].mean(axis=1)
    return Growth(owner, place, offsets, widths, np.repeat(colours[:, None], 3, axis=1), strands.level[owner])


def _leaves(random: np.random.Generator, strands: Strands) -> Growth:
    """Return leaves or petals along strands."""
    count = int(random.uniform(2, 9) * len(strands.lines))
    owner, place = random.integers(0, len(strands.lines), count), random.integers(1, strands.lines.shape[1], count)
    start = random.normal(0, 1, (count, 2)) + np.array((0.0, 0.4))
    long = random.uniform(0.012, 0.045) * random.uniform(0.6, 1.3, count)
    offsets = grow(np.zeros((count, 2)), start, long, steps=6, pull=np.array((0.0, 1.0)), bend=random.uniform(0, 1.5))
    widths = (random.uniform(0.25, 0.6) * long)[:, None] * np.sin(np.pi * np.linspace(0.06, 1, 7)) ** 0.8 + 0.001
    colour = random_colour(random) if random.uniform() < 0.4 else np.array((0.25, 0.5, 0.15)) * random.uniform(0.5, 1.6)
    colours = np.clip(colour * random.lognormal(0, 0.25, (count, 1, 1)) * np.linspace(0.7, 1.1, 6)[:, None], 0, 1)
    return Growth(owner, place, offsets, widths, colours, strands.level[owner])


def _grown(growth: Growth | None, points: Floats, turn: Floats) -> Fibres | None:
    """Return fibres that stand on strands whose points (N, S+1, 2) are given; their depth is the strand's level."""
    if growth is None:
        return None
    lines = points[growth.owner, growth.place][:, None] + growth.offsets @ turn.T
    return Fibres(
        lines, growth.widths, growth.colours, np.broadcast_to(growth.level[:, None], growth.colours.shape[:2])
    )
