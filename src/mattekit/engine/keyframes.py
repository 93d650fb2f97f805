"""Which key frames a frame's trimap is carried from, and how they are loaded: two at most at a time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from torch import Tensor

from mattekit.checks import InputError, check_rank, check_same_size
from mattekit.engine.nearest import keyframes_around, scene_of
from mattekit.ops.trimap import check_trimap
from mattekit.types import Propagator, State


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
        scene = scene_of(self._cuts, number)
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
        return after > 0 and self._indices[after - 1] >= scene_of(self._cuts, number)[0] and number not in self._cuts


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
