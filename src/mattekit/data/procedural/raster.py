"""Exact coverage of polygons: the area of every pixel that lies inside, without sampling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]


def polygon_cover(loops: Sequence[Floats], size: tuple[int, int]) -> Floats:
    """Return the share of each pixel that closed loops enclose.

    Args:
        loops: (N, 2) points in px each, x then y; pixel (column i, row j) is the square from (i, j) to (i+1, j+1).
            Loops that turn the same way add up to at most 1 where they overlap; one that turns the other way is a hole.
        size: (height, width).

    Returns:
        (height, width) float32 in [0, 1], exact up to rounding for loops that do not cross themselves.

    Example:
        >>> polygon_cover([np.array([(0, 0), (1.5, 0), (1.5, 1), (0, 1)])], (1, 3)).tolist()
        [[1.0, 0.5, 0.0]]
    """
    height, width = size
    edges = [_edges(np.asarray(loop, dtype=np.float64)) for loop in loops if len(loop) > 2]
    if not edges:
        return np.zeros(size, dtype=np.float32)
    x0, y0, x1, y1 = np.concatenate(edges, axis=1)
    # Beyond the left or right border only the row counts; far rows are cut away.
    inside = (np.maximum(y0, y1) > 0) & (np.minimum(y0, y1) < height)
    row, xa, ya, xb, yb = _cut_rows(x0[inside], y0[inside], x1[inside], y1[inside])
    keep = (row >= 0) & (row < height)
    row, xa, ya, xb, yb = row[keep], xa[keep].clip(0, width), ya[keep], xb[keep].clip(0, width), yb[keep]
    rise = yb - ya
    span = np.abs(xb - xa)
    column, start, stop, piece = _cut_columns(xa, xb)
    share = np.where(span[piece] > 1e-12, (stop - start) / np.maximum(span[piece], 1e-12), 1.0)
    amount = rise[piece] * share
    right = (start + stop) / 2 - column
    flat = row[piece] * (width + 2) + column
    total = np.bincount(flat, amount * (1 - right), minlength=height * (width + 2))
    total += np.bincount(flat + 1, amount * right, minlength=height * (width + 2))
    cover = np.abs(np.cumsum(total.reshape(height, width + 2), axis=1)[:, :width])
    return np.minimum(cover, 1).astype(np.float32)


def _edges(loop: Floats) -> Floats:
    """Return (4, N): x0, y0, x1, y1 of every side of a closed loop."""
    return np.concatenate((loop, np.roll(loop, -1, axis=0)), axis=1).T


def _cut_rows(x0: Floats, y0: Floats, x1: Floats, y1: Floats) -> tuple[Any, ...]:
    """Cut edges at whole numbers of y; return each piece's row and ends x, y, x, y in the edge's direction."""
    low, high = np.minimum(y0, y1), np.maximum(y0, y1)
    first = np.floor(low).astype(np.int64)
    count = np.where(high > low, np.ceil(high).astype(np.int64) - first, 0)
    edge, step = _runs(count)
    row = first[edge] + step
    slope = (x1 - x0)[edge] / np.where(count > 0, y1 - y0, 1.0)[edge]
    top, bottom = np.maximum(low[edge], row), np.minimum(high[edge], row + 1)
    down = (y1 > y0)[edge]
    ya, yb = np.where(down, top, bottom), np.where(down, bottom, top)
    xa, xb = x0[edge] + slope * (ya - y0[edge]), x0[edge] + slope * (yb - y0[edge])
    return row, xa, ya, xb, yb


def _cut_columns(xa: Floats, xb: Floats) -> tuple[Any, ...]:
    """Cut pieces at whole numbers of x; return column, left end, right end, and the piece each part comes from."""
    low, high = np.minimum(xa, xb), np.maximum(xa, xb)
    first = np.floor(low).astype(np.int64)
    count = np.maximum(np.ceil(high).astype(np.int64) - first, 1)
    piece, step = _runs(count)
    column = first[piece] + step
    start, stop = np.maximum(low[piece], column), np.minimum(high[piece], column + 1)
    return column, start, stop, piece


def _runs(count: Integers) -> tuple[Integers, Integers]:
    """Return for runs of given lengths the number of the run, and the place in it, of every element."""
    run = np.repeat(np.arange(len(count)), count)
    return run, np.arange(len(run)) - np.repeat(np.cumsum(count) - count, count)
