"""Carries trimaps a frame at a time, in any order, with the results of one walk along the clip."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor

from mattekit.engine.propagation import Propagation
from mattekit.studio.board import Board, Held, Source
from mattekit.studio.near import NearFrames
from mattekit.studio.pictures import pack
from mattekit.types import Chunk, Propagated, Propagator, State

REFERENCES, STATES = 8, 24
"""Encoded key frames and states of frames that are kept; of size small 5 MB each at most."""

EVERY = 4
"""Of frames further back the state of every so manyth is kept."""


class KeptReferences:
    """A propagator that encodes the same key frame with the same trimap once.

    Args:
        propagator: Does the work.
        most: References that are kept.
    """

    def __init__(self, propagator: Propagator, *, most: int = REFERENCES) -> None:
        self._propagator, self._most = propagator, most
        self._kept: OrderedDict[tuple[int, int], State] = OrderedDict()

    def reference(self, frame: Tensor, trimap: Tensor) -> State:
        """Return one key frame, (3, H, W) and (1, H, W), encoded."""
        content = _checksum(frame), _checksum(trimap)
        if content not in self._kept:
            self._kept[content] = self._propagator.reference(frame, trimap)
        self._kept.move_to_end(content)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return self._kept[content]

    def step(self, frame: Tensor, references: Sequence[State], state: State) -> Propagated:
        """Return the trimap of a frame, as the propagator has it."""
        return self._propagator.step(frame, references, state)


class Carrier:
    """Gives frames their carried trimaps.

    A frame after a key frame hangs on the frame before it. States of some frames are kept, so that what is asked for
    next, or again after an edit, need not be walked to from its key frame; kept or walked, the result is the same.

    Args:
        propagator: Carries.
        frames: The clip's.
        board: Where the trimaps are; what is carried is put there by the caller.
    """

    def __init__(self, propagator: Propagator, frames: NearFrames, board: Board) -> None:
        self._propagator = KeptReferences(propagator)
        self._frames, self._board = frames, board
        self._states: OrderedDict[int, tuple[int, Source, State]] = OrderedDict()
        self._walk: Propagation | None = None
        self._walk_keys: tuple[tuple[int, int], ...] = ()
        self._at = -1

    def first_for(self, number: int) -> int:
        """Return the frame to carry to first on the way to a frame that is no key frame; often the frame itself."""
        before, _ = self._board.around(number)
        if before is None:
            return number
        for earlier in range(number - 1, before, -1):
            if self._is_known(earlier):
                return earlier + 1
        return before + 1

    def carry(self, number: int) -> Held:
        """Return the trimap of a frame that is no key frame; the one before it is known, or is the key frame.

        Raises:
            MediaError: A frame that is needed is damaged.
        """
        source = self._board.source(number)
        if source is None:
            raise ValueError(f"a frame must have a key frame in its scene; frame {number} has none")
        confidences: list[float] = []
        walk = self._walking(number, confidences)
        before = self._states.get(number - 1)
        walk.state = None if source.before is None or source.before[0] == number - 1 or before is None else before[2]
        chunk = Chunk(number, torch.tensor([number]), self._frames.tensor(number)[None])
        found = next(walk.run([chunk])).trimap
        if found is None:
            raise ValueError("propagation must give every chunk a trimap; it gave none")
        packed = pack((found[0, 0] * 255).round().to(torch.uint8).cpu().numpy())
        self._keep(number, packed.crc, source, walk.state)
        self._at = number
        return Held(packed, source, confidences[0] if confidences else None)

    def _is_known(self, number: int) -> bool:
        """Return whether the state of a frame is kept that belongs to the trimap it has, and that is up to date."""
        kept = self._states.get(number)
        if kept is None:
            return False
        crc, source, _ = kept
        return crc == self._board.crc(number) and source == self._board.source(number)

    def _keep(self, number: int, crc: int, source: Source, state: State) -> None:
        """Keep a state; of those before it, only every so manyth."""
        if (number - 1) % EVERY:
            self._states.pop(number - 1, None)
        self._states.pop(number, None)
        self._states[number] = crc, source, state
        while len(self._states) > STATES:
            self._states.popitem(last=False)

    def _walking(self, number: int, confidences: list[float]) -> Propagation:
        """Return what carries on from the last frame, or begins anew where key frames changed or time goes back."""
        keys = self._board.stamps(self._board.keys)
        if self._walk is None or keys != self._walk_keys or number <= self._at:
            self._told = confidences
            self._walk_keys = keys
            self._walk = Propagation(
                self._propagator,
                indices=self._board.keys,
                trimap_at=self._key_trimap,
                frame_at=self._frames.tensor,
                cuts=self._board.cuts,
                watch=lambda _, confidence: self._told.append(confidence),
            )
        self._told = confidences
        return self._walk

    def _key_trimap(self, number: int) -> Tensor:
        return as_trimap(self._board, number)


def as_trimap(board: Board, number: int) -> Tensor:
    """Return a frame's trimap, (1, H, W) in {0, 0.5, 1}.

    Raises:
        ValueError: It has none.
    """
    pixels = board.pixels(number)
    if pixels is None:
        raise ValueError(f"a frame must have a trimap here; frame {number} has none")
    return (torch.from_numpy(pixels.copy())[None] / 127.5).round() / 2


def _checksum(tensor: Tensor) -> int:
    return zlib.crc32(tensor.detach().cpu().contiguous().numpy().tobytes())
