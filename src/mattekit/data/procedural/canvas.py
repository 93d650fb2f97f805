"""A picture under construction: premultiplied colour and alpha, painted from back to front."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mattekit.data.layer import Layer
from mattekit.data.procedural.noise import places_of
from mattekit.data.procedural.raster import polygon_cover
from mattekit.ops.extend import extend_colour

Floats = NDArray[np.floating[Any]]
Paint = Callable[[Floats], Floats]
"""Returns colours (3, h, w) at places (h, w, 2)."""
_SEEN = 1 / 512
"""Alphas below this round to nothing in 8 bits; their colour is continued from their neighbours'."""


class Canvas:
    """Premultiplied RGB and alpha of one frame.

    Places are in heights of the picture from its middle, x to the right and y down, so that the same drawing comes
    out at any size.

    Args:
        size: (height, width) in px.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self.colour: Floats = np.zeros((3, *size), dtype=np.float32)
        self.alpha: Floats = np.zeros(size, dtype=np.float32)

    def pixels(self, places: Floats) -> Floats:
        """Return places (..., 2) in px from the top left corner."""
        height, width = self.size
        pixels: Floats = np.asarray(places) * height + np.array((width / 2, height / 2))
        return pixels

    def over(self, colour: Floats, alpha: Floats, *, corner: tuple[int, int] = (0, 0)) -> None:
        """Lay straight colour with alpha over what is there.

        Args:
            colour: (3, h, w), or (3, 1, 1) for one colour, in [0, 1].
            alpha: (h, w) in [0, 1].
            corner: (row, column) of the part's top left pixel.
        """
        rows = slice(corner[0], corner[0] + alpha.shape[0])
        columns = slice(corner[1], corner[1] + alpha.shape[1])
        rest = 1 - alpha
        self.colour[:, rows, columns] = self.colour[:, rows, columns] * rest + colour * alpha
        self.alpha[rows, columns] = self.alpha[rows, columns] * rest + alpha

    def polygon(self, places: Floats | Sequence[Floats], colour: Floats | Paint, *, opacity: float = 1.0) -> None:
        """Lay a polygon, or loops with holes, over what is there.

        Args:
            places: (N, 2), or a list of such, in heights.
            colour: (3,), (3, H, W) of the whole canvas, or a function that paints the places asked for, in [0, 1].
            opacity: Multiplies the coverage.
        """
        loops = [self.pixels(loop) for loop in ([places] if isinstance(places, np.ndarray) else places)]
        every = np.concatenate(loops)
        left, top = np.floor(every.min(axis=0)).astype(int).clip(0)
        right, bottom = np.minimum(np.ceil(every.max(axis=0)).astype(int), self.size[::-1])
        if right <= left or bottom <= top:
            return
        corner = np.array((left, top))
        alpha = polygon_cover([loop - corner for loop in loops], (bottom - top, right - left)) * opacity
        if callable(colour):
            colour = colour(places_of(self.size)[top:bottom, left:right])
        elif colour.ndim == 1:
            colour = colour[:, None, None]
        else:
            colour = colour[:, top:bottom, left:right]
        self.over(colour, alpha, corner=(int(top), int(left)))


def finish(canvases: Sequence[Canvas], *, flow: Tensor | None = None, valid: Tensor | None = None) -> Layer:
    """Return painted frames as a layer with straight colour, continued smoothly where alpha is 0.

    Args:
        canvases: One a frame.
        flow: As in `Layer`.
        valid: As in `Layer`.
    """
    alpha = torch.from_numpy(np.stack([canvas.alpha for canvas in canvases]))[:, None].float().clamp(0, 1)
    premultiplied = torch.from_numpy(np.stack([canvas.colour for canvas in canvases])).float()
    return straighten(premultiplied, alpha, flow=flow, valid=valid)


def straighten(
    premultiplied: Tensor, alpha: Tensor, *, flow: Tensor | None = None, valid: Tensor | None = None
) -> Layer:
    """Return premultiplied colour (T, 3, H, W) and alpha (T, 1, H, W) as a layer with straight, continued colour."""
    seen = (alpha > _SEEN).float()
    colour = extend_colour(premultiplied / alpha.clamp_min(_SEEN) * seen, seen)
    return Layer(colour.clamp(0, 1), alpha.clamp(0, 1), flow, valid)
