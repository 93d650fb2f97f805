"""Reads clips as tensors, chunk by chunk, with a thread that decodes ahead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from mattekit.checks import InputError
from mattekit.media.ahead import run_ahead
from mattekit.media.images import image_pictures
from mattekit.media.limits import check_chunk
from mattekit.media.pixels import Picture, to_levels
from mattekit.media.video import Numbered, decode_pictures
from mattekit.types import Chunk, ClipInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

MOST_FRAMES, MOST_PIXELS = 4, 2_000_000
"""A chunk has so many frames, fewer where they are large."""

DEPTH = 4
"""Pictures that wait decoded; with the chunk in hand, all that is kept of a clip at a time."""


def check_span(clip: ClipInfo, start: int, end: int | None) -> int:
    """Return one past the last frame of a span.

    Raises:
        InputError: The span is empty or leaves the clip.
    """
    last = clip.frames if end is None else end
    if not 0 <= start < last <= clip.frames:
        raise InputError(
            f"frames must be chosen from 0 to {clip.frames}, at least one; got {start} to {last}; change start or end"
        )
    return last


def read(clip: ClipInfo, *, chunk: int = 4, start: int = 0, end: int | None = None) -> Iterator[Chunk]:
    """Yield a clip's frames in order, turned upright, as RGB float32 in [0, 1].

    Args:
        clip: From ``probe``.
        chunk: Frames a chunk; the last may have fewer.
        start: First frame number.
        end: One past the last frame number, or None for all.

    Yields:
        Chunks with frames (T, 3, H, W) and pts (T,), ticks of the clip's time base.

    Raises:
        InputError: The span leaves the clip, or chunk is less than 1 or takes too much memory.
        MediaError: A frame is damaged; what came before it has been yielded.
    """
    last = check_span(clip, start, end)
    if chunk < 1:
        raise InputError(f"chunk must be 1 or more; got {chunk}")
    check_chunk(clip.size, min(chunk, last - start))
    return _chunks(clip, chunk, start, last)


def chunk_length(size: tuple[int, int]) -> int:
    """Return how many frames of a (height, width) are handed on at once: a few, fewer where they are large."""
    return max(1, min(MOST_FRAMES, MOST_PIXELS // (size[0] * size[1])))


def frames_at(clip: ClipInfo, indices: Sequence[int]) -> Iterator[Tensor]:
    """Yield chosen frames of a clip, (3, H, W) in [0, 1], one at a time as they are asked for.

    A decoder of its own walks forward; the frames between are decoded and not converted.

    Args:
        clip: From ``probe``.
        indices: Frame numbers, each larger than the one before.

    Raises:
        InputError: A number leaves the clip or does not rise.
    """
    wanted = list(indices)
    for previous, index in zip([-1, *wanted], wanted, strict=False):
        if not previous < index < clip.frames:
            raise InputError(f"frame numbers must rise from 0 to {clip.frames - 1}; got {index} after {previous}")
    return _chosen(clip, wanted)


def read_planes(clip: ClipInfo) -> Iterator[NDArray[Any]]:
    """Yield a clip's frames at full depth, (H, W, C), with C = 1 (grey), 3 (RGB) or 4 (RGB and alpha).

    The arrays are uint8 for sources of 8 bits and uint16, 65535 for 1, for deeper ones; for OpenEXR files they are
    float32, their numbers as they are, as a matte's should be. The alpha of VP8 and VP9 is decoded too. Nothing runs
    ahead.

    Raises:
        MediaError: A frame is damaged.
    """
    for numbered in _pictures(clip, 0, clip.frames, alpha=True):
        yield _stack(numbered.picture)


def read_alpha(clip: ClipInfo) -> Iterator[NDArray[np.float32]]:
    """Yield the mattes in a file, (H, W) float32 in [0, 1]: its alpha channel, or the grey picture where it has none.

    Raises:
        MediaError: A frame is damaged.
    """
    for numbered in _pictures(clip, 0, clip.frames, alpha=True):
        picture = numbered.picture
        if picture.alpha is not None:
            yield np.divide(picture.alpha, picture.alpha_white, dtype=np.float32)
        else:
            green = picture.planes[len(picture.planes) // 2]
            yield np.minimum(np.divide(green, picture.white, dtype=np.float32), np.float32(1))


def _pictures(clip: ClipInfo, start: int, end: int, *, alpha: bool = False) -> Iterator[Numbered]:
    """Yield pictures of a span, from either kind of clip."""
    if clip.kind == "video":
        yield from decode_pictures(clip, start=start, end=end, alpha=alpha)
        return
    for index, picture in image_pictures(clip, range(start, end), as_matte=alpha):
        yield Numbered(index, index if clip.kept is None else clip.kept.numbers[index], picture)


def _chunks(clip: ClipInfo, chunk: int, start: int, end: int) -> Iterator[Chunk]:
    """Yield chunks; runs in the consumer, the decoder in its thread."""
    import torch

    pictures = run_ahead(_pictures(clip, start, end), DEPTH)
    try:
        while True:
            frames, first = torch.empty(0), start
            times: list[int] = []
            try:
                for numbered in islice(pictures, chunk):
                    if not times:
                        frames, first = torch.empty(min(chunk, end - numbered.index), 3, *clip.size), numbered.index
                    fill_colour(numbered.picture, frames[len(times)].numpy())
                    times.append(numbered.pts)
            except Exception:
                if times:
                    yield Chunk(first, torch.tensor(times), frames[: len(times)])
                raise
            if not times:
                return
            yield Chunk(first, torch.tensor(times), frames[: len(times)])
    finally:
        pictures.close()  # type: ignore[attr-defined]


def _chosen(clip: ClipInfo, indices: list[int]) -> Iterator[Tensor]:
    """Yield chosen frames of either kind of clip."""
    import torch

    if not indices:
        return
    pictures: Iterator[Picture]
    if clip.kind == "video":
        found = decode_pictures(clip, end=indices[-1] + 1, only=frozenset(indices))
        pictures = (numbered.picture for numbered in found)
    else:
        pictures = (picture for _, picture in image_pictures(clip, iter(indices)))
    for picture in pictures:
        frame = torch.empty(3, *clip.size)
        fill_colour(picture, frame.numpy())
        yield frame


def fill_colour(picture: Picture, out: NDArray[np.float32]) -> None:
    """Write a picture's colours as (3, H, W) in [0, 1]; a grey picture fills all three."""
    for channel in range(3):
        plane = picture.planes[min(channel, len(picture.planes) - 1)]
        np.divide(plane, np.float32(picture.white), out=out[channel], dtype=np.float32, casting="unsafe")
    np.minimum(out, 1, out=out)


def _stack(picture: Picture) -> NDArray[Any]:
    """Return a picture as (H, W, C), uint8 or uint16 at full scale."""
    if picture.planes[0].dtype.kind == "f":
        return np.stack([*picture.planes, *([] if picture.alpha is None else [picture.alpha])], axis=-1)
    levels = 255 if picture.white <= 255 and picture.alpha_white <= 255 else 65535
    planes = [to_levels(plane, picture.white, levels) for plane in picture.planes]
    if picture.alpha is not None:
        planes = planes * (3 // len(planes))
        planes.append(to_levels(picture.alpha, picture.alpha_white, levels))
    return np.stack(planes, axis=-1)
