"""What a composite is laid over: a colour, an image, or a video, scaled to cover and cropped about the middle."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import ImageColor

from mattekit.checks import InputError, MediaError
from mattekit.media import probe, read, show_path
from mattekit.types import ClipInfo

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Backdrop:
    """A background that has been found and checked; exactly one of the two is there.

    Attributes:
        colour: (red, green, blue) in 0 to 255.
        clip: An image, a folder of images or a video.
    """

    colour: tuple[int, int, int] | None = None
    clip: ClipInfo | None = None


def parse_backdrop(text: str) -> Backdrop:
    """Return what a user named: ``#rrggbb``, a CSS colour name, or a file.

    Raises:
        InputError: It is none of these.
    """
    try:
        colour = ImageColor.getrgb(text)
    except ValueError:
        colour = None
    if colour is not None:
        if len(colour) != 3:
            raise InputError(f"a background colour must be opaque; got {text}; write it as #rrggbb")
        return Backdrop(colour=colour)
    if text.startswith("#") and not Path(text).exists():
        raise InputError(f"a background colour must be #rrggbb; got {show_path(text)}; write for example #00b140")
    try:
        return Backdrop(clip=probe(text))
    except MediaError as error:
        raise InputError(f"a background must be a colour (#00b140, green), an image or a video; {error}") from error


def backdrop_frames(backdrop: Backdrop, size: tuple[int, int]) -> Iterator[Tensor]:
    """Yield a background (3, H, W) in [0, 1] for each frame, without end: short videos begin again.

    Args:
        backdrop: From `parse_backdrop`.
        size: (height, width) to cover.
    """
    import torch

    if backdrop.clip is None:
        colour = torch.tensor(backdrop.colour, dtype=torch.float32) / 255
        picture = colour[:, None, None].expand(3, *size)
        while True:
            yield picture
    while True:
        with closing(read(backdrop.clip, chunk=1)) as chunks:  # type: ignore[type-var]
            for chunk in chunks:
                picture = cover(chunk.frames[0], size)
                while backdrop.clip.frames == 1:
                    yield picture
                yield picture


def cover(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """Scale a picture until it covers a size and cut away what stands over, equally on both sides.

    Args:
        picture: (3, h, w) in [0, 1].
        size: (height, width) to cover.

    Returns:
        (3, height, width) in [0, 1].
    """
    from mattekit.ops import resize

    scale = max(size[0] / picture.shape[-2], size[1] / picture.shape[-1])
    height, width = (
        max(math.ceil(side * scale - 1e-6), own) for side, own in zip(picture.shape[-2:], size, strict=True)
    )
    scaled = resize(picture, (height, width), mode="bicubic")
    top, left = (height - size[0]) // 2, (width - size[1]) // 2
    return scaled[:, top : top + size[0], left : left + size[1]]
