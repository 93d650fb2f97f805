"""Makes of how suspicious the frames are a list of what to look at, in words, worst first."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mattekit.metrics.blind.look import Box, Look, scenes
from mattekit.metrics.blind.suspicion import CAUSES, Floats, runs, series, suspicions

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


def _spans(mask: NDArray[np.bool_], looks: Sequence[Look], gap: int) -> list[tuple[int, int]]:
    """Return the runs of frames of one entry; none goes on over a cut."""
    return [(first + start, first + stop) for first, end in scenes(looks) for start, stop in runs(mask[first:end], gap)]


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
        worst = first + int(np.argmax(series(looks[first:end], "lag")))
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
