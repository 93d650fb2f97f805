"""Notices an alpha that stands still while the subject moves on."""

from __future__ import annotations

from torch import Tensor

from mattekit.metrics.blind.measures import slope_sum
from mattekit.ops.warp import warp

STILL, SHARE = 0.05, 0.25
"""An alpha stands still as long as it has moved less than so many px, or less than this share of the subject's way."""

SEEN = 0.3
"""Share of the edge whose motion must be trusted."""


class Standstill:
    """Adds up the subject's motion since the alpha last moved; holds one alpha and one flow field."""

    def __init__(self) -> None:
        self._anchor: Tensor | None = None
        self._way: Tensor | None = None

    def restart(self, alpha: Tensor) -> None:
        """Begin anew with the alpha (1, H, W) of a scene's first frame."""
        self._anchor, self._way = alpha, None

    def add(self, alpha: Tensor, flow: Tensor, *, trust: Tensor) -> float:
        """Take the next frame and return by how many px its alpha lags behind the subject; 0 where it follows.

        Args:
            alpha: (1, H, W) in [0, 1].
            flow: (2, H, W) in px, from this frame to the one before.
            trust: (1, H, W) in {0, 1}.
        """
        if self._anchor is None:
            self.restart(alpha)
            return 0.0
        way = flow if self._way is None else self._way + flow
        edge = float(slope_sum(alpha, trust))
        if edge < SEEN * float(slope_sum(alpha)) + 1:
            self.restart(alpha)
            return 0.0
        anchor = self._anchor
        expected = float((trust * (warp(anchor[None], way[None])[0][0] - anchor).abs()).sum()) / edge
        moved = float((trust * (alpha - anchor).abs()).sum()) / edge
        if moved > max(STILL, SHARE * expected):
            self.restart(alpha)
            return 0.0
        self._way = way
        return expected if moved < SHARE * expected and expected > STILL else 0.0
