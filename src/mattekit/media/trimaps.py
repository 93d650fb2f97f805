"""Trimaps and masks that a user gives as pictures: checked before anything is computed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mattekit.checks import InputError, MediaError, list_values
from mattekit.media.formats import IMAGES
from mattekit.media.images import last_number, list_images, natural_key
from mattekit.media.paths import reason, show_path
from mattekit.media.stills import load_image, white_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

BACKGROUND, UNKNOWN, FOREGROUND = 0, 128, 255
NEAR_UNKNOWN = (127, 128, 129)


def read_trimap(path: Path | str, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a trimap picture as (H, W) in {0, 128, 255}.

    Grey, palette, RGB and RGBA pictures of 8 or 16 bits are taken where their colours are grey; 127 and 129 count as
    128.

    Args:
        path: The picture.
        size: (height, width) of the clip.

    Raises:
        InputError: It has colours, other values, or another size.
        MediaError: It is not a picture that can be read.
    """
    path = Path(path)
    grey = _grey(path, "trimap")
    _check_size(path, "trimap", grey.shape, size)
    values = np.unique(grey)
    if not set(values.tolist()) <= {BACKGROUND, *NEAR_UNKNOWN, FOREGROUND}:
        raise InputError(
            f"trimap {show_path(path)} must hold only 0 (background), 128 (unknown) and 255 (foreground); "
            f"got {list_values(values)}; give it as a mask, or make a trimap of it with 'mattekit trimap'"
        )
    return np.where((grey == BACKGROUND) | (grey == FOREGROUND), grey, UNKNOWN).astype(np.uint8)


def read_mask(path: Path | str, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a mask picture as (H, W) in 0 to 255, as it is: the caller sets the threshold.

    A picture that is partly transparent is read by its alpha; any other must be grey.

    Args:
        path: The picture.
        size: (height, width) of the clip.

    Raises:
        InputError: It has colours, or another size.
        MediaError: It is not a picture that can be read.
    """
    path = Path(path)
    pixels = load_image(path)
    if pixels.shape[2] == 4 and pixels[..., 3].min() < white_of(pixels):
        mask = _to_bytes(pixels[..., 3])
    else:
        mask = _grey(path, "mask", pixels)
    _check_size(path, "mask", mask.shape, size)
    return mask


def find_trimaps(folder: Path | str, frames: int) -> dict[int, Path]:
    """Return the trimaps of a folder by frame: the last number in a file's name is the frame it belongs to.

    Args:
        folder: Holds trimap pictures; other files are left alone.
        frames: Number of frames of the clip, which are counted from 0.

    Raises:
        InputError: A file has no number, a number past the end, or the number of another.
        MediaError: The folder cannot be read or holds no picture.
    """
    folder = Path(folder)
    try:
        files = [file for file in folder.iterdir() if file.suffix.lower() in IMAGES and not file.name.startswith(".")]
    except OSError as error:
        raise MediaError(f"{show_path(folder)} must be a folder of trimaps; {reason(error)}; check the name") from error
    if not files:
        list_images(folder)
    found: dict[int, Path] = {}
    for file in sorted(files, key=lambda file: natural_key(file.name)):
        number, shown = last_number(file), show_path(file)
        if number is None:
            raise InputError(f"trimap {shown} must have its frame's number in its name; it has none; rename it")
        if number >= frames:
            raise InputError(f"trimap {shown} must belong to a frame from 0 to {frames - 1}; got {number}; rename it")
        if number in found:
            raise InputError(
                f"frame {number} must have one trimap; got {show_path(found[number].name)} and "
                f"{show_path(file.name)}; move one away"
            )
        found[number] = file
    return dict(sorted(found.items()))


def _grey(path: Path, what: str, pixels: NDArray[Any] | None = None) -> NDArray[np.uint8]:
    """Return the grey values of a picture, (H, W) uint8."""
    pixels = load_image(path) if pixels is None else pixels
    red = pixels[..., 0]
    if pixels.shape[2] > 1 and ((pixels[..., 1] != red).any() or (pixels[..., 2] != red).any()):
        raise InputError(f"{what} {show_path(path)} must be grey; it has colours; save it as a grey picture")
    return _to_bytes(red)


def _to_bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return floats and 16-bit values rounded to 8 bits, and 8-bit values as they are."""
    if values.dtype.kind == "f":
        return np.rint(values * np.float32(255)).astype(np.uint8)
    return values if values.dtype == np.uint8 else ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _check_size(path: Path, what: str, got: tuple[int, ...], size: tuple[int, int]) -> None:
    """Raise unless a picture has the clip's size."""
    if got != size:
        raise InputError(
            f"{what} {show_path(path)} must have the clip's size (height, width) {size}; got {got}; "
            "draw it on a frame of the clip, or resize it without smoothing"
        )
