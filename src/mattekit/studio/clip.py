"""Frames of the clip as a page shows them, the last few at hand; safe for several threads."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np

from mattekit.media.seeking import Seeker
from mattekit.studio.pictures import Levels
from mattekit.types import ClipInfo

MOST_BYTES = 128 << 20
"""Memory of the frames at hand; two are kept however large they are."""


class ShownFrames:
    """Gives the frames of a clip in levels of 8 bits.

    Args:
        clip: From ``probe``.
    """

    def __init__(self, clip: ClipInfo) -> None:
        self._clip = clip
        self._seeker: Seeker | None = None
        self._kept: OrderedDict[int, Levels] = OrderedDict()
        self._most = max(2, MOST_BYTES // (3 * clip.size[0] * clip.size[1]))
        self._lock = threading.Lock()

    def get(self, number: int) -> Levels:
        """Return a frame, (H, W, 3) RGB, not to be changed.

        Raises:
            InputError: The clip has no such frame.
            MediaError: It is damaged.
        """
        with self._lock:
            if number not in self._kept:
                self._seeker = self._seeker or Seeker(self._clip)
                colour = self._seeker.colour(number)
                self._kept[number] = np.rint(colour.transpose(1, 2, 0) * np.float32(255)).astype(np.uint8)
            self._kept.move_to_end(number)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
            return self._kept[number]

    def close(self) -> None:
        """Let go of the file and the frames."""
        with self._lock:
            self._kept.clear()
            if self._seeker is not None:
                self._seeker.close()
