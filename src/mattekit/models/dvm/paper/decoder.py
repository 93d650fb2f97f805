"""The decoder of size paper: large separable kernels on the skips, sub-pixel steps up, and the refine stage."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from mattekit.models.dvm.paper.fusion import ConvBlock

KERNEL = 7
REACH = KERNEL // 2
INPUT_PLANES = 4


class LargeKernel(nn.Module):
    """A 7 x 7 view as two separable branches, summed; no normalisation, no activation.

    Args:
        width: Channels in and out.
        swapped: Pad the right branch as the authors' release does, along the axis that each of its convolutions does
            not run along: the three outermost columns then hold the second bias alone. Needs 7 columns or more.

    Source: Peng et al., Large kernel matters, CVPR 2017.
    """

    def __init__(self, width: int, *, swapped: bool = False) -> None:
        super().__init__()
        tall, wide = (KERNEL, 1), (1, KERNEL)
        pad_tall, pad_wide = (REACH, 0), (0, REACH)
        first, second = (pad_tall, pad_wide) if swapped else (pad_wide, pad_tall)
        self.conv_l1 = nn.Conv2d(width, width, tall, padding=pad_tall)
        self.conv_l2 = nn.Conv2d(width, width, wide, padding=pad_wide)
        self.conv_r1 = nn.Conv2d(width, width, wide, padding=first)
        self.conv_r2 = nn.Conv2d(width, width, tall, padding=second)

    def forward(self, feature: Tensor) -> Tensor:
        """Map (N, width, H, W) to the same shape."""
        left: Tensor = self.conv_l2(self.conv_l1(feature))
        right: Tensor = self.conv_r2(self.conv_r1(feature))
        return left + right


class StepUp(nn.Module):
    """1 x 1 to four times the channels, pixel shuffle, then 3 x 3 over the result and a skip."""

    def __init__(self, inputs: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.rs = ConvBlock(inputs, 4 * outputs, kernel=1)
        self.deconv = ConvBlock(outputs + skip, outputs, kernel=3)

    def forward(self, feature: Tensor, skip: Tensor) -> Tensor:
        """Map (N, inputs, H, W) and (N, skip, 2H, 2W) to (N, outputs, 2H, 2W)."""
        raised = functional.pixel_shuffle(self.rs(feature), 2)
        merged: Tensor = self.deconv(torch.cat((raised, skip), dim=1))
        return merged


class Decoder(nn.Module):
    """Five steps up from stride 32, each with the fused feature of its stride, the last with the network's input.

    Args:
        widths: Channels at strides 2, 4, 8, 16 and 32.
        swapped: As in `LargeKernel`.

    Source: DVM, section 3; the layout of the layers is that of the authors' release.
    """

    def __init__(self, widths: Sequence[int], *, swapped: bool) -> None:
        super().__init__()
        below = [INPUT_PLANES, *widths]  # what each step is joined with, by its result's stride 1, 2, 4, ...
        outputs = [widths[0], *widths[:-1]]
        inputs = [*outputs[1:], widths[-1]]
        for level, width in enumerate(widths):
            self.add_module(f"skip{level}", LargeKernel(width, swapped=swapped))
            self.add_module(f"deconv{level}", StepUp(inputs[level], below[level], outputs[level]))

    def widen(self, level: int, fused: Tensor) -> Tensor:
        """Return a level's fused feature (N, width, H, W) after its large kernel."""
        widened: Tensor = self.get_submodule(f"skip{level}")(fused)
        return widened

    def rise(self, level: int, feature: Tensor, skip: Tensor) -> Tensor:
        """Take step ``level``, from stride 2 ** (level + 1) to half of it: (N, C, H, W) to (N, C', 2H, 2W)."""
        risen: Tensor = self.get_submodule(f"deconv{level}")(feature, skip)
        return risen


class Refinement(nn.Module):
    """Three 3 x 3 blocks over colour and coarse alpha at full size. Source: the authors' release; not in the paper."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = ConvBlock(INPUT_PLANES, width, kernel=3)
        self.conv2 = ConvBlock(width, width, kernel=3)
        self.conv3 = ConvBlock(width, width, kernel=3)

    def forward(self, picture: Tensor) -> Tensor:
        """Map (N, 4, H, W), standardised colour and coarse alpha, to (N, width, H, W)."""
        found: Tensor = self.conv3(self.conv2(self.conv1(picture)))
        return found
