"""Straight colour for the view of a cut-out: quick, and near to what an export has."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mattekit.studio.pictures import Levels

SIDES = (61, 9)
"""Sides in px of the windows over which colour is gathered, the coarse one first."""

LEAST = 1e-4


def straight_colour(frame: Levels, alpha: Levels) -> Levels:
    """Return a frame's foreground, (H, W, 4) RGB and alpha, in levels of 8 bits.

    Where alpha is 255 the colour is the frame's. That of an export is from `mattekit.ops.foreground`, which is slower
    and steadier over time.

    Args:
        frame: (H, W, 3).
        alpha: (H, W).

    Source: Forte, Approximate fast foreground colour estimation, ICIP 2021, equations 4 to 7, with boxes of two sizes.
    """
    picture = frame.astype(np.float32) / np.float32(255)
    share = (alpha.astype(np.float32) / np.float32(255))[..., None]
    foreground = background = picture
    for side in SIDES:
        foreground, background = _gathered(picture, share, foreground, background, side)
    colour = np.where(share >= 1, picture, foreground)
    levels = np.rint(colour.clip(0, 1) * np.float32(255)).astype(np.uint8)
    return np.concatenate((levels, alpha[..., None]), axis=-1)


def _gathered(
    picture: NDArray[np.float32],
    share: NDArray[np.float32],
    foreground: NDArray[np.float32],
    background: NDArray[np.float32],
    side: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return both colours as the means of what is around, corrected so that they mix to the picture."""
    own = _mean(foreground * share, side) / (_mean(share, side) + LEAST)
    other = _mean(background * (1 - share), side) / (_mean(1 - share, side) + LEAST)
    return own + share * (picture - share * own - (1 - share) * other), other


def _mean(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    return np.asarray(cv2.blur(values, (side, side)), dtype=np.float32).reshape(values.shape)
