"""Which pixels a brush, a box, a polygon or a fill covers: whole numbers only, the same in the page as here.

A pixel is named by its column x and row y, counted from the frame's top left corner; points may lie outside the frame.
Coverage is an array (H, W) of bool.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isqrt

import cv2
import numpy as np
from numpy.typing import NDArray

FAR = 1 << 40

Point = tuple[int, int]
Mask = NDArray[np.bool_]


def line(start: Point, end: Point, *, within: tuple[Point, Point] | None = None) -> NDArray[np.int64]:
    """Return the pixels of a line, (N, 2) of x and y, from its first point to its last.

    Along the longer axis each step is one pixel, along the shorter one the nearest; of two as near, the one before.

    Args:
        start: First pixel.
        end: Last pixel.
        within: Least and largest (x, y); what of the line is outside on the longer axis may be left out.

    Source: Bresenham, Algorithm for computer control of a digital plotter, IBM Systems Journal 1965, solved for a step.
    """
    way = (end[0] - start[0], end[1] - start[1])
    long = 0 if abs(way[0]) >= abs(way[1]) else 1
    steps, rise = abs(way[long]), abs(way[1 - long])
    first, last = 0, steps
    if within is not None:
        sides = [(bound[long] - start[long]) * (1 if way[long] >= 0 else -1) for bound in within]
        first, last = max(first, min(sides)), min(last, max(sides))
    step = np.arange(first, last + 1, dtype=np.int64)
    whole = max(steps, 1)
    across = (2 * step * rise + whole - 1) // (2 * whole)
    pixels = np.empty((len(step), 2), dtype=np.int64)
    pixels[:, long] = start[long] + (step if way[long] >= 0 else -step)
    pixels[:, 1 - long] = start[1 - long] + (across if way[1 - long] >= 0 else -across)
    return pixels


def disc_rows(diameter: int) -> list[tuple[int, int, int]]:
    """Return the rows of a brush around (0, 0): row, first column, and one past the last column.

    An odd diameter d covers the pixels with (2x)^2 + (2y)^2 <= d^2; an even one, whose centre is the upper left corner
    of pixel (0, 0), those with (2x + 1)^2 + (2y + 1)^2 <= d^2.

    Example:
        >>> disc_rows(3)
        [(-1, 0, 1), (0, -1, 2), (1, 0, 1)]
        >>> disc_rows(2)
        [(-1, -1, 1), (0, -1, 1)]
    """
    even = diameter % 2 == 0
    rows = []
    for row in range(-(diameter // 2), diameter // 2 + 1):
        left = diameter * diameter - (2 * row + even) ** 2
        if left >= even:
            reach = (isqrt(left) - even) // 2  # the farthest column to the right
            rows.append((row, -reach - even, reach + 1))
    return rows


def brush(size: tuple[int, int], points: Sequence[Point], diameter: int) -> Mask:
    """Return what a brush covers that is put down at every pixel of the lines between successive points.

    Along one line the brush covers one run of pixels in each row, since neighbouring discs overlap or touch.

    Args:
        size: (height, width) of the frame.
        points: At least one.
        diameter: In px.
    """
    height, width = size
    reach = diameter // 2 + 1
    within = (-reach, -reach), (width + reach, height + reach)
    begun = np.zeros((height, width + 1), dtype=np.int32)  # how many runs begin at a pixel, less how many have ended
    rows = np.array(disc_rows(diameter), dtype=np.int64)
    for start, end in list(pairwise(points)) or [(points[0], points[0])]:
        if not _misses(size, start, end, reach):
            _sweep(begun, line(start, end, within=within), rows)
    covered: Mask = begun.cumsum(axis=1)[:, :width] > 0
    return covered


def _misses(size: tuple[int, int], start: Point, end: Point, reach: int) -> bool:
    """Return whether a brush on its way between two points stays outside the frame."""
    return any(
        max(one, other) + reach < 0 or min(one, other) - reach >= side
        for one, other, side in zip(start, end, reversed(size), strict=True)
    )


def _sweep(begun: NDArray[np.int32], pixels: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
    """Take note of the runs that a disc covers on its way along the pixels of a line."""
    if not len(pixels):
        return
    height, width = begun.shape[0], begun.shape[1] - 1
    x, y = pixels.T
    top, count, deep = int(y.min()), int(y.max() - y.min()) + 1, len(rows)
    first, last = np.full(count, FAR), np.full(count, -FAR)
    np.minimum.at(first, y - top, x)
    np.maximum.at(last, y - top, x)
    left, right = np.full(count + deep - 1, FAR), np.full(count + deep - 1, -FAR)
    few, begin, end = (range(deep), rows[:, 1], rows[:, 2]) if deep < count else (range(count), first, last)
    many_begin, many_end = (first, last) if deep < count else (rows[:, 1], rows[:, 2])
    for row in few:  # the shorter of the two is gone through one by one
        place = slice(row, row + len(many_begin))
        np.minimum(left[place], many_begin + begin[row], out=left[place])
        np.maximum(right[place], many_end + end[row], out=right[place])
    top += int(rows[0, 0])
    inside = slice(max(-top, 0), max(height - top, 0))
    left, right = left[inside].clip(0, width), right[inside].clip(0, width)
    number = np.arange(len(left)) + max(top, 0)
    begun[number, left] += 1
    begun[number, np.maximum(left, right)] -= 1


def box(size: tuple[int, int], corners: Sequence[Point]) -> Mask:
    """Return the pixels of the rectangle between two opposite corner pixels, both of them in it."""
    height, width = size
    (x, y), (other_x, other_y) = corners
    covered = np.zeros(size, dtype=np.bool_)
    rows = slice(min(max(min(y, other_y), 0), height), min(max(max(y, other_y) + 1, 0), height))
    columns = slice(min(max(min(x, other_x), 0), width), min(max(max(x, other_x) + 1, 0), width))
    covered[rows, columns] = True
    return covered


def polygon(size: tuple[int, int], points: Sequence[Point]) -> Mask:
    """Return the pixels inside a closed polygon by the even-odd rule, and those of its outline.

    A pixel is inside where the number of edges that cross its row to the right of its centre is odd; an edge crosses
    the rows from its upper end down to the one above its lower end.

    Args:
        size: (height, width) of the frame.
        points: The corners, at least one; the last is joined to the first.
    """
    height, width = size
    covered = np.zeros(size, dtype=np.bool_)
    edges = list(zip(points, [*points[1:], points[0]], strict=True))
    crossings: dict[int, list[int]] = {}
    for start, end in edges:
        (x, y), (low_x, low_y) = sorted((start, end), key=lambda point: point[1])
        for row in range(max(y, 0), min(low_y, height)):
            crossings.setdefault(row, []).append(x - (row - y) * (x - low_x) // (low_y - y))
    for row, found in crossings.items():
        columns = [min(max(column, 0), width) for column in sorted(found)]
        for begin, stop in zip(columns[::2], columns[1::2], strict=True):
            covered[row, begin:stop] = True
    return covered | brush(size, [*points, points[0]], 1)


def fill(values: NDArray[np.uint8], point: Point) -> Mask:
    """Return the pixels joined to one over their four sides that hold its value; none where it is outside the frame."""
    height, width = values.shape
    x, y = point
    if not (0 <= x < width and 0 <= y < height):
        return np.zeros(values.shape, dtype=np.bool_)
    same = (values == values[y, x]).astype(np.uint8)
    _, labels = cv2.connectedComponents(same, connectivity=4, ltype=cv2.CV_32S)
    covered: Mask = labels == labels[y, x]
    return covered


def squared_distance(mask: Mask) -> NDArray[np.int64]:
    """Return the squared distance in px from every pixel to the nearest one of a mask, exactly; huge where none is."""
    if not mask.any():
        return np.full(mask.shape, 1 << 40, dtype=np.int64)
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.rint(distance.astype(np.float64) ** 2).astype(np.int64)
