"""Thin strands with exact coverage far below a pixel: hair, threads, barbs, wires."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattekit.data.procedural.canvas import Canvas

Floats = NDArray[np.floating[Any]]
_MOST = 0.9995
"""Coverage above this counts as full, so that its logarithm stays finite."""


@dataclass(frozen=True)
class Fibres:
    """Strands as chains of S segments, all lengths in heights of the picture.

    Attributes:
        points: (N, S+1, 2) places.
        widths: (N, S+1) full widths.
        colours: (N, S, 3) in [0, 1].
        depth: (N, S); what has more is nearer to the viewer.
    """

    points: Floats
    widths: Floats
    colours: Floats
    depth: Floats

    def part(self, chosen: NDArray[np.bool_]) -> Fibres:
        """Return the segments (N, S) that are chosen, each as a strand of its own; joints stay seamless."""
        points = np.stack((self.points[:, :-1][chosen], self.points[:, 1:][chosen]), axis=1)
        widths = np.stack((self.widths[:, :-1][chosen], self.widths[:, 1:][chosen]), axis=1)
        return Fibres(points, widths, self.colours[chosen][:, None], self.depth[chosen][:, None])


def join(parts: list[Fibres]) -> Fibres:
    """Return strands of several kinds as one set of single segments, to be sorted by depth together."""
    cut = [fibres.part(np.ones(fibres.depth.shape, dtype=bool)) for fibres in parts]
    return Fibres(
        *(np.concatenate([getattr(one, name) for one in cut]) for name in ("points", "widths", "colours", "depth"))
    )


def draw_fibres(canvas: Canvas, fibres: Fibres, *, layers: int = 8, inside: bool = False) -> None:
    """Paint strands over a canvas, the far ones first.

    Strands are sorted by depth into layers that cover one another in order. Inside a layer strands lie at random to
    each other: a pixel that they cover by a and b each is covered by 1 - (1-a)(1-b), and takes their mean colour.

    Args:
        canvas: Painted on.
        fibres: The strands.
        layers: How many steps of depth.
        inside: Colour only what is painted already, and leave alpha as it is.
    """
    start, end = (canvas.pixels(side).reshape(-1, 2) for side in (fibres.points[:, :-1], fibres.points[:, 1:]))
    width = ((fibres.widths[:, :-1] + fibres.widths[:, 1:]) / 2 * canvas.size[0]).reshape(-1)
    reach = width[:, None] + 2
    limit = np.array(canvas.size[::-1])
    seen = ((np.maximum(start, end) > -reach) & (np.minimum(start, end) < limit + reach)).all(axis=1)
    seen &= np.hypot(*(end - start).T) > 1e-6
    kept = np.flatnonzero(seen)
    if len(kept) == 0:
        return
    depth = fibres.depth.reshape(-1)[kept]
    order = np.argsort(depth, kind="stable")
    bounds = np.linspace(0, len(order), layers + 1).round().astype(int)
    colours = fibres.colours.reshape(-1, 3)
    for low, high in pairwise(bounds):
        if high > low:
            group = kept[order[low:high]]
            place, thickness, segment = _splat(start[group], end[group], width[group], canvas.size)
            _lay(canvas, place, thickness, colours[group].astype(np.float32), segment, inside=inside)


def _lay(canvas: Canvas, place: Floats, thickness: Floats, colours: Floats, segment: Floats, *, inside: bool) -> None:
    """Composite one layer: optical thickness at flat pixel places, with the colour of its segments."""
    if len(place) == 0:
        return
    first = int(place.min())
    place = place - first
    total = np.bincount(place, thickness)
    touched = np.flatnonzero(total > 0)
    depth = total[touched]
    alpha = np.minimum(-np.expm1(-depth) / _MOST, 1).astype(np.float32)
    there = canvas.alpha.reshape(-1)[first:]
    ceiling = there[touched] if inside else np.float32(1)
    for channel in range(3):
        mean = np.bincount(place, thickness * colours[segment, channel])[touched] / depth
        plane = canvas.colour[channel].reshape(-1)[first:]
        plane[touched] += (mean.astype(np.float32) * ceiling - plane[touched]) * alpha
    if not inside:
        there[touched] += (1 - there[touched]) * alpha


def _splat(start: Floats, end: Floats, width: Floats, size: tuple[int, int]) -> tuple[Any, Floats, Any]:
    """Return flat pixel indices, optical thickness -log(1 - coverage), and the segment, of all pixels touched.

    Along a strand neighbouring segments share a pixel in parts that add up to one, so no joint shows.
    """
    start, end = start - 0.5, end - 0.5  # whole numbers are the middles of pixels
    steep = np.abs(end - start)[:, 1] > np.abs(end - start)[:, 0]
    start, end = (np.where(steep[:, None], side[:, ::-1], side) for side in (start, end))
    back = (end[:, 0] < start[:, 0])[:, None]
    start, end = np.where(back, end, start), np.where(back, start, end)
    length = np.hypot(*(end - start).T)
    cosine, sine = ((end - start) / length[:, None]).T
    lean, radius = np.abs(sine), width / 2
    edge = radius + 0.5 * (cosine + lean)  # farther than this from the middle line a pixel is not covered
    margin = 0.5 * cosine + edge * lean
    first = np.ceil(start[:, 0] - margin).astype(np.int32)
    columns = np.floor(end[:, 0] + margin).astype(np.int32) - first + 1
    half = edge / cosine
    segment = np.repeat(np.arange(len(width), dtype=np.int32), columns)
    across = np.arange(len(segment), dtype=np.int32) - np.repeat(np.cumsum(columns) - columns - first, columns)
    offset = across - start[segment, 0]
    middle = start[segment, 1] + offset * (sine / cosine)[segment]
    lowest = np.ceil(middle - half[segment]).astype(np.int32)
    tall = (np.floor(2 * half).astype(np.int32) + 1)[segment]
    column = np.repeat(np.arange(len(segment), dtype=np.int32), tall)
    down = np.arange(len(column), dtype=np.int32) - np.repeat(np.cumsum(tall) - tall - lowest, tall).astype(np.int32)
    owner = segment[column]
    c, s, r, size_of = (part.astype(np.float32)[owner] for part in (cosine, sine, radius, length))
    rise = down - middle[column].astype(np.float32)
    cover = _strip(rise * c, r, c, np.maximum(np.abs(s), np.float32(0.02)))
    # On the middle line the way along the strand is offset / cosine; beside it, the sine of the rise more.
    along = (offset / cosine[segment]).astype(np.float32)[column] + rise * s + np.float32(0.5)
    share = np.clip(along, 0, 1) - np.clip(along - size_of, 0, 1)
    swap = steep[owner]
    x, y = np.where(swap, down, across[column]), np.where(swap, across[column], down)
    good = np.flatnonzero((share > 0) & (cover > 1e-5) & (x >= 0) & (x < size[1]) & (y >= 0) & (y < size[0]))
    thickness = -np.log1p(-np.minimum(cover[good], np.float32(_MOST))) * share[good]
    return y[good].astype(np.int64) * size[1] + x[good], thickness, owner[good]


def _strip(away: Floats, radius: Floats, cosine: Floats, sine: Floats) -> Floats:
    """Return the area of a unit square inside a strip.

    Args:
        away: Distance of the square's middle from the strip's middle line.
        radius: Half the strip's width.
        cosine: Of the angle between the line and the nearer axis, positive.
        sine: The same, positive.
    """
    wide, narrow = (cosine + sine) / 2, (cosine - sine) / 2

    def below(place: Floats) -> Floats:  # area of the square on one side of a line, times 2 cosine sine
        return (
            np.square(np.maximum(place + wide, 0))
            - np.square(np.maximum(place + narrow, 0))
            - np.square(np.maximum(place - narrow, 0))
            + np.square(np.maximum(place - wide, 0))
        )

    cover: Floats = (below(away + radius) - below(away - radius)) / (2 * cosine * sine)
    return np.clip(cover, 0, 1)
