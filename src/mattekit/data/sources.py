"""Sources read as 8-bit tensors: a window of a clip at a time, colour and alpha held against each other.

Training does not come through here: it reads packs, which need no decoder.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mattekit.data.frames import SourceInfo, alpha_frames, colour_frames, foreground_frames, source_info, window
from mattekit.data.manifest import Entry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["SourceInfo", "person_masks", "read_background", "read_foreground", "source_info"]


def read_foreground(entry: Entry, *, start: int = 0, count: int | None = None, step: int = 1) -> Tensor:
    """Return frames of a foreground as (T, 4, H, W) uint8: straight colour, then alpha.

    Memory is that of the frames returned, whatever the length of the clip. Deeper sources are rounded to 8 bits.

    Args:
        entry: Of role "foreground".
        start: First frame.
        count: How many frames to return, or None for all that follow.
        step: Distance in frames of one to the next.

    Raises:
        InputError: The files do not fit each other, the window leaves the clip, there is no alpha, or it has colours.
        MediaError: A frame is damaged. Either message begins with the entry's name.
    """
    indices = window(entry, start, count, step)
    return _stack(foreground_frames(entry, indices), len(indices))


def read_background(entry: Entry, *, start: int = 0, count: int | None = None, step: int = 1) -> Tensor:
    """Return frames of a background, or the colour of any other source, as (T, 3, H, W) uint8.

    Window, memory and errors are those of `read_foreground`.
    """
    indices = window(entry, start, count, step)
    return _stack(colour_frames(entry, indices), len(indices))


def person_masks(entry: Entry, *, start: int = 0, count: int | None = None, step: int = 1) -> Tensor:
    """Return the masks of people of a segmentation source as (T, 1, H, W) uint8, 255 on people.

    Window, memory and errors are those of `read_foreground`. Masks that were stored as 0 and 1 come out as 0 and 255.
    Outlines in annotation files need pycocotools, the extra ``coco``.
    """
    indices = window(entry, start, count, step)
    masks = _stack(alpha_frames(entry, indices), len(indices))
    return masks * 255 if int(masks.max()) == 1 else masks


def _stack(frames: Iterator[NDArray[np.uint8]], count: int) -> Tensor:
    """Return frames in one tensor, which is made once the size is known."""
    import torch

    whole = torch.empty(0)
    for place, frame in enumerate(frames):
        if place == 0:
            whole = torch.empty(count, *frame.shape, dtype=torch.uint8)
        whole[place] = torch.from_numpy(frame)
    return whole
