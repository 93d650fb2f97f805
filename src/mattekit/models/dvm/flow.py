"""A light flow network over encoder features: the flow-fusion ablation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from mattekit.nn.blocks import zero_parameters
from mattekit.ops.warp import warp


class FlowNetwork(nn.Module):
    """Motion of each neighbour against the target, found coarse to fine, as channels for the decoder.

    Source: DVM, Table 4, flow fusion (a light flow network whose vectors are joined to decoder features); a pyramid
    of three levels with shared weights at a quarter of the frame's size is our reading.
    """

    levels = 3

    def __init__(self, width: int, *, neighbours: int, middle: int = 32) -> None:
        super().__init__()
        self.outputs = 4 * neighbours
        self.refine = nn.Sequential(
            nn.Conv2d(2 * width + 2, middle, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(middle, middle, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(middle, 2, 3, padding=1),
        )
        zero_parameters(self.refine[-1])

    def forward(self, target: Tensor, neighbours: Sequence[Tensor]) -> Tensor:
        """Return (N, 2 * neighbours, H, W): x then y in px of these features for each neighbour."""
        return torch.cat([self._between(target, neighbour) for neighbour in neighbours], dim=1)

    def _between(self, target: Tensor, neighbour: Tensor) -> Tensor:
        flow: Tensor | None = None
        for level in reversed(range(self.levels)):
            size = (max(1, target.shape[-2] >> level), max(1, target.shape[-1] >> level))
            here, there = (functional.adaptive_avg_pool2d(feature, size) for feature in (target, neighbour))
            if flow is None:
                flow = here.new_zeros(here.shape[0], 2, *size)
            else:
                flow = 2 * functional.interpolate(flow, size=size, mode="bilinear", align_corners=False)
            flow = flow + self.refine(torch.cat((here, warp(there, flow)[0], flow), dim=1))
        return target.new_zeros(0) if flow is None else flow
