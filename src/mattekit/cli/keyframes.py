"""The trimaps and masks that a user gives: collected, checked before anything is computed, and read when needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mattekit.checks import InputError
from mattekit.media import find_trimaps, frames_at, read_mask, read_trimap, show_path
from mattekit.types import ClipInfo

if TYPE_CHECKING:
    from torch import Tensor

FOREGROUND_FROM = 128
"""A mask is foreground from this value on, of 255."""


@dataclass(frozen=True)
class KeySource:
    """The picture that a user gave for one frame.

    Attributes:
        path: The picture.
        is_mask: Whether it is a grey mask, to be widened by a band, or a trimap.
    """

    path: Path
    is_mask: bool = False

    def check(self, size: tuple[int, int]) -> None:
        """Raise unless the picture can be read, fits the clip and holds what it should.

        Raises:
            InputError: It has another size or other values.
            MediaError: It cannot be read.
        """
        if not self.is_mask:
            read_trimap(self.path, size)
            return
        largest = int(read_mask(self.path, size).max())
        if 0 < largest < FOREGROUND_FROM:
            raise InputError(
                f"mask {show_path(self.path)} must mark the foreground with 128 to 255; got {largest} at most; "
                "save it with the foreground white"
            )


def default_band(size: tuple[int, int]) -> int:
    """Return how far the unknown reaches to each side of a mask's edge, a fiftieth of the long side in px."""
    return max(1, round(max(size) / 50))


def split_assignment(option: str, text: str) -> tuple[int, Path]:
    """Return frame number and path of ``FRAME=PNG``, split at the first equals sign.

    Raises:
        InputError: It is not of this form.

    Example:
        >>> split_assignment("--trimap", "12=a=b.png")
        (12, PosixPath('a=b.png'))
    """
    number, found, path = text.partition("=")
    try:
        index = int(number)
    except ValueError:
        index = -1
    if not found or not path or index < 0:
        raise InputError(
            f"{option} must be FRAME=PNG with a frame number from 0; got {show_path(text)}; write 0=first.png"
        )
    return index, Path(path)


def collect_keyframes(
    clip: ClipInfo, *, trimaps: Sequence[str] = (), folder: Path | None = None, masks: Sequence[str] = ()
) -> dict[int, KeySource]:
    """Return the given pictures by frame, every one of them checked.

    Args:
        clip: What they belong to.
        trimaps: ``FRAME=PNG`` each.
        folder: Holds trimaps whose names end in their frame's number.
        masks: ``FRAME=PNG`` each.

    Raises:
        InputError: There is none, a frame is not of the clip or given twice, or a picture is not what it should be.
    """
    given = [(*split_assignment("--trimap", text), False) for text in trimaps]
    if folder is not None:
        given += [(index, path, False) for index, path in find_trimaps(folder, clip.frames).items()]
    given += [(*split_assignment("--mask", text), True) for text in masks]
    if not given:
        raise InputError("a key frame must be given; got none: add --trimap 0=PNG, --mask 0=PNG or --trimaps FOLDER")
    keys: dict[int, KeySource] = {}
    for index, path, is_mask in given:
        if index >= clip.frames:
            raise InputError(
                f"{show_path(path)} must belong to a frame from 0 to {clip.frames - 1}, the clip's last; got {index}"
            )
        if index in keys:
            both = f"{show_path(keys[index].path)} and {show_path(path)}"
            raise InputError(f"frame {index} must have one trimap or mask; got {both}; leave one out")
        keys[index] = KeySource(path, is_mask)
    for _, source in sorted(keys.items()):
        source.check(clip.size)
    return dict(sorted(keys.items()))


class KeyReader:
    """Reads trimaps and pictures of key frames when they are asked for, in increasing order.

    Args:
        clip: What the key frames belong to.
        keys: From `collect_keyframes`.
        band: Reach of the unknown to each side of a mask's edge in px.
    """

    def __init__(self, clip: ClipInfo, keys: dict[int, KeySource], *, band: int) -> None:
        self.keys, self.band, self._clip = keys, band, clip
        self._frames: Iterator[tuple[int, Tensor]] | None = None

    def trimap_at(self, index: int) -> Tensor:
        """Return the trimap (1, H, W) of a key frame, in {0, 0.5, 1}."""
        import torch

        from mattekit.ops import trimap_from_mask

        source = self.keys[index]
        if source.is_mask:
            mask = torch.from_numpy(read_mask(source.path, self._clip.size)) >= FOREGROUND_FROM
            return trimap_from_mask(mask[None], band=self.band)
        return (torch.from_numpy(read_trimap(source.path, self._clip.size))[None] / 127.5).round() / 2

    def frame_at(self, index: int) -> Tensor:
        """Return the picture (3, H, W) of a key frame; a decoder of its own walks on to it."""
        if self._frames is None:
            self._frames = zip(self.keys, frames_at(self._clip, list(self.keys)), strict=True)
        for found, frame in self._frames:
            if found == index:
                return frame
        raise InputError(f"pictures of key frames must be asked for in increasing order; got {index}")
