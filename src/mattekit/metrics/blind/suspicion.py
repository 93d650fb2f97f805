"""Makes of what was measured at each frame how suspicious it is, beside the other frames of the clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattekit.metrics.blind.look import Look, scenes

Floats = NDArray[np.floating[Any]]

CAUSES = ("hole", "island", "flicker", "frozen", "area", "softness", "spill")

USUAL = {
    "hole": 3e-5,
    "island": 3e-5,
    "flicker": 1.5e-3,
    "frozen": 4e-4,
    "area": 5e-3,
    "softness": 3e-2,
    "spill": 1e-2,
}
"""The least that a measure is taken to vary in a good matte: shares of the frame's px (hole, island), of the subject's
area (flicker, area), of the frame's longer side (frozen), of the width itself (softness), of colour (spill)."""

SHARP = 0.5
"""Px added to a width before its logarithm is taken, so that hard edges may vary."""

DEVIATIONS = 6.0
"""So many times the usual variation from the middle makes a suspicion of 1."""


def suspicions(looks: Sequence[Look], size: tuple[int, int]) -> dict[str, Floats]:
    """Return how suspicious each frame is for each cause.

    A measure's distance from its median over the clip is divided by its usual variation, which is 1.48 times the median
    distance, or a floor. Six times that is a suspicion of 1, and log2(1 + distance / 6) makes very different causes
    comparable: 2 is 18 times, 3 is 42 times. How far alpha lags is taken from 0 instead, beside the floor: a good
    matte never does, and one that stands still for half of a clip is no better for it.

    Args:
        looks: At all frames in order.
        size: (height, width) of the frames in px.

    Returns:
        By cause (T,) values from 0.
    """
    pixels, side = size[0] * size[1], max(size)
    raw: dict[str, Floats] = {
        "hole": series(looks, "hole") / pixels,
        "island": series(looks, "island") / pixels,
        "flicker": np.nan_to_num(series(looks, "flicker")),
        "frozen": _whole_spans(series(looks, "lag")) / side,
        "area": _by_scene(looks, lambda part: departures(np.cumsum(np.nan_to_num(series(part, "step"))))),
        "softness": _by_scene(looks, lambda part: departures(np.log(_known(series(part, "width")) + SHARP))),
        "spill": _by_scene(looks, lambda part: departures(_known(series(part, "spill")))),
    }
    return {
        cause: _suspicion(values, USUAL[cause], middle=0.0 if cause == "frozen" else None)
        for cause, values in raw.items()
    }


def departures(values: Floats) -> Floats:
    """Return how far each value leaves its course: what soon returns, and what stays, which counts at its first frame.

    Args:
        values: (T,), of one scene.

    Example:
        >>> departures(np.array([0.0, 0, 0, 0, 5, 0, 0, 0, 0])).tolist()
        [0.0, 0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 0.0]
        >>> departures(np.array([0.0, 0, 0, 0, 5, 5, 5, 5, 5])).tolist()
        [0.0, 0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 0.0]
    """
    count = len(values)
    result = np.zeros(count)
    for place in range(count):
        reach = min(4, place, count - 1 - place)
        result[place] = abs(values[place] - np.median(values[place - reach : place + reach + 1]))
        if place and count - place > 1:
            stays = np.median(values[place : place + 9]) - np.median(values[max(0, place - 9) : place])
            jump = values[place] - values[place - 1]
            result[place] = max(result[place], min(abs(jump), abs(stays)) if jump * stays > 0 else 0.0)
    return result


def series(looks: Sequence[Look], name: str) -> Floats:
    """Return one measure of all looks, (T,)."""
    return np.array([getattr(look, name) for look in looks], dtype=np.float64)


def runs(mask: NDArray[np.bool_], gap: int) -> list[tuple[int, int]]:
    """Return the runs of a mask, those apart by less than a gap joined, as (first, one past the last)."""
    spans: list[tuple[int, int]] = []
    for place in np.flatnonzero(mask).tolist():
        if spans and place - spans[-1][1] < gap:
            spans[-1] = (spans[-1][0], place + 1)
        else:
            spans.append((place, place + 1))
    return spans


def _by_scene(looks: Sequence[Look], measure: Callable[[Sequence[Look]], Floats]) -> Floats:
    parts = [measure(looks[first:end]) for first, end in scenes(looks)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _known(values: Floats) -> Floats:
    """Return values in which each unknown one is the last known before it, or the first known after it, or 0."""
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return np.zeros_like(values)
    nearest = np.maximum(np.searchsorted(known, np.arange(len(values)), side="right") - 1, 0)
    filled: Floats = values[known[nearest]]
    return filled


def _whole_spans(values: Floats) -> Floats:
    """Return for each frame the largest value of its unbroken run above 0."""
    result = np.zeros_like(values)
    for first, end in runs(values > 0, 1):
        result[first:end] = values[first:end].max()
    return result


def _suspicion(values: Floats, floor: float, *, middle: float | None = None) -> Floats:
    """Return suspicions of distances from the median, or of those from a fixed middle in units of the floor."""
    if not len(values):
        return values
    usual = floor
    if middle is None:
        middle = float(np.median(values))
        usual = max(1.4826 * float(np.median(np.abs(values - middle))), floor)
    suspicion: Floats = np.log2(1 + np.maximum(values - middle, 0) / (usual * DEVIATIONS))
    return suspicion
