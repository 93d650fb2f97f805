"""The matting Laplacian of a picture's unknown pixels, and alpha solved from it by conjugate gradients."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.checks import InputError, check_rank, check_same_size

_REACH = 2
_OFFSETS = [(y, x) for y in range(_REACH + 1) for x in range(-_REACH, _REACH + 1) if (y, x) > (0, 0)]
_TAPS = [(y, x) for y in range(3) for x in range(3)]


@dataclass(frozen=True)
class UnknownSystem:
    """The linear system of the matting energy, one row an unknown pixel.

    Attributes:
        pixels: (n,) index of each unknown pixel in the flattened (N, h, w) pictures.
        picture: (n,) number of the picture each belongs to.
        columns: (n, 24) row numbers of the neighbours in a 5 x 5 window; n where the neighbour is known.
        weights: (n, 24) affinity to each neighbour, 0 beyond the border and at known ones.
        diagonal: (n,) sum of the affinities to all neighbours.
        pull: (n,) affinities to the neighbours known as foreground, summed.
        pictures: N.
    """

    pixels: Tensor
    picture: Tensor
    columns: Tensor
    weights: Tensor
    diagonal: Tensor
    pull: Tensor
    pictures: int

    def solve(self, start: Tensor, *, steps: int, anchor: float) -> Tensor:
        """Lower the energy by Jacobi-preconditioned conjugate gradients.

        Args:
            start: (n,) first guess, also what ``anchor`` holds alpha to.
            steps: Number of steps.
            anchor: Weight of the squared distance to the start, against affinities that sum to about 1.

        Returns:
            (n,) alpha of the unknown pixels, not clamped.
        """
        diagonal = self.diagonal + anchor
        product = self._product()
        alpha = start
        residual = self.pull + anchor * start - diagonal * alpha + product(alpha)
        scaled = residual / diagonal
        direction, energy = scaled, self._dot(residual, scaled)
        for _ in range(steps):
            moved = diagonal * direction - product(direction)
            length = energy / self._dot(direction, moved).clamp_min(1e-20)
            alpha = alpha + length * direction
            residual = residual - length * moved
            scaled = residual / diagonal
            previous, energy = energy, self._dot(residual, scaled)
            direction = scaled + energy / previous.clamp_min(1e-20) * direction
        return alpha

    def _dot(self, one: Tensor, other: Tensor) -> Tensor:
        """Return each picture's inner product, spread over its pixels."""
        if self.pictures == 1:
            return torch.dot(one, other)
        return one.new_zeros(self.pictures).index_add_(0, self.picture, one * other)[self.picture]

    def _product(self) -> Callable[[Tensor], Tensor]:
        """Return the function that multiplies by the affinities; compressed rows where torch has them fast."""
        if self.weights.is_cuda or torch.backends.mkl.is_available():
            return partial(torch.mv, _compressed_rows(self))
        return self._gather

    def _gather(self, vector: Tensor) -> Tensor:
        padded = functional.pad(vector, (0, 1))[:, None]
        return functional.embedding_bag(self.columns, padded, mode="sum", per_sample_weights=self.weights)[:, 0]


def _compressed_rows(system: UnknownSystem) -> Tensor:
    rows = len(system.columns)
    held = system.columns < rows
    starts = functional.pad(held.sum(1).cumsum(0), (1, 0)).to(torch.int32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # "beta state"
        return torch.sparse_csr_tensor(
            starts,
            system.columns[held].to(torch.int32),
            system.weights[held],
            (rows, rows),
            check_invariants=False,
        )


def affinities(frame: Tensor, *, epsilon: float = 1e-6) -> Tensor:
    """Return how strongly colour lines tie each pixel to its neighbours.

    Args:
        frame: (N, 3, H, W) in [0, 1], at least 3 x 3 px.
        epsilon: Added to each colour variance of a 3 x 3 window, divided by its 9 pixels as in the paper.

    Returns:
        (N, 12, H, W): the affinity, over 9, of pixel i and pixel i + offset for the 12 offsets (y, x) that follow
        (0, 0) in reading order within 2 px; 0 where the pair leaves the picture.

    Raises:
        InputError: A wrong shape, or a picture smaller than a window.

    Source:
        Levin, Lischinski, Weiss: A closed-form solution to natural image matting, PAMI 2008, equation 12.
        The window's colours are whitened first (Cholesky), so that single precision suffices.
    """
    check_rank("frame", frame, "N 3 H W")
    height, width = frame.shape[-2:]
    if min(height, width) < 3:
        raise InputError(f"frame must be at least 3 x 3 px for colour lines; got {(height, width)}")
    rows, columns = height - 2, width - 2
    colours = torch.stack([frame[..., y : y + rows, x : x + columns] for y, x in _TAPS], dim=1)
    white = _whiten(colours - colours.mean(dim=1, keepdim=True), epsilon / 9)
    planes = frame.new_zeros(frame.shape[0], len(_OFFSETS), height, width)
    for first, (y, x) in enumerate(_TAPS):
        for second in range(first + 1, len(_TAPS)):
            offset = _OFFSETS.index((_TAPS[second][0] - y, _TAPS[second][1] - x))
            tie = (white[:, first] * white[:, second]).sum(1).add_(1).div_(81)
            planes[:, offset, y : y + rows, x : x + columns] += tie
    return planes


def _whiten(centred: Tensor, epsilon: float) -> Tensor:
    """Return (N, 9, 3, h, w) colours divided by the Cholesky factor of their regularised covariance."""
    r, g, b = centred.unbind(2)
    rr, rg, rb = (r * r).mean(1) + epsilon, (r * g).mean(1), (r * b).mean(1)
    gg, gb, bb = (g * g).mean(1) + epsilon, (g * b).mean(1), (b * b).mean(1) + epsilon
    l11 = rr.sqrt()
    l21, l31 = rg / l11, rb / l11
    l22 = (gg - l21 * l21).clamp_min(epsilon).sqrt()
    l32 = (gb - l31 * l21) / l22
    l33 = (bb - l31 * l31 - l32 * l32).clamp_min(epsilon).sqrt()
    first = r / l11[:, None]
    second = (g - l21[:, None] * first) / l22[:, None]
    third = (b - l31[:, None] * first - l32[:, None] * second) / l33[:, None]
    return torch.stack((first, second, third), dim=2)


def unknown_system(frame: Tensor, unknown: Tensor, foreground: Tensor, *, epsilon: float = 1e-6) -> UnknownSystem:
    """Build the matting energy's linear system over the unknown pixels.

    Args:
        frame: (N, 3, H, W) in [0, 1].
        unknown: (N, 1, H, W) bool.
        foreground: (N, 1, H, W) bool, known foreground; what is neither is known background.
        epsilon: See `affinities`.

    Raises:
        InputError: Shapes differ or the picture is too small.
    """
    check_same_size("frame", frame, "unknown", unknown)
    count, height, width = frame.shape[0], *frame.shape[-2:]
    planes = functional.pad(affinities(frame, epsilon=epsilon), (_REACH,) * 4)
    pixels = unknown.flatten().nonzero()[:, 0]
    rank = torch.full((count * height * width,), len(pixels), device=frame.device)
    rank[pixels] = torch.arange(len(pixels), device=frame.device)
    rank = functional.pad(rank.view(count, height, width), (_REACH,) * 4, value=len(pixels)).flatten()
    held = functional.pad(foreground[:, 0].to(frame.dtype), (_REACH,) * 4).flatten()
    picture = pixels // (height * width)
    row, column = pixels % (height * width) // width, pixels % width
    step, area = width + 2 * _REACH, (width + 2 * _REACH) * (height + 2 * _REACH)
    place = picture * area + (row + _REACH) * step + column + _REACH
    flat = planes.flatten()
    columns, weights, pull = [], [], frame.new_zeros(len(pixels))
    for offset, (y, x) in enumerate(_OFFSETS):
        shift = y * step + x
        base = place + (picture * (len(_OFFSETS) - 1) + offset) * area
        for neighbour, tie in ((place + shift, flat[base]), (place - shift, flat[base - shift])):
            columns.append(rank[neighbour])
            weights.append(tie)
            pull += tie * held[neighbour]
    weight, index = torch.stack(weights, 1), torch.stack(columns, 1)
    diagonal = weight.sum(1).clamp_min(1e-6)
    return UnknownSystem(pixels, picture, index, weight * (index < len(pixels)), diagonal, pull, count)


def closed_form_alpha(
    frame: Tensor,
    trimap: Tensor,
    start: Tensor,
    *,
    steps: tuple[int, ...] = (40, 60, 100),
    anchor: float = 1e-5,
    epsilon: float = 1e-6,
    carry: float = 1e-4,
) -> Tensor:
    """Estimate alpha from colour lines, coarse to fine.

    Args:
        frame: (N, 3, H, W) in [0, 1].
        trimap: (N, 1, H, W) in {0, 0.5, 1}.
        start: (N, 1, H, W) first guess in [0, 1].
        steps: Conjugate-gradient steps by level, the coarsest first; the last level has stride 2.
        anchor: See `UnknownSystem.solve`; acts on the coarsest level's guess.
        epsilon: See `affinities`.
        carry: See `carry_alpha`.

    Returns:
        (N, 1, H, W) in [0, 1], exactly 0 or 1 where the trimap says so. Levels under 8 px are left out.

    Raises:
        InputError: Shapes differ.
    """
    check_rank("frame", frame, "N 3 H W")
    check_same_size("frame", frame, "trimap", trimap)
    check_same_size("frame", frame, "start", start)
    known = (trimap != 0.5).to(frame.dtype)
    alpha = torch.where(known > 0, trimap, start)
    stack = torch.cat((frame, known, trimap * known, alpha), dim=1)
    small, coarser = stack, None
    for level, count in enumerate(steps):
        stride = 2 ** (len(steps) - level)
        if min(frame.shape[-2:]) < 8 * stride:
            continue
        small = functional.avg_pool2d(stack, stride, ceil_mode=True, count_include_pad=False)
        guess = small[:, 5:]
        if coarser is not None:
            guess = functional.interpolate(coarser, size=guess.shape[-2:], mode="bilinear", align_corners=False)
        coarser = _solve_level(small, guess, steps=count, anchor=anchor, epsilon=epsilon)
    if coarser is None:
        return alpha
    return torch.where(known > 0, trimap, carry_alpha(small[:, :3], coarser, frame, epsilon=carry))


def carry_alpha(small: Tensor, alpha: Tensor, frame: Tensor, *, epsilon: float = 1e-4) -> Tensor:
    """Return alpha at a larger size by the colour lines of a smaller picture.

    Args:
        small: (N, 3, h, w) the smaller picture, at least 3 x 3 px.
        alpha: (N, 1, h, w) its alpha.
        frame: (N, 3, H, W) the larger picture.
        epsilon: Added to each colour variance; larger is smoother.

    Returns:
        (N, 1, H, W) in [0, 1].

    Source:
        He and Sun: Fast guided filter, arXiv 1505.00996, with a window of 3 x 3 and a colour guide.
    """
    rows, columns = small.shape[-2] - 2, small.shape[-1] - 2
    stack = torch.cat((small, alpha), dim=1)
    taps = torch.stack([stack[..., y : y + rows, x : x + columns] for y, x in _TAPS], dim=1)
    mean = taps.mean(dim=1)
    centred = taps - mean[:, None]
    slope = _solve_slope(centred, epsilon)
    fitted = torch.cat((mean[:, 3:] - (slope * mean[:, :3]).sum(1, keepdim=True), slope), dim=1)
    fitted = functional.avg_pool2d(functional.pad(fitted, (2, 2, 2, 2), mode="replicate"), 3, 1)
    fitted = functional.interpolate(fitted, size=frame.shape[-2:], mode="bilinear", align_corners=False)
    return (fitted[:, :1] + (fitted[:, 1:] * frame).sum(1, keepdim=True)).clamp(0, 1)


def _solve_slope(centred: Tensor, epsilon: float) -> Tensor:
    """Return (N, 3, h, w), the slope of alpha in colour, from centred colour and alpha (N, 9, 4, h, w)."""
    r, g, b, a = centred.unbind(2)
    rr, gg, bb = (r * r).mean(1) + epsilon, (g * g).mean(1) + epsilon, (b * b).mean(1) + epsilon
    rg, rb, gb = (r * g).mean(1), (r * b).mean(1), (g * b).mean(1)
    ra, ga, ba = (r * a).mean(1), (g * a).mean(1), (b * a).mean(1)
    first, second, third = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    determinant = (rr * first + rg * second + rb * third).clamp_min(epsilon**3)
    one = first * ra + second * ga + third * ba
    two = second * ra + (rr * bb - rb * rb) * ga + (rg * rb - rr * gb) * ba
    three = third * ra + (rg * rb - rr * gb) * ga + (rr * gg - rg * rg) * ba
    return torch.stack((one, two, three), dim=1) / determinant[:, None]


def _solve_level(small: Tensor, guess: Tensor, *, steps: int, anchor: float, epsilon: float) -> Tensor:
    """Return alpha of one level; ``small`` holds frame, share known, share known as foreground, guess."""
    unknown = small[:, 3:4] < 0.999
    target = small[:, 4:5]
    alpha = torch.where(unknown, guess, target)
    if not unknown.any():
        return alpha
    system = unknown_system(small[:, :3], unknown, ~unknown & (target > 0.5), epsilon=epsilon)
    solved = system.solve(alpha.flatten()[system.pixels], steps=steps, anchor=anchor).clamp(0, 1)
    return alpha.flatten().index_copy(0, system.pixels, solved).view_as(alpha)
