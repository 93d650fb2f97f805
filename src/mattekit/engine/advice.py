"""At which frames another key trimap would help most, judged by the confidence of the trimaps that were carried."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SLIGHT = 0.02
"""Doubt that no one would look at twice; a frame that has no more, or gains no more, is not named."""

MOST_STEPS = 1_000_000
"""Steps that weighing every frame may take; of a longer clip every second frame is weighed, or every third."""

FARAWAY = 1 << 40
"""Distance of a frame whose scene has no key."""


@dataclass(frozen=True)
class Advice:
    """A frame at which a trimap would help.

    Attributes:
        frame: Its number.
        confidence: In the trimap that was carried to it, in [0, 1].
        gain: Doubt that is expected to go from the clip, in frames of no confidence at all.
    """

    frame: int
    confidence: float
    gain: float


def advise(
    confidences: Mapping[int, float], keys: Sequence[int], *, cuts: Sequence[int] = (), most: int = 3
) -> list[Advice]:
    """Return the frames at which further key trimaps would help, the most helpful first.

    A new key is expected to serve the frames that are nearer to it than to any other key of their scene. Their doubt, 1
    less the confidence, then becomes what the other frames that are as far from a key show in this clip, or falls as
    the square root of the distance does, whichever is less: what is carried wanders, even where a network does not see
    it. Keys are chosen one after the other, each as if those before it were there.

    Args:
        confidences: In [0, 1], by the number of each frame that has no trimap of the user's.
        keys: Numbers of the key frames.
        cuts: Numbers of the frames that begin a new scene.
        most: How many frames to name at most.

    Returns:
        None to ``most`` frames; of equal ones the one of more doubt, then the earliest.

    Example:
        >>> found = advise({1: 0.9, 2: 0.8, 3: 0.5, 4: 0.4, 5: 0.5}, [0])
        >>> [advice.frame for advice in found]
        [4]
    """
    doubts = {frame: 1 - confidence for frame, confidence in sorted(confidences.items()) if frame not in set(keys)}
    plan = _Plan(doubts, sorted(set(keys)), sorted(set(cuts)))
    chosen: list[Advice] = []
    while doubts and len(chosen) < most:
        gains = {frame: plan.gain(frame) for frame in plan.candidates() if doubts[frame] > SLIGHT}
        best = max(gains, key=lambda frame: (round(gains[frame], 9), doubts[frame], -frame), default=None)
        if best is None or gains[best] <= SLIGHT:
            break
        chosen.append(Advice(best, confidences[best], gains[best]))
        plan.add(best)
    return chosen


def nearest_key(frame: int, keys: Sequence[int], cuts: Sequence[int] = ()) -> int | None:
    """Return how far a frame is from the nearest key of its scene, in frames, or None where the scene has none.

    Args:
        frame: Its number.
        keys: Numbers of the key frames, increasing.
        cuts: Numbers of the frames that begin a new scene, increasing.
    """
    scene = bisect_right(cuts, frame)
    after = bisect_left(keys, frame)
    around = [key for key in keys[max(after - 1, 0) : after + 1] if bisect_right(cuts, key) == scene]
    return min((abs(key - frame) for key in around), default=None)


def rising_doubt(seen: Mapping[int, Sequence[float]]) -> list[float]:
    """Return the doubt to expect at each distance from a key, from 0 up, never falling.

    It is the median of what was seen there; where a farther distance shows less, the two are taken together: the
    rising sequence nearest in least squares. A distance at which nothing was seen takes that of the next farther one.

    Args:
        seen: Doubts in [0, 1] by distance in frames, from 1; those at a distance in any order, at least one.

    Source:
        Ayer et al., An empirical distribution function for sampling with incomplete information, 1955.
    """
    blocks: list[tuple[float, int, int]] = []  # mean, frames, distances
    reached = 0
    for distance in sorted(seen):
        mean, count, span = float(median(seen[distance])), len(seen[distance]), distance - reached
        reached = distance
        while blocks and blocks[-1][0] > mean:
            other, others, width = blocks.pop()
            mean = (mean * count + other * others) / (count + others)
            count, span = count + others, span + width
        blocks.append((mean, count, span))
    return [0.0, *(mean for mean, _, span in blocks for _ in range(span))]


class _Plan:
    """What doubt is left, and how far each frame is from a key, as keys are added."""

    def __init__(self, doubts: Mapping[int, float], keys: Sequence[int], cuts: Sequence[int]) -> None:
        self._own = dict(doubts)
        self._frames = np.array(list(doubts), dtype=np.int64)
        self._doubts = np.array(list(doubts.values()), dtype=np.float64)
        self._scenes = np.searchsorted(np.asarray(cuts), self._frames, side="right")
        found = {frame: nearest_key(frame, keys, cuts) for frame in doubts}
        self._at = {frame: FARAWAY if distance is None else distance for frame, distance in found.items()}
        self._distances = np.array(list(self._at.values()), dtype=np.int64)
        self._seen: dict[int, list[float]] = {}
        for frame, distance in self._at.items():
            if distance < FARAWAY:
                self._seen.setdefault(distance, []).append(doubts[frame])
        self._expected: dict[int, NDArray[np.float64]] = {}

    def candidates(self) -> list[int]:
        """Return the frames that may become keys, not too many of a long clip."""
        places = np.flatnonzero(self._distances > 0)
        stride = 1 + len(places) * max(len(self._seen), len(places) // 16) // MOST_STEPS
        return [int(frame) for frame in self._frames[places[::stride]]]

    def gain(self, key: int) -> float:
        """Return the doubt that a key takes away."""
        served, left, _ = self._serve(key)
        return float((self._doubts[served] - left).sum())

    def add(self, key: int) -> None:
        """Make a frame a key."""
        served, left, distances = self._serve(key)
        self._doubts[served], self._distances[served] = left, distances

    def _serve(self, key: int) -> tuple[slice, NDArray[np.float64], NDArray[np.int64]]:
        """Return the frames of a key's scene, the doubt left in each, and how far each is from a key then."""
        scene = self._scenes[np.searchsorted(self._frames, key)]
        first, end = np.searchsorted(self._scenes, [scene, scene + 1])
        served = slice(int(first), int(end))
        away = np.abs(self._frames[served] - key)
        expected = self._expect(key)
        hoped = np.where(away < len(expected), expected[np.minimum(away, len(expected) - 1)], 1.0)
        doubts, before = self._doubts[served], self._distances[served]
        hoped = np.minimum(hoped, doubts * np.sqrt(away / np.maximum(before, 1)))
        left = np.where(away < before, np.minimum(doubts, hoped), doubts)
        return served, left, np.minimum(away, before)

    def _expect(self, key: int) -> NDArray[np.float64]:
        """Return the doubt to expect at each distance, by all frames but this one: its own must not speak for it."""
        if key not in self._expected:
            seen, distance = dict(self._seen), self._at[key]
            if distance in seen:
                others = list(seen.pop(distance))
                others.remove(self._own[key])
                if others:
                    seen[distance] = others
            self._expected[key] = np.asarray(rising_doubt(seen))
        return self._expected[key]
