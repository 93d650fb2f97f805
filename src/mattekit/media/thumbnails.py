"""Small pictures of a clip's frames, made in one step from what the decoder gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from mattekit.checks import InputError
from mattekit.media.formats import FULL
from mattekit.media.images import image_pictures
from mattekit.media.pixels import Picture, complete_colour
from mattekit.media.reader import check_span
from mattekit.media.video import decode_clip
from mattekit.types import ClipInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


def read_thumbnails(clip: ClipInfo, *, longest: int, start: int = 0, end: int | None = None) -> Iterator[Tensor]:
    """Yield small RGB pictures of a clip's frames in order, (3, h, w) in [0, 1], as they are stored, not turned.

    The scaler goes from the decoder's planes to the small picture at once; no frame is converted at its full size.

    Args:
        clip: From ``probe``.
        longest: Longer side in px; smaller frames keep their size.
        start: First frame number.
        end: One past the last frame number, or None for all.

    Raises:
        InputError: The span leaves the clip, or longest is less than 1.
        MediaError: A frame is damaged; what came before it has been yielded.
    """
    last = check_span(clip, start, end)
    if longest < 1:
        raise InputError(f"longest must be 1 or more; got {longest}")
    pictures = _video(clip, longest, start, last) if clip.kind == "video" else _images(clip, longest, start, last)
    return _tensors(pictures)


def _tensors(pictures: Iterator[NDArray[Any]]) -> Iterator[Tensor]:
    import torch

    for picture in pictures:
        yield torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1), dtype=np.float32))


def _video(clip: ClipInfo, longest: int, start: int, end: int) -> Iterator[NDArray[Any]]:
    """Yield (h, w, 3) in [0, 1] of a video's frames."""
    scaler = VideoReformatter()
    with closing(decode_clip(clip)) as frames:  # type: ignore[type-var]
        for frame in islice(frames, start, end):
            scale = min(1.0, longest / max(frame.width, frame.height))
            complete_colour(frame)
            small = scaler.reformat(
                frame,
                width=max(1, round(frame.width * scale)),
                height=max(1, round(frame.height * scale)),
                format="rgb24",
                interpolation=Interpolation.AREA,
                dst_color_range=FULL,
                threads=1,
            )
            yield small.to_ndarray() / np.float32(255)


def _images(clip: ClipInfo, longest: int, start: int, end: int) -> Iterator[NDArray[Any]]:
    """Yield (h, w, 3) in [0, 1] of a folder's pictures, the means of whole blocks of pixels."""
    for _, picture in image_pictures(clip, range(start, end)):
        side = -(-max(clip.size) // longest)
        yield np.stack([_block_means(plane, side) / picture.white for plane in _three(picture)], axis=-1)


def _three(picture: Picture) -> tuple[NDArray[Any], ...]:
    return picture.planes if len(picture.planes) == 3 else picture.planes * 3


def _block_means(plane: NDArray[Any], side: int) -> NDArray[Any]:
    """Return the means of square blocks; what is left over at the right and below is left out, but for a last block."""
    across, down = (np.arange(0, max(length - side + 1, 1), side) for length in (plane.shape[1], plane.shape[0]))
    whole = plane[: min(len(down) * side, plane.shape[0]), : min(len(across) * side, plane.shape[1])]
    rows = np.add.reduceat(whole, down, axis=0, dtype=np.float32)
    sums = np.add.reduceat(rows, across, axis=1, dtype=np.float32)
    return sums / np.float32(min(side, whole.shape[0]) * min(side, whole.shape[1]))
