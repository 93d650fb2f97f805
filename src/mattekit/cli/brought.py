"""Mattes and colours that a user brings along with a clip, perhaps from another tool: checked, and read as they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mattekit.checks import InputError
from mattekit.media import probe, read_planes, show_path
from mattekit.media.stills import white_of
from mattekit.types import ClipInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

FIRST, COLOURED = 8, 24
"""The first so many frames of an alpha must be grey: no channel more than so many of 255 levels from another."""


@dataclass(frozen=True)
class Brought:
    """A matte that has been found and fits its clip.

    Attributes:
        clip: The file or folder that it is in.
        skipped: Frames of it that precede the span.
        transparent: Whether it is in the alpha channel, as in a cut-out, or in the grey picture.
    """

    clip: ClipInfo
    skipped: int
    transparent: bool


def find_alpha(path: Path, clip: ClipInfo, span: tuple[int, int], *, what: str = "alpha") -> Brought:
    """Return a matte of a clip, or raise before anything is computed.

    An alpha channel that is opaque throughout the first frames, over a grey picture, says nothing: some tools write
    grey mattes so, and the picture is taken then.

    Args:
        path: Video, folder of pictures, or picture.
        clip: What it belongs to.
        span: First frame and one past the last of the clip that are wanted.
        what: What it is called in messages.

    Raises:
        InputError: It has another size or count of frames than the clip, or it is in colour.
        MediaError: It cannot be read.
    """
    matte = probe(path)
    skipped = check_fits(what, matte, clip, span)
    return Brought(matte, skipped, _is_transparent(matte, what))


def check_fits(what: str, given: ClipInfo, clip: ClipInfo, span: tuple[int, int]) -> int:
    """Return how many of its frames precede the span: those of the clip, or none where it holds the span alone.

    Raises:
        InputError: It has another size than the clip, or another count of frames.
    """
    shown = f"{what} {show_path(given.path)}"
    if given.size != clip.size:
        raise InputError(f"{shown} must have the clip's size (height, width) {clip.size}; got {given.size}: resize it")
    length = span[1] - span[0]
    if given.frames == clip.frames:
        return span[0]
    if given.frames == length:
        return 0
    part = "" if length == clip.frames else f", or the {length} from --start to --end"
    raise InputError(f"{shown} must have the clip's {clip.frames} frames{part}; got {given.frames}: choose a span")


def read_alphas(brought: Brought, count: int) -> Iterator[Tensor]:
    """Yield the alphas (1, H, W) in [0, 1] of so many frames from the span's first, at the depth of the file.

    Raises:
        MediaError: A frame is damaged.
    """
    import torch

    with closing(read_planes(brought.clip)) as pictures:  # type: ignore[type-var]
        for picture in islice(pictures, brought.skipped, brought.skipped + count):
            plane = _matte_plane(picture, transparent=brought.transparent)
            levels = np.float32(white_of(picture))
            yield torch.from_numpy(np.divide(plane, levels, dtype=np.float32))[None]


def _matte_plane(picture: NDArray[Any], *, transparent: bool) -> NDArray[Any]:
    """Return the plane (H, W) of a picture (H, W, C) that holds the matte: its alpha, or its grey, as green has it."""
    channels = picture.shape[2]
    return picture[..., 3] if transparent and channels == 4 else picture[..., min(1, channels - 1)]


def _is_transparent(alpha: ClipInfo, what: str) -> bool:
    """Return whether a matte is in the alpha channel.

    Raises:
        InputError: There is none, and the first frames have colours.
    """
    coloured = has_channel = False
    with closing(read_planes(alpha)) as pictures:  # type: ignore[type-var]
        for picture in islice(pictures, FIRST):
            white = white_of(picture)
            has_channel = picture.shape[2] == 4
            if has_channel and picture[..., 3].min() < white:
                return True
            coloured |= float(np.ptp(picture[..., :3], axis=2).max()) * 255 / white > COLOURED
    if coloured and not has_channel:
        raise InputError(
            f"{what} {show_path(alpha.path)} must be grey or have an alpha channel; it has colours: "
            f"see that the clip and its {what} are not mistaken for each other"
        )
    return has_channel and coloured
