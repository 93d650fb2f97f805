"""Attention over all places of a series of features."""

from __future__ import annotations

import torch.nn.functional as functional
from torch import Tensor, nn


class NonLocal(nn.Module):
    """Every place of every frame looks at all others: softmax(q k / sqrt(inner)) v, one head, no place encoded.

    Args:
        inputs: Channels of the series.
        inner: Channels of queries, keys, values and of the output.

    Source: Wang et al., Non-local neural networks, CVPR 2018; no short cut, and as many channels out as inside.
    """

    def __init__(self, inputs: int, inner: int) -> None:
        super().__init__()
        self.asked = nn.Conv2d(inputs, 3 * inner, 1)
        self.told = nn.Conv2d(inner, inner, 1)

    def forward(self, series: Tensor) -> Tensor:
        """Map (B, T, inputs, H, W) to (B, T, inner, H, W); what a frame shows is seen in all T."""
        length, (height, width) = series.shape[1], series.shape[-2:]
        asked = self.asked(series.transpose(0, 1).flatten(0, 1)).unflatten(0, (length, -1))
        places = asked.permute(1, 0, 3, 4, 2).flatten(1, 3)  # (B, T H W, 3 inner)
        query, key, value = places.chunk(3, dim=-1)
        seen = functional.scaled_dot_product_attention(query, key, value)
        seen = seen.unflatten(1, (length, height, width)).permute(1, 0, 4, 2, 3)
        told: Tensor = self.told(seen.flatten(0, 1)).unflatten(0, (length, -1))
        return told.transpose(0, 1)
