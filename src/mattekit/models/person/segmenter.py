"""A small network that says where people are: MobileNetV3-Small, its map at a quarter of the size that it sees."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as functional
from torch import Tensor, nn
from torchvision.models import mobilenet_v3_small
from torchvision.ops import Conv2dNormActivation

from mattekit.checks import check_rank
from mattekit.weights import carried, fill, read_weights

FAMILY = "person-segmenter"
"""Of the weights that the package carries."""
LONGEST = 320
"""Px of the long side of the picture that the network sees."""
STRIDE = 16
"""The sides of that picture are multiples of it."""
TAPS = (0, 1, 3, 12)
"""Blocks after which a feature is taken, at 1/2, 1/4, 1/8 and 1/16."""
WIDTHS = (16, 16, 24, 576)
"""Channels of those features."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pictures in [0, 1], red, green and blue."""


class Segmenter(nn.Module):
    """Tells people from everything else in single pictures.

    Args:
        longest: Px of the long side of the picture that the network sees; smaller pictures are not enlarged.

    Source: Howard et al., Searching for MobileNetV3, ICCV 2019: encoder and LR-ASPP, to which features at 1/4 are
    joined so that the map's border follows the picture's.
    """

    def __init__(self, longest: int = LONGEST) -> None:
        super().__init__()
        self.longest = longest
        self.features = mobilenet_v3_small(dilated=True).features
        _, quarter, eighth, sixteenth = WIDTHS
        self.reduce = Conv2dNormActivation(sixteenth, 128, kernel_size=1)
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(sixteenth, 128, 1, bias=False), nn.Sigmoid())
        self.middle = Conv2dNormActivation(128 + eighth, 64)
        self.fine = Conv2dNormActivation(64 + quarter, 32)
        self.head = nn.Conv2d(32, 1, 1)
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(3, 1, 1), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        """Return the logit of "person" of every pixel, (N, 1, H, W), of frames (N, 3, H, W) in [0, 1].

        Raises:
            InputError: The frames have another shape.
        """
        check_rank("frames", frames, "N 3 H W")
        size = (frames.shape[-2], frames.shape[-1])
        seen = functional.interpolate(frames, self.seen_size(size), mode="bilinear", antialias=True)
        return functional.interpolate(self.coarse(seen), size, mode="bilinear")

    def seen_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return (height, width) of what the network sees of a frame: multiples of its stride."""
        scale = min(1.0, self.longest / max(size)) / STRIDE
        height, width = (STRIDE * max(1, round(side * scale)) for side in size)
        return height, width

    def coarse(self, seen: Tensor) -> Tensor:
        """Return logits (N, 1, h/4, w/4) of pictures (N, 3, h, w) whose sides are multiples of the stride."""
        feature = (seen - self.get_buffer("mean")) / self.get_buffer("deviation")
        found = []
        for place, block in enumerate(self.features):
            feature = block(feature)
            if place in TAPS:
                found.append(feature)
        _, quarter, eighth, sixteenth = found
        context = self.reduce(sixteenth) * self.gate(sixteenth)
        middle = self.middle(torch.cat((_twice(context), eighth), 1))
        logits: Tensor = self.head(self.fine(torch.cat((_twice(middle), quarter), 1)))
        return logits


def _twice(feature: Tensor) -> Tensor:
    return functional.interpolate(feature, scale_factor=2, mode="bilinear")


def load_segmenter(weights: Path | None = None, device: torch.device | str = "cpu") -> Segmenter:
    """Load a segmenter, ready to run.

    Args:
        weights: A safetensors file of family "person-segmenter"; None takes the carried one.
        device: Where it runs.

    Raises:
        WeightsError: The file is not exactly what the network needs, or none is given and none is carried.
    """
    path = weights or carried(FAMILY)
    segmenter = Segmenter()
    fill(segmenter, read_weights(path, family=FAMILY), prefix="segmenter", path=path)
    return segmenter.eval().requires_grad_(False).to(device)
