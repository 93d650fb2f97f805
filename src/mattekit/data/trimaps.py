"""Random trimaps as people draw them and programs carry them on: uneven, jagged, drifting, late, with holes."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mattekit.checks import InputError, check_rank
from mattekit.ops.distance import squared_distance
from mattekit.ops.trimap import HALF_STEP, UNKNOWN, trimap_from_alpha_iterated

CLEAR, OPAQUE = 0.01, 0.99
"""Alpha between these is partly transparent, and unknown in every trimap that is right."""

JAGGED, DRIFTING, NIBBLED, DRAWN, KEYFRAME, LATE, ISLANDS = 0.4, 0.3, 0.2, 0.2, 0.15, 0.2, 0.2
"""Share of the clips whose band has each of these faults; any may come together."""


def random_trimap(
    alpha: Tensor, generator: torch.Generator, *, widest: int = 24, blobs: bool = True, sloppy: float = 0.0
) -> Tensor:
    """Return a trimap of a width drawn for the clip and for each side of the edge, with faults drawn beside.

    The band may be jagged, drift in width, have bites taken out down to the soft pixels, be drawn in straight strokes
    on all frames or on one key frame, trail behind the motion, or have unknown islands far from any edge.

    Args:
        alpha: (T, 1, H, W) in [0, 1].
        generator: CPU generator.
        widest: Largest width in px on one side; the smallest is 2.
        blobs: Whether there may be islands.
        sloppy: Share of the clips in which a few pixels are wrong, as in trimaps drawn by hand: there, in patches,
            the trimap is the last frame's, or stands a few px aside, or leaves soft pixels out.

    Returns:
        (T, 1, H, W) in {0, 0.5, 1}. In a clip that is not sloppy, every pixel with alpha strictly inside (0.01, 0.99)
        is unknown, and what is known is right.

    Raises:
        InputError: The shape is not right, or the widest band is below 2 px.
    """
    check_rank("alpha", alpha, "T 1 H W")
    if widest < 2:
        raise InputError(f"the widest band must be 2 px or more; got {widest}")
    draw = torch.rand(8, generator=generator).tolist()
    inner, outer = (2 * (widest / 2) ** share for share in draw[:2])
    band = _drawn if draw[2] < DRAWN else _grown
    trimap = band(alpha, generator, inner, outer)
    if draw[2] >= DRAWN and draw[3] < KEYFRAME:
        chosen = int(torch.randint(len(alpha), (1,), generator=generator))
        trimap[chosen : chosen + 1] = _drawn(alpha[chosen : chosen + 1], generator, inner, outer)
    if draw[4] < LATE:
        trimap = torch.where(trimap == _late(trimap), trimap, UNKNOWN)
    if blobs and draw[5] < ISLANDS:
        islands = _smooth_noise(1, 6, alpha, generator) > 1.8
        trimap = trimap.masked_fill(islands, UNKNOWN)
    return _spoil(trimap, alpha, generator) if draw[6] < sloppy else trimap


def paper_trimap(alpha: Tensor, generator: torch.Generator) -> Tensor:
    """Return a trimap by the rules of deep video matting's training: an ellipse of side 2 to 5, 5 to 15 times.

    Args:
        alpha: (T, 1, H, W) in [0, 1].
        generator: CPU generator; side and number are drawn once for all frames.

    Returns:
        (T, 1, H, W) in {0, 0.5, 1}.

    Source:
        Sun et al., Deep Video Matting via Spatio-Temporal Alignment and Aggregation, CVPR 2021, section 4. Drawn for
        the clip and not for each frame, and balanced where the side is even.
    """
    side = int(torch.randint(2, 6, (1,), generator=generator))
    iterations = int(torch.randint(5, 16, (1,), generator=generator))
    soft = (alpha > HALF_STEP).to(torch.float16) + (alpha >= 1 - HALF_STEP).to(torch.float16)
    return trimap_from_alpha_iterated(soft / 2, side=side, iterations=iterations).to(alpha.dtype)


def _grown(alpha: Tensor, generator: torch.Generator, inner: float, outer: float) -> Tensor:
    """Return the trimap whose band reaches so many px into each side, the reach varied over place and time."""
    draw = torch.rand(3, generator=generator).tolist()
    solid_reach = _reach(inner, alpha, generator, draw)
    clear_reach = _reach(outer, alpha, generator, draw)
    near_soft = _within(alpha < OPAQUE, solid_reach)
    near_seen = _within(alpha > CLEAR, clear_reach)
    return _join(near_soft, near_seen, alpha)


def _reach(width: float, alpha: Tensor, generator: torch.Generator, draw: list[float]) -> Tensor:
    """Return the reach in px of one side of the band, broadcastable to (T, 1, H, W)."""
    reach = torch.full((1, 1, 1, 1), float(round(width)), device=alpha.device)
    if draw[0] < JAGGED:
        cells = 8 + int(torch.randint(24, (1,), generator=generator))
        frames = len(alpha) if draw[0] < JAGGED / 2 else 1
        reach = reach * (1 + 0.35 * _smooth_noise(frames, cells, alpha, generator)).clamp(0.15, 2)
    if draw[1] < DRIFTING:
        depth, start, pace = torch.rand(3, generator=generator).tolist()
        time = torch.arange(len(alpha), device=alpha.device).view(-1, 1, 1, 1)
        reach = reach * torch.exp(0.5 * depth * torch.sin(6.3 * start + pace * time))
    if draw[2] < NIBBLED:
        reach = reach * (_smooth_noise(1, 14, alpha, generator) < 1)
    return reach


def _within(mask: Tensor, reach: Tensor) -> Tensor:
    """Return where a mask is within a reach, which may differ from pixel to pixel."""
    distance = squared_distance(mask, math.ceil(float(reach.max())))
    return distance <= reach.square().to(distance.dtype)


def _drawn(alpha: Tensor, generator: torch.Generator, inner: float, outer: float) -> Tensor:
    """Return the trimap whose band is bounded by straight strokes, about as wide as asked on each side."""
    near_soft = _strokes(alpha < OPAQUE, generator, inner)
    near_seen = _strokes(alpha > CLEAR, generator, outer)
    return _join(near_soft, near_seen, alpha)


def _strokes(mask: Tensor, generator: torch.Generator, width: float) -> Tensor:
    """Return a mask grown to a polygon: the squares of a coarse grid that it touches, joined by straight lines.

    The squares are taken as 1 and interpolated linearly. At the corner of a touched square this is still 1/4, so a
    contour below that leaves nothing out.
    """
    height, width_px = mask.shape[-2:]
    side = max(3, round(1.2 * width))
    draw = torch.rand(3, generator=generator).tolist()
    top, left = int(side * draw[0]), int(side * draw[1])
    pool_down, pool_across = _belonging(height, side, top).to(mask.device), _belonging(width_px, side, left)
    touched = (pool_down @ mask.float() @ pool_across.T.to(mask.device) > 0).float()
    down = _linear_weights((torch.arange(height) + top + 0.5) / side - 0.5, len(pool_down))
    across = _linear_weights((torch.arange(width_px) + left + 0.5) / side - 0.5, len(pool_across))
    cover: Tensor = down.to(mask.device) @ touched @ across.T.to(mask.device)
    return cover.gt(0.04 + 0.2 * draw[2])


def _belonging(size: int, side: int, offset: int) -> Tensor:
    """Return (squares, size), 1 where a pixel of a line belongs to a square of a grid with an offset."""
    square = (torch.arange(size) + offset) // side
    return (square == torch.arange(int(square[-1]) + 1)[:, None]).float()


def _linear_weights(places: Tensor, count: int) -> Tensor:
    """Return (len(places), count), how much each of a row of samples counts at each place between them."""
    return (1 - (places.clamp(0, count - 1)[:, None] - torch.arange(count)).abs()).clamp_min(0)


def _smooth_noise(frames: int, cells: int, like: Tensor, generator: torch.Generator) -> Tensor:
    """Return smooth noise of about unit variance, (frames, 1, H, W), with so many bumps along a side."""
    control = torch.randn(frames, 1, cells + 3, cells + 3, generator=generator) / 0.48
    down, across = (_spline_weights(size, cells).to(like.device) for size in like.shape[-2:])
    return down @ control.to(like.device) @ across.T


def _spline_weights(size: int, cells: int) -> Tensor:
    """Return (size, cells + 3): a uniform cubic B-spline's weights at the middle of each of so many pixels."""
    distance = ((torch.arange(size) + 0.5) * (cells / size))[:, None] - torch.arange(-1, cells + 2)
    x = distance.abs()
    return torch.where(x < 1, (4 - 6 * x**2 + 3 * x**3) / 6, (2 - x).clamp_min(0) ** 3 / 6)


def _join(near_soft: Tensor, near_seen: Tensor, like: Tensor) -> Tensor:
    """Return 1 far from all that is not opaque, 0 far from all that is seen, else unknown."""
    return near_seen.byte().add_(near_soft.logical_not_().byte()).to(like.dtype).mul_(0.5)


def _late(trimap: Tensor) -> Tensor:
    """Return each frame's predecessor; the first is its own."""
    return torch.cat((trimap[:1], trimap[:-1]))


def _spoil(trimap: Tensor, alpha: Tensor, generator: torch.Generator) -> Tensor:
    """Return a trimap in which, in a few patches, something is wrong."""
    kind = int(torch.randint(3, (1,), generator=generator))
    if kind == 0:
        wrong = _late(trimap)
    elif kind == 1:
        step = torch.randint(-4, 5, (2,), generator=generator).tolist()
        wrong = torch.roll(trimap, step, dims=(-2, -1))
    else:
        wrong = (alpha > 0.5).to(trimap.dtype)
    return torch.where(_smooth_noise(len(alpha), 7, alpha, generator) > 1, wrong, trimap)
