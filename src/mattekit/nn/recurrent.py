"""Recurrent layers over series of features."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mattekit.checks import InputError


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


class ConvLSTM(nn.Module):
    """A long short-term memory whose products are 3 x 3 convolutions, without peepholes.

    With the gates i, f and o and the candidate g from the input and the output of the step before,
    ``c' = s(f) c + s(i) tanh(g)`` and ``h' = s(o) tanh(c')``, where s is the logistic function; h' is the output. Gates
    come in the order i, f, o, g. Forgetting begins at s(1), so that gradients reach back at first.

    Args:
        width: Channels of the input, of both held features and of the output.

    Source: Shi et al., Convolutional LSTM network, NeurIPS 2015, without the peephole terms; the one convolution over
    input and output is two here, whose results are added, so that a series passes through the first of them at once.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.ih = nn.Conv2d(width, 4 * width, 3, padding=1)
        self.hh = nn.Conv2d(width, 4 * width, 3, padding=1, bias=False)
        nn.init.constant_(self.ih.get_parameter("bias")[width : 2 * width], 1.0)

    def forward(
        self, series: Tensor, held: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Step through a series.

        Args:
            series: (B, T, width, H, W).
            held: h and c, each (B, width, H, W), that the step before the first one returned; None is zeros.

        Returns:
            (B, T, width, H, W), and h and c after the last step. Frames follow each other in memory, T before B.

        Raises:
            InputError: The series has no step.
        """
        batch, length = series.shape[:2]
        given = self.ih(series.transpose(0, 1).flatten(0, 1)).unflatten(0, (length, batch))
        found = []
        for gates in given.unbind(0):
            held = self._step(gates, held)
            found.append(held[0])
        if held is None:
            raise InputError("a series must have a step; got none")
        return torch.cat(found).unflatten(0, (length, batch)).transpose(0, 1), held

    def _step(self, gates: Tensor, held: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor]:
        """Return h and c after a step whose input gives (B, 4 width, H, W)."""
        if held is not None:
            gates = gates + self.hh(held[0])
        share, forget, shown = gates[:, : 3 * self.width].sigmoid().chunk(3, dim=1)
        fresh = share * gates[:, 3 * self.width :].tanh()
        cell = fresh if held is None else torch.addcmul(fresh, forget, held[1])
        return shown * cell.tanh(), cell
