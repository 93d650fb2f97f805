"""Conn: how much less of one map than of the other hangs together with the main body.

The bodies are found in :mod:`mattekit.metrics.bodies`. Maps are walked through in bands of rows, which stay in the
processor's cache: new memory is slow to come by.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mattekit.metrics.bodies import BLOCK, STEPS, Indices, lower
from mattekit.metrics.spatial import check_clip, same_kind

Bools = NDArray[np.bool_]

SLACK = 1e-9
"""Values this little below a threshold reach it: 0.1 times a whole number is seldom exact."""
TOLERANCE = 0.15
"""Distance above its connected level up to which a pixel counts as fully connected."""
NEAR = 0.049
"""Maps no farther apart lose nothing within the step they share: its tenth and half a tenth more are tolerated."""
UNIT = 510
"""A level of 8 bits is two 510ths and a threshold fifty-one: sums of 8-bit maps are exact."""


def conn(alpha: Tensor, alpha_true: Tensor, region: Tensor) -> Tensor:
    """Sum the differences in connectivity over a region.

    At each threshold 0.1, 0.2, ..., 1 the largest 4-connected set of pixels in which both maps reach it is the main
    body; of equals, the first in reading order. A pixel's level is the threshold below the first at which it is
    outside, 1 if it never is. Its connectivity in a map is 1, less the map's distance above the level where that is
    0.15 or more. The bodies are those of the whole frame, whatever the region.

    Args:
        alpha: (T, 1, H, W) in [0, 1], or uint8 in 0-255.
        alpha_true: (T, 1, H, W) likewise.
        region: (T, 1, H, W) boolean.

    Returns:
        (T,) float64, px; 0 where the region is empty. Tables divide by 1000.

    Raises:
        InputError: The shapes do not fit.

    Source:
        Rhemann et al., A Perceptually Motivated Online Benchmark for Image Matting, CVPR 2009, which has one fixed
        main body and weights by distance; the code that everyone uses, and this function, chooses the body anew at
        each threshold and weights nothing. Published implementations differ where no pixel reaches a threshold: most
        close every level there, as here; GCA-style ports skip the threshold, and the Matlab original fails. Regions
        are the trimap's unknown pixels (DVM, Adobe) or the whole frame (RVM); DVM's script does not divide by 1000.
    """
    check_clip(alpha, alpha_true, region)
    return lost_connection(alpha, alpha_true, region)


def lost_connection(alpha: Tensor, alpha_true: Tensor, region: Tensor) -> Tensor:
    """Return Conn, (T,) float64, of maps that are known to fit each other."""
    planes = [part[:, 0].cpu().numpy() for part in (*same_kind(alpha, alpha_true), region)]
    sums = [_frame(*three) for three in zip(*planes, strict=True)]
    return torch.tensor(sums, dtype=torch.float64, device=alpha.device)


def _frame(alpha: NDArray[Any], alpha_true: NDArray[Any], region: Bools) -> float:
    """Return one frame's sum."""
    box = _box(alpha, alpha_true)
    alpha, alpha_true, region = alpha[box], alpha_true[box], region[box]
    height, width = region.shape
    level = np.zeros((height + 1, width + 1), np.uint8)
    for rows in _bands(region):
        level[rows, :-1] = _steps(np.minimum(alpha[rows], alpha_true[rows]))
    pixels = _looked_at(alpha, alpha_true, region, np.divmod(lower(level), width + 1))
    reached = level.ravel()[pixels + pixels // width].astype(np.int16) * 51
    lost = [_lost(values.ravel()[pixels], reached) for values in (alpha, alpha_true)]
    return float(np.abs(lost[0] - lost[1]).sum()) / UNIT


def _looked_at(
    alpha: NDArray[Any], alpha_true: NDArray[Any], region: Bools, lowered: tuple[Indices, Indices]
) -> Indices:
    """Return where in a region the maps may lose differently: far enough apart, or lower than the step they share."""
    near = math.floor(NEAR * 255) if alpha.dtype == np.uint8 else NEAR
    pixels = []
    for rows in _bands(region):
        look = np.maximum(alpha[rows], alpha_true[rows]) - np.minimum(alpha[rows], alpha_true[rows]) > near
        here = slice(*np.searchsorted(lowered[0], (rows.start, rows.stop)))
        look[lowered[0][here] - rows.start, lowered[1][here]] = True
        look &= region[rows]
        pixels.append(np.flatnonzero(look) + rows.start * region.shape[1])
    return np.concatenate(pixels)


def _bands(plane: Bools) -> list[slice]:
    """Return the rows of a plane in bands of about a block's pixels."""
    height, width = plane.shape
    step = max(BLOCK // width, 1)
    return [slice(top, min(top + step, height)) for top in range(0, height, step)]


def _box(alpha: NDArray[Any], alpha_true: NDArray[Any]) -> tuple[slice, slice]:
    """Return the rows and columns that hold all that reaches the first threshold in a map, at least one of each."""
    first = 255 / STEPS if alpha.dtype == np.uint8 else 1 / STEPS - SLACK
    maps = [torch.from_numpy(part) for part in (alpha, alpha_true)]
    rows = _span(torch.maximum(maps[0].amax(dim=1), maps[1].amax(dim=1)) >= first)
    columns = _span(torch.maximum(maps[0][rows].amax(dim=0), maps[1][rows].amax(dim=0)) >= first)
    return rows, columns


def _span(reached: Tensor) -> slice:
    """Return the first to the last line that is reached, the first of all if none is."""
    lines = reached.numpy().nonzero()[0]
    return slice(int(lines[0]), int(lines[-1]) + 1) if len(lines) else slice(0, 1)


def _lost(values: NDArray[Any], height: NDArray[np.int16]) -> NDArray[Any]:
    """Return how far values lie above their level's height, 0 within the tolerance, all in 510ths."""
    exact = values.dtype == np.uint8
    above = (values.astype(np.int16) * 2 if exact else values.astype(np.float64) * UNIT) - height
    above[above < (math.ceil(TOLERANCE * UNIT) if exact else TOLERANCE * UNIT - SLACK)] = 0
    return above


def _steps(values: NDArray[Any]) -> NDArray[Any]:
    """Return the highest threshold, in tenths, that each value reaches."""
    if values.dtype == np.uint8:
        tenths: NDArray[Any] = np.multiply(values, STEPS, dtype=np.uint16)
        tenths //= 255
        return tenths
    steps: NDArray[Any] = np.floor((values.astype(np.float64) + SLACK) * STEPS).clip(0, STEPS)
    return steps
