"""Convolution blocks: convolution with normalisation, residual pairs, sub-pixel steps up, global convolution."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as functional
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


class ConvNorm(nn.Sequential):
    """A 3 x 3 or 1 x 1 convolution, batch normalisation, and ReLU unless told otherwise.

    Maps (N, inputs, H, W) to (N, outputs, H / stride, W / stride), rounded up.
    """

    def __init__(
        self, inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, dilation: int = 1, active: bool = True
    ) -> None:
        padding = kernel // 2 * dilation
        layers: list[nn.Module] = [
            nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        super().__init__(*layers, *([nn.ReLU(inplace=True)] if active else []))


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions around a short cut; shapes stay.

    Args:
        width: Channels.
        dilation: Of the first convolution, for a wider view.
        silent: Whether training starts from the short cut alone, so that a trained network can grow by such blocks
            without forgetting anything.
    """

    def __init__(self, width: int, *, dilation: int = 1, silent: bool = False) -> None:
        super().__init__()
        self.first = ConvNorm(width, width, dilation=dilation)
        self.second = ConvNorm(width, width, active=False)
        if silent:
            zero_parameters(self.second[1])

    def forward(self, feature: Tensor) -> Tensor:
        """Map (N, width, H, W) to the same shape."""
        return functional.relu(feature + self.second(self.first(feature)))


class UpStep(nn.Module):
    """A sub-pixel step up by two, then a 3 x 3 convolution over the result and a skip feature.

    Source: DVM, decoder (1 x 1 to four times the channels, pixel shuffle, concatenation, 3 x 3).
    """

    def __init__(self, inputs: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.expand = ConvNorm(inputs, 4 * outputs, kernel=1)
        self.merge = ConvNorm(outputs + skip, outputs)

    def forward(self, feature: Tensor, skip: Tensor) -> Tensor:
        """Map (N, inputs, H, W) and (N, skip, 2H, 2W) to (N, outputs, 2H, 2W)."""
        raised = functional.pixel_shuffle(self.expand(feature), 2)
        merged: Tensor = self.merge(torch.cat((raised, skip), dim=1))
        return merged


class GlobalConvolution(nn.Module):
    """A large kernel as two separable branches, summed; narrow in the middle.

    Maps (N, width, H, W) to the same shape, adding to the input.

    Source: Peng et al., Large kernel matters, CVPR 2017. DVM uses it after fusion at full width and without the
    short cut; size `small` narrows it to ``middle`` channels.
    """

    def __init__(self, width: int, *, middle: int, kernel: int = 7) -> None:
        super().__init__()
        tall, wide = (kernel, 1), (1, kernel)
        pad_tall, pad_wide = (kernel // 2, 0), (0, kernel // 2)
        self.left = nn.Sequential(
            nn.Conv2d(width, middle, tall, padding=pad_tall), nn.Conv2d(middle, width, wide, padding=pad_wide)
        )
        self.right = nn.Sequential(
            nn.Conv2d(width, middle, wide, padding=pad_wide), nn.Conv2d(middle, width, tall, padding=pad_tall)
        )

    def forward(self, feature: Tensor) -> Tensor:
        """Map (N, width, H, W) to the same shape."""
        left: Tensor = self.left(feature)
        right: Tensor = self.right(feature)
        return feature + left + right


def zero_parameters(module: nn.Module) -> None:
    """Set every parameter of a module to zero, for layers that training is to begin without."""
    for parameter in module.parameters():
        nn.init.zeros_(parameter)


def fold_norms(network: nn.Module) -> None:
    """Fold every batch normalisation of a network in evaluation mode into the convolution before it, in place."""
    for module in network.modules():
        if isinstance(module, ConvNorm):
            convolution, norm = module[0], module[1]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                module[0] = fuse_conv_bn_eval(convolution, norm)
                module[1] = nn.Identity()


def fold_following_norms(network: nn.Module) -> None:
    """Fold every batch normalisation in evaluation mode into the convolution named just before it, in place.

    For networks whose parts are named in the order in which they are applied, as torchvision's are. Their keys change.
    """
    for module in network.modules():
        for (first, convolution), (second, norm) in pairwise(list(module.named_children())):
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, first, fuse_conv_bn_eval(convolution, norm))
                setattr(module, second, nn.Identity())
