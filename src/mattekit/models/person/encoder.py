"""The encoder of person matting: MobileNetV2 without its head, on colours and a map of people."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.models.mobilenetv2 import InvertedResidual
from torchvision.ops import Conv2dNormActivation

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pictures in [0, 1], red, green and blue."""
STEM = 32
GROUPS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, blocks and stride of the first block, as in table 2 of the paper; the last 1 x 1 is left out."""
TAPS = (1, 3, 6, 13, 17)
"""Blocks after which a feature is taken, at 1/2, 1/4, 1/8, 1/16 and 1/32."""
CHANNELS = (16, 24, 32, 96, 320)
"""Of these features at the published width."""


class PersonEncoder(nn.Module):
    """MobileNetV2 up to its last block, with a fourth input plane; parameters are named as torchvision names them.

    Args:
        width: Share of the published channels, from which all others follow.

    Attributes:
        widths: Channels of the five features.

    Source: Sandler et al., MobileNetV2, CVPR 2018; blocks are torchvision's.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        inputs = narrowed(STEM, width)
        blocks.append(Conv2dNormActivation(4, inputs, stride=2, activation_layer=nn.ReLU6))
        for expansion, channels, count, stride in GROUPS:
            outputs = narrowed(channels, width)
            for place in range(count):
                blocks.append(InvertedResidual(inputs, outputs, stride if place == 0 else 1, expansion))
                inputs = outputs
        self.features = nn.Sequential(*blocks)
        self.widths = tuple(narrowed(channels, width) for channels in CHANNELS)
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(3, 1, 1), persistent=False)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def standardise(self, frames: Tensor, prior: Tensor) -> Tensor:
        """Return what the network sees (N, 4, H, W) of colours (N, 3, H, W) in [0, 1] and a map (N, 1, H, W)."""
        colours = (frames - self.get_buffer("mean")) / self.get_buffer("deviation")
        return torch.cat((colours, prior), dim=1)

    def forward(self, planes: Tensor) -> tuple[Tensor, ...]:
        """Return the features of (N, 4, H, W), as from `standardise`, at 1/2, 1/4, 1/8, 1/16 and 1/32."""
        feature, found = planes, []
        for place, block in enumerate(self.features):
            feature = block(feature)
            if place in TAPS:
                found.append(feature)
        return tuple(found)


def narrowed(channels: int, width: float) -> int:
    """Return a share of a number of channels as a multiple of 4, at least 4.

    Example:
        >>> narrowed(320, 1.0), narrowed(24, 0.5), narrowed(4, 0.5)
        (320, 12, 4)
    """
    return max(4, round(channels * width / 4) * 4)
