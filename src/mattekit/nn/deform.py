"""Modulated deformable sampling of a feature, with the offsets given."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.ops import deform_conv2d


class DeformableConv(nn.Module):
    """A modulated deformable convolution (DCNv2) whose offsets and masks come from outside.

    With ``kernel=1`` every group of channels is fetched from one displaced place: as many motion fields as groups.
    With ``kernel=3`` nine places a group, as in the paper.

    Source: Zhu et al., Deformable ConvNets v2, CVPR 2019; the operator is torchvision's.
    """

    def __init__(self, width: int, *, kernel: int, groups: int) -> None:
        super().__init__()
        self.kernel, self.groups = kernel, groups
        self.weight = nn.Parameter(torch.empty(width, width, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(width))
        nn.init.dirac_(self.weight)

    @property
    def steering(self) -> int:
        """Channels that must be given: two offsets and one mask for each group and tap."""
        return 3 * self.groups * self.kernel**2

    def forward(self, feature: Tensor, steering: Tensor) -> Tensor:
        """Sample a feature.

        Args:
            feature: (N, width, H, W).
            steering: (N, steering, H, W); offsets (y, x in px by group and tap) then mask logits.

        Returns:
            (N, width, H, W).
        """
        offsets = steering[:, : 2 * steering.shape[1] // 3]
        mask = 2 * torch.sigmoid(steering[:, offsets.shape[1] :])
        if torch.is_autocast_enabled(feature.device.type):  # the operator is not there in bfloat16 everywhere
            feature, offsets, mask = feature.float(), offsets.float(), mask.float()
        with torch.autocast(feature.device.type, enabled=False):
            sampled: Tensor = deform_conv2d(
                feature, offsets, self.weight, self.bias, padding=self.kernel // 2, mask=mask.to(feature.dtype)
            )
        return sampled
