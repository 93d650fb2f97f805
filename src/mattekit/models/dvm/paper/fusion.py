"""Temporal feature fusion (TFF) of size paper: attention over the aligned window, then a 1 x 1 mix."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mattekit.models.dvm.paper.alignment import Alignment

ALIGNED_LEVELS = 4
"""Strides 2 to 16; the deepest level is fused as it is."""


class ConvBlock(nn.Module):
    """A convolution without bias, batch normalisation and ReLU; the size stays."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, feature: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W)."""
        return torch.relu(self.norm(self.conv(feature)))


class ChannelAttention(nn.Module):
    """A weight for each channel of the window, from its means. Source: DVM, TFF."""

    def __init__(self, width: int, frames: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(frames * width, width, bias=False),
            nn.ReLU(inplace=True),
            nn.Linear(width, frames * width, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, window: Tensor) -> Tensor:
        """Return (N, C, 1, 1) in [0, 1] for (N, C, H, W)."""
        weights: Tensor = self.fc(window.mean(dim=(2, 3)))
        return weights[:, :, None, None]


class SpatialAttention(nn.Module):
    """A weight for each place, from the mean and the maximum over channels. Source: DVM, TFF."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, window: Tensor) -> Tensor:
        """Return (N, 1, H, W) in [0, 1] for (N, C, H, W)."""
        both = torch.stack((window.mean(dim=1), window.amax(dim=1)), dim=1)
        return torch.sigmoid(self.conv(both))


class WindowAttention(nn.Module):
    """Channel attention, then spatial attention, over the concatenated window."""

    def __init__(self, width: int, frames: int) -> None:
        super().__init__()
        self.ca = ChannelAttention(width, frames)
        self.sa = SpatialAttention()

    def forward(self, window: Tensor) -> Tensor:
        """Map (N, frames * width, H, W) to the same shape."""
        window = window * self.ca(window)
        attended: Tensor = window * self.sa(window)
        return attended


class WindowFusion(nn.Module):
    """ST-FAM on every level: align each member of the window with the target, attend, and mix.

    Args:
        widths: Channels at strides 2, 4, 8, 16 and 32.
        frames: Members of a window, the target among them; the target is aligned with itself like any other.

    Source: DVM, section 3.2; no alignment at the deepest level and the reduction of the channel attention by the number
    of frames are as in the authors' release.
    """

    def __init__(self, widths: Sequence[int], frames: int) -> None:
        super().__init__()
        for level, width in enumerate(widths):
            if level < ALIGNED_LEVELS:
                self.add_module(f"flow{level}", Alignment(width))
            self.add_module(f"attn{level}", WindowAttention(width, frames))
            self.add_module(f"fuse{level}", ConvBlock(frames * width, width, kernel=1))

    def prepare(self, levels: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return what a frame gives to every window it is in, from its features at the five levels."""
        return tuple(self._alignment(level).as_neighbour(levels[level]) for level in range(ALIGNED_LEVELS))

    def forward(self, level: int, target: Tensor, window: Sequence[tuple[Tensor, Tensor | None]]) -> Tensor:
        """Fuse a window on one level.

        Args:
            level: 0 for stride 2, up to 4 for stride 32.
            target: The target's feature (N, width, H, W).
            window: Feature of each member in order of time, the target's too, and what `prepare` made of it.

        Returns:
            (N, width, H, W).
        """
        members = [feature for feature, _ in window]
        if level < ALIGNED_LEVELS:
            alignment = self._alignment(level)
            half = alignment.as_target(target)
            members = [
                alignment(feature, alignment.as_neighbour(feature) if own is None else own, half)
                for feature, own in window
            ]
        attended = self.get_submodule(f"attn{level}")(torch.cat(members, dim=1))
        fused: Tensor = self.get_submodule(f"fuse{level}")(attended)
        return fused

    def _alignment(self, level: int) -> Alignment:
        alignment = self.get_submodule(f"flow{level}")
        if not isinstance(alignment, Alignment):
            raise TypeError(f"flow{level} must be an Alignment; got {type(alignment).__name__}")
        return alignment
