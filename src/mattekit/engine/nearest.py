"""Which key frames a frame's trimap is carried from; by their numbers alone, without torch."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

FARTHEST = 3
"""A second key frame is used where it is at most this many times as far in time as the nearest."""


def keyframes_around(indices: Sequence[int], frame: int, *, scene: tuple[int, int | None] = (0, None)) -> list[int]:
    """Return the key frames that a frame's trimap is carried from, the nearest first, the earlier of two as near.

    They are the last one before and the first one after it; the farther of them only where it is not more than
    `FARTHEST` times as far.

    Args:
        indices: Numbers of the key frames, increasing.
        frame: Number of a frame; a key frame has itself alone.
        scene: First frame of the scene, and the frame after its last one or None; key frames outside are left out.

    Returns:
        One or two numbers; none where the scene has no key frame.

    Example:
        >>> keyframes_around([0, 10], 4), keyframes_around([0, 10], 9), keyframes_around([0, 10], 10)
        ([0, 10], [10], [10])
    """
    first, end = scene
    after = bisect_left(indices, frame)
    around = (
        indices[after : after + 1] if frame in indices[after : after + 1] else indices[max(after - 1, 0) : after + 1]
    )
    inside = [index for index in around if index >= first and (end is None or index < end)]
    ordered = sorted(inside, key=lambda index: (abs(index - frame), index))
    return [index for index in ordered if abs(index - frame) <= FARTHEST * abs(ordered[0] - frame)]


def scene_of(cuts: Sequence[int], frame: int) -> tuple[int, int | None]:
    """Return the first frame of a frame's scene, and the first of the next scene or None."""
    after = bisect_right(cuts, frame)
    return (cuts[after - 1] if after else 0), (cuts[after] if after < len(cuts) else None)
