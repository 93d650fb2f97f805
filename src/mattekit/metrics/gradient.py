"""Grad: differences in the slope of two maps, measured only in the tiles where there can be any."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from mattekit.metrics.levels import from_levels, in_levels
from mattekit.metrics.spatial import bounds, check_clip, same_kind

SIGMA = 1.4
RADIUS = math.ceil(SIGMA * math.sqrt(-2 * math.log(math.sqrt(2 * math.pi) * SIGMA * 0.01)))
"""Reach of the filter in px, 4: where the Gaussian has fallen to a hundredth."""
TILE = 16
"""Side in px of the squares that are filtered; a wider one is filtered more often in vain."""
BATCH = 128
"""Squares filtered at a time, so that they stay in the processor's cache."""

TINY = 1e-30


def grad(alpha: Tensor, alpha_true: Tensor, region: Tensor, *, stretch: bool = False) -> Tensor:
    """Sum the squared differences of the gradients' lengths over a region.

    The slope along x and y comes from first derivatives of a Gaussian of 1.4 px, cut to 9x9, of unit Euclidean norm;
    the border repeats.

    Args:
        alpha: (T, 1, H, W) in [0, 1], or uint8 in 0-255.
        alpha_true: (T, 1, H, W) likewise.
        region: (T, 1, H, W) boolean.
        stretch: Stretch each map of each frame to [0, 1] by its own extremes first.

    Returns:
        (T,) float64; 0 where the region is empty. Tables divide by 1000. Filtered in single precision: a millionth from
        double precision, a hundred-thousandth where all there is are single levels beside a full step.

    Raises:
        InputError: The shapes do not fit.

    Source:
        Rhemann et al., A Perceptually Motivated Online Benchmark for Image Matting, CVPR 2009. Published
        implementations share the filter and differ in the region (the trimap's unknown pixels in DVM and Adobe, the
        whole frame in RVM), in the stretching (Adobe, MMEditing and RVM's low-resolution script do, DVM, GCA and
        RVM's high-resolution script do not; it makes no difference where both maps reach 0 and 1), and in the
        division by 1000 (not in the Adobe and DVM scripts, though in the tables).
    """
    check_clip(alpha, alpha_true, region)
    alpha, alpha_true = same_kind(alpha, alpha_true)
    planes = zip(alpha[:, 0], alpha_true[:, 0], region[:, 0], strict=True)
    return torch.stack([_frame(*three, stretch=stretch) for three in planes])


def _frame(alpha: Tensor, alpha_true: Tensor, region: Tensor, *, stretch: bool) -> Tensor:
    factors = [_stretch(plane) if stretch else 1.0 for plane in (alpha, alpha_true)]
    box = bounds(region, RADIUS)
    alpha, alpha_true, region = alpha[box], alpha_true[box], region[box]
    if not region.numel():
        return torch.zeros((), dtype=torch.float64, device=alpha.device)
    inside = _tiles(region, 0)
    active = _any(inside)
    if factors == [1.0, 1.0]:
        near = max_pool2d(_any(_tiles(alpha != alpha_true, 0)).float()[None], 3, stride=1, padding=1)[0]
        active &= near > 0
    one, other = (_tiles(plane, RADIUS)[:, active] for plane in (alpha, alpha_true))
    inside = inside[:, active]
    if factors != [1.0, 1.0]:
        one, other = (from_levels(part) * factor for part, factor in zip((one, other), factors, strict=True))
    bands = _bands(alpha.device)
    total = torch.zeros((), dtype=torch.float64, device=alpha.device)
    for parts in zip(one.split(BATCH, 1), other.split(BATCH, 1), inside.split(BATCH, 1), strict=True):
        difference = _slope_difference(in_levels(parts[0]), in_levels(parts[1]), bands)
        total += torch.where(parts[2], difference.square_(), 0.0).sum(dtype=torch.float64)
    return total / 255**2


def _any(tiles: Tensor) -> Tensor:
    """Return which squares, (down, across), hold a True."""
    return tiles.view(torch.uint8).amax(dim=0).amax(dim=2) > 0


def _stretch(plane: Tensor) -> float:
    """Return the factor that stretches a map to [0, 1]; 1 where it is constant, for then it has no slope."""
    low, high = from_levels(plane.amin()), from_levels(plane.amax())
    return 1 / float(high - low) if high > low else 1.0


def _tiles(plane: Tensor, margin: int) -> Tensor:
    """Cut a plane into squares with a margin: (rows of a square, squares down, squares across, its columns), a view.

    Beyond the plane its border repeats; a region is False there.
    """
    height, width = plane.shape
    padded = plane.new_zeros(height + 2 * margin + -height % TILE, width + 2 * margin + -width % TILE)
    bottom, right = margin + height, margin + width
    padded[margin:bottom, margin:right] = plane
    if plane.dtype != torch.bool:
        padded[:margin], padded[bottom:] = padded[margin], padded[bottom - 1]
        padded[:, :margin], padded[:, right:] = padded[:, margin, None], padded[:, right - 1, None]
    side = TILE + 2 * margin
    return padded.unfold(0, side, TILE).unfold(1, side, TILE).permute(2, 0, 1, 3)


def _slope_difference(one: Tensor, other: Tensor, bands: Tensor) -> Tensor:
    """Return by how much the gradient of one is longer, (TILE, N, TILE), of tiles (TILE + 8, N, TILE + 8).

    Subtracting two lengths that nearly agree would lose what single precision has. With d and s, the gradients of the
    maps' difference and sum, ``|a| - |b| = d . s / (|a| + |b|)``, and d is as exact as it is small.
    """
    apart, both = _gradient((one - other).float(), bands), _gradient((one + other).float(), bands)
    lengths = _length(both + apart).add_(_length(both - apart))
    along = apart.mul_(both)
    return along[0].add_(along[1]).mul_(2).div_(lengths.clamp_min_(TINY))


def _length(slopes: Tensor) -> Tensor:
    across, down = slopes.square_().unbind()
    return across.add_(down).sqrt_()


def _gradient(tiles: Tensor, bands: Tensor) -> Tensor:
    """Return the slopes along x and y, (2, TILE, N, TILE), of tiles (TILE + 8, N, TILE + 8).

    What is common to a tile has no slope; without it single precision is left for what has.
    """
    count, side = tiles.shape[1:]
    tiles = tiles - tiles[:1, :, :1]
    down = (bands @ tiles.reshape(side, -1)).view(2, TILE * count, side)
    slopes = torch.bmm(down, bands.view(2, TILE, side).flip(0).mT)
    return slopes.view(2, TILE, count, TILE)


def _bands(device: torch.device) -> Tensor:
    """Return the rows that smooth and then those that derive a column of a tile, (2 TILE, TILE + 8), of unit norm."""
    offsets = torch.arange(-RADIUS, RADIUS + 1, dtype=torch.float64, device=device)
    smooth = torch.exp(-offsets.square() / (2 * SIGMA**2))
    derive = offsets * smooth
    return torch.cat((_band(smooth / smooth.norm()), _band(derive / derive.norm()))).float()


def _band(taps: Tensor) -> Tensor:
    """Return the matrix (TILE, TILE + 8) that correlates with nine taps."""
    band = taps.new_zeros(TILE, TILE + 2 * RADIUS)
    for row in range(TILE):
        band[row, row : row + len(taps)] = taps
    return band
