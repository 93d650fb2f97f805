"""Where each place of a target frame is in a reference frame: attention's guess made finer by local correlation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from mattekit.nn.blocks import zero_parameters
from mattekit.ops.warp import warp

REACH = 2
"""Half side of the window of places compared, at stride 4."""
CLASSES = 3


@dataclass(frozen=True)
class Match:
    """What one reference says of a target.

    Attributes:
        flow: (N, 2, H / 4, W / 4) from the target to the reference, x then y, px at stride 4.
        trust: (N, 1, H / 4, W / 4) logit of how far the reference can be believed there.
        quarter: (N, 3, H / 4, W / 4) class shares of the reference's trimap, moved to the target.
        half: (N, 3, H / 2, W / 2) the same, finer.
    """

    flow: Tensor
    trust: Tensor
    quarter: Tensor
    half: Tensor


class Matcher(nn.Module):
    """Refines a coarse flow between two frames in a few equal steps, and moves a trimap along it.

    Args:
        width: Channels of the features at stride 4.
        channels: Channels that are compared.
        middle: Channels inside a step.
        steps: How many.

    Source:
        Correlation of a warped feature around each place: Sun et al., PWC-Net, CVPR 2018; equal steps with shared
        weights: Teed and Deng, RAFT, ECCV 2020. That it carries a trimap is ours.
    """

    def __init__(self, width: int, *, channels: int = 32, middle: int = 32, steps: int = 2) -> None:
        super().__init__()
        self.steps = steps
        self.project = nn.Conv2d(width, channels, 1)
        inputs = (2 * REACH + 1) ** 2 + 2 + CLASSES + 2
        self.refine = nn.Sequential(
            nn.Conv2d(inputs, middle, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(middle, middle, 3, padding=2, dilation=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(middle, 3, 3, padding=1),
        )
        zero_parameters(self.refine[-1])

    def prepare(self, feature: Tensor) -> Tensor:
        """Return what is compared of a frame's feature (N, width, H / 4, W / 4), each place of length 1."""
        return functional.normalize(self.project(feature), dim=1)

    def forward(self, target: Tensor, reference: Tensor, shares: Tensor, flow: Tensor, previous: bool) -> Match:
        """Match a target with a reference.

        Args:
            target: What `prepare` made of the target.
            reference: The same of the reference.
            shares: (N, 3, H / 2, W / 2) class shares of the reference's trimap.
            flow: (N, 2, H / 4, W / 4) first guess, px at stride 4.
            previous: Whether the reference is the frame before, whose trimap is itself a guess.
        """
        coarse = functional.avg_pool2d(shares, 2)
        trust = torch.zeros_like(flow[:, :1])
        mark = torch.full_like(trust, float(previous))
        flow = flow.detach()
        for _ in range(self.steps):
            moved, valid = warp(torch.cat((reference, coarse), dim=1), flow)
            seen = moved[:, : reference.shape[1]]
            found = torch.cat((_correlation(target, seen), flow / 16, moved[:, -CLASSES:], valid, mark), dim=1)
            change = self.refine(found)
            flow, trust = flow + change[:, :2], change[:, 2:]
        fine = 2 * functional.interpolate(flow, scale_factor=2.0, mode="bilinear", align_corners=False)
        half, _ = warp(shares, fine)
        return Match(flow, trust, functional.avg_pool2d(half, 2), half)


def _correlation(target: Tensor, moved: Tensor) -> Tensor:
    """Return the products of each place with the places around it, (N, (2 REACH + 1)^2, H, W)."""
    height, width = target.shape[-2:]
    padded = functional.pad(moved, (REACH,) * 4)
    side = range(2 * REACH + 1)
    products = [(target * padded[..., y : y + height, x : x + width]).sum(1) for y in side for x in side]
    return torch.stack(products, dim=1)
