"""The pictures of a background, one for each frame, made to fit it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from mattekit.checks import InputError
from mattekit.cli.backdrop import CLOSE, Backdrop
from mattekit.media import read
from mattekit.types import ClipInfo

if TYPE_CHECKING:
    from torch import Tensor

    from mattekit.types import Chunk

SQUARES, SHADES = 24, (0.6, 0.8)
"""Squares of a checkerboard on the short side, and their two greys."""


class Behind:
    """The pictures of a background, one after another.

    A video goes at its own speed: with each frame of the clip goes the one that is shown at that time. The images of a
    folder, which have no times, go one with each frame.

    Args:
        backdrop: From `parse_backdrop`.
        clip: Whose frames it goes behind: size and pixel aspect are its.
    """

    def __init__(self, backdrop: Backdrop, clip: ClipInfo) -> None:
        self._backdrop, self._size = backdrop, clip.size
        self._own = backdrop.clip
        self._ratio = 1.0 if self._own is None else float(self._own.pixel_aspect / clip.pixel_aspect)
        self._shown = fixed_picture(backdrop, clip.size) if self._own is None else None
        self._chunks: Iterator[Chunk] | None = None
        self._now: Chunk | None = None
        self._next: Chunk | None = None
        self._begins, self._round = 0, 0

    def at(self, index: int, seconds: Fraction) -> Tensor:
        """Return what goes behind a frame, (3, H, W) in [0, 1].

        Args:
            index: Number of the frame, counted from the first that is written.
            seconds: Its time after that one's; neither goes back from call to call.

        Raises:
            MediaError: The background is damaged.
        """
        if self._own is not None:
            time = self._time_in(self._own, index, seconds)
            while self._next is not None and self._time_of(self._own, self._next) <= time:
                self._now, self._next, self._shown = self._next, self._take(), None
        if self._shown is None and self._now is not None:
            self._shown = fit_picture(self._now.frames[0], self._size, how=self._backdrop.fit, ratio=self._ratio)
        if self._shown is None:
            raise InputError("a background must hold frames; it has none; name another")
        return self._shown

    def close(self) -> None:
        """Close the background's file."""
        if self._chunks is not None:
            self._chunks.close()  # type: ignore[attr-defined]
            self._chunks = None

    def _time_in(self, own: ClipInfo, index: int, seconds: Fraction) -> Fraction:
        """Return where in the background a frame falls: seconds of a video, else the number of an image."""
        moving = own.kind == "video"
        time, lasts = (seconds + CLOSE, own.frames / own.rate) if moving else (Fraction(index), Fraction(own.frames))
        rounds, left = divmod(time, lasts) if self._backdrop.end == "loop" and own.frames > 1 else (0, time)
        if self._chunks is None or rounds != self._round:
            self._round = int(rounds)
            self._begin(own)
        return left

    def _time_of(self, own: ClipInfo, chunk: Chunk) -> Fraction:
        """Return where a frame of the background begins, in the same unit."""
        if own.kind != "video":
            return Fraction(chunk.start)
        return (int(chunk.pts[0]) - self._begins) * own.time_base

    def _begin(self, own: ClipInfo) -> None:
        """Go to the background's first frame."""
        self.close()
        self._chunks = read(own, chunk=1)
        self._now, self._next, self._shown = self._take(), self._take(), None
        self._begins = 0 if self._now is None else int(self._now.pts[0])

    def _take(self) -> Chunk | None:
        """Return the background's next frame; None at its end."""
        return None if self._chunks is None else next(self._chunks, None)


def fixed_picture(backdrop: Backdrop, size: tuple[int, int]) -> Tensor:
    """Return a colour or a checkerboard, (3, H, W) in [0, 1]."""
    import torch

    height, width = size
    if backdrop.colour is not None:
        colour = torch.tensor(backdrop.colour, dtype=torch.float32) / 255
        return colour[:, None, None].expand(3, height, width)
    side = max(1, round(min(size) / SQUARES))
    rows, columns = torch.arange(height)[:, None] // side, torch.arange(width) // side
    dark, light = SHADES
    return torch.where((rows + columns) % 2 == 0, dark, light).expand(3, height, width)


def fit_picture(picture: Tensor, size: tuple[int, int], *, how: str = "cover", ratio: float = 1.0) -> Tensor:
    """Scale a picture to a frame; what stands over is cut away, and what stays free is black, equally on both sides.

    Args:
        picture: (3, h, w) in [0, 1].
        size: (height, width) of the frame.
        how: "cover", "contain" or "stretch", as in `Backdrop`.
        ratio: Width of the picture's pixels by that of the frame's.

    Returns:
        (3, height, width) in [0, 1].
    """
    from mattekit.ops import resize

    if how == "stretch":
        return resize(picture, size, mode="bicubic")
    height, width = picture.shape[-2], picture.shape[-1] * ratio
    tall, wide = size[0] / height, size[1] / width
    if how == "cover":
        scale = max(tall, wide)
        scaled_size = tuple(
            max(math.ceil(side * scale - 1e-6), own) for side, own in zip((height, width), size, strict=True)
        )
    else:
        scale = min(tall, wide)
        scaled_size = tuple(
            min(max(round(side * scale), 1), own) for side, own in zip((height, width), size, strict=True)
        )
    scaled = resize(picture, (scaled_size[0], scaled_size[1]), mode="bicubic")
    return _centre(scaled, size)


def _centre(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """Return a picture cut or filled up with black to a size, about its middle."""
    over = [own - side for own, side in zip(picture.shape[-2:], size, strict=True)]
    if min(over) < 0:
        whole = picture.new_zeros(3, *size)
        top, left = (-beside // 2 for beside in over)
        whole[:, top : top + picture.shape[-2], left : left + picture.shape[-1]] = picture
        return whole
    top, left = (beside // 2 for beside in over)
    return picture[:, top : top + size[0], left : left + size[1]]
