"""Taking the mixture of a screen's colour and a subject's apart, pixel by pixel."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mattekit.data.screen import excess

SHADING, LIFT, STRAY = 0.15, 0.3, 0.05
"""How far the subject's colour is expected to stray from its surroundings: in its own shade, in grey, in anything."""

LOST = 0.005
"""Where alpha squared is less, the subject's colour comes from its surroundings more than from the pixel."""

LOST_IN_GRAIN = 15.0
"""Standard deviations of grain below which alpha is lost likewise."""


OFF_LINE = 0.04
"""How far from the line of mixtures a pixel may lie and still be taken for one."""


@dataclass(frozen=True)
class Mixtures:
    """Pixels that may show both.

    Attributes:
        colour: (3, N) as seen, in [0, 1].
        screen: (3, N) colour of the screen there.
        subject: (3, N) colour expected of the subject there.
        trust: (1, N) how well that colour is known: 0 is a guess, 1 is taken from close by.
    """

    colour: Tensor
    screen: Tensor
    subject: Tensor
    trust: Tensor


def estimate_alpha(mixtures: Mixtures, grain: float) -> tuple[Tensor, Tensor]:
    """Return alpha (1, N), unbounded, and the standard deviation (1, N) that grain gives it.

    With C as seen, B the screen, F the subject and d = F - B, ``alpha = w (C - B) / w d`` for ``w = S^-1 d``. S is
    the covariance expected of F: ``STRAY^2 I + u u' + v v'`` with u the subject's own shade and v grey, more of
    that where the colour is a guess. A subject lighter, darker or greyer than expected then hardly changes alpha.

    Args:
        mixtures: N of them.
        grain: Standard deviation of a channel.

    Source:
        The linear estimate of least expected error (Gauss-Markov); its inverse by Sherman and Morrison's formula,
        once for each of the two directions.
    """
    between = mixtures.subject - mixtures.screen
    shade = SHADING * mixtures.subject
    grey = torch.lerp(torch.ones_like(mixtures.trust), torch.full_like(mixtures.trust, LIFT), mixtures.trust)
    grey = grey.expand_as(between)
    by_shade = shade / STRAY**2
    shade_norm = 1 + _dot(by_shade, shade)
    by_grey = grey / STRAY**2 - by_shade * _dot(by_shade, grey) / shade_norm
    grey_norm = 1 + _dot(by_grey, grey)
    weights = between / STRAY**2 - by_shade * _dot(by_shade, between) / shade_norm
    weights = weights - by_grey * _dot(by_grey, between) / grey_norm
    scale = _dot(weights, between).clamp_min(1e-6)
    alpha = _dot(weights, mixtures.colour - mixtures.screen) / scale
    return alpha, grain * _dot(weights, weights).sqrt() / scale


def explained(mixtures: Mixtures, alpha: Tensor, grain: float) -> Tensor:
    """Return how well a pixel is explained as such a mixture, (1, N) in [0, 1]: 1 where it lies on the line.

    A pixel of a colour of its own, opaque or not, lies off the line from the screen to what is expected.
    """
    rest = torch.lerp(mixtures.screen, mixtures.subject, alpha.clamp(0, 1)) - mixtures.colour
    return mixtures.trust * torch.exp(-_dot(rest, rest) / (OFF_LINE + 3 * grain) ** 2)


def estimate_colour(mixtures: Mixtures, alpha: Tensor, grain: float) -> Tensor:
    """Return the subject's straight colour (3, N) in [0, 1].

    It is what alpha leaves over when the screen is taken away, drawn towards the expected colour where alpha, (1, N)
    in [0, 1], is so small that little of the subject is seen.
    """
    lost = LOST + (LOST_IN_GRAIN * grain) ** 2
    left = mixtures.colour - torch.lerp(mixtures.screen, mixtures.subject, alpha)
    straight = mixtures.subject + alpha / (alpha.square() + lost) * left
    return torch.where(alpha < 1, straight, mixtures.colour).clamp(0, 1)


def despilled(colour: Tensor, primary: int, amount: float) -> Tensor:
    """Return the screen's channel (..., 1, H, W), lowered towards the larger of the other two where it stands above.

    Skin, yellow, white and grey, in which green or blue is not the largest, keep theirs.

    Args:
        colour: (..., 3, H, W) in [0, 1].
        primary: The screen's channel.
        amount: 0 leaves all, 1 takes all that stands above.
    """
    return colour[..., primary : primary + 1, :, :] - amount * excess(colour, primary).clamp_min(0)


def _dot(one: Tensor, other: Tensor) -> Tensor:
    return (one * other).sum(0, keepdim=True)
