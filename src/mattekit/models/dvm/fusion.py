"""Fusion of aligned features over a window (TFF), one level of ST-FAM, and its ablations."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mattekit.checks import check_choice
from mattekit.models.dvm.alignment import (
    CrossAttentionAlignment,
    DeformableAlignment,
    NaiveAlignment,
    NoAlignment,
    Prepared,
)
from mattekit.nn.blocks import ConvNorm, GlobalConvolution, zero_parameters

FUSIONS = ("st-fam", "aligned", "naive", "cross-attention", "flow", "none")


class ChannelSpatialAttention(nn.Module):
    """Channel attention, then spatial attention, over the features of a window.

    Source: DVM, TFF; the reduction ratio of the channel attention is the number of frames.
    """

    def __init__(self, width: int, frames: int) -> None:
        super().__init__()
        self.channel = nn.Sequential(
            nn.Linear(frames * width, width, bias=False),
            nn.ReLU(inplace=True),
            nn.Linear(width, frames * width, bias=False),
            nn.Sigmoid(),
        )
        self.spatial = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, window: Tensor) -> Tensor:
        """Map (N, frames * width, H, W) to the same shape."""
        window = window * self.channel(window.mean(dim=(2, 3)))[:, :, None, None]
        both = torch.stack((window.mean(dim=1), window.amax(dim=1)), dim=1)
        return window * torch.sigmoid(self.spatial(both))


class LevelFusion(nn.Module):
    """One level of ST-FAM: align every neighbour, attend, mix by 1 x 1, and widen the view.

    Args:
        width: Channels of the level.
        neighbours: Frames on each side of the target.
        fusion: One of `FUSIONS`; "aligned" is TFA without attention, "none" and "flow" leave the window out here.
        align: False leaves the neighbours where they are.
        kernel: Of the deformable convolution.
    """

    def __init__(
        self, width: int, *, neighbours: int, fusion: str = "st-fam", align: bool = True, kernel: int = 1
    ) -> None:
        super().__init__()
        check_choice("fusion", fusion, FUSIONS)
        self.uses_window = fusion not in ("none", "flow") and neighbours > 0
        self.context = GlobalConvolution(width, middle=max(width // 3, 8))
        if not self.uses_window:
            return
        frames = 2 * neighbours + 1
        self.alignment = _alignment(width, fusion if align else "none", kernel)
        attends = fusion != "aligned"
        self.attention: nn.Module = ChannelSpatialAttention(width, frames) if attends else nn.Identity()
        self.mix = ConvNorm(frames * width, width, kernel=1, active=False)
        zero_parameters(self.mix[1])  # training starts from the target's own feature

    def prepare(self, feature: Tensor) -> Prepared:
        """Return what the alignment needs of a frame, computed once."""
        return self.alignment.prepare(feature) if self.uses_window else ()

    def forward(self, target: tuple[Tensor, Prepared], window: Sequence[tuple[Tensor, Prepared]]) -> Tensor:
        """Fuse a window.

        Args:
            target: The target's feature (N, width, H, W) and what `prepare` made of it.
            window: The same for each neighbour in order of time, the target left out; empty to fuse nothing.

        Returns:
            (N, width, H, W).
        """
        feature, of_target = target
        if self.uses_window and window:
            aligned = [self.alignment(neighbour, feature, of_it, of_target) for neighbour, of_it in window]
            aligned.insert(len(aligned) // 2, feature)
            feature = torch.relu(feature + self.mix(self.attention(torch.cat(aligned, dim=1))))
        widened: Tensor = self.context(feature)
        return widened


def _alignment(
    width: int, kind: str, kernel: int
) -> DeformableAlignment | NaiveAlignment | CrossAttentionAlignment | NoAlignment:
    if kind == "naive":
        return NaiveAlignment(width)
    if kind == "cross-attention":
        return CrossAttentionAlignment(width)
    return NoAlignment() if kind == "none" else DeformableAlignment(width, kernel=kernel)
