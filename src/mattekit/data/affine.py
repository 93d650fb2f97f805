"""Random affine motion of a picture or a clip, all of it in one resampling."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.data.easing import random_progress


@dataclass(frozen=True)
class Reach:
    """How far an affine change may go.

    Attributes:
        turn: Largest rotation in degrees, either way.
        shift: Largest shift as a share of each side, either way.
        scale: Range of the factor of size.
        shear: Largest shear in degrees, either way.
    """

    turn: float = 10.0
    shift: float = 0.1
    scale: tuple[float, float] = (0.9, 1.1)
    shear: float = 5.0


def draw_change(reach: Reach, generator: torch.Generator) -> Tensor:
    """Return (5,) float64: turn in radians, shift across and down as shares, factor of size, shear in radians."""
    turn, across, down, size, shear = torch.rand(5, generator=generator, dtype=torch.float64).tolist()
    low, high = reach.scale
    return torch.tensor(
        [
            math.radians(reach.turn) * (2 * turn - 1),
            reach.shift * (2 * across - 1),
            reach.shift * (2 * down - 1),
            low + (high - low) * size,
            math.radians(reach.shear) * (2 * shear - 1),
        ],
        dtype=torch.float64,
    )


def still_change(length: int, reach: Reach, generator: torch.Generator) -> Tensor:
    """Return one random change for all of T frames, (T, 5)."""
    return draw_change(reach, generator).expand(length, 5)


def moving_change(length: int, reach: Reach, generator: torch.Generator) -> Tensor:
    """Return a way from one random change to another along a random easing curve, (T, 5)."""
    first, last = draw_change(reach, generator), draw_change(reach, generator)
    return first + random_progress(length, generator)[:, None] * (last - first)


def matrices(changes: Tensor, half: tuple[float, float]) -> Tensor:
    """Return the matrices (T, 3, 3) float64 that lead from where something is seen back to where it was.

    Args:
        changes: (T, 5) as from `draw_change`; the picture is sheared and scaled, then turned, then shifted.
        half: Half of the picture's height and width, in the unit of its shorter half; its middle is the origin.
    """
    turn, across, down, size, shear = changes.unbind(1)
    size = size.clamp_min(0.05)  # curves that overshoot must not turn a picture inside out
    zero, one = torch.zeros_like(turn), torch.ones_like(turn)
    cosine, sine, slant = torch.cos(turn), torch.sin(turn), torch.tan(shear)
    rows = (
        torch.stack((size * cosine, size * (cosine * slant - sine), 2 * half[1] * across), -1),
        torch.stack((size * sine, size * (sine * slant + cosine), 2 * half[0] * down), -1),
        torch.stack((zero, zero, one), -1),
    )
    back: Tensor = torch.linalg.inv(torch.stack(rows, -2))
    return back


def half_sides(size: tuple[int, int]) -> tuple[float, float]:
    """Return half of height and width in the unit of the shorter half."""
    short = min(size)
    return size[0] / short, size[1] / short


def square_crop(half: tuple[float, float], *, aspect: float, area: float = 1.0, place: tuple[float, float]) -> Tensor:
    """Return the matrix (3, 3) float64 from the square [-1, 1] of a frame to the part of a picture that fills it.

    Args:
        half: Of the picture, as from `half_sides`.
        aspect: Width by height of the part.
        area: Its share of the largest part of that shape.
        place: Where it lies in the room that is left, x then y, from 0 to 1.
    """
    height = min(half[0], half[1] / aspect) * math.sqrt(area)
    width = aspect * height
    x, y = (
        (2 * at - 1) * (side - own) for at, side, own in zip(place, (half[1], half[0]), (width, height), strict=True)
    )
    return torch.tensor([[width, 0, x], [0, height, y], [0, 0, 1]], dtype=torch.float64)


def look_up(pixels: Tensor, places: Tensor, size: tuple[int, int], *, padding: str) -> Tensor:
    """Return T frames cut from the middle of squares that show a picture or a clip through matrices.

    Args:
        pixels: (T, C, H, W), or (1, C, H, W) where all frames show the same picture.
        places: (T, 3, 3) float64 from the square [-1, 1] of a frame to the picture, in the unit of `half_sides`.
        size: (height, width) of the frames; the squares have the longer of them as their side.
        padding: "zeros", "border" or "reflection": what is beyond the picture.

    Returns:
        (T, C, height, width).
    """
    side, short = max(size), min(pixels.shape[-2:])
    factor = max(1, short // side)
    if factor > 1:
        pixels = functional.avg_pool2d(pixels, factor, ceil_mode=True, count_include_pad=False)
    half = half_sides((pixels.shape[-2], pixels.shape[-1]))
    across, down = ((2 * torch.arange(own, dtype=torch.float64) + 1 - own) / side for own in (size[1], size[0]))
    scaled = places[:, :2] / places.new_tensor([half[1], half[0]])[:, None]
    along = scaled[:, :, 0, None] * across  # (T, 2, width)
    upright = scaled[:, :, 1, None] * down + scaled[:, :, 2, None]  # (T, 2, height)
    along, upright = (part.to(pixels.device, torch.float32) for part in (along, upright))
    grid = torch.stack([along[:, axis, None, :] + upright[:, axis, :, None] for axis in (0, 1)], -1)
    pictures = pixels.expand(len(grid), -1, -1, -1)
    return functional.grid_sample(pictures, grid, mode="bilinear", padding_mode=padding, align_corners=False)
