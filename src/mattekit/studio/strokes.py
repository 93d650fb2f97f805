"""What a user paints: a stroke, checked, and what it does to a trimap of 0, 128 and 255."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattekit.checks import InputError, check_choice, list_values
from mattekit.studio import raster

BACKGROUND, UNKNOWN, FOREGROUND = 0, 128, 255
VALUES = (BACKGROUND, UNKNOWN, FOREGROUND)
TOOLS = ("brush", "box", "polygon", "fill", "band", "edge")
WHOLE = ("band", "edge")
"""Tools that change a whole frame and take no points."""

MOST_POINTS, FARTHEST, LARGEST, WIDEST = 20_000, 1 << 16, 999, 999
"""Limits of a stroke: points, px from the corner of the frame, diameter of a brush, reach of a band."""

Trimap = NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""First column and row, and one past the last column and row."""


@dataclass(frozen=True)
class Stroke:
    """One thing painted.

    Attributes:
        frame: Number of the frame.
        tool: One of `TOOLS`.
        value: What is painted, one of `VALUES`; a band has its own.
        points: Pixels (x, y): the way of a brush, two corners of a box, all corners of a polygon, one pixel of a fill.
        size: Diameter of a brush in px.
        grow: Px by which a band of unknown grows to each side, or shrinks where it is negative; reach of an edge.
    """

    frame: int
    tool: str
    value: int = UNKNOWN
    points: tuple[tuple[int, int], ...] = ()
    size: int = 1
    grow: int = 0

    def __post_init__(self) -> None:
        check_choice("tool", self.tool, TOOLS)
        if self.frame < 0:
            raise InputError(f"a frame's number must be 0 or more; got {self.frame}")
        if self.value not in VALUES:
            raise InputError(f"value must be one of {list_values(VALUES)}; got {self.value}")
        if not 1 <= self.size <= LARGEST:
            raise InputError(f"size must be 1 to {LARGEST} px; got {self.size}")
        least, most = {"box": (2, 2), "polygon": (1, MOST_POINTS), "fill": (1, 1)}.get(self.tool, (1, MOST_POINTS))
        if self.tool not in WHOLE and not least <= len(self.points) <= most:
            raise InputError(f"{self.tool} must have {least} to {most} points; got {len(self.points)}")
        if any(not -FARTHEST <= place <= FARTHEST for point in self.points for place in point):
            raise InputError(f"points must be at most {FARTHEST} px away; one is farther: leave it out")
        low = 1 if self.tool == "edge" else -WIDEST
        if self.tool in WHOLE and (not low <= self.grow <= WIDEST or self.grow == 0):
            raise InputError(f"grow must be {low} to {WIDEST} px and not 0; got {self.grow}")


def stroke_from(facts: Mapping[str, Any]) -> Stroke:
    """Return the stroke that a message describes; every kind of wrong message is refused by its fault.

    Raises:
        InputError: A field is missing, unknown, or not of its kind.
    """
    names = ("frame", "tool", "value", "points", "size", "grow")
    strangers = sorted(set(facts) - set(names))
    if strangers or "frame" not in facts or "tool" not in facts:
        raise InputError(
            f"a stroke must have frame and tool, and beside them only value, points, size and grow; got {sorted(facts)}"
        )
    for name in ("frame", "value", "size", "grow"):
        if name in facts and not _is_whole(facts[name]):
            raise InputError(f"{name} must be a whole number; got {facts[name]!r}")
    if not isinstance(facts["tool"], str):
        raise InputError(f"tool must be a name; got {facts['tool']!r}")
    points = facts.get("points", [])
    if not (isinstance(points, list | tuple) and all(_is_point(point) for point in points)):
        raise InputError("points must be pairs of whole numbers; got something else")
    given = {name: facts[name] for name in names if name in facts and name != "points"}
    return Stroke(points=tuple((point[0], point[1]) for point in points), **given)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 31


def _is_point(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(_is_whole(place) for place in value)


def paint(trimap: Trimap, stroke: Stroke) -> tuple[Trimap, Box | None]:
    """Return a trimap with a stroke painted, and the box of the pixels that the stroke covers.

    Args:
        trimap: (H, W) of 0, 128 and 255; it stays as it is.
        stroke: What is painted.

    Returns:
        The new trimap, and the box or None where nothing inside the frame is covered.
    """
    if stroke.tool in WHOLE:
        painted = _banded(trimap, stroke.grow) if stroke.tool == "band" else _edged(trimap, stroke.grow)
        return painted, bounds(painted != trimap)
    covered = _COVER[stroke.tool](trimap, stroke)
    painted = trimap.copy()
    painted[covered] = stroke.value
    return painted, bounds(covered)


_COVER: dict[str, Callable[[Trimap, Stroke], raster.Mask]] = {
    "brush": lambda trimap, stroke: raster.brush(_size(trimap), stroke.points, stroke.size),
    "box": lambda trimap, stroke: raster.box(_size(trimap), stroke.points),
    "polygon": lambda trimap, stroke: raster.polygon(_size(trimap), stroke.points),
    "fill": lambda trimap, stroke: raster.fill(trimap, stroke.points[0]),
}


def bounds(mask: raster.Mask) -> Box | None:
    """Return the smallest box that holds all of a mask, or None where it is empty."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(columns):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _size(trimap: Trimap) -> tuple[int, int]:
    return trimap.shape[0], trimap.shape[1]


def _banded(trimap: Trimap, grow: int) -> Trimap:
    """Return a trimap whose unknown reaches so many px farther, or less far where the number is negative.

    What was unknown and is so no longer takes the value of the nearest known pixel; where foreground and background are
    as near as each other it stays unknown.
    """
    painted = trimap.copy()
    reach = grow * grow
    if grow > 0:
        painted[raster.squared_distance(trimap == UNKNOWN) <= reach] = UNKNOWN
        return painted
    foreground = raster.squared_distance(trimap == FOREGROUND)
    background = raster.squared_distance(trimap == BACKGROUND)
    unknown = trimap == UNKNOWN
    painted[unknown & (foreground <= reach) & (foreground < background)] = FOREGROUND
    painted[unknown & (background <= reach) & (background < foreground)] = BACKGROUND
    return painted


def _edged(trimap: Trimap, reach: int) -> Trimap:
    """Return a trimap that is unknown wherever foreground and background are within so many px of each other."""
    painted = trimap.copy()
    for own, other in ((FOREGROUND, BACKGROUND), (BACKGROUND, FOREGROUND)):
        painted[(trimap == own) & (raster.squared_distance(trimap == other) <= reach * reach)] = UNKNOWN
    return painted


def check_trimap(trimap: NDArray[Any], size: Sequence[int]) -> Trimap:
    """Return a trimap that is (H, W) uint8 of 0, 128 and 255.

    Raises:
        InputError: It has another size, kind or other values.
    """
    if trimap.dtype != np.uint8 or trimap.shape != tuple(size):
        raise InputError(f"a trimap must be 8-bit grey of size {tuple(size)} (height, width); got {trimap.shape}")
    found = np.flatnonzero(np.bincount(trimap.ravel(), minlength=256))
    if not set(found.tolist()) <= set(VALUES):
        raise InputError(f"a trimap must hold only {list_values(VALUES)}; got {list_values(found)}")
    return trimap
