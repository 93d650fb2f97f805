"""How large a picture may be, asked before memory is taken for it."""

from __future__ import annotations

import os
from pathlib import Path

from mattekit.checks import InputError, MediaError
from mattekit.media.paths import show_path

MOST_PIXELS = 1 << 26
"""Pixels of a frame or a picture that are taken without being asked twice, 8192 x 8192."""

VARIABLE = "MATTEKIT_MOST_PIXELS"
"""Name of the environment variable that sets another limit."""

MOST_CHUNK_BYTES = 1 << 31
"""Memory that the frames of a chunk may take; one frame may always."""

BYTES_A_PIXEL = 12
"""RGB as 32-bit floats."""


def most_pixels() -> int:
    """Return how many pixels a frame or a picture may have: what the environment says, or the default.

    Raises:
        InputError: The variable is no whole number above 0.
    """
    text = os.environ.get(VARIABLE)
    if text is None:
        return MOST_PIXELS
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1 << 62):
        raise InputError(f"{VARIABLE} must be a whole number of pixels; got {text!r}; set it to {MOST_PIXELS}, say")
    return int(text)


def check_pixels(path: Path, size: tuple[int, int]) -> None:
    """Raise if a picture is too large to be decoded.

    Args:
        path: The file, for the message.
        size: (height, width) as the file states it.

    Raises:
        MediaError: It has more pixels than allowed.
    """
    most = most_pixels()
    if size[0] * size[1] > most:
        raise MediaError(
            f"a frame must have at most {most} pixels; {show_path(path)} states {size[1]} x {size[0]}; "
            f"make it smaller, or set {VARIABLE} higher"
        )


def check_chunk(size: tuple[int, int], frames: int) -> None:
    """Raise if the frames of a chunk would take too much memory at once.

    Args:
        size: (height, width).
        frames: How many are held at once.

    Raises:
        InputError: They would.
    """
    most = max(1, MOST_CHUNK_BYTES // (BYTES_A_PIXEL * size[0] * size[1]))
    if frames > most:
        raise InputError(f"a chunk of frames {size} (height, width) must hold at most {most}; got {frames}; ask fewer")
