"""Full-size work only where the trimap is unknown: tiles cut out, worked on as a batch, and put back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor


@dataclass(frozen=True)
class Tiles:
    """The square tiles of a batch of pictures that hold at least one unknown pixel.

    Attributes:
        chosen: (N, rows, columns) bool.
        side: Side of a tile in full-size px.
        halo: Extra px on every side when a tile is cut.
    """

    chosen: Tensor
    side: int
    halo: int

    def cut(self, feature: Tensor, *, scale: int = 1) -> Tensor:
        """Return the chosen tiles with their halo, zeros beyond the picture.

        Args:
            feature: (N, C, H / scale, W / scale); H and W multiples of ``side``.
            scale: How much smaller than full size the feature is; divides ``side`` and ``halo``.

        Returns:
            (tiles, C, S, S) with S = (side + 2 halo) / scale.
        """
        side, halo = self.side // scale, self.halo // scale
        span = side + 2 * halo
        views = functional.pad(feature, (halo,) * 4).unfold(2, span, side).unfold(3, span, side)
        return views.permute(0, 2, 3, 1, 4, 5)[self.chosen]

    def put(self, tiles: Tensor, canvas: Tensor) -> Tensor:
        """Return a picture with tiles (without halo) written over it.

        Args:
            tiles: (tiles, C, side, side).
            canvas: (N, C, H, W), what the other places hold.
        """
        count, channels, height, width = canvas.shape
        rows, columns = height // self.side, width // self.side
        cells = canvas.view(count, channels, rows, self.side, columns, self.side).permute(0, 2, 4, 1, 3, 5)
        cells = cells.masked_scatter(self.chosen[..., None, None, None], tiles.to(canvas.dtype))
        return cells.permute(0, 3, 1, 4, 2, 5).reshape(canvas.shape)


def unknown_tiles(trimap: Tensor, *, side: int = 32, halo: int = 4) -> Tiles:
    """Find the tiles that hold unknown pixels.

    Args:
        trimap: (N, 1, H, W) in {0, 0.5, 1}; H and W multiples of ``side``.
        side: Side of a tile in px.
        halo: Extra px that `Tiles.cut` adds on every side.
    """
    unknown = (trimap == 0.5).to(torch.float32)
    return Tiles(functional.max_pool2d(unknown, side)[:, 0] > 0, side, halo)
