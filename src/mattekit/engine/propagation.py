"""Carries trimaps along a clip, and what it must remember of the frame before to go on from there another time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.engine.keyframes import Keyframes
from mattekit.types import Chunk, Propagator, State


class Propagation:
    """The propagation of one clip's trimaps; between two chunks its state can be taken, and given to another.

    A key frame takes the user's trimap untouched; any other frame takes what the propagator carries over from the key
    frames around it in time and from the frame before. Nothing is carried over a cut. Two key frames at most are in
    memory at a time, each encoded only when a frame needs it; they are no part of the state, since they can be encoded
    again.

    Args:
        propagator: May be None when every frame is a key frame.
        indices: Numbers of the key frames, in any order.
        trimap_at: Returns the trimap (1, H, W) of a key frame; called in increasing order, at most once for each.
        frame_at: Returns the picture (3, H, W) of a key frame that has not come by; called like ``trimap_at``.
        cuts: Numbers of the frames that begin a new scene.
        watch: Called with the number of each frame that has no trimap of the user's, and the confidence in its trimap.

    Attributes:
        state: What the propagator made of the last frame; None at the beginning and after a key frame.
    """

    def __init__(
        self,
        propagator: Propagator | None,
        *,
        indices: Sequence[int],
        trimap_at: Callable[[int], Tensor],
        frame_at: Callable[[int], Tensor],
        cuts: Sequence[int] = (),
        watch: Callable[[int, float], None] | None = None,
    ) -> None:
        self.state: State = None
        self._propagator, self._watch = propagator, watch
        self._indices = list(indices)
        self._keys = Keyframes(indices, cuts, trimap_at, frame_at)

    def run(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """Yield every chunk with a trimap for each frame.

        Raises:
            InputError: There is no key frame, a trimap does not fit the clip, a frame has none and there is no
                propagator, or a scene has no key frame.
        """
        if not self._indices:
            raise InputError("propagation must start from at least one key frame; got none: give a trimap of one frame")
        for chunk in chunks:
            trimaps = [self._trimap(number, frame) for number, frame in enumerate(chunk.frames, start=chunk.start)]
            yield replace(chunk, trimap=torch.stack(trimaps))

    def _trimap(self, number: int, frame: Tensor) -> Tensor:
        """Return the trimap of the next frame."""
        around = self._keys.around(number, frame)
        if around[0].index == number:
            around[0].frame, self.state = frame, None
            return around[0].trimap
        if self._propagator is None:
            raise InputError(f"every frame must have a trimap where nothing propagates them; frame {number} has none")
        references = self._keys.references(around, self._propagator, frame)
        before = self.state if self._keys.has_earlier(number) else None
        found = self._propagator.step(frame, references, before)
        self.state = found.state
        if self._watch is not None:
            self._watch(number, found.confidence)
        return found.trimap
