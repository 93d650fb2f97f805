"""Makes of what was measured at each frame how suspicious it is, and a list of what to look at, worst first."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattekit.metrics.blind.look import Box, Look, scenes

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

LISTED = 1.0
"""Suspicion from which a frame is listed."""

KINDS = ("hole", "island", "unsteady", "frozen", "unsteady", "unsteady", "spill")
"""What kind of damage each cause is a sign of; a frame is listed for the kind that it is most suspicious of."""

GAPS = {"flicker": 8, "area": 8, "softness": 8}
GAP = 3
"""Frames of one cause that are no farther apart are one entry; of those named, which come and go, farther."""


@dataclass(frozen=True)
class Finding:
    """Frames that are suspicious for one cause.

    Attributes:
        cause: One of `CAUSES`.
        first: Number of the first frame.
        last: Number of the last frame.
        worst: Number of the frame to look at.
        suspicion: Of that frame.
        words: What is wrong, to be read by a person.
        box: Where, as shares of height and width (top, left, bottom, right), or None for all of it.
        also: Weaker causes at these frames.
    """

    cause: str
    first: int
    last: int
    worst: int
    suspicion: float
    words: str
    box: Box | None = None
    also: tuple[str, ...] = ()

    @property
    def frames(self) -> str:
        """The frames in words."""
        return f"frame {self.first}" if self.first == self.last else f"frames {self.first}-{self.last}"

    def __str__(self) -> str:
        also = f" (also {', '.join(self.also)})" if self.also else ""
        return f"{self.frames}: {self.words}{also}"


def suspicions(looks: Sequence[Look], size: tuple[int, int]) -> dict[str, Floats]:
    """Return how suspicious each frame is for each cause.

    A measure's distance from its median over the clip is divided by its usual variation, which is 1.48 times the median
    distance, or a floor. Six times that is a suspicion of 1, and log2(1 + distance / 6) makes very different causes
    comparable: 2 is 18 times, 3 is 42 times.

    Args:
        looks: At all frames in order.
        size: (height, width) of the frames in px.

    Returns:
        By cause (T,) values from 0.
    """
    pixels, side = size[0] * size[1], max(size)
    raw: dict[str, Floats] = {
        "hole": _series(looks, "hole") / pixels,
        "island": _series(looks, "island") / pixels,
        "flicker": np.nan_to_num(_series(looks, "flicker")),
        "frozen": _whole_spans(_series(looks, "lag")) / side,
        "area": _by_scene(looks, lambda part: departures(np.cumsum(np.nan_to_num(_series(part, "step"))))),
        "softness": _by_scene(looks, lambda part: departures(np.log(_known(_series(part, "width")) + SHARP))),
        "spill": _by_scene(looks, lambda part: departures(_known(_series(part, "spill")))),
    }
    return {cause: _suspicion(values, USUAL[cause]) for cause, values in raw.items()}


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


def find(looks: Sequence[Look], size: tuple[int, int]) -> tuple[list[Finding], Floats]:
    """Return what to look at, worst first, and the suspicion of every frame, which is that of its worst cause.

    Args:
        looks: At all frames in order.
        size: (height, width) of the frames in px.
    """
    scores = suspicions(looks, size)
    if not looks:
        return [], np.zeros(0)
    table = np.stack([scores[cause] for cause in CAUSES])
    kinds = np.array(KINDS)
    own = (table >= LISTED) & (kinds[:, None] == kinds[table.argmax(axis=0)][None])
    listed = [
        _finding(cause, looks, table[place], span)
        for place, cause in enumerate(CAUSES)
        for span in _spans(own[place], looks, GAPS.get(cause, GAP))
    ]
    kept: list[Finding] = []
    for finding in sorted(listed, key=lambda each: (-each.suspicion, each.first)):
        host = next((at for at, each in enumerate(kept) if _belongs(finding, each)), None)
        if host is None:
            kept.append(finding)
        else:
            kept[host] = _joined(kept[host], finding)
    return kept, table.max(axis=0)


def _series(looks: Sequence[Look], name: str) -> Floats:
    return np.array([getattr(look, name) for look in looks], dtype=np.float64)


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
    for first, end in _runs(values > 0, 1):
        result[first:end] = values[first:end].max()
    return result


def _suspicion(values: Floats, floor: float) -> Floats:
    if not len(values):
        return values
    middle = np.median(values)
    usual = max(1.4826 * float(np.median(np.abs(values - middle))), floor)
    suspicion: Floats = np.log2(1 + np.maximum(values - middle, 0) / (usual * DEVIATIONS))
    return suspicion


def _runs(mask: NDArray[np.bool_], gap: int) -> list[tuple[int, int]]:
    """Return the runs of a mask, those apart by less than a gap joined, as (first, one past the last)."""
    spans: list[tuple[int, int]] = []
    for place in np.flatnonzero(mask).tolist():
        if spans and place - spans[-1][1] < gap:
            spans[-1] = (spans[-1][0], place + 1)
        else:
            spans.append((place, place + 1))
    return spans


def _spans(mask: NDArray[np.bool_], looks: Sequence[Look], gap: int) -> list[tuple[int, int]]:
    """Return the runs of frames of one entry; none goes on over a cut."""
    return [
        (first + start, first + stop) for first, end in scenes(looks) for start, stop in _runs(mask[first:end], gap)
    ]


def _belongs(weak: Finding, strong: Finding) -> bool:
    """Return whether at least half of a finding's frames are those of a stronger one, or all but beside them."""
    shared = min(weak.last, strong.last) - max(weak.first, strong.first) + 1
    beside = strong.first - 1 <= weak.first and weak.last <= strong.last + 1
    return beside or 2 * shared > weak.last - weak.first + 1


def _joined(strong: Finding, weak: Finding) -> Finding:
    """Return a finding that names a weaker one, and has its frames too where they are more than the one beside."""
    also = strong.also if weak.cause in (strong.cause, *strong.also) else (*strong.also, weak.cause)
    if strong.first - 1 <= weak.first and weak.last <= strong.last + 1:
        return replace(strong, also=also)
    return replace(strong, also=also, first=min(strong.first, weak.first), last=max(strong.last, weak.last))


def _finding(cause: str, looks: Sequence[Look], values: Floats, span: tuple[int, int]) -> Finding:
    first, end = span
    worst = first + int(np.argmax(values[first:end]))
    if cause == "frozen":
        worst = first + int(np.argmax(_series(looks[first:end], "lag")))
    words = _WORDS[cause](looks, worst)
    box = looks[worst].boxes.get(cause)
    return Finding(
        cause, looks[first].frame, looks[end - 1].frame, looks[worst].frame, float(values[worst]), words, box
    )


def _area_words(looks: Sequence[Look], worst: int) -> str:
    step = looks[worst].step
    return f"the area {'grows' if step > 0 else 'shrinks'} by {abs(step):.0%} at once"


def _softness_words(looks: Sequence[Look], worst: int) -> str:
    before = looks[worst - 1].width if worst else math.nan
    return f"the edge is {looks[worst].width:.1f} px wide, in the frame before {before:.1f}"


_WORDS: Mapping[str, Callable[[Sequence[Look], int], str]] = {
    "hole": lambda looks, worst: f"hole of {looks[worst].hole:.0f} px",
    "island": lambda looks, worst: f"island of {looks[worst].island:.0f} px",
    "flicker": lambda looks, worst: f"alpha flickers by {looks[worst].flicker:.1%} of the subject",
    "frozen": lambda looks, worst: f"alpha frozen while the picture moves by {looks[worst].lag:.0f} px",
    "area": _area_words,
    "softness": _softness_words,
    "spill": lambda looks, worst: f"{looks[worst].spill:.0%} of the background's colour in the edge",
}
