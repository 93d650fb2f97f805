"""Brightness of colour pictures."""

from __future__ import annotations

from torch import Tensor

WEIGHTS = (0.299, 0.587, 0.114)
"""Of red, green and blue, as BT.601 has them."""


def luma(frame: Tensor) -> Tensor:
    """Return the brightness (..., 1, H, W) of display-referred RGB (..., 3, H, W)."""
    return (frame * frame.new_tensor(WEIGHTS).view(3, 1, 1)).sum(dim=-3, keepdim=True)
