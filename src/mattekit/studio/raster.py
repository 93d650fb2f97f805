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

Point = tuple[int, int]
Mask = NDArray[np.bool_]


def line(start: Point, end: Point) -> NDArray[np.int64]:
    """Return the pixels of a line, (N, 2) of x and y, from its first point to its last.

    Source: Bresenham, Algorithm for computer control of a digital plotter, IBM Systems Journal 1965, in the form whose
    error stands for both axes.
    """
    (x, y), (last_x, last_y) = start, end
    wide, high = abs(last_x - x), -abs(last_y - y)
    step_x, step_y = (1 if x < last_x else -1), (1 if y < last_y else -1)
    error = wide + high
    pixels = [(x, y)]
    while (x, y) != (last_x, last_y):
        twice = 2 * error
        if twice >= high:
            error += high
            x += step_x
        if twice <= wide:
            error += wide
            y += step_y
        pixels.append((x, y))
    return np.array(pixels, dtype=np.int64)


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
    covered = np.zeros(size, dtype=np.bool_)
    rows = disc_rows(diameter)
    legs = list(pairwise(points)) or [(points[0], points[0])]
    for start, end in legs:
        if not _misses(size, start, end, diameter):
            _sweep(covered, line(start, end), rows)
    return covered


def _misses(size: tuple[int, int], start: Point, end: Point, diameter: int) -> bool:
    """Return whether a brush on its way between two points stays outside the frame."""
    reach = diameter // 2 + 1
    return any(
        max(one, other) + reach < 0 or min(one, other) - reach >= side
        for one, other, side in zip(start, end, reversed(size), strict=True)
    )


def _sweep(covered: Mask, pixels: NDArray[np.int64], rows: Sequence[tuple[int, int, int]]) -> None:
    """Cover what a disc covers on its way along the pixels of a line."""
    height, width = covered.shape
    x, y = pixels.T
    top, bottom = int(y.min()), int(y.max())
    first = np.full(bottom - top + 1, 1 << 40)
    last = np.full(bottom - top + 1, -(1 << 40))
    np.minimum.at(first, y - top, x)
    np.maximum.at(last, y - top, x)
    above = rows[0][0]
    span = bottom - top + len(rows)
    left, right = np.full(span, 1 << 40), np.full(span, -(1 << 40))
    for row, begin, end in rows:
        place = slice(row - above, row - above + len(first))
        np.minimum(left[place], first + begin, out=left[place])
        np.maximum(right[place], last + end, out=right[place])
    left, right = left.clip(0, width), right.clip(0, width)
    begin_row = top + above
    for row in range(max(begin_row, 0), min(begin_row + span, height)):
        covered[row, left[row - begin_row] : right[row - begin_row]] = True


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

    A pixel is inside where the number of edges that cross its row to the left of its centre is odd; an edge crosses the
    rows from its upper end down to the one above its lower end.

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
            crossings.setdefault(row, []).append(x + (row - y) * (low_x - x) // (low_y - y) + 1)
    for row, found in crossings.items():
        columns = [min(max(column, 0), width) for column in sorted(found)]
        for begin, stop in zip(columns[::2], columns[1::2], strict=True):
            covered[row, begin:stop] = True
    return covered | brush(size, [*points, points[0]], 1)


def fill(values: NDArray[np.uint8], point: Point) -> Mask:
    """Return the pixels that are joined to one over their four sides and hold the same value; none outside the frame."""
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
