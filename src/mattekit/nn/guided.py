"""Guided filters: what was found at the working size becomes a linear function of the colours at full size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

EPSILON = 1e-5
"""Added to the variance by the filter without parameters; colours in [0, 1]."""


@dataclass(frozen=True)
class Lines:
    """One line a pixel and plane, ``slope x + offset``, at the working size.

    Attributes:
        slope: (N, 4, h, w), for red, green, blue and alpha.
        offset: (N, 4, h, w).
    """

    slope: Tensor
    offset: Tensor

    def at(self, fine: Tensor) -> Tensor:
        """Return the four planes (N, 4, H, W) of a source (N, 3, H, W)."""
        slope, offset = self._raised(slice(None), fine)
        return torch.addcmul(offset, slope, with_mean(fine))

    def alpha_at(self, fine: Tensor) -> Tensor:
        """Return the last plane (N, 1, H, W) alone, which costs a quarter."""
        slope, offset = self._raised(slice(3, 4), fine)
        red, green, blue = fine.split(1, dim=1)
        return torch.addcmul(offset, slope, (red + green + blue) / 3)  # the mean of three planes takes thrice as long

    def _raised(self, planes: slice, fine: Tensor) -> tuple[Tensor, Tensor]:
        both = torch.cat((self.slope[:, planes], self.offset[:, planes]), dim=1).contiguous()
        raised = functional.interpolate(both, fine.shape[-2:], mode="bilinear", align_corners=False)
        slope, offset = raised.chunk(2, dim=1)
        return slope, offset


class DeepGuidedFilter(nn.Module):
    """A guided filter whose slopes come from a small network.

    Source: Wu et al., Fast end-to-end trainable guided filter, CVPR 2018, as RVM has it: the means are a depthwise
    3 x 3 convolution, trained with the rest; the hidden feature of the decoder is seen too.
    """

    def __init__(self, hidden: int = 16) -> None:
        super().__init__()
        self.box_filter = nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False)
        nn.init.constant_(self.box_filter.weight, 1 / 9)
        self.conv = nn.Sequential(
            *(nn.Conv2d(8 + hidden, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU()),
            *(nn.Conv2d(hidden, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU()),
            nn.Conv2d(hidden, 4, 1),
        )

    def forward(self, base: Tensor, found: Tensor, hidden: Tensor) -> Lines:
        """Return the lines through what was found.

        Args:
            base: (N, 3, h, w), the source at the working size.
            found: (N, 4, h, w), residual of the foreground, and alpha.
            hidden: (N, 16, h, w), the decoder's feature.
        """
        means, covariance, variance = _moments(base, found, self.box_filter)
        slope = self.conv(torch.cat((covariance, variance, hidden), dim=1))
        return Lines(slope, means[1] - slope * means[0])


class FastGuidedFilter(nn.Module):
    """The guided filter without parameters, over windows of 3 x 3.

    Source: He and Sun, Fast guided filter, 2015.
    """

    def forward(self, base: Tensor, found: Tensor, hidden: Tensor) -> Lines:
        """Return the lines through what was found; shapes as `DeepGuidedFilter`, the hidden feature is not used."""
        means, covariance, variance = _moments(base, found, box_mean)
        slope = covariance / (variance + EPSILON)
        return Lines(slope, means[1] - slope * means[0])


def box_mean(planes: Tensor) -> Tensor:
    """Return the sum over 3 x 3 px, zero beyond the border, divided by 9; along rows first, then along columns.

    The published figures hang on that order: where the variance is next to nothing, roundings show in the slope.
    """
    third = planes.new_full((planes.shape[1], 1, 1, 3), 1 / 3)
    along = functional.conv2d(planes, third, padding=(0, 1), groups=planes.shape[1])
    return functional.conv2d(along, third.mT, padding=(1, 0), groups=planes.shape[1])


def with_mean(source: Tensor) -> Tensor:
    """Return (N, 3, H, W) with the mean of its channels as a fourth."""
    return torch.cat((source, source.mean(1, keepdim=True)), dim=1)


def _moments(
    base: Tensor, found: Tensor, box: Callable[[Tensor], Tensor]
) -> tuple[tuple[Tensor, Tensor], Tensor, Tensor]:
    """Return both means, the covariance, and the variance of the base."""
    x = with_mean(base)
    mean_x, mean_y, mean_xy, mean_xx = box(x), box(found), box(x * found), box(x * x)
    return (mean_x, mean_y), mean_xy - mean_x * mean_y, mean_xx - mean_x * mean_x
