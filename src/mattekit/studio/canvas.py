"""The trimaps of a clip as a user edits them: painted, given, taken back and made again."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

import numpy as np

from mattekit.checks import InputError
from mattekit.studio import guess as guessing
from mattekit.studio.board import Board, Held, Source
from mattekit.studio.history import History, Step
from mattekit.studio.pictures import Levels, pack
from mattekit.studio.strokes import BACKGROUND, Box, Stroke, Trimap, bounds, check_trimap, paint
from mattekit.studio.telling import Teller
from mattekit.types import ClipInfo

FROM = 128
"""A mask is foreground from this level on."""


@dataclass(frozen=True)
class Change:
    """What became of a frame's trimap.

    Attributes:
        frame: Number of the frame.
        box: Where pixels may have changed, or None where none can have.
        revision: Of the frame's trimap from now on.
        crc: Checksum of all its pixels, 0 where it has no trimap.
        trimap: Its status: "none", "key", "carried" or "stale".
    """

    frame: int
    box: Box | None
    revision: int
    crc: int
    trimap: str


class Canvas:
    """Trimaps of a clip, edited; for any thread.

    Args:
        info: The clip.
    """

    def __init__(self, info: ClipInfo) -> None:
        self.info = info
        self._lock = threading.RLock()
        self._board, self._history = Board(info.size, info.frames), History()
        self._teller = Teller(self._board, self._history, self._lock)

    def depths(self) -> tuple[int, int]:
        """Return how many changes can be taken back, and how many made again."""
        with self._lock:
            return self._history.depths

    def trimap(self, number: int) -> Trimap | None:
        """Return a frame's trimap, (H, W) of 0, 128 and 255, not to be changed, or None."""
        self._check_frame(number)
        with self._lock:
            return self._board.pixels(number)

    def paint(self, stroke: Stroke) -> Change:
        """Paint on a frame, which is a key frame from then on; where it had no trimap all of it is background first.

        Raises:
            InputError: The clip has no such frame, or a band is to change where there is no trimap.
        """
        self._check_frame(stroke.frame)
        with self._lock:
            present = self._board.pixels(stroke.frame)
            if present is None and stroke.tool in ("band", "edge"):
                raise InputError(f"a band must have a trimap to change; frame {stroke.frame} has none: paint first")
            before = self._empty() if present is None else present
            after, box = paint(before, stroke)
            return self._become(stroke.frame, after, box)

    def undo(self) -> Change | None:
        """Take the last change back; None where there is none."""
        with self._lock:
            step = self._history.undo()
            return None if step is None else self._put(step.frame, step.before, step.box)

    def redo(self) -> Change | None:
        """Make the change again that was taken back last; None where there is none."""
        with self._lock:
            step = self._history.redo()
            return None if step is None else self._put(step.frame, step.after, step.box)

    def make_key(self, number: int) -> Change:
        """Make a frame a key frame with the trimap it has, or with background alone."""
        self._check_frame(number)
        with self._lock:
            present = self._board.pixels(number)
            return self._become(number, self._empty() if present is None else present, None, anyway=True)

    def remove_key(self, number: int) -> Change:
        """Make a key frame one like others; its trimap stays, as a stale one, until another is carried to it."""
        self._check_frame(number)
        with self._lock:
            present = self._board.trimaps.get(number)
            if present is None or not present.is_key:
                raise InputError(f"a key frame must be there to be removed; frame {number} is none")
            return self._change(number, replace(present, source=Source(None, None)), None)

    def take_mask(self, number: int, mask: Levels, band: int | None = None) -> Change:
        """Make a frame a key frame whose trimap is unknown around the edge of a mask.

        Args:
            number: Of the frame.
            mask: (H, W) in levels of 8 bits; foreground from 128 on.
            band: Reach of the unknown in px; None is a fiftieth of the frame's long side.

        Raises:
            InputError: The mask has another size.
        """
        self._check_frame(number)
        if mask.shape != self.info.size:
            raise InputError(f"a mask must have the clip's size (height, width) {self.info.size}; got {mask.shape}")
        return self._replace(number, guessing.trimap_of_mask(mask >= FROM, band=self._band(band)))

    def take_trimap(self, number: int, trimap: Levels) -> Change:
        """Make a frame a key frame with a trimap, (H, W) of 0, 128 and 255.

        Raises:
            InputError: It has another size or other values.
        """
        self._check_frame(number)
        return self._replace(number, check_trimap(trimap, self.info.size).copy())

    def _sent(self, number: int, held: Held | None) -> None:
        """Take note of a frame's new trimap elsewhere; here there is nowhere."""

    def _check_frame(self, number: int) -> None:
        if not 0 <= number < self.info.frames:
            raise InputError(f"a frame's number must be 0 to {self.info.frames - 1}; got {number}")

    def _band(self, band: int | None) -> int:
        return guessing.default_band(self.info.size) if band is None else band

    def _empty(self) -> Trimap:
        return np.full(self.info.size, BACKGROUND, dtype=np.uint8)

    def _keys(self) -> dict[int, Trimap]:
        return {number: self._board.trimaps[number].packed.open(self.info.size) for number in self._board.keys}

    def _replace(self, number: int, trimap: Trimap) -> Change:
        """Give a frame a trimap of the user's."""
        with self._lock:
            present = self._board.pixels(number)
            changed = np.ones(trimap.shape, dtype=np.bool_) if present is None else trimap != present
            return self._become(number, trimap, bounds(changed), anyway=True)

    def _become(self, number: int, trimap: Trimap, box: Box | None, *, anyway: bool = False) -> Change:
        """Make a frame a key frame; where nothing is covered and it need not become one anyway, nothing is noted."""
        held, present = Held(pack(trimap)), self._board.get(number)
        if held == present or (box is None and not anyway):
            return self._told(number, box)
        return self._change(number, held, box)

    def _change(self, number: int, held: Held, box: Box | None) -> Change:
        self._history.add(Step(number, self._board.trimaps.get(number), held, box))
        return self._put(number, held, box)

    def _put(self, number: int, held: Held | None, box: Box | None) -> Change:
        """Give a frame a trimap, or take its away, and tell everyone."""
        touched = {*self._board.touched(number)}
        self._board.put(number, held)
        touched |= {*self._board.touched(number)}
        self._sent(number, held)
        self._teller.trimap_changed(number, sorted(touched))
        self._teller.state()
        return self._told(number, box)

    def _told(self, number: int, box: Box | None) -> Change:
        status = self._board.trimap_status(number)
        crc = self._board.crc(number)
        return Change(number, box, self._teller.revision_of(number), crc, status)
