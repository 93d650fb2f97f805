"""Frames of the clip as tensors, those used lately at hand."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor

from mattekit.media.seeking import Seeker
from mattekit.types import ClipInfo

MOST_BYTES = 96 << 20
"""Memory of the frames at hand; a few are kept however large they are."""

LEAST = 6


class NearFrames:
    """Gives the frames of a clip in any order.

    Args:
        clip: From ``probe``.
        device: Where the tensors are.
    """

    def __init__(self, clip: ClipInfo, device: torch.device | str = "cpu") -> None:
        self._seeker, self._device = Seeker(clip), device
        self._kept: OrderedDict[int, Tensor] = OrderedDict()
        self._most = max(LEAST, MOST_BYTES // (12 * clip.size[0] * clip.size[1]))

    def tensor(self, number: int) -> Tensor:
        """Return a frame, (3, H, W) in [0, 1], not to be changed.

        Raises:
            MediaError: It is damaged.
        """
        if number not in self._kept:
            self._kept[number] = torch.from_numpy(self._seeker.colour(number)).to(self._device)
        self._kept.move_to_end(number)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return self._kept[number]
