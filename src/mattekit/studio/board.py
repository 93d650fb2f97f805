"""What a session holds of each frame, and whether it still holds: trimaps, alphas, and what they were made from.

A carried trimap remembers the key frames it came from and their checksums. It is up to date as long as it would be
carried from just those again; so an edit makes stale what hangs on it and nothing else, and taking the edit back makes
it right again. An alpha remembers the trimaps it was made from in the same way.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mattekit.engine.nearest import FARTHEST, scene_of
from mattekit.studio.pictures import Levels, Packed

KEPT_OPEN = 8
"""Trimaps whose pixels are at hand."""

CONTEXT = 2
"""Neighbours a side that an alpha hangs on, until the networks have said."""


class Source(NamedTuple):
    """The key frames that a trimap was carried from, each with the checksum of its trimap.

    Attributes:
        before: Number and checksum of the key frame at which the way to the frame begins, or None.
        after: The same of the next one, as far as any frame on the way looks at it, or None.
    """

    before: tuple[int, int] | None
    after: tuple[int, int] | None


@dataclass(frozen=True)
class Held:
    """The trimap of a frame.

    Attributes:
        packed: Its pixels of 0, 128 and 255.
        source: What it was carried from; None where it is the user's, of a key frame.
        confidence: How far a carried one can be trusted, in [0, 1].
    """

    packed: Packed
    source: Source | None = None
    confidence: float | None = None

    @property
    def is_key(self) -> bool:
        """Whether the frame is a key frame."""
        return self.source is None


@dataclass(frozen=True)
class HeldAlpha:
    """The alpha of a frame.

    Attributes:
        packed: Its pixels in levels of 8 bits.
        made_from: Numbers of the frames whose trimaps it was made from, each with the checksum of its trimap.
        flicker: How much it differs from that of the frame before where the picture stands still, or None.
    """

    packed: Packed
    made_from: tuple[tuple[int, int], ...]
    flicker: float | None = None


class Board:
    """Trimaps and alphas by frame.

    Args:
        size: (height, width) of the frames.
        frames: How many there are.

    Attributes:
        cuts: Numbers of the frames that begin a new scene, increasing.
        context: Neighbours a side that an alpha hangs on.
    """

    def __init__(self, size: tuple[int, int], frames: int) -> None:
        self.size, self.frames = size, frames
        self.cuts: Sequence[int] = ()
        self.context = CONTEXT
        self.trimaps: dict[int, Held] = {}
        self.alphas: dict[int, HeldAlpha] = {}
        self._keys: list[int] = []
        self._open: OrderedDict[int, tuple[int, Levels]] = OrderedDict()

    @property
    def keys(self) -> list[int]:
        """Numbers of the key frames, increasing."""
        return list(self._keys)

    def put(self, number: int, held: Held | None) -> None:
        """Give a frame a trimap, or take its away."""
        was_key = number in self.trimaps and self.trimaps[number].is_key
        if was_key and (held is None or not held.is_key):
            self._keys.remove(number)
        elif held is not None and held.is_key and not was_key:
            insort(self._keys, number)
        if held is None:
            self.trimaps.pop(number, None)
        else:
            self.trimaps[number] = held

    def get(self, number: int) -> Held | None:
        """Return the trimap of a frame; one that was carried is not seen while its scene has no key frame."""
        held = self.trimaps.get(number)
        return held if held is None or held.is_key or self.source(number) is not None else None

    def pixels(self, number: int) -> Levels | None:
        """Return the trimap of a frame as (H, W) of 0, 128 and 255, not to be changed."""
        held = self.get(number)
        if held is None:
            return None
        crc, found = self._open.get(number, (None, None))
        if found is None or crc != held.packed.crc:
            found = held.packed.open(self.size)
            self._open[number] = held.packed.crc, found
        self._open.move_to_end(number)
        while len(self._open) > KEPT_OPEN:
            self._open.popitem(last=False)
        return found

    def scene(self, number: int) -> tuple[int, int]:
        """Return the first frame of a frame's scene and one past its last."""
        first, end = scene_of(self.cuts, number)
        return first, self.frames if end is None else end

    def around(self, number: int) -> tuple[int | None, int | None]:
        """Return the key frames before and after a frame in its scene; a key frame is not its own neighbour."""
        first, end = self.scene(number)
        place = bisect_left(self._keys, number)
        after = place + (place < len(self._keys) and self._keys[place] == number)
        before_it = self._keys[place - 1] if place and self._keys[place - 1] >= first else None
        after_it = self._keys[after] if after < len(self._keys) and self._keys[after] < end else None
        return before_it, after_it

    def source(self, number: int) -> Source | None:
        """Return what a frame's trimap would be carried from now, or None where its scene has no other key frame."""
        before, after = self.around(number)
        if after is not None and before is not None and after - number > FARTHEST * (number - before):
            after = None  # no frame on the way so far looks so far ahead
        if before is None and after is None:
            return None
        return Source(self._stamp(before), self._stamp(after))

    def trimap_status(self, number: int) -> str:
        """Return "none", "key", "carried" or "stale"."""
        held = self.trimaps.get(number)
        if held is None:
            return "none"
        if held.is_key:
            return "key"
        source = self.source(number)
        return "none" if source is None else "carried" if source == held.source else "stale"

    def alpha_status(self, number: int) -> str:
        """Return "none", "done" or "stale"."""
        held = self.alphas.get(number)
        if held is None:
            return "none"
        fresh = self.trimap_status(number) in ("key", "carried")
        return "done" if fresh and all(self.crc(frame) == crc for frame, crc in held.made_from) else "stale"

    def crc(self, number: int) -> int:
        """Return the checksum of a frame's trimap, 0 where it has none."""
        held = self.get(number)
        return 0 if held is None else held.packed.crc

    def window(self, number: int) -> range:
        """Return the frames whose trimaps a frame's alpha hangs on."""
        first, end = self.scene(number)
        return range(max(first, number - self.context), min(end, number + self.context + 1))

    def stamps(self, numbers: Iterable[int]) -> tuple[tuple[int, int], ...]:
        """Return numbers of frames with the checksums of their trimaps."""
        return tuple((number, self.crc(number)) for number in numbers)

    def touched(self, number: int) -> range:
        """Return the frames whose statuses can hang on the trimap of one, as key frames lie now."""
        first, end = self.scene(number)
        before, after = self.around(number)
        low = first if before is None else max(before - self.context, 0)
        high = end if after is None else min(after + 1 + self.context, self.frames)
        return range(max(low - self.context, 0), min(high + self.context, self.frames))

    def _stamp(self, key: int | None) -> tuple[int, int] | None:
        return None if key is None else (key, self.trimaps[key].packed.crc)
