"""Straight foreground and background colour from a frame and its alpha."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mattekit.checks import InputError, check_same_size


def estimate_foreground(frame: Tensor, alpha: Tensor) -> Tensor:
    """Estimate the foreground colour that the background was mixed into.

    Args:
        frame: (..., C, H, W) in [0, 1], C mostly 3.
        alpha: (..., 1, H, W) in [0, 1].

    Returns:
        (..., C, H, W) straight colour in [0, 1]: the frame itself where alpha is 1, a smooth continuation where
        alpha is 0.

    Raises:
        InputError: The shapes do not fit.
    """
    return estimate_layers(frame, alpha)[0]


def estimate_layers(
    frame: Tensor,
    alpha: Tensor,
    *,
    smoothness: float = 1e-5,
    edge_weight: float = 0.1,
    iterations: int = 3,
    expected: tuple[Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Estimate the colours of foreground and background, from coarse levels to fine ones.

    Minimised is the squared difference of the composite from the frame, plus the squared differences of each
    layer's neighbouring pixels weighted by ``smoothness + edge_weight * |difference of alpha|``, plus that of the
    foreground from a colour expected of it, weighted pixel by pixel.

    Args:
        frame: (..., C, H, W) in [0, 1].
        alpha: (..., 1, H, W) in [0, 1].
        smoothness: Weight of smoothness everywhere.
        edge_weight: Additional weight of smoothness across edges of alpha.
        iterations: Sweeps a level; small levels, which cost nothing, get ten.
        expected: Foreground colour (..., C, H, W) in [0, 1] that is expected, and its weight (..., 1, H, W), 0 or
            more, against 1 for the frame; None expects nothing.

    Returns:
        Foreground and background, both (..., C, H, W) straight colour in [0, 1]. Where alpha is 1 the foreground is
        the frame, where it is 0 the background is.

    Raises:
        InputError: The shapes do not fit, or smoothness is not above 0.

    Source:
        Germer, Uelwer, Conrad and Harmeling, Fast Multi-Level Foreground Estimation, ICPR 2020. Here every sweep
        updates all pixels at once from the last sweep's neighbours, every level has half the size of the next, and
        the edge weight is 0.1 instead of 1, which brings the colour of fur and hair nearer to the true one. The
        expected colour is not in the paper.
    """
    check_same_size("frame", frame, "alpha", alpha)
    if frame.ndim < 3 or alpha.shape != (*frame.shape[:-3], 1, *frame.shape[-2:]):
        raise InputError(
            f"frame and alpha must have shapes (..., C, H, W) and (..., 1, H, W); "
            f"got {tuple(frame.shape)} and {tuple(alpha.shape)}"
        )
    if expected is not None and (expected[0].shape, expected[1].shape) != (frame.shape, alpha.shape):
        raise InputError(
            f"expected must hold a colour of shape {tuple(frame.shape)} and a weight of shape {tuple(alpha.shape)}; "
            f"got {tuple(expected[0].shape)} and {tuple(expected[1].shape)}"
        )
    if smoothness <= 0:
        raise InputError(f"smoothness must be above 0, or flat regions have no answer; got {smoothness}")
    height, width = frame.shape[-2:]
    planes = [frame, alpha, *(expected or ())]
    levels = _levels([plane.reshape(-1, plane.shape[-3], height, width) for plane in planes])
    layers = torch.cat((levels[-1][0], levels[-1][0]), dim=1)
    for level in reversed(levels[:-1]):
        size = (level[0].shape[-2], level[0].shape[-1])
        layers = F.interpolate(layers, size=size, mode="nearest")
        sweeps = iterations if max(size) > 32 else 10
        layers = _solve(level, layers, smoothness=smoothness, edge_weight=edge_weight, sweeps=sweeps)
    foreground, background = (part.reshape(frame.shape) for part in layers.chunk(2, dim=1))
    return torch.where(alpha >= 1, frame, foreground), torch.where(alpha <= 0, frame, background)


def _levels(planes: list[Tensor]) -> list[list[Tensor]]:
    """Take every second pixel of all planes until one is left, finest level first.

    Samples, unlike means, obey the composite's equation exactly.
    """
    levels = [planes]
    while max(levels[-1][0].shape[-2:]) > 1:
        levels.append([plane[..., ::2, ::2] for plane in levels[-1]])
    return levels


def _solve(level: list[Tensor], layers: Tensor, *, smoothness: float, edge_weight: float, sweeps: int) -> Tensor:
    """Sweep one level: every pixel takes the pair of colours that is best for its neighbours' present ones.

    With M the weighted mean of a layer's neighbours, in which an expected colour counts as one more, and W the sum of
    their weights, the minimum over one pixel is ``F = M_F + alpha / W_F * r`` and ``B = M_B + (1 - alpha) / W_B * r``,
    where ``r = (I - alpha * M_F - (1 - alpha) * M_B) / (1 + alpha^2 / W_F + (1 - alpha)^2 / W_B)``.
    """
    frame, alpha, *expected = level
    channels = frame.shape[1]
    rest = 1 - alpha
    right = smoothness + edge_weight * (alpha[..., 1:] - alpha[..., :-1]).abs()
    below = smoothness + edge_weight * (alpha[..., 1:, :] - alpha[..., :-1, :]).abs()
    total = F.pad(right, (0, 1)) + F.pad(right, (1, 0)) + F.pad(below, (0, 0, 0, 1)) + F.pad(below, (0, 0, 1, 0))
    share = 1 / total
    from_right, from_left = right * share[..., :-1], right * share[..., 1:]
    from_below, from_above = below * share[..., :-1, :], below * share[..., 1:, :]
    total_front = total + expected[1] if expected else total
    pull_front, pull_back = alpha / total_front, rest * share
    damping = 1 / (1 + alpha * pull_front + rest * pull_back)
    pull_front, pull_back = pull_front * damping, pull_back * damping
    if expected:
        pulled, rest_of_it = expected[0] * (expected[1] / total_front), total / total_front
    for _ in range(sweeps):
        mean = torch.zeros_like(layers)
        mean[..., :-1].addcmul_(layers[..., 1:], from_right)
        mean[..., 1:].addcmul_(layers[..., :-1], from_left)
        mean[..., :-1, :].addcmul_(layers[..., 1:, :], from_below)
        mean[..., 1:, :].addcmul_(layers[..., :-1, :], from_above)
        front, back = mean[:, :channels], mean[:, channels:]
        if expected:
            front = torch.addcmul(pulled, front, rest_of_it)
        residual = frame - alpha * front - rest * back
        layers = torch.cat((front + pull_front * residual, back + pull_back * residual), dim=1).clamp(0, 1)
    return layers
