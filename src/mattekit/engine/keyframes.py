"""Which key frames a frame's trimap is carried from, and how they are loaded: two at most at a time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from torch import Tensor

from mattekit.checks import InputError, check_rank, check_same_size
from mattekit.ops.trimap import check_trimap
from mattekit.types import Propagator, State

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


class Keyframes:
    """The key frames of a clip, of which those in use are loaded.

    Args:
        indices: Numbers of the key frames, in any order.
        cuts: Numbers of the frames that begin a new scene.
        trimap_at: Returns the trimap (1, H, W) of a key frame; called in increasing order, at most once for each.
        frame_at: Returns the picture (3, H, W) of a key frame that has not come by yet; called like ``trimap_at``.
    """

    def __init__(
        self,
        indices: Sequence[int],
        cuts: Sequence[int],
        trimap_at: Callable[[int], Tensor],
        frame_at: Callable[[int], Tensor],
    ) -> None:
        self._indices, self._cuts = sorted(set(indices)), sorted(set(cuts))
        self._trimap_at, self._frame_at = trimap_at, frame_at
        self._loaded: dict[int, _Key] = {}

    def around(self, number: int, frame: Tensor) -> list[_Key]:
        """Return the key frames that a frame needs, the nearest first; those it has left behind are let go."""
        scene = _scene(self._cuts, number)
        around = keyframes_around(self._indices, number, scene=scene)
        if not around:
            last = "the end" if scene[1] is None else scene[1] - 1
            raise InputError(
                f"every scene must have a key frame; the one from frame {scene[0]} to {last} has none: "
                "give a trimap of one of its frames"
            )
        for index in sorted(around):
            if index not in self._loaded:
                self._loaded[index] = _Key(index, _load_trimap(index, frame, self._trimap_at))
        self._loaded = {index: key for index, key in self._loaded.items() if index >= min(around)}
        return [self._loaded[index] for index in around]

    def references(self, around: Sequence[_Key], propagator: Propagator, like: Tensor) -> list[State]:
        """Return the encoded key frames in the order given; pictures are asked for in order of time."""
        encoded = {
            key.index: key.reference(propagator, self._frame_at, like)
            for key in sorted(around, key=lambda key: key.index)
        }
        return [encoded[key.index] for key in around]

    def has_earlier(self, number: int) -> bool:
        """Return whether a key frame comes before a frame in its scene; else what was guessed before is no help."""
        after = bisect_left(self._indices, number)
        return after > 0 and self._indices[after - 1] >= _scene(self._cuts, number)[0] and number not in self._cuts


def _scene(cuts: Sequence[int], frame: int) -> tuple[int, int | None]:
    """Return the first frame of a frame's scene, and the first of the next scene or None."""
    after = bisect_right(cuts, frame)
    return (cuts[after - 1] if after else 0), (cuts[after] if after < len(cuts) else None)


class _Key:
    """A key frame in use: its trimap, its picture as soon as it is known, its encoding as soon as it is needed."""

    def __init__(self, index: int, trimap: Tensor) -> None:
        self.index, self.trimap = index, trimap
        self.frame: Tensor | None = None
        self._encoded: State = None
        self._is_encoded = False

    def reference(self, propagator: Propagator, frame_at: Callable[[int], Tensor], like: Tensor) -> State:
        """Return the encoded reference; the picture is let go once it is made."""
        if not self._is_encoded:
            frame = frame_at(self.index).to(like) if self.frame is None else self.frame
            self._encoded, self._is_encoded, self.frame = propagator.reference(frame, self.trimap), True, None
        return self._encoded


def _load_trimap(index: int, frame: Tensor, trimap_at: Callable[[int], Tensor]) -> Tensor:
    trimap = trimap_at(index).to(frame)
    check_rank(f"the trimap of frame {index}", trimap, "1 H W")
    check_same_size("frames", frame, f"the trimap of frame {index}", trimap)
    check_trimap(trimap)
    return trimap
