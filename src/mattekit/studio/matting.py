"""Alpha of single frames at once, and of spans as matting does it: each frame encoded once, neighbours seen."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from torch import Tensor

from mattekit.ops.trimap import force_known
from mattekit.studio.board import Board, HeldAlpha
from mattekit.studio.carrying import as_trimap
from mattekit.studio.near import NearFrames
from mattekit.studio.pictures import Levels, pack
from mattekit.types import Matter, State

STILL, LEAST_STILL = 3, 64
"""Levels of 8 bits by which a picture that stands still may differ, once smoothed, and the pixels that must."""

RECENT = 8


@dataclass
class _Stream:
    """A span that is being matted.

    Attributes:
        state: What the matter handed back last.
        next: Frame that comes in next.
        out: Frame whose alpha comes out next.
        wanted: First frame whose alpha has seen all its neighbours.
        seen: Checksums of the trimaps that came in, by frame.
    """

    next: int
    out: int
    wanted: int
    state: State = None
    seen: dict[int, int] = field(default_factory=dict)


class AlphaMaker:
    """Makes alphas from the frames and trimaps of a session.

    Args:
        matter: Makes alpha.
        frames: The clip's.
        board: Where the trimaps are; alphas are put there by the caller.
    """

    def __init__(self, matter: Matter, frames: NearFrames, board: Board) -> None:
        self._matter, self._frames, self._board = matter, frames, board
        self._stream: _Stream | None = None
        self._recent: OrderedDict[int, Levels] = OrderedDict()

    def alone(self, number: int) -> HeldAlpha:
        """Return the alpha of a frame that has a trimap, as if the clip had no other frame."""
        frame, trimap = self._frames.tensor(number)[None], self._trimap(number)
        alpha, _, state = self._matter.step(frame, trimap, None)
        if not len(alpha):
            alpha, _, _ = self._matter.step(frame[:0], trimap[:0], state)
        return self._held(number, force_known(alpha, trimap), self._board.stamps([number]))

    def towards(self, number: int) -> list[tuple[int, HeldAlpha]]:
        """Take one more frame on the way to a frame's alpha, and return the alphas that are ready.

        All frames of its `Board.window` have trimaps. Called again for the frame until it is among what is returned,
        then for the next one, it encodes every frame once.
        """
        first, end = self._board.scene(number)
        stream = self._stream
        if stream is None or number != max(stream.out, stream.wanted) or not self._holds(stream):
            begin = max(first, number - self._matter.context)
            stream = self._stream = _Stream(begin, begin, number)
        if stream.next < end:
            alphas = self._push(stream)
        else:
            frame = self._frames.tensor(end - 1)[None]
            alphas, _, _ = self._matter.step(frame[:0], frame[:0, :1], stream.state)
        found = []
        for alpha in alphas:
            out, stream.out = stream.out, stream.out + 1
            if out >= stream.wanted:
                window = [(near, stream.seen[near]) for near in self._board.window(out)]
                found.append((out, self._held(out, force_known(alpha[None], self._trimap(out)), tuple(window))))
        if stream.next >= end and stream.out >= end:
            self._stream = None
        return found

    def _push(self, stream: _Stream) -> Tensor:
        number = stream.next
        stream.seen[number] = self._board.crc(number)
        stream.next += 1
        alphas, _, stream.state = self._matter.step(
            self._frames.tensor(number)[None], self._trimap(number), stream.state
        )
        return alphas

    def _holds(self, stream: _Stream) -> bool:
        """Return whether the trimaps that a stream has seen and still needs are those of their frames."""
        least = stream.out - self._matter.context
        stream.seen = {number: crc for number, crc in stream.seen.items() if number >= least}
        return all(self._board.crc(number) == crc for number, crc in stream.seen.items())

    def _trimap(self, number: int) -> Tensor:
        return as_trimap(self._board, number)[None].to(self._frames.tensor(number).device)

    def _held(self, number: int, alpha: Tensor, made_from: tuple[tuple[int, int], ...]) -> HeldAlpha:
        levels = (alpha[0, 0].float() * 255).round().to(torch.uint8).cpu().numpy()
        flicker = self._flicker(number, levels)
        self._recent[number] = levels
        while len(self._recent) > RECENT:
            self._recent.popitem(last=False)
        return HeldAlpha(pack(levels), made_from, flicker)

    def _flicker(self, number: int, levels: Levels) -> float | None:
        """Return the mean change of alpha in [0, 1] since the frame before, where the picture stands still.

        Only pixels count that are unknown in either trimap; None where the alpha of the frame before is not at hand, it
        is of another scene, or too little stands still.
        """
        before = self._recent.get(number - 1)
        unknown = [self._board.pixels(near) for near in (number - 1, number)]
        if before is None or number in self._board.cuts or unknown[0] is None or unknown[1] is None:
            return None
        now, then = (_smoothed(self._frames.tensor(near)) for near in (number, number - 1))
        still = (np.abs(now - then).max(axis=-1) <= STILL) & ((unknown[0] == 128) | (unknown[1] == 128))
        if int(still.sum()) < LEAST_STILL:
            return None
        return float(np.abs(levels.astype(np.int16) - before)[still].mean() / 255)


def _smoothed(frame: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return a frame in levels of 8 bits, (H, W, 3), each pixel the mean of those around it."""
    picture = np.ascontiguousarray(frame.permute(1, 2, 0).cpu().numpy())
    smoothed: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = cv2.blur(picture, (5, 5)) * np.float32(255)
    return smoothed
