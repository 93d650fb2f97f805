"""The encoders of RVM: MobileNetV3-Large and ResNet-50, both with the last stride replaced by dilation."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torchvision.models.mobilenetv3 import InvertedResidual, InvertedResidualConfig
from torchvision.ops import Conv2dNormActivation

from mattekit.nn.backbones import ResNetFeatures

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pictures in [0, 1], red, green and blue."""

BLOCKS = (
    (16, 3, 16, 16, False, "RE", 1, 1),
    (16, 3, 64, 24, False, "RE", 2, 1),
    (24, 3, 72, 24, False, "RE", 1, 1),
    (24, 5, 72, 40, True, "RE", 2, 1),
    (40, 5, 120, 40, True, "RE", 1, 1),
    (40, 5, 120, 40, True, "RE", 1, 1),
    (40, 3, 240, 80, False, "HS", 2, 1),
    (80, 3, 200, 80, False, "HS", 1, 1),
    (80, 3, 184, 80, False, "HS", 1, 1),
    (80, 3, 184, 80, False, "HS", 1, 1),
    (80, 3, 480, 112, True, "HS", 1, 1),
    (112, 3, 672, 112, True, "HS", 1, 1),
    (112, 5, 672, 160, True, "HS", 2, 2),
    (160, 5, 960, 160, True, "HS", 1, 2),
    (160, 5, 960, 160, True, "HS", 1, 2),
)
"""Input, kernel, expansion, output, squeeze and excitation, activation, stride and dilation of blocks 1 to 15.

A dilated block does not stride, as torchvision has it.
"""
TAPS = (1, 3, 6, 16)
"""Blocks after which a feature is taken, at 1/2, 1/4, 1/8 and 1/16."""


class MobileNetEncoder(nn.Module):
    """MobileNetV3-Large without its head, on colours in [0, 1], which it standardises itself.

    Source: Howard et al., Searching for MobileNetV3, ICCV 2019; blocks and names are torchvision's.
    """

    def __init__(self) -> None:
        super().__init__()
        norm = partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01)
        joint = partial(Conv2dNormActivation, norm_layer=norm, activation_layer=nn.Hardswish)
        blocks = [InvertedResidual(InvertedResidualConfig(*block, width_mult=1.0), norm) for block in BLOCKS]
        self.features = nn.Sequential(joint(3, 16, kernel_size=3, stride=2), *blocks, joint(160, 960, kernel_size=1))
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(3, 1, 1), persistent=False)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the features of (N, 3, H, W) in [0, 1] at 1/2, 1/4, 1/8 and 1/16."""
        feature = (picture - self.get_buffer("mean")) / self.get_buffer("deviation")
        found = []
        for place, block in enumerate(self.features):
            feature = block(feature)
            if place in TAPS:
                found.append(feature)
        half, quarter, eighth, sixteenth = found
        return half, quarter, eighth, sixteenth


class ResNetEncoder(ResNetFeatures):
    """ResNet-50 without its head, on colours in [0, 1] as they are: the published weights were trained so."""

    def __init__(self) -> None:
        super().__init__("resnet50", dilated=True)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the features of (N, 3, H, W) in [0, 1] at 1/2, 1/4, 1/8 and 1/16."""
        half, quarter, eighth, _, sixteenth = super().forward(picture)
        return half, quarter, eighth, sixteenth
