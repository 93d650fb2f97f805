"""Animals with short fur or a mane: a body, a head with ears, eyes and whiskers, and a tail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mattekit.data.layer import Layer
from mattekit.data.procedural.canvas import Canvas, finish
from mattekit.data.procedural.fibres import Fibres, draw_fibres
from mattekit.data.procedural.growth import gather, grow, light_strands, random_light, sway, tapered
from mattekit.data.procedural.motion import Motion, times_of
from mattekit.data.procedural.outline import ellipse, round_shade
from mattekit.data.procedural.skin import Skin, hair_colours

Floats = NDArray[np.floating[Any]]
_STEPS = 5


@dataclass(frozen=True)
class Piece:
    """One rounded piece of an animal.

    Attributes:
        centre: (2,).
        radii: (2,).
        turn: Radians.
        length: Of the hairs that cover it.
        count: Their number.
    """

    centre: Floats
    radii: Floats
    turn: float
    length: float
    count: int


@dataclass(frozen=True)
class Part:
    """A piece and its coat at rest.

    Attributes:
        piece: What the coat covers.
        points: (N, S+1, 2) strands.
        widths: (N, S+1).
        colours: (N, S, 3).
        phases: (N,).
        loose: How far tips move, as a share of their length.
    """

    piece: Piece
    points: Floats
    widths: Floats
    colours: Floats
    phases: Floats
    loose: float


def fur(random: np.random.Generator, size: tuple[int, int], *, frames: int, texture: Tensor | None = None) -> Layer:
    """Render an animal.

    Args:
        random: Where the randomness comes from.
        size: (height, width) in px.
        frames: How many.
        texture: (3, H, W) that colours the coat, or None.
    """
    light = random_light(random)
    colours = np.concatenate((hair_colours(random, natural=0.95), hair_colours(random, natural=1)[:1]))
    skin = Skin(
        random, kinds=("plain", "clouds", "patches", "patches", "stripes", "dots"), palette=colours, texture=texture
    )
    head = np.array((random.uniform(-0.15, 0.15), random.uniform(-0.2, -0.05)))
    wide = random.uniform(0.11, 0.22)
    parts = [_coat(random, skin, light, piece) for piece in _pieces(random, head, wide)]
    motion = Motion(random, swing=random.uniform(0.02, 0.12), wave=0.01, centre=(head[0], 0.4))
    whiskers = _whiskers(random, head, wide)
    canvases = []
    for time in times_of(frames):
        canvas = Canvas(size)
        for part in parts:
            _paint_part(canvas, part, skin, light, motion, time)
        for place, radii, colour in _features(head, wide):
            canvas.polygon(motion.place(ellipse(place, radii, points=28), time), colour)
        bent = motion.place(sway(whiskers.points, np.arange(len(whiskers.points)) * 1.0, time=time, amount=0.06), time)
        draw_fibres(canvas, Fibres(bent, whiskers.widths, whiskers.colours, whiskers.depth), layers=1)
        canvases.append(canvas)
    return finish(canvases)


def _pieces(random: np.random.Generator, head: Floats, wide: float) -> list[Piece]:
    """Return what an animal is made of, from back to front.

    At times a tail, trunk, chest, at times forelegs and a mane, ears, head and muzzle.
    """
    short = float(np.exp(random.uniform(np.log(0.007), np.log(0.045))))
    dense = int(random.integers(1200, 2400))
    lean = random.uniform(-0.3, 0.3)

    def piece(place: Floats, radii: tuple[float, float], turn: float, length: float, count: int) -> Piece:
        return Piece(place, wide * np.array(radii), turn, length, count)

    trunk = head + np.array((wide * random.uniform(-1.2, 1.2), wide * random.uniform(2.0, 2.6)))
    pieces = _tail(random, trunk, wide, short, dense) if random.uniform() < 0.6 else []
    pieces.append(piece(trunk, (random.uniform(1.3, 2.3), random.uniform(1.6, 2.2)), lean, 1.3 * short, dense))
    pieces.append(piece((head + trunk) / 2, (1.0, 1.3), lean, 1.4 * short, dense // 3))
    if random.uniform() < 0.5:
        stand, slim, tall = random.uniform(0.4, 0.9), random.uniform(0.25, 0.4), random.uniform(1.1, 1.6)
        for side in (-1, 1):
            leg = (head + 2 * trunk) / 3 + wide * np.array((side * stand, random.uniform(0.9, 1.3)))
            pieces.append(piece(leg, (slim, tall), -0.1 * side, 0.7 * short, dense // 5))
            paw = leg + wide * np.array((0.12 * side, 0.95 * tall))
            pieces.append(piece(paw, (1.35 * slim, 0.7 * slim), 0.0, 0.5 * short, dense // 10))
    if random.uniform() < 0.3:
        mane = wide * random.uniform(0.5, 1.1)
        pieces.append(piece(head + np.array((0, 0.25 * wide)), (1.25, 1.35), 0.0, mane, dense))
    pointed = random.uniform(0.9, 2.2)
    for side in (-1, 1):
        place = head + wide * np.array((side * random.uniform(0.6, 0.75), -0.85))
        pieces.append(piece(place, (0.32, 0.32 * pointed), side * 0.5, 0.6 * short, dense // 8))
    pieces.append(piece(head, (1, random.uniform(0.85, 1.1)), 0.0, 0.8 * short, dense // 2))
    pieces.append(piece(head + np.array((0, 0.42 * wide)), (0.5, 0.38), 0.0, 0.4 * short, dense // 8))
    return pieces


def _tail(random: np.random.Generator, trunk: Floats, wide: float, short: float, dense: int) -> list[Piece]:
    """Return the pieces of a tail that rises beside the trunk and bends, thinner towards its tip or bushy."""
    side, thick, bushy = random.choice((-1, 1)), wide * random.uniform(0.18, 0.35), random.uniform(0.7, 1.4)
    root = (trunk + wide * np.array((side * 1.4, random.uniform(0, 1.2))))[None]
    start, pull = np.array(((side, -0.3),)), np.array((-side * random.uniform(-0.5, 1), -1.0))
    length = wide * np.array((random.uniform(2.0, 4.0),))
    line = grow(root, start, length, steps=9, pull=pull, bend=random.uniform(0.8, 3))[0]
    pieces = []
    for place, ahead, share in zip(line[:-1], np.diff(line, axis=0), np.linspace(1, bushy, 9), strict=True):
        radii = np.array((np.hypot(*ahead), thick * share))
        turn = float(np.arctan2(ahead[1], ahead[0]))
        pieces.append(Piece(place + ahead / 2, radii, turn, short * random.uniform(0.9, 1.2) * share, dense // 10))
    return pieces


def _coat(random: np.random.Generator, skin: Skin, light: Floats, piece: Piece) -> Part:
    """Grow the coat of one piece: strands all over it that point outward at its border and down in its middle."""
    centre, radii, turn, length, count = piece.centre, piece.radii, piece.turn, piece.length, piece.count
    angle, depth = random.uniform(-np.pi, np.pi, count), np.sqrt(random.uniform(0, 1.0, count))
    round_place = np.stack((np.cos(angle), np.sin(angle)), axis=1)
    cosine, sine = np.cos(turn), np.sin(turn)
    rotation = np.array(((cosine, -sine), (sine, cosine)))
    roots = centre + (round_place * depth[:, None] * radii * 0.98) @ rotation.T
    outward = (round_place / radii) @ rotation.T
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    comb = np.array((0.3 * np.sin(turn), 0.9))
    start = outward * (0.3 + depth[:, None] ** 3) + comb * random.uniform(0.2, 0.8) + random.normal(0, 0.22, (count, 2))
    lengths = length * random.lognormal(0, 0.25, count).clip(0.4, 2)
    lines = grow(roots, start, lengths, steps=_STEPS, pull=comb, bend=random.uniform(0.3, 2.0))
    tufts = random.integers(0, count, (count, 1))[:, 0]
    near = np.linalg.norm(roots[tufts] - roots, axis=1) < 0.03
    owner = np.where(near, tufts, np.arange(count))
    points = gather(random, lines, owner, spread=roots - roots[owner], clump=random.uniform(0, 0.8))
    base = skin.at(roots) * random.lognormal(0, 0.16, (count, 1))
    tip = np.linspace(0.7, 1.15, _STEPS)[None, :, None]
    shade = round_shade(roots, centre, radii, light, turn=turn)[:, None, None]
    colours = light_strands(points, np.clip(base[:, None] * tip, 0, 1), light=light, gloss=0.25, sharp=8) * shade
    widths = tapered(random.lognormal(np.log(0.0035), 0.45, count), _STEPS, tip=0.05, swell=1.2)
    phases = 9 * roots[:, 0] + 7 * roots[:, 1]
    return Part(piece, points, widths, np.clip(1.25 * colours, 0, 1), phases, random.uniform(0.05, 0.2))


def _paint_part(canvas: Canvas, part: Part, skin: Skin, light: Floats, motion: Motion, time: float) -> None:

    def paint(places: Floats) -> Floats:
        rest = motion.rest(places, time)
        shade = 0.55 * round_shade(rest, part.piece.centre, part.piece.radii, light, turn=part.piece.turn)
        return skin.planes(rest) * shade[None].astype(np.float32)

    canvas.polygon(motion.place(ellipse(part.piece.centre, part.piece.radii * 0.97, part.piece.turn), time), paint)
    points = motion.place(sway(part.points, part.phases, time=time, amount=part.loose), time)
    depth = part.points[:, :1, 1] - part.points[:, :1, 1].min() + np.zeros((1, _STEPS))
    draw_fibres(canvas, Fibres(points, part.widths, part.colours, -depth), layers=4)


def _features(head: Floats, wide: float) -> list[tuple[Floats, Floats, Floats]]:
    """Return centre, radii and colour of the spots that eyes and nose are made of."""
    spots = [((0, 0.3), (0.15, 0.1), 0.08), ((0.03, 0.27), (0.04, 0.03), 0.5)]
    for side in (-1, 1):
        spots += [((side * 0.42, -0.12), (0.14, 0.13), 0.05), ((side * 0.42 + 0.04, -0.17), (0.035, 0.035), 0.9)]
    return [(head + wide * np.array(place), wide * np.array(radii), np.full(3, grey)) for place, radii, grey in spots]


def _whiskers(random: np.random.Generator, head: Floats, wide: float) -> Fibres:
    count = int(random.integers(4, 16))
    side = np.where(np.arange(count) % 2 == 0, -1.0, 1.0)
    roots = head + wide * np.stack((side * 0.35, random.uniform(0.3, 0.5, count)), axis=1)
    start = np.stack((side, random.normal(0, 0.25, count)), axis=1)
    lines = grow(roots, start, wide * random.uniform(0.8, 1.6, count), steps=8, pull=np.array((0.0, 1.0)), bend=0.5)
    grey = np.full((count, 8, 3), random.choice((0.1, 0.9)))
    return Fibres(lines, tapered(np.full(count, 0.0022), 8), grey, np.zeros((count, 8)))
