"""Alignment of a neighbouring frame's feature with the target's (TFA), and its ablations."""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from mattekit.nn.blocks import ConvNorm, zero_parameters
from mattekit.nn.deform import DeformableConv

Prepared = tuple[Tensor, ...]
"""What an alignment computes of one frame's feature once, however many windows the frame is in."""


class DeformableAlignment(nn.Module):
    """Temporal feature alignment: offsets learnt from the pair steer a deformable convolution of the neighbour.

    The first convolution over the concatenated pair is linear, so its two halves are computed once a frame each and
    added for a pair.

    Source: DVM, ST-FAM, equations of TFA. Size `small` narrows the offset branch and samples one place a group.
    """

    def __init__(self, width: int, *, middle: int = 32, kernel: int = 1, groups: int = 8) -> None:
        super().__init__()
        self.as_neighbour = nn.Conv2d(width, middle, 3, padding=1, bias=False)
        self.as_target = nn.Conv2d(width, middle, 3, padding=1)
        self.deform = DeformableConv(width, kernel=kernel, groups=groups)
        self.offset = nn.Conv2d(middle, middle, 3, padding=1)
        self.steer = nn.Conv2d(middle, self.deform.steering, 3, padding=1)
        zero_parameters(self.steer)  # zero offsets, masks of one

    def prepare(self, feature: Tensor) -> Prepared:
        """Return the two halves of the first convolution of (N, width, H, W)."""
        return self.as_neighbour(feature), self.as_target(feature)

    def forward(self, neighbour: Tensor, target: Tensor, of_neighbour: Prepared, of_target: Prepared) -> Tensor:
        """Return the neighbour's feature (N, width, H, W) as the target's frame would hold it."""
        pair = functional.leaky_relu(of_neighbour[0] + of_target[1], 0.1)
        steering = self.steer(functional.leaky_relu(self.offset(pair), 0.1))
        aligned: Tensor = self.deform(neighbour, steering)
        return aligned


class NoAlignment(nn.Module):
    """The neighbour's feature as it is."""

    def prepare(self, feature: Tensor) -> Prepared:
        """Return nothing."""
        return ()

    def forward(self, neighbour: Tensor, target: Tensor, of_neighbour: Prepared, of_target: Prepared) -> Tensor:
        """Return the neighbour unchanged."""
        return neighbour


class NaiveAlignment(NoAlignment):
    """Plain 3 x 3 convolutions over the pair, without any displacement. Source: DVM, Table 4, naive fusion."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Sequential(ConvNorm(2 * width, width), ConvNorm(width, width))

    def forward(self, neighbour: Tensor, target: Tensor, of_neighbour: Prepared, of_target: Prepared) -> Tensor:
        """Return (N, width, H, W)."""
        mixed: Tensor = self.mix(torch.cat((neighbour, target), dim=1))
        return mixed


class CrossAttentionAlignment(nn.Module):
    """Non-local read-out of the neighbour by the target. Source: DVM, Table 4, cross-attention fusion."""

    def __init__(self, width: int) -> None:
        super().__init__()
        middle = min(max(width // 8, 8), 128)
        self.query = nn.Conv2d(width, middle, 1)
        self.key = nn.Conv2d(width, middle, 1)
        self.value = nn.Conv2d(width, width, 1)

    def prepare(self, feature: Tensor) -> Prepared:
        """Return query, key and value of (N, width, H, W), flattened to (N, 1, H W, channels)."""
        parts = (self.query(feature), self.key(feature), self.value(feature))
        return tuple(part.flatten(2).transpose(1, 2)[:, None] for part in parts)

    def forward(self, neighbour: Tensor, target: Tensor, of_neighbour: Prepared, of_target: Prepared) -> Tensor:
        """Return (N, width, H, W)."""
        found = functional.scaled_dot_product_attention(of_target[0], of_neighbour[1], of_neighbour[2])
        return target + found[:, 0].transpose(1, 2).reshape(target.shape)
