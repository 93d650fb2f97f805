"""How a stored picture must be turned to be seen as it was taken, from a display matrix or an EXIF tag."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from mattekit.checks import MediaError

if TYPE_CHECKING:
    from numpy.typing import NDArray

UPRIGHT = (0, False)
"""No turn and no mirror."""

EXIF_TURNS = {
    1: UPRIGHT,
    2: (0, True),
    3: (180, False),
    4: (180, True),
    5: (270, True),
    6: (90, False),
    7: (90, True),
    8: (270, False),
}
"""EXIF orientation to (clockwise degrees, left-right mirror before the turn)."""


def parse_display_matrix(data: bytes) -> tuple[int, bool]:
    """Return the turn that a display matrix asks for.

    A point (x, y), y downwards, goes to (a x + c y, b x + d y) for the matrix rows (a, b, u), (c, d, v), (x, y, w).
    A negative determinant is a mirror: it is taken out as a left-right flip before the turn.

    Args:
        data: Nine 32-bit integers in the machine's byte order.

    Returns:
        Clockwise degrees (0, 90, 180, 270), and whether to flip left and right first.

    Raises:
        MediaError: The turn is not a multiple of 90 degrees.
    """
    a, b, _, c, d, *_ = struct.unpack("=9i", data[:36])
    if a == b == c == d == 0:
        return UPRIGHT
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    degrees = math.degrees(math.atan2(b, a))
    turn = round(degrees / 90) * 90
    if abs(degrees - turn) > 1:
        raise MediaError(f"a clip's rotation must be a multiple of 90 degrees; got {degrees:.0f}; turn the clip first")
    return turn % 360, mirrored


def exif_turn(orientation: object) -> tuple[int, bool]:
    """Return the turn of an EXIF orientation tag, upright where the tag is missing or out of range."""
    return EXIF_TURNS.get(orientation, UPRIGHT) if isinstance(orientation, int) else UPRIGHT


def turned_size(size: tuple[int, int], rotation: int) -> tuple[int, int]:
    """Return (height, width) after a turn.

    Example:
        >>> turned_size((48, 64), 90)
        (64, 48)
    """
    return (size[1], size[0]) if rotation % 180 else size


def turn(picture: NDArray[Any], rotation: int, mirrored: bool) -> NDArray[Any]:
    """Return a view of a picture (H, W) or (H, W, C), flipped left-right where asked and then turned clockwise."""
    if mirrored:
        picture = picture[:, ::-1]
    return np.rot90(picture, k=-(rotation // 90), axes=(0, 1)) if rotation else picture
