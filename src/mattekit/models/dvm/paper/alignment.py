"""Temporal feature alignment (TFA) of size paper: learnt offsets steer a 3 x 3 deformable convolution."""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor, nn
from torchvision.ops import deform_conv2d

GROUPS = 8
TAPS = 9
SLOPE = 0.1


class SteeredConvolution(nn.Module):
    """A modulated deformable 3 x 3 convolution whose offsets and masks come from a feature of the pair.

    The steering convolution gives, for 8 groups of channels and 9 taps, 144 offsets (y, x in px by group and tap) and
    72 mask logits.

    Source: Zhu et al., Deformable ConvNets v2, CVPR 2019; the operator is torchvision's.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width, width, 3, 3))
        self.bias = nn.Parameter(torch.zeros(width))
        self.conv_offset_mask = nn.Conv2d(width, 3 * GROUPS * TAPS, 3, padding=1)

    def forward(self, neighbour: Tensor, pair: Tensor) -> Tensor:
        """Sample a neighbour's feature (N, width, H, W) as a feature of the pair, of the same shape, says."""
        steering = self.conv_offset_mask(pair)
        offsets, mask = steering[:, : 2 * GROUPS * TAPS], torch.sigmoid(steering[:, 2 * GROUPS * TAPS :])
        given = (neighbour, offsets, self.weight, self.bias, mask)
        with torch.autocast(neighbour.device.type, enabled=False):  # the operator is not there in bfloat16 everywhere
            source, offsets, weight, bias, mask = (each.float() for each in given)
            sampled: Tensor = deform_conv2d(source, offsets, weight, bias, padding=1, mask=mask)
        return sampled.to(neighbour.dtype)


class Alignment(nn.Module):
    """TFA at one level, the same for every neighbour.

    The first convolution over the concatenated pair is linear, so its two halves are computed apart: that of a frame as
    neighbour once, however many windows it is in.

    Source: DVM, ST-FAM, equations of TFA.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.off_conv1 = nn.Conv2d(2 * width, width, 3, padding=1)
        self.off_conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.dcnpack = SteeredConvolution(width)

    def as_neighbour(self, feature: Tensor) -> Tensor:
        """Return the neighbour's half of the first convolution, (N, width, H, W) to the same shape."""
        return functional.conv2d(feature, self.off_conv1.weight[:, : self.width], padding=1)

    def as_target(self, feature: Tensor) -> Tensor:
        """Return the target's half of the first convolution with the bias, (N, width, H, W) to the same shape."""
        return functional.conv2d(feature, self.off_conv1.weight[:, self.width :], self.off_conv1.bias, padding=1)

    def forward(self, neighbour: Tensor, half_of_neighbour: Tensor, half_of_target: Tensor) -> Tensor:
        """Return the neighbour's feature (N, width, H, W) as the target's frame would hold it."""
        pair = functional.leaky_relu(half_of_neighbour + half_of_target, SLOPE)
        pair = functional.leaky_relu(self.off_conv2(pair), SLOPE)
        aligned: Tensor = self.dcnpack(neighbour, pair)
        return aligned
