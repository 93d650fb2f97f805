"""Conn: how much of each map hangs together with the main body, from one union over runs of equal level.

The definition labels the picture ten times, once a threshold. Here every row is cut into runs of pixels that reach the
same threshold, a run is a node, and runs that touch are joined from the highest threshold to the lowest. A run that
touches a higher one belongs to that one's component at every threshold it reaches itself, so nearly all joins need no
threshold at all; what is left are the saddles between separate summits, and those are few.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mattekit.metrics.spatial import Inside

Indices = NDArray[np.intp]
Bytes = NDArray[np.uint8]

STEPS = 10
SLACK = 1e-9
"""Values this little below a threshold reach it: 0.1 times a whole number is seldom exact."""
TOLERANCE = 0.15
"""Distance above its connected level up to which a pixel counts as fully connected."""
STEP_OF_LEVEL = bytes(level * STEPS // 255 for level in range(256))
"""The highest threshold, in tenths, that each 8-bit level reaches."""
UNIT = 510
"""A level of 8 bits is two 510ths and a threshold fifty-one: sums of 8-bit maps are exact."""


def conn(alpha: Tensor, alpha_true: Tensor, region: Tensor) -> Tensor:
    """Sum the differences in connectivity over a region.

    At each threshold 0.1, 0.2, ..., 1 the largest 4-connected set of pixels in which both maps reach it is the main
    body; of equals, the first in reading order. A pixel's level is the threshold below the first at which it is
    outside, 1 if it never is. Its connectivity in a map is 1, less the map's distance above the level where that is
    0.15 or more. The bodies are those of the whole frame, whatever the region.

    Args:
        alpha: (T, 1, H, W) in [0, 1], or uint8 in 0-255.
        alpha_true: (T, 1, H, W) likewise.
        region: (T, 1, H, W) boolean.

    Returns:
        (T,) float64, px; 0 where the region is empty. Tables divide by 1000.

    Raises:
        InputError: The shapes do not fit.

    Source:
        Rhemann et al., A Perceptually Motivated Online Benchmark for Image Matting, CVPR 2009, which has one fixed
        main body and weights by distance; the code that everyone uses, and this function, chooses the body anew at
        each threshold and weights nothing. Published implementations differ where no pixel reaches a threshold: most
        close every level there, as here; GCA-style ports skip the threshold, and the Matlab original fails. Regions
        are the trimap's unknown pixels (DVM, Adobe) or the whole frame (RVM); DVM's script does not divide by 1000.
    """
    return lost_connection(Inside(alpha, alpha_true, region))


def lost_connection(inside: Inside) -> Tensor:
    """Return Conn, (T,) float64, of errors found before."""
    maps = [part[:, 0].cpu().numpy() for part in (inside.alpha, inside.alpha_true)]
    sums = []
    for frame, (error, place) in enumerate(zip(inside.errors, inside.places, strict=True)):
        pixels = slice(None) if place is None else place.cpu().numpy()
        sums.append(_frame(maps[0][frame], maps[1][frame], pixels) if bool(error.any()) else 0.0)
    return torch.tensor(sums, dtype=torch.float64, device=inside.alpha.device)


def _frame(alpha: NDArray[Any], alpha_true: NDArray[Any], pixels: Indices | slice) -> float:
    """Return one frame's sum over some pixels, counted in reading order."""
    shared = np.minimum(alpha, alpha_true)
    box = _box(shared)
    connected = connected_steps(_steps(shared[box]))
    shared.fill(0)  # the map is used again: the system gives out new memory slowly
    shared[box] = connected
    height = shared.ravel()[pixels].astype(np.int16) * 51
    lost = [_lost(values.ravel()[pixels], height) for values in (alpha, alpha_true)]
    return float(np.abs(lost[0] - lost[1]).sum()) / UNIT


def _box(shared: NDArray[Any]) -> tuple[slice, slice]:
    """Return the rows and columns that hold all that reaches the first threshold, at least one of each."""
    first = 255 / STEPS if shared.dtype == np.uint8 else 1 / STEPS - SLACK
    lines = [np.flatnonzero(shared.max(axis=axis) >= first) for axis in (1, 0)]
    rows, columns = (slice(int(line[0]), int(line[-1]) + 1) if len(line) else slice(0, 1) for line in lines)
    return rows, columns


def _lost(values: NDArray[Any], height: NDArray[np.int16]) -> NDArray[Any]:
    """Return how far values lie above their level's height, 0 within the tolerance, all in 510ths."""
    exact = values.dtype == np.uint8
    above = (values.astype(np.int16) * 2 if exact else values.astype(np.float64) * UNIT) - height
    above[above < (math.ceil(TOLERANCE * UNIT) if exact else TOLERANCE * UNIT - SLACK)] = 0
    return above


def _steps(values: NDArray[Any]) -> Bytes:
    """Return the highest threshold, in tenths, that each value reaches."""
    if values.dtype == np.uint8:
        return np.frombuffer(values.tobytes().translate(STEP_OF_LEVEL), np.uint8).reshape(values.shape)
    return np.floor((values.astype(np.float64) + SLACK) * STEPS).clip(0, STEPS).astype(np.uint8)


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
    starts = _run_starts(steps)
    lengths = np.diff(starts, append=steps.size)
    step = steps.ravel()[starts]
    later, earlier = _touching(starts, steps.shape[1])
    zone, peak = _climb(step, later, earlier)
    saddles = _saddles(step, zone, later, earlier)
    last = _main_bodies(step, lengths, zone, _absorb(peak, *saddles), saddles)
    return np.repeat(np.minimum(step, last[zone]), lengths).reshape(steps.shape)


def _run_starts(steps: Bytes) -> Indices:
    """Return where each run of equal steps begins, counted through the rows; no run crosses a row's end."""
    flat = steps.ravel()
    begins = np.empty(flat.size, np.bool_)
    np.not_equal(flat[1:], flat[:-1], out=begins[1:])
    begins[:: steps.shape[1]] = True
    return np.flatnonzero(begins)


def _touching(starts: Indices, width: int) -> tuple[Indices, Indices]:
    """Return the pairs of runs that share an edge of a pixel, each once, the later run first.

    Two runs in neighbouring rows overlap from the column where one of them starts. The run above each start is looked
    up; the run below a start is the last of those that look up to something before it, and counting finds it.
    """
    second_row = int(np.searchsorted(starts, width))
    last_row = int(np.searchsorted(starts, starts[-1] - starts[-1] % width))
    over = starts[second_row:] - width
    above = np.searchsorted(starts, over, side="right") - 1
    looks = np.bincount(above, minlength=len(starts))[:last_row]
    aligned = np.zeros(len(starts), np.bool_)
    aligned[above[starts[above] == over]] = True
    upper = np.flatnonzero(~aligned[:last_row])
    below = (np.cumsum(looks) - looks)[upper] + (second_row - 1)
    right = np.flatnonzero(starts % width)
    later = np.concatenate((np.arange(second_row, len(starts)), below, right))
    return later, np.concatenate((above, upper, right - 1))


def _climb(step: Bytes, later: Indices, earlier: Indices) -> tuple[Indices, Bytes]:
    """Hang every run under some neighbour of a higher step, or of its own earlier on.

    Returns:
        The number of the summit that each run leads to, and the step of each summit.
    """
    parent = np.arange(len(step))
    down = step[earlier] >= step[later]
    parent[np.where(down, later, earlier)] = np.where(down, earlier, later)
    parent = _flatten(parent)
    summits = np.flatnonzero(parent == np.arange(len(step)))
    number = np.empty(len(step), np.intp)
    number[summits] = np.arange(len(summits))
    return number[parent], step[summits]


def _saddles(step: Bytes, zone: Indices, later: Indices, earlier: Indices) -> tuple[Indices, Indices, Bytes]:
    """Return the pairs of zones that touch, and the threshold in tenths from which downwards they are one."""
    one, other = zone[later], zone[earlier]
    apart = np.flatnonzero(one != other)
    height = np.minimum(step[later[apart]], step[earlier[apart]])
    order = np.argsort(height, kind="stable")
    return one[apart[order]], other[apart[order]], height[order]


def _absorb(peak: Bytes, one: Indices, other: Indices, height: Bytes) -> Indices:
    """Hang every zone that is touched at the height of its own summit under the zone that touches it.

    The two are one at every threshold the lower reaches. Each hangs under one other at a time: two zones that touch a
    third are not one above the third's summit.
    """
    parent = np.arange(len(peak))
    while True:
        one, other = parent[one], parent[other]
        free = np.flatnonzero((height == np.minimum(peak[one], peak[other])) & (one != other))
        if not len(free):
            return parent
        one, other, height = one[free], other[free], height[free]
        down = (peak[other] > peak[one]) | ((peak[other] == peak[one]) & (other < one))
        parent[np.where(down, one, other)] = np.where(down, other, one)
        parent = _flatten(parent)


def _flatten(parent: Indices) -> Indices:
    """Point every node at its root."""
    shorter = np.empty_like(parent)
    while True:
        np.take(parent, parent, out=shorter, mode="clip")
        if np.array_equal(shorter, parent):
            return parent
        parent, shorter = shorter, parent


def _main_bodies(
    step: Bytes, lengths: Indices, zone: Indices, body: Indices, saddles: tuple[Indices, Indices, Bytes]
) -> Bytes:
    """Return for every zone the last threshold, in tenths, up to which it is in the main body without a break."""
    zones = len(body)
    counts = np.bincount(zone * (STEPS + 1) + step, weights=lengths, minlength=zones * (STEPS + 1))
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
