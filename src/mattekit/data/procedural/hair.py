"""People to the shoulders with long or short, straight or curled hair that swings behind the head's movement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mattekit.data.layer import Layer
from mattekit.data.procedural.canvas import Canvas, finish
from mattekit.data.procedural.fibres import draw_fibres
from mattekit.data.procedural.growth import curl, flat_fibres, gather, grow, light_strands, random_light, sway, tapered
from mattekit.data.procedural.head import Head, paint_bust, random_head
from mattekit.data.procedural.motion import RATE
from mattekit.data.procedural.skin import Skin

Floats = NDArray[np.floating[Any]]
_STEPS = 12


@dataclass(frozen=True)
class Wig:
    """Strands of hair at rest about a head at the origin; all in heights of the picture.

    Attributes:
        points: (N, S+1, 3) with z towards the viewer.
        widths: (N, S+1).
        colours: (N, S, 3) lit.
        phases: (N,) of the swing.
        wind: How far tips move, as a share of a strand's length.
    """

    points: Floats
    widths: Floats
    colours: Floats
    phases: Floats
    wind: float


def hair(random: np.random.Generator, size: tuple[int, int], *, frames: int, texture: Tensor | None = None) -> Layer:
    """Render a person with hair.

    Args:
        random: Where the randomness comes from.
        size: (height, width) in px.
        frames: How many.
        texture: (3, H, W) that colours the hair and the clothes, or None.
    """
    head = random_head(random, texture=texture)
    wig = random_wig(random, head, texture=texture)
    canvases = []
    for index in range(frames):
        canvas = Canvas(size)
        paint_person(canvas, head, wig, index / RATE)
        canvases.append(canvas)
    return finish(canvases)


def paint_person(canvas: Canvas, head: Head, wig: Wig, time: float) -> None:
    """Paint a person at a time in seconds: the hair behind, the body, the hair before it."""
    strands = sway(wig.points, wig.phases, time=time, amount=wig.wind)
    late = np.linspace(0, 1, strands.shape[1]) ** 1.5 * 0.25  # tips follow the head this many seconds late
    moved = np.stack([head.moved(strands[:, step], time - late[step]) for step in range(strands.shape[1])], axis=1)
    fibres = flat_fibres(moved, wig.widths, wig.colours)
    before = fibres.depth > 0
    draw_fibres(canvas, fibres.part(~before), layers=5)
    paint_bust(canvas, head, time)
    draw_fibres(canvas, fibres.part(before), layers=8)


def random_wig(random: np.random.Generator, head: Head, *, texture: Tensor | None = None) -> Wig:
    """Draw hair for a head at random."""
    guides = int(random.integers(70, 240))
    length = float(np.exp(random.uniform(np.log(0.05), np.log(0.5))))
    wild = random.uniform(0.02, 0.6) ** 2
    apart = random.uniform(0.2, 1) if head.frontal else random.uniform(0, 0.25)
    roots, outward = _scalp(random, head, guides)
    side = np.where(outward[:, :1] > head.parting, 1.0, -1.0) * np.array(((1.0, 0.1, 0.0),))
    start = outward * random.uniform(0.3, 1.2) + side * apart + random.normal(0, wild, (guides, 3))
    lengths = length * random.lognormal(0, 0.2, guides).clip(0.5, 1.6)
    gravity = np.array((random.normal(0, 0.25), 1.0, 0.0))
    bend = random.uniform(1, 3) if length < 0.12 else random.uniform(4, 9)
    lines = _outside(head, grow(roots, start, lengths, steps=_STEPS, pull=gravity, bend=bend))
    bulk = _locks(random, lines, count=int(random.integers(500, 900)), spread=0.012, clump=random.uniform(0.2, 0.9))
    fine = _locks(random, lines, count=int(random.integers(700, 1400)), spread=0.015, clump=random.uniform(0, 0.7))
    stray = _locks(random, lines, count=int(random.integers(60, 350)), spread=0.018, clump=0.0)
    stray += _fly_away(random, stray, 0.25 + wild)
    points = np.concatenate((bulk, fine, stray))
    if random.uniform() < 0.5:  # curls, from waves to ringlets
        size, turns = random.uniform(0.003, 0.02), length * random.uniform(4, 28)
        count = len(points)
        radius, turn = size * random.uniform(0.5, 1.3, count), turns * random.uniform(0.85, 1.15, count)
        points = curl(random, points, radius=radius, turns=turn)
    thin = random.uniform(0.6, 1.3)
    widths = np.concatenate(
        (
            random.uniform(0.003, 0.0062, len(bulk)),
            thin * random.lognormal(np.log(0.0013), 0.4, len(fine)),
            thin * random.lognormal(np.log(0.0007), 0.5, len(stray)),
        )
    )
    return _finish_wig(random, head, points, tapered(widths, _STEPS, tip=0.06), texture)


def _finish_wig(random: np.random.Generator, head: Head, points: Floats, widths: Floats, texture: Tensor | None) -> Wig:
    """Colour and light the strands: darker inside and behind, lighter at the tips."""
    root, tip = head.hair
    along = np.linspace(0, 1, _STEPS)[None, :, None] ** random.uniform(0.7, 2)
    base = root + (tip - root) * along
    if texture is not None:
        base = np.repeat(Skin(random, texture=texture).at(points[:, 0, :2])[:, None], _STEPS, axis=1)
    base = base * random.lognormal(0, random.uniform(0.08, 0.3), (len(points), 1, 1))
    middle = (points[:, 1:] + points[:, :-1]) / 2
    away = np.linalg.norm((middle - head.centre) / head.radii, axis=-1)
    inner = np.clip(0.4 + 0.6 * (away - 1) / 0.3, 0.4, 1) * np.clip(0.75 + 2 * middle[..., 2], 0.4, 1)
    lit = light_strands(
        points,
        np.clip(base, 0, 1) * inner[..., None],
        light=random_light(random),
        gloss=random.uniform(0.1, 0.7),
        sharp=random.uniform(6, 30),
    )
    phases = 5 * points[:, 0, 0] + 3 * points[:, 0, 1] + random.normal(0, 0.5, len(points))
    return Wig(points, widths, lit, phases, random.uniform(0.01, 0.12))


def _scalp(random: np.random.Generator, head: Head, count: int) -> tuple[Floats, Floats]:
    """Return (count, 3) roots on the hairy part of a head, and the directions outward."""
    found = random.normal(0, 1, (count * 12, 3))
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    face = (found[:, 2] > 0.25) & (found[:, 1] > -0.45 - 0.25 * (1 - np.abs(found[:, 0])))
    hairy = (found[:, 1] < (0.35 if head.frontal else 0.6)) & ~(face & head.frontal)
    found = found[hairy][:count]
    return head.centre + found * head.radii * 1.02, found


def _outside(head: Head, lines: Floats) -> Floats:
    """Return strands pushed out of the head, and out of the face, where they ran through it."""
    for step in range(1, lines.shape[1]):
        away = (lines[:, step] - head.centre) / (head.radii * 1.06)
        inside = np.maximum(1 / (np.linalg.norm(away, axis=1) + 1e-9), 1)[:, None] - 1
        shift = (lines[:, step] - head.centre) * inside
        if head.frontal:
            place = away * (1 + inside)
            front = (place[:, 2] > 0.1) & (place[:, 1] > -0.35) & (np.abs(place[:, 0]) < 0.8)
            shift[:, 0] += np.where(front, np.sign(place[:, 0]) * (0.85 - np.abs(place[:, 0])) * head.radii[0] * 0.6, 0)
        lines[:, step:] += shift[:, None]
    return lines


def _locks(random: np.random.Generator, lines: Floats, *, count: int, spread: float, clump: float) -> Floats:
    owner = random.integers(0, len(lines), count)
    return gather(random, lines, owner, spread=random.normal(0, spread, (count, 3)), clump=clump)


def _fly_away(random: np.random.Generator, points: Floats, amount: float) -> Floats:
    """Return displacements that bend strands away from the others, more towards the tip."""
    along = np.linspace(0, 1, points.shape[1])[None, :, None]
    length = np.linalg.norm(points[:, -1] - points[:, 0], axis=1)[:, None, None]
    away = random.normal(0, 1, (2, len(points), 1, points.shape[2])) * np.array((1.0, 0.8, 0.6))
    shift: Floats = amount * length * (away[0] * along**2 + 0.5 * away[1] * np.sin(4 * along) * along)
    return shift
