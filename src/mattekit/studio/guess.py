"""Help with the first trimap: the subject is cut out of a box, or found from rough strokes."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mattekit.checks import InputError
from mattekit.studio.pictures import Levels
from mattekit.studio.raster import Mask, box, squared_distance
from mattekit.studio.strokes import BACKGROUND, FOREGROUND, UNKNOWN, Trimap

LONGEST = 480
"""Px of the long side at which the subject is cut out; larger frames are shrunk for it."""

ROUNDS = 4
SMALLEST = 16
"""Px of a box's shorter side, at the size it is cut out at."""


def default_band(size: tuple[int, int]) -> int:
    """Return how far unknown reaches to each side of a mask's edge: a fiftieth of the frame's long side, in px."""
    return max(1, round(max(size) / 50))


def trimap_of_mask(mask: Mask, *, band: int) -> Trimap:
    """Return a trimap that is unknown within so many px to each side of a mask's edge.

    Args:
        mask: (H, W), True where the foreground is.
        band: Reach of the unknown in px; the distance is that to the nearest pixel of the other side.
    """
    trimap = np.where(mask, FOREGROUND, BACKGROUND).astype(np.uint8)
    away = np.where(mask, squared_distance(~mask), squared_distance(mask))
    trimap[away <= band * band] = UNKNOWN
    return trimap


def from_box(frame: Levels, corners: tuple[int, int, int, int], *, band: int) -> Trimap:
    """Return a trimap of what stands in a box.

    Args:
        frame: (H, W, 3) RGB in levels of 8 bits.
        corners: First column and row, one past the last column and row; what is outside the frame is left out.
        band: Reach of the unknown in px.

    Raises:
        InputError: The box holds hardly any of the frame, or nothing is found in it.

    Source: Rother, Kolmogorov and Blake, GrabCut, SIGGRAPH 2004, as OpenCV has it; the band is ours.
    """
    size = frame.shape[0], frame.shape[1]
    inside = box(size, ((corners[0], corners[1]), (corners[2] - 1, corners[3] - 1)))
    if corners[2] <= corners[0] or corners[3] <= corners[1] or not inside.any():
        raise InputError(f"the box must hold a part of the frame; got {corners}: draw it around the subject")
    seeds = np.where(inside, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    return _cut(frame, seeds, band=band)


def from_rough(frame: Levels, trimap: Trimap, *, band: int) -> Trimap:
    """Return a trimap of the subject of which some is painted.

    Args:
        frame: (H, W, 3) RGB in levels of 8 bits.
        trimap: (H, W): foreground is taken as sure and stays so, unknown as likely; background near either may turn out
            to be foreground, what is far away is sure.
        band: Reach of the unknown in px.

    Raises:
        InputError: No foreground is painted.
    """
    painted = trimap == FOREGROUND
    if not painted.any():
        raise InputError("rough strokes must mark some foreground; none is painted: paint a line through the subject")
    away = squared_distance(trimap != BACKGROUND)
    far = away > min((max(trimap.shape) // 3) ** 2, int(away.max()) // 2)
    seeds = np.where(far, cv2.GC_BGD, cv2.GC_PR_BGD).astype(np.uint8)
    seeds[trimap == UNKNOWN] = cv2.GC_PR_FGD
    seeds[painted] = cv2.GC_FGD
    guessed = _cut(frame, seeds, band=band)
    guessed[painted] = FOREGROUND
    return guessed


def _cut(frame: Levels, seeds: NDArray[np.uint8], *, band: int) -> Trimap:
    """Return a trimap of what is foreground by GrabCut, worked out at a small size."""
    height, width = frame.shape[:2]
    scale = min(1.0, LONGEST / max(height, width))
    small = max(1, round(width * scale)), max(1, round(height * scale))
    picture = cv2.resize(frame, small, interpolation=cv2.INTER_AREA) if scale < 1 else frame
    labels = cv2.resize(seeds, small, interpolation=cv2.INTER_NEAREST) if scale < 1 else seeds.copy()
    found = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if found.all() or found.sum() < SMALLEST:
        raise InputError("background must be left around the subject; there is none: draw the box closer to it")
    cv2.setRNGSeed(0)
    ours, theirs = np.zeros((1, 65)), np.zeros((1, 65))
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    nowhere = (0, 0, 1, 1)  # asked for, and not looked at where there are seeds
    labels = cv2.grabCut(bgr, labels, nowhere, theirs, ours, ROUNDS, cv2.GC_INIT_WITH_MASK)[0].astype(np.uint8)
    mask = _whole(np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)))
    if not mask.any():
        raise InputError(
            "something must stand out in the box; nothing was found: paint it by hand, or draw another box"
        )
    full = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR) >= 0.5
    return trimap_of_mask(full, band=band)


def _whole(mask: Mask) -> Mask:
    """Return a mask without its small islands and holes, under a fiftieth of its largest part."""
    for value in (True, False):
        count, labels, stats, _ = cv2.connectedComponentsWithStats((mask == value).astype(np.uint8), connectivity=4)
        areas = stats[1:count, cv2.CC_STAT_AREA]
        if len(areas):
            small = np.flatnonzero(areas < max(areas.max(), 1) / 50) + 1
            mask = np.where(np.isin(labels, small), not value, mask)
    return mask
