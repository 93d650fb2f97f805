"""What a video codec leaves of a clip: quantised block transforms, coarse colour, and blocks that stand still."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.checks import InputError

SIDES = (4, 8)
"""Sides of a transform block, as H.264 has them."""

DEAD_ZONES = (1 / 6, 1 / 3)
"""Shares of a step by which a coefficient of a whole picture, and of a difference, is lowered before rounding.

The second is the larger, so that what the first left out of a picture is not made up for in the next.
"""


def step_of(quality: float) -> float:
    """Return the quantiser step, as a share of white, of H.264's quantisation parameter.

    Example:
        >>> round(step_of(24) * 255)
        10
    """
    return float(0.625 * 2 ** (quality / 6) / 255)


def encode(
    frames: Tensor, *, step: float, side: int = 8, slope: float = 0.0, subsample: bool = True, predict: bool = True
) -> Tensor:
    """Return a clip as it comes out of a simple codec.

    Luma and colour differences are cut into blocks, transformed by cosines and rounded to steps. After the first
    frame, a block holds the difference to the same block of the frame before as it was decoded, unless the block by
    itself is cheaper; small differences round to nothing, so that quiet blocks stand still and moving ones drag a
    trace. There is no motion search. Luma is smoothed at the block borders, a little.

    Args:
        frames: (T, 3, H, W) in [0, 1].
        step: Quantiser step of luma as a share of white; colour differences take half more.
        side: Side of a block in px, 4 or 8.
        slope: How much coarser each higher frequency is; 0 as in H.264's flat matrix, 0.5 as in JPEG's.
        subsample: Store colour differences at half the size.
        predict: Hold differences between frames; off, each frame stands for itself and no border is smoothed.

    Returns:
        (T, 3, H, W), not held within [0, 1].

    Raises:
        InputError: The side is not 4 or 8.
    """
    if side not in SIDES:
        raise InputError(f"the side of a block must be 4 or 8 px; got {side}")
    height, width = frames.shape[-2:]
    unit = 2 * side if subsample else side
    padded = frames
    if height % unit or width % unit:
        padded = functional.pad(frames, (0, -width % unit, 0, -height % unit), mode="replicate")
    red, green, blue = padded.unbind(dim=1)
    luma = (red * 0.299).add_(green, alpha=0.587).add_(blue, alpha=0.114)
    colours = torch.stack(((blue - luma).mul_(0.564), (red - luma).mul_(0.713)), dim=1)
    if subsample:
        colours = _halved(colours)
    luma = _code(luma[:, None], step, side, slope, predict)
    colours = _code(colours, 1.5 * step, side, slope, predict)
    if predict:
        _smooth_borders(luma, side, step)
    if subsample:
        colours = _doubled(colours)
    blue_part, red_part = colours.unbind(dim=1)
    planes = torch.empty_like(padded)
    torch.add(luma[:, 0], red_part, alpha=1 / 0.713, out=planes[:, 0])
    torch.add(luma[:, 0], blue_part, alpha=1 / 0.564, out=planes[:, 2])
    green_part = luma[:, 0].sub_(planes[:, 0], alpha=0.299).sub_(planes[:, 2], alpha=0.114)
    planes[:, 1] = green_part.mul_(1 / 0.587)
    return planes[..., :height, :width]


def _code(planes: Tensor, step: float, side: int, slope: float, predict: bool) -> Tensor:
    """Return planes (T, C, H, W), whole blocks, after transform, rounding and back."""
    basis = _cosines(side).to(planes)
    place = torch.arange(side, device=planes.device, dtype=planes.dtype)
    steps = (step * (1 + slope * (place[:, None] + place))).repeat(1, planes.shape[-1] // side)
    shape = (*planes.shape[:2], planes.shape[-2] // side, side, planes.shape[-1])
    wanted = _transform(planes, basis).view(shape).div_(steps)
    if predict:
        _predict(wanted, side)
    else:
        wanted.round_()
    return _transform(wanted.mul_(steps).view(planes.shape), basis.T)


def _predict(wanted: Tensor, side: int) -> None:
    """Replace coefficients (T, C, R, side, W), in steps, by what a decoder has of them, frame after frame."""
    wanted[0] = functional.softshrink(wanted[0], DEAD_ZONES[0]).round_()
    for time in range(1, len(wanted)):
        before, now = wanted[time - 1], wanted[time]
        change = now - before
        cost, own_cost = (_cost(part, side) for part in (change, now))
        kept = (cost <= own_cost).to(now.dtype).repeat_interleave(side, dim=-1)
        before_kept = before * kept
        now.sub_(before_kept)
        now.copy_(functional.softshrink(now, DEAD_ZONES[1]).round_().add_(before_kept))


def _cost(coefficients: Tensor, side: int) -> Tensor:
    """Return the sum of magnitudes in each block, (C, R, 1, W / side)."""
    lines = coefficients.abs().sum(dim=-2, keepdim=True)
    return lines.view(*lines.shape[:-1], -1, side).sum(dim=-1)


def _transform(planes: Tensor, basis: Tensor) -> Tensor:
    """Return every block of planes multiplied by a basis from the left and by its transpose from the right.

    Along rows several blocks are taken together, since a product of matrices as small as a block is slow.
    """
    side, width = len(basis), planes.shape[-1]
    together = next(count for count in (16 // side, 1) if width % (side * count) == 0)
    wide = torch.block_diag(*[basis.T] * together)
    across = planes.reshape(-1, len(wide)) @ wide
    down: Tensor = basis.contiguous() @ across.view(-1, side, width)
    return down.view(planes.shape)


def _cosines(side: int) -> Tensor:
    """Return the orthonormal cosine transform of so many samples, (side, side)."""
    place = torch.arange(side, dtype=torch.float64)
    matrix = torch.cos((2 * place + 1) * place[:, None] * math.pi / (2 * side)) * math.sqrt(2 / side)
    matrix[0] /= math.sqrt(2)
    return matrix


def _smooth_borders(luma: Tensor, side: int, step: float) -> None:
    """Draw the two pixels at each block border towards each other by a quarter, at most half a step, in place."""
    for lines in (luma, luma.mT):
        before, after = lines[..., side - 1 : -1 : side, :], lines[..., side::side, :]
        shift = (after - before).mul_(0.25).clamp_(-step / 2, step / 2)
        before.add_(shift)
        after.sub_(shift)


def _halved(planes: Tensor) -> Tensor:
    """Return planes at half the size, the mean of each four pixels."""
    rows = planes[..., ::2, :] + planes[..., 1::2, :]
    return (rows[..., ::2] + rows[..., 1::2]).mul_(0.25)


def _doubled(planes: Tensor) -> Tensor:
    """Return planes at twice the size; each pixel becomes four."""
    return planes.repeat_interleave(2, dim=-1).repeat_interleave(2, dim=-2)
