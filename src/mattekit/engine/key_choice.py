"""Which frames of a clip are best taken for key frames, where each frame's trimap could be made without a user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

EVERY = 24
"""Frames of which one becomes a key frame, where one can be trusted."""

APART = 6
"""Frames that two key frames of a scene are apart at least, so that what is looked at around each is not shared."""

TRUSTED = 0.75
"""Trust from which on a frame becomes a key frame of its stretch; the best one of a scene always does."""

BELIEVED = 0.5
"""Trust from which on a frame that shows something is taken before one that shows nothing."""

NEAR_BEST = 0.9
"""And it must have this share of the trust in the best frame of the scene."""

AROUND = 4
"""Frames to each side whose middle share tells how much of people should be seen in a frame."""


@dataclass(frozen=True)
class Reading:
    """What is known of a frame before any trimap is made.

    Attributes:
        share: Part of the frame that shows what is matted, in [0, 1].
        confidence: How far that can be trusted, in [0, 1].
        empty: Whether nothing of it is there.
    """

    share: float
    confidence: float
    empty: bool


@dataclass(frozen=True)
class Choice:
    """A key frame.

    Attributes:
        frame: Its number.
        trust: In what was seen there, in [0, 1].
        empty: Whether it shows nothing of what is matted.
    """

    frame: int
    trust: float
    empty: bool


def choose_keys(readings: Sequence[Reading], *, start: int = 0, cuts: Sequence[int] = ()) -> list[Choice]:
    """Return key frames in order: of each scene the most trusted frame, and others where they can be trusted too.

    A scene is divided into stretches of about `EVERY` frames. The best frame of each becomes a key frame, if it is
    trusted by itself and against the best of the scene, and not next to another. Where the whole scene is hard to read
    there is one key frame, and the rest is left to propagation.

    Args:
        readings: Of every frame in a row.
        start: Number of the first.
        cuts: Numbers of the frames that begin a new scene.

    Returns:
        At least one for each scene. A scene in which nothing is seen anywhere has an empty one.

    Example:
        >>> readings = [Reading(0.2, 0.5, False), Reading(0.2, 0.9, False), Reading(0.2, 0.6, False)]
        >>> choose_keys(readings, start=10)
        [Choice(frame=11, trust=0.9, empty=False)]
    """
    places = sorted({cut - start for cut in cuts if 0 < cut - start < len(readings)})
    chosen: list[Choice] = []
    for first, end in pairwise([0, *places, len(readings)]):
        trusts = trust(readings[first:end])
        for place in _keys_of(readings[first:end], trusts):
            chosen.append(Choice(start + first + place, trusts[place], readings[first + place].empty))
    return chosen


def trust(readings: Sequence[Reading]) -> list[float]:
    """Return how far each frame of a scene can be trusted: by itself, and as it agrees with the frames around it.

    A frame that shows less or more than the frames around it do in the middle is one in which something was missed or
    mistaken, so that its confidence counts by the ratio of the two.

    Args:
        readings: Of the frames of one scene.
    """
    found = []
    for place, reading in enumerate(readings):
        around = [each.share for each in readings[max(0, place - AROUND) : place + AROUND + 1]]
        middle = median(around)
        agreed = 1.0 if reading.empty and middle == reading.share else _ratio(reading.share, middle)
        found.append(reading.confidence * agreed)
    return found


def _ratio(one: float, other: float) -> float:
    """Return the smaller of two shares by the larger; those of next to nothing are alike."""
    slight = 1e-3
    return (min(one, other) + slight) / (max(one, other) + slight)


def _keys_of(readings: Sequence[Reading], trusts: Sequence[float]) -> list[int]:
    """Return the places of a scene's key frames, in order."""
    count = max(1, round(len(readings) / EVERY))
    stretches = [range(len(readings) * each // count, len(readings) * (each + 1) // count) for each in range(count)]
    seen = [_surest(stretch, readings, trusts) for stretch in stretches if len(stretch)]
    shown = [place for place in seen if not readings[place].empty] or seen
    best = max(shown, key=lambda place: (trusts[place], -place))
    least = max(TRUSTED, NEAR_BEST * trusts[best])
    keys = [best]
    for stretch in stretches:
        free = [place for place in stretch if all(abs(place - key) >= APART for key in keys)]
        able = [place for place in free if trusts[place] >= least]
        if best not in stretch and able:
            keys.append(_surest(able, readings, trusts))
    return sorted(keys)


def _surest(places: Sequence[int], readings: Sequence[Reading], trusts: Sequence[float]) -> int:
    """Return one of some places: one that shows something, of these the surest, of about equal ones the middle one."""
    seen = [place for place in places if not readings[place].empty and trusts[place] >= BELIEVED] or places
    middle = (places[0] + places[-1]) / 2
    return max(seen, key=lambda place: (round(trusts[place], 2), -abs(place - middle), -place))
