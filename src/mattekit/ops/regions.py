"""Connected regions of a mask, found by joining the runs of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Regions:
    """The connected regions of a mask.

    Attributes:
        size: (height, width) of the mask.
        runs: (N, 4) integers: row, first column, one past the last column, and number of the region of each run.
        boxes: (K, 4) integers: top, left, and one past bottom and right of each region.
        areas: (K,) px of each region.
    """

    size: tuple[int, int]
    runs: Ints
    boxes: Ints
    areas: Ints

    def count(self, mask: Mask) -> Ints:
        """Return how many px of another mask (H, W) lie in each region, (K,)."""
        sums = np.zeros((self.size[0], self.size[1] + 1), np.int64)
        np.cumsum(mask, axis=1, out=sums[:, 1:])
        row, start, end, owner = self.runs.T
        return np.bincount(owner, sums[row, end] - sums[row, start], len(self.areas)).astype(np.int64)

    def inside(self) -> Mask:
        """Return for each region whether it stays clear of the border, (K,)."""
        height, width = self.size
        top, left, bottom, right = self.boxes.T
        clear: Mask = (top > 0) & (left > 0) & (bottom < height) & (right < width)
        return clear

    def pixels(self, chosen: Mask) -> Mask:
        """Return the px (H, W) of some of the regions, told by a value for each, (K,)."""
        if not chosen.any():
            return np.zeros(self.size, bool)
        painted: Mask = np.concatenate(([False], chosen))[self.labels()]
        return painted

    def labels(self) -> Ints:
        """Return a map (H, W) of the number of each px's region, counted from 1; 0 is none."""
        steps = np.zeros((self.size[0], self.size[1] + 1), np.int32)
        row, start, end, owner = self.runs.T
        np.add.at(steps, (row, start), owner + 1)
        np.add.at(steps, (row, end), -(owner + 1))
        return np.cumsum(steps, axis=1, dtype=np.int32)[:, :-1]


def find_regions(mask: Mask, *, diagonal: bool = False) -> Regions:
    """Return the connected regions of a mask (H, W).

    Args:
        mask: (H, W).
        diagonal: Whether px that touch only at a corner are of one region (8-connected), or not (4-connected).

    Example:
        >>> mask = np.array([[1, 0, 1], [1, 1, 0]], bool)
        >>> sorted(find_regions(mask).areas.tolist())
        [1, 3]
        >>> find_regions(mask, diagonal=True).areas.tolist()
        [4]
    """
    height, width = mask.shape
    steps = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    row, start = np.nonzero(steps == 1)
    end = np.nonzero(steps == -1)[1]
    above, below = _touching(row, start, end, width, int(diagonal))
    names, owner = np.unique(_join(len(row), above, below), return_inverse=True)
    count = len(names)
    boxes = np.empty((count, 4), np.int64)
    boxes[:, :2], boxes[:, 2:] = (height, width), 0
    np.minimum.at(boxes[:, 0], owner, row)
    np.minimum.at(boxes[:, 1], owner, start)
    np.maximum.at(boxes[:, 2], owner, row + 1)
    np.maximum.at(boxes[:, 3], owner, end)
    areas = np.bincount(owner, end - start, count).astype(np.int64)
    return Regions((height, width), np.stack((row, start, end, owner), axis=1), boxes, areas)


def _touching(row: Ints, start: Ints, end: Ints, width: int, slack: int) -> tuple[Ints, Ints]:
    """Return the pairs of runs, one above the other, that share a column, or miss it by at most ``slack`` px."""
    stride = width + 2
    starts, ends = row * stride + start, row * stride + end
    first = np.searchsorted(ends, starts + stride - slack, side="right")
    beyond = np.searchsorted(starts, ends + stride + slack, side="left")
    counts = np.maximum(beyond - first, 0)
    above = np.repeat(np.arange(len(row)), counts)
    below = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    return above, below


def _join(count: int, above: Ints, below: Ints) -> Ints:
    """Return for each of so many runs the smallest number in its group; pairs are of one group.

    Source:
        Shiloach and Vishkin, An O(log n) Parallel Connectivity Algorithm, 1982: hook the larger root below the smaller,
        then shorten the ways to the roots, until nothing moves.
    """
    parent = np.arange(count)
    while True:
        one, other = parent[above], parent[below]
        apart = one != other
        if not apart.any():
            return parent
        above, below, one, other = above[apart], below[apart], one[apart], other[apart]
        np.minimum.at(parent, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(shorter := parent[parent], parent):
            parent = shorter
