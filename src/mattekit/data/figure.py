"""One still foreground made ready to be placed anywhere: one resampling a frame, of premultiplied colour."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.checks import InputError, check_rank
from mattekit.ops.extend import extend_colour

BAND = 64
"""Rows of the frame that are placed at a time, so that they stay in the processor's cache."""
CELL = 16
"""Side in px of the squares by which empty parts of a foreground are left out."""
RIM = 2
"""Empty px around a foreground."""
FLOOR = 2.0**-12
"""Weight that colour keeps where alpha is 0, so that it continues smoothly beyond the edge."""
FAINT = 12.0
"""Inverse of the alpha below which a source's colour, coarse after 8 bits, gives way to that of its surroundings."""


@dataclass(frozen=True)
class Placed:
    """A foreground over a background as 8-bit pictures; frame = alpha x foreground + (1 - alpha) x background, rounded.

    Attributes:
        frame: (3, H, W) uint8.
        alpha: (1, H, W) uint8.
        foreground: (3, H, W) uint8, straight colour.
        background: (3, H, W) uint8.
    """

    frame: Tensor
    alpha: Tensor
    foreground: Tensor
    background: Tensor


class Figure:
    """A still foreground, kept at twice its resolution by a cubic filter, between whose points it is read linearly.

    Args:
        pixels: (4, h, w) uint8 straight colour and alpha.

    Raises:
        InputError: The shape is another, or alpha is 0 everywhere.

    Source:
        Reading a filtered double linearly is the cubic kernel from a table of two entries a pixel. It costs less than
        half of reading sixteen neighbours, and no value overshoots, since the points of the double do not.
    """

    def __init__(self, pixels: Tensor) -> None:
        check_rank("pixels", pixels, "4 H W")
        if not bool(pixels[3].any()):
            raise InputError(f"a foreground's alpha must not be 0 everywhere; it is, over {tuple(pixels.shape[1:])} px")
        self.size = pixels.shape[-2], pixels.shape[-1]
        self._cells = _occupied(pixels[3])
        self._mean = mean_colour(pixels)
        rows, columns = (pixels[3].any(axis).nonzero()[:, 0].tolist() for axis in (1, 0))
        self._corner = columns[0] - RIM, rows[0] - RIM
        part = pixels[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        layer = functional.pad(part.float() / 255, (RIM, RIM, RIM, RIM))
        colour = extend_colour(layer[None, :3], (layer[None, 3:] * FAINT).clamp_max(1))[0]
        self._double = _doubled(colour, layer[3:]).contiguous(memory_format=torch.channels_last)

    def place(self, place: Tensor, background: Tensor) -> Placed:
        """Put the figure over a background.

        Args:
            place: (2, 3) float64, from a pixel (x, y, 1) of the frame to its place in the figure.
            background: (3, H, W) uint8.

        Returns:
            The pictures; where alpha is 0 the colour is the figure's own, continued, and far away its mean.
        """
        height, width = background.shape[-2:]
        frame = background.clone()
        alpha = torch.zeros(1, height, width, dtype=torch.uint8, device=background.device)
        foreground = self._mean[:, None, None].expand(3, height, width).contiguous()
        for top, left, bottom, right in self._spans(place, (height, width)):
            grid = self._grid(place, rows=(top, bottom), columns=(left, right))
            layer = functional.grid_sample(self._double, grid, padding_mode="border", align_corners=False)[0]
            colour = (layer[:3] / layer[3:]).round_()
            cover = layer[3:].sub_(FLOOR).mul_(255 / (1 - FLOOR)).round_()
            here = (slice(None), slice(top, bottom), slice(left, right))
            foreground[here], alpha[here] = colour, cover
            under = background[here].float()
            frame[here] = under.lerp_(colour, cover.mul_(1 / 255)).round_()
        return Placed(frame, alpha, foreground, background)

    def _grid(self, place: Tensor, *, rows: tuple[int, int], columns: tuple[int, int]) -> Tensor:
        """Return where the double is read for a part of the frame, (1, h, w, 2) in the range -1 to 1 of its border."""
        device = self._double.device
        height, width = self._double.shape[-2:]
        down = torch.arange(*rows, device=device, dtype=torch.float64)[:, None]
        across = torch.arange(*columns, device=device, dtype=torch.float64)[None]
        (a, b, c), (d, e, f) = place.tolist()
        # px s of the kept part are px 2 s + 1/2 of its double; x and y go as the parts of one complex number
        scale = complex(4 / width, 0), complex(0, 4 / height)
        left, top = self._corner
        start = complex((4 * (c - left) + 2) / width - 1, (4 * (f - top) + 2) / height - 1)
        along = (across * (a * scale[0] + d * scale[1])).to(torch.complex64)
        upright = (down * (b * scale[0] + e * scale[1]) + start).to(torch.complex64)
        return torch.view_as_real(along + upright)[None]

    def _spans(self, place: Tensor, size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
        """Return (top, left, bottom, right) of the part of each band of rows that the figure can reach."""
        height, width = size
        square = torch.cat((place, place.new_tensor([[0.0, 0.0, 1.0]])))
        onward = torch.linalg.inv(square)[:2].cpu()
        at = onward[:, :2] @ self._cells + onward[:, 2:]
        reach = (CELL / 2 + 2) * float(torch.linalg.matrix_norm(onward[:, :2], 2)) * math.sqrt(2)
        bands = -(-height // BAND)
        # bands are counted from 1, so that 0 and the last take what lies above and below the frame
        first = ((at[1] - reach) / BAND).floor().clamp(-1, bands).long() + 1
        last = ((at[1] + reach) / BAND).floor().clamp(-1, bands).long() + 1
        left, right = at.new_full((bands + 2,), torch.inf), at.new_full((bands + 2,), -torch.inf)
        for step in range(int((last - first).max()) + 1):
            band = torch.minimum(first + step, last)
            left.scatter_reduce_(0, band, at[0], "amin")
            right.scatter_reduce_(0, band, at[0], "amax")
        lows, highs = (left[1:-1] - reach).clamp(0, width), (right[1:-1] + reach + 2).clamp(0, width)
        ends = zip(lows.int().tolist(), highs.int().tolist(), strict=True)
        return [
            (band * BAND, low, min(height, (band + 1) * BAND), high)
            for band, (low, high) in enumerate(ends)
            if low < high
        ]


def _doubled(colour: Tensor, alpha: Tensor) -> Tensor:
    """Return (1, 4, 2h, 2w): colour of (3, h, w), times 255 and weight, and the weight of alpha (1, h, w).

    Colour keeps a little weight where alpha is 0, so that dividing by the weight continues it beyond the edge.
    """
    weight = alpha.mul(1 - FLOOR).add_(FLOOR)
    light = functional.interpolate(colour[None] * (255 * FLOOR), scale_factor=2.0)[0]
    # with antialiasing, enlarging is by Catmull and Rom's cubic
    wide = functional.interpolate(
        torch.cat((colour * weight, weight))[None], scale_factor=2.0, mode="bicubic", antialias=True
    )[0]
    cover = wide[3:].clamp_(FLOOR, 1)
    heavy = torch.minimum(wide[:3].clamp_min_(0), cover).mul_(255)
    return torch.cat((torch.where(cover > FLOOR, heavy, light), cover))[None]


def _occupied(alpha: Tensor) -> Tensor:
    """Return the centres (2, n) float64, x then y in px, of the squares of (h, w) uint8 alpha that are not empty."""
    some = functional.max_pool2d(alpha.float()[None, None], CELL, ceil_mode=True)[0, 0]
    y, x = (some > 0).nonzero().T.double().cpu()
    return torch.stack((x, y)) * CELL + (CELL - 1) / 2


def mean_colour(pixels: Tensor) -> Tensor:
    """Return the mean colour (3,) uint8 of (4, h, w) uint8 by alpha; grey where there is none.

    It is reckoned in whole numbers, so that it is the same in whatever order it is summed.
    """
    total = pixels[3].long().sum()
    if total == 0:
        return torch.full((3,), 128, dtype=torch.uint8, device=pixels.device)
    weighed = (pixels[:3].long() * pixels[3].long()).sum((1, 2))
    return ((weighed + total // 2) // total).to(torch.uint8)
