"""The main body of a map at each of ten thresholds, from one union over the summits of every row.

A labelling of the picture for each threshold would find the same. Here every row is cut at its lowest places into
hills, whose sides lead up to one summit and so hang together with it at every threshold they reach themselves. A hill
is a node; it touches the next of its row at the valley between them, and those of the row below where the two rows'
common height has a summit of its own: every other contact of two rows leads along them to a better one. Hills touched
at the height of their own summit belong to what touches them, so most joins need no threshold at all; what is left are
the saddles between separate summits, and those are few.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]
Bytes = NDArray[np.uint8]
Saddles = tuple[Indices, Indices, Bytes]

STEPS = 10
BLOCK = 1 << 18
"""Pixels walked through at a time, so that they stay in the processor's cache; new memory is slow to come by."""


def connected_steps(steps: Bytes) -> Bytes:
    """Return up to which threshold, in tenths, each pixel hangs together with the main body at every threshold.

    Args:
        steps: (H, W) in 0-10, the highest threshold each pixel reaches.

    Returns:
        (H, W) in 0-10, nowhere above ``steps``.

    Example:
        >>> connected_steps(np.array([[9, 9, 2, 7]], np.uint8)).tolist()
        [[9, 9, 2, 2]]
    """
    level = np.pad(steps, ((0, 1), (0, 1)))
    lower(level)
    return level[:-1, :-1]


def lower(level: Bytes) -> Indices:
    """Lower each pixel, in place, to the last threshold up to which it hangs together with the main body.

    Args:
        level: (H + 1, W + 1) in 0-10, the highest threshold each pixel reaches; the last row and the last column are
            0, so that the rows can be read as one.

    Returns:
        Where it was lowered, (N,), counted in reading order.
    """
    flat, width = level.ravel(), level.shape[1]
    starts, step = _runs(flat, 0)
    summits, valleys = _turns(step)
    if not len(summits):
        return summits
    edges = _contacts(flat, width, starts[valleys], step[valleys])
    zone = _absorb(step[summits], *edges)
    runs = np.diff(valleys, prepend=0, append=len(starts))
    lengths = np.diff(starts, append=len(flat))
    last = np.repeat(_main_bodies(np.repeat(zone, runs), step, lengths, _saddles(zone, *edges))[zone], runs)
    low = np.flatnonzero(last < step)
    inside = lengths[low]
    before = np.cumsum(inside) - inside
    pixels: Indices = np.arange(inside.sum()) + np.repeat(starts[low] - before, inside)
    flat[pixels] = np.repeat(last[low], inside)
    return pixels


def _runs(flat: Bytes, shift: int) -> tuple[Indices, Bytes]:
    """Return where each run of equal steps begins, and its step.

    A shift takes for each place the lower of two steps so far apart. Places are looked at eight at a time, for most
    runs are long.
    """
    begins = np.zeros(BLOCK, np.bool_)
    words = begins.view(np.uint64)
    starts, steps = [np.zeros(1, np.intp)], [np.minimum(flat[:1], flat[shift : shift + 1])]
    for first in range(0, len(flat) - shift - 1, BLOCK):
        part = flat[first : min(first + BLOCK + 1, len(flat) - shift)]
        if shift:
            part = np.minimum(part, flat[first + shift : first + BLOCK + 1 + shift])
        np.not_equal(part[1:], part[:-1], out=begins[: len(part) - 1])
        begins[len(part) - 1 :] = False
        filled = np.flatnonzero(words != 0)
        places = np.flatnonzero(words[filled].view(np.bool_))
        found = (filled[places >> 3] << 3) + (places & 7) + 1
        steps.append(part[found])
        starts.append(found + first)
    return np.concatenate(starts), np.concatenate(steps)


def _turns(step: Bytes) -> tuple[Indices, Indices]:
    """Return which runs are higher than both neighbours, and which lower than both; one of these between two of those.

    What is before the first run counts as lower; the last is never a summit.
    """
    falls = step[1:] < step[:-1]
    summits = np.flatnonzero(falls & np.concatenate(([True], ~falls[:-1])))
    return summits, np.flatnonzero(falls[:-1] & ~falls[1:]) + 1


def _contacts(flat: Bytes, width: int, begins: Indices, valley: Bytes) -> tuple[Indices, Indices, Bytes]:
    """Return the pairs of hills that touch, and at which height.

    Args:
        flat: The steps, row after row.
        width: The length of a row.
        begins: Where each valley begins, and with it the hill on its right.
        valley: The valley's step; where it is 0 the hills do not touch.
    """
    left = np.flatnonzero(valley)
    starts, common = _runs(flat, width)
    summits = _turns(common)[0]
    upper = starts[summits]
    one = np.concatenate((left, np.searchsorted(begins, upper, side="right")))
    other = np.concatenate((left + 1, np.searchsorted(begins, upper + width, side="right")))
    return one, other, np.concatenate((valley[left], common[summits]))


def _absorb(peak: Bytes, one: Indices, other: Indices, height: Bytes) -> Indices:
    """Unite every hill that is touched at the height of its own summit with the hill that touches it.

    The two are one at every threshold the lower reaches. Each hangs under one other at a time: two hills that touch a
    third are not one above the third's summit.

    Returns:
        The number of the zone that each hill belongs to.
    """
    parent = np.arange(len(peak))
    while True:
        free = np.flatnonzero((height == np.minimum(peak[one], peak[other])) & (one != other))
        if not len(free):
            break
        one, other, height = one[free], other[free], height[free]
        down = (peak[other] > peak[one]) | ((peak[other] == peak[one]) & (other < one))
        parent[np.where(down, one, other)] = np.where(down, other, one)
        parent = _flatten(parent)
        one, other = parent[one], parent[other]
    roots = parent == np.arange(len(parent))
    return (np.cumsum(roots) - 1)[parent]


def _saddles(zone: Indices, one: Indices, other: Indices, height: Bytes) -> Saddles:
    """Return the pairs of zones that touch, by the threshold in tenths from which downwards they are one."""
    one, other = zone[one], zone[other]
    apart = np.flatnonzero(one != other)
    order = apart[np.argsort(height[apart], kind="stable")]
    return one[order], other[order], height[order]


def _flatten(parent: Indices) -> Indices:
    """Point every node at its root."""
    shorter = np.empty_like(parent)
    while True:
        np.take(parent, parent, out=shorter, mode="clip")
        if np.array_equal(shorter, parent):
            return parent
        parent, shorter = shorter, parent


def _main_bodies(zone: Indices, step: Bytes, lengths: Indices, saddles: Saddles) -> Bytes:
    """Return for every zone the last threshold, in tenths, up to which it is in the main body without a break.

    Args:
        zone: (R,), of each run, in reading order.
        step: (R,) likewise.
        lengths: (R,) likewise, px.
        saddles: The pairs of zones that touch, from low to high.
    """
    zones = int(zone.max()) + 1
    body = np.arange(zones)
    bins = zone * (STEPS + 1)
    bins += step
    counts = np.bincount(bins, weights=lengths, minlength=zones * (STEPS + 1))
    reaching = counts.reshape(zones, STEPS + 1)[:, ::-1].cumsum(axis=1)[:, ::-1].T.copy()
    last = np.full(zones, STEPS, np.uint8)
    one, other, height = saddles
    bounds = np.searchsorted(height, np.arange(STEPS + 2))
    for threshold in range(STEPS, 0, -1):
        here = slice(bounds[threshold], bounds[threshold + 1])
        body = _join(body, one[here], other[here])
        sizes = np.bincount(body, weights=reaching[threshold], minlength=zones)
        largest = np.flatnonzero(sizes == sizes.max())
        if len(largest) > 1:
            first = np.flatnonzero((step >= threshold) & np.isin(body[zone], largest))[:1]
            largest = body[zone[first]]
        last[body != largest if len(largest) else slice(None)] = threshold - 1
    return last


def _join(parent: Indices, one: Indices, other: Indices) -> Indices:
    """Unite nodes along edges; every node points at its root before and after."""
    while True:
        one, other = parent[one], parent[other]
        apart = np.flatnonzero(one != other)
        if not len(apart):
            return parent
        one, other = one[apart], other[apart]
        parent[np.maximum(one, other)] = np.minimum(one, other)
        parent = _flatten(parent)
