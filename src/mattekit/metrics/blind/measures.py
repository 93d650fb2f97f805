"""What one frame, or a frame beside its neighbours, says of an alpha whose truth is not known."""

from __future__ import annotations

import torch
from torch import Tensor

from mattekit.checks import check_rank, check_same_size
from mattekit.metrics.blind.motion import window_mean
from mattekit.ops.extend import extend_colour
from mattekit.ops.filters import sobel

CLEAR, SOLID = 0.02, 0.98
"""Alpha below and above which a pixel shows one layer alone."""

APART = 0.12
"""Colours nearer to each other than this tell nothing of spill."""

FADED, TURNED = 0.6, 0.25
"""A scene is cut where more than this share of the frame is not found again, and of its colours are others."""

BINS = 8
"""Steps a channel of the histogram of colours."""


def slope_sum(alpha: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return the length of an alpha's edge in px: the sum of its slope, which a soft edge has no more of than a hard.

    Args:
        alpha: (1, H, W) in [0, 1].
        weight: (1, H, W) share with which each pixel counts; None counts all.
    """
    slope = torch.hypot(*sobel(alpha))
    return (slope if weight is None else slope * weight).sum()


def edge_width(alpha: Tensor) -> float:
    """Return how wide an alpha's soft edge is in px, averaged along it; a hard edge has 0, no edge not a number.

    Over a straight ramp of w px, alpha (1 - alpha) sums to w / 6 a px of edge, and the slope to 1.

    Args:
        alpha: (1, H, W) in [0, 1].

    Example:
        >>> ramp = (torch.arange(40.0) - 14.5).div(10).clamp(0, 1).expand(1, 8, 40)
        >>> round(edge_width(ramp), 1)
        9.9
    """
    check_rank("alpha", alpha, "1 H W")
    edge = float(slope_sum(alpha))
    return 6 * float((alpha * (1 - alpha)).sum()) / edge if edge > 1 else float("nan")


def flicker(alpha: Tensor, trust: Tensor, *, before: Tensor, after: Tensor) -> tuple[float, Tensor]:
    """Return how far an alpha leaves the range of its two neighbours in time, moved onto it, and where.

    A change that stays is between them and does not count; one that is taken back does. All three are blurred by a px
    first, so that a motion that is wrong by as much does not count either.

    Args:
        alpha: (1, H, W) in [0, 1].
        trust: (1, H, W) in {0, 1}: where both motions are trusted.
        before: (1, H, W), of the frame before, warped.
        after: (1, H, W), of the frame after, warped.

    Returns:
        The share of the subject's area that it makes, and the map (1, H, W).

    Raises:
        InputError: The sizes differ.
    """
    check_same_size("alpha", alpha, "before", before)
    alpha, before, after = window_mean(torch.stack((alpha, before, after)), 1)
    low, high = torch.minimum(before, after), torch.maximum(before, after)
    beyond = trust * ((alpha - high).clamp_min(0) + (low - alpha).clamp_min(0))
    area = (trust * torch.maximum(alpha, high)).sum()
    return float(beyond.sum() / (area + 1e-3 * alpha.numel())), beyond


def area_step(alpha: Tensor, trust: Tensor, *, before: Tensor) -> float:
    """Return the change of area that motion does not explain, as a share of the area; positive for growth.

    Args:
        alpha: (1, H, W) in [0, 1].
        trust: (1, H, W) in {0, 1}.
        before: (1, H, W), of the frame before, warped.
    """
    gained = (trust * (alpha - before)).sum()
    area = torch.maximum(alpha.sum(), (trust * before).sum())
    return float(gained / (area + 1e-3 * alpha.numel()))


def spill(foreground: Tensor, alpha: Tensor, *, frame: Tensor) -> float:
    """Return the share of the background's colour in the foreground's along the edge; not a number without an edge.

    At each soft pixel the foreground is laid on the line from the colour of the solid subject near by (0) to that of
    the background near by (1).

    Args:
        foreground: (3, H, W) straight colour in [0, 1].
        alpha: (1, H, W) in [0, 1].
        frame: (3, H, W) in [0, 1].

    Raises:
        InputError: The sizes differ.
    """
    check_same_size("foreground", foreground, "alpha", alpha)
    check_same_size("frame", frame, "alpha", alpha)
    masks = torch.stack((alpha > SOLID, alpha < CLEAR)).to(frame.dtype)
    inside, behind = extend_colour(frame.expand(2, -1, -1, -1), masks)
    between = behind - inside
    length = between.square().sum(0, keepdim=True)
    share = (((foreground - inside) * between).sum(0, keepdim=True) / length.clamp_min(1e-6)).clamp(0, 1)
    weight = alpha * (1 - alpha) * (length > APART**2) * bool(masks.flatten(1).any(1).all())
    total = float(weight.sum())
    return float((weight * share).sum()) / total if total > 1 else float("nan")


def is_cut(one: Tensor, other: Tensor, *, trust: Tensor) -> bool:
    """Return whether two frames in a row show different scenes: little is found again, and the colours are others.

    Fades are not found; a flash of light can be taken for a cut.

    Args:
        one: (3, H, W) in [0, 1].
        other: (3, H, W) in [0, 1].
        trust: (1, H, W) in {0, 1}, of the motion between them.
    """
    lost = 1 - float(trust.mean())
    return lost > FADED and float((_colours(one) - _colours(other)).abs().sum()) / 2 > TURNED


def _colours(frame: Tensor) -> Tensor:
    """Return the share of the pixels in each bin of colours."""
    level = (frame * BINS).long().clamp(0, BINS - 1)
    bins = (level[0] * BINS + level[1]) * BINS + level[2]
    return torch.bincount(bins.flatten(), minlength=BINS**3) / bins.numel()
