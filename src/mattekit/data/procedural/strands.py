"""Thick strands with a surface: twisted, braided, beaded, lumpy or plain; their coverage is exact, 1 inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattekit.data.procedural.canvas import Canvas
from mattekit.data.procedural.fibres import Fibres, draw_fibres
from mattekit.data.procedural.outline import tube

Floats = NDArray[np.floating[Any]]
SURFACES = ("plain", "twist", "braid", "beads", "lumps", "bands")
_THREAD = 0.2
"""Width between beads in widths of a bead."""


@dataclass(frozen=True)
class Strands:
    """Thick strands as chains of S segments, all lengths in heights of the picture.

    Attributes:
        lines: (N, S+1, 2) middle lines at rest.
        widths: (N, S+1) full widths.
        colours: (N, S, L, 3) in [0, 1], not yet lit; L lanes lie side by side across each strand.
        level: (N,) whole numbers; what has more is nearer. Strands of one level should not cross.
        round: How round they look, 0 flat to 1.
        gloss: Strength of the highlight.
    """

    lines: Floats
    widths: Floats
    colours: Floats
    level: NDArray[np.integer[Any]]
    round: float = 1.0
    gloss: float = 0.1


def lanes_of(thick: float) -> Floats:
    """Return the middles (L,) in (-1, 1) of the lanes across a strand of a width in heights."""
    count = int(np.clip(round(thick * 220), 2, 7))
    return (2 * np.arange(count) + 1) / count - 1


def surface(
    random: np.random.Generator, kind: str, *, turns: Floats, across: Floats, colours: Floats, others: Floats
) -> tuple[Floats, Floats]:
    """Return what the surface of strands does to their widths and colours.

    Args:
        random: Where the randomness comes from.
        kind: One of `SURFACES`.
        turns: (N, S+1) turns, beads or bands since the root.
        across: (L,) from `lanes_of`.
        colours: (N, S, 3) of the strands.
        others: (N, S, 3) of their second plies, their other beads and bands.

    Returns:
        Widths (N, S+1) in widths of the strand, and colours (N, S, L, 3).
    """
    middle, even = (turns[:, 1:] + turns[:, :-1]) / 2, np.ones_like(turns)
    first, second = (np.repeat(part[:, :, None], len(across), axis=2) for part in (colours, others))
    deep = random.uniform(0.25, 0.65)
    if kind in ("twist", "braid"):
        if kind == "twist":
            phase = middle[..., None] + random.uniform(0.35, 0.8) * random.choice((-1, 1)) * across
        else:
            phase = middle[..., None] + 0.7 * np.abs(across) + 0.5 * (across > 0)
            even = 1 - random.uniform(0.05, 0.2) * np.cos(2 * np.pi * turns)
        groove = 1 - deep * np.abs(np.cos(np.pi * phase)) ** 5
        ply = (np.floor(phase) % int(random.integers(2, 5)) == 0)[..., None]
        return even, np.where(ply, second, first) * groove[..., None]
    if kind == "beads":
        bulge = np.sqrt(np.clip(1 - (2 * (turns % 1) - 1) ** 2, 0, 1))
        place = 2 * (middle % 1) - 1
        chosen = np.sin(12.9 * np.floor(middle) + 78.2 * np.arange(len(turns))[:, None]) > random.uniform(-1, 1)
        relief = 0.5 + 0.55 * np.sqrt(1 - place**2)
        spot = np.exp(-((across - 0.25) ** 2 + (place[..., None] + 0.35) ** 2) / 0.12)
        bead = np.where(chosen[..., None, None], second, first) * relief[..., None, None]
        return np.maximum(bulge, _THREAD), np.clip(bead + random.uniform(0, 0.6) * spot[..., None], 0, 1)
    if kind == "lumps":
        wave = np.sin(2 * np.pi * turns + random.uniform(0, 6, (len(turns), 1)) + 2 * np.sin(1.7 * turns))
        grain = random.lognormal(0, 0.5 * deep, (*middle.shape, len(across)))
        grain *= 1 + 0.5 * deep * ((wave[:, 1:] + wave[:, :-1]) / 2)[..., None]
        return 1 + random.uniform(0.05, 0.22) * wave, first * grain[..., None]
    if kind == "bands":
        return even, np.where((np.floor(middle) % 2 == 0)[..., None, None], second, first)
    return even, first


def paint_strands(canvas: Canvas, strands: Strands, points: Floats, *, light: Floats, extra: Fibres | None) -> None:
    """Paint strands over a canvas, level by level.

    Args:
        canvas: Painted on.
        strands: What is painted.
        points: (N, S+1, 2) where their middle lines are now.
        light: (3,) unit vector towards the light.
        extra: Fine fibres that grow on the strands, painted over the level that their depth names, or None.
    """
    for level in np.unique(strands.level):
        chosen = strands.level == level
        lines, widths, colours = points[chosen], strands.widths[chosen], strands.colours[chosen]
        loops = [tube(line, width) for line, width in zip(lines, widths, strict=True)]
        lanes = _lanes(lines, widths, _lit(lines, colours, strands, light), 0.8 / canvas.size[0])
        paint = Canvas(canvas.size)
        draw_fibres(paint, lanes, layers=1)
        mean = lanes.colours.mean(axis=(0, 1)).astype(np.float32)[:, None, None]
        canvas.polygon(loops, np.where(paint.alpha > 1e-3, paint.colour / np.maximum(paint.alpha, 1e-3), mean))
        if extra is not None:
            draw_fibres(canvas, extra.part(extra.depth == level), layers=1)


def _normals(lines: Floats) -> Floats:
    tangent = np.gradient(lines, axis=1)
    tangent /= np.linalg.norm(tangent, axis=-1, keepdims=True) + 1e-12
    return np.stack((-tangent[..., 1], tangent[..., 0]), axis=-1)


def _lit(lines: Floats, colours: Floats, strands: Strands, light: Floats) -> Floats:
    """Return colours (N, S, L, 3) as a light shows them on round strands."""
    count = colours.shape[2]
    across = 0.95 * ((2 * np.arange(count) + 1) / count - 1)
    slope = (_normals(lines)[:, :-1] @ light[:2])[..., None]
    facing = across * slope + np.sqrt(1 - across**2) * light[2]
    bright = 0.5 + 0.62 * np.clip(facing, -0.3, 1)
    shine = strands.gloss * np.clip(facing, 0, 1) ** 14
    lit: Floats = colours * (1 + strands.round * (bright - 1))[..., None] + strands.round * shine[..., None]
    return np.clip(lit, 0, 1)


def _lanes(lines: Floats, widths: Floats, colours: Floats, spill: float) -> Fibres:
    """Return the lanes as strands of their own; the outer ones reach beyond the outline, that no rim stays bare."""
    count, steps, lanes = colours.shape[:3]
    across = (2 * np.arange(lanes) + 1) / lanes - 1
    outer = np.where(np.abs(across) > 1 - 1.01 / lanes, spill, 0.0)
    away = 0.5 * widths[..., None] * across + np.sign(across) * outer
    points = lines[:, :, None] + _normals(lines)[:, :, None] * away[..., None]
    thick = 1.15 * widths[..., None] / lanes + 2 * outer
    order = (0, 2, 1)
    return Fibres(
        points.transpose(0, 2, 1, 3).reshape(count * lanes, steps + 1, 2),
        thick.transpose(order).reshape(count * lanes, steps + 1),
        colours.transpose(0, 2, 1, 3).reshape(count * lanes, steps, 3),
        np.zeros((count * lanes, steps)),
    )
