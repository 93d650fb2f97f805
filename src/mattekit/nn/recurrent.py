"""Recurrent layers over series of features."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ConvGRU(nn.Module):
    """A gated recurrent unit whose products are 3 x 3 convolutions.

    With r and z from the input and what is held, ``candidate = tanh(conv([x, r h]))`` and
    ``h' = (1 - z) h + z candidate``, which is also the output. The parameters of r come before those of z.

    Args:
        width: Channels of the input, of what is held and of the output.

    Source: Ballas et al., Delving deeper into convolutional networks, ICLR 2016; z is the share of the new.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.ih = nn.Sequential(nn.Conv2d(2 * width, 2 * width, 3, padding=1), nn.Sigmoid())
        self.hh = nn.Sequential(nn.Conv2d(2 * width, width, 3, padding=1), nn.Tanh())

    def forward(self, series: Tensor, held: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Step through a series.

        Args:
            series: (B, T, width, H, W).
            held: (B, width, H, W), what the step before the first one returned; None is zeros.

        Returns:
            (B, T, width, H, W), and what is held after the last step (B, width, H, W).
        """
        now = torch.zeros_like(series[:, 0]) if held is None else held
        found = []
        for feature in series.unbind(1):
            now = self.step(feature, now)
            found.append(now)
        return torch.stack(found, dim=1), now

    def step(self, feature: Tensor, held: Tensor) -> Tensor:
        """Return what is held after one more feature (B, width, H, W)."""
        reset, update = self.ih(torch.cat((feature, held), dim=1)).split(self.width, dim=1)
        candidate = self.hh(torch.cat((feature, reset * held), dim=1))
        after: Tensor = (1 - update) * held + update * candidate
        return after
