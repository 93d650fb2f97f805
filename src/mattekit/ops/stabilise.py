"""A matte made steady: where its subject was in frames around, how far that can be trusted, and a median along it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.checks import check_rank, check_same_size
from mattekit.ops.filters import gaussian_blur
from mattekit.ops.luma import luma
from mattekit.ops.resize import resize, size_within
from mattekit.ops.warp import consistent, warp

LONGEST = 768
"""Long side in px of the pictures that motion is found on."""

SMALLEST = 64
"""Smaller sides are filled up to this for the search of motion."""

CELL, REACH = 4, 2.5
"""Motion is smoothed over cells of so many px, by a Gaussian of so many cells."""

GLOW = 40.0
"""Levels, of 255, by which a subject stands out from nothing, so that its outline shows even where it is black."""

DOUBT, BELIEF = 0.25, 0.6
"""Trust up to the one counts as none, from the other as full."""


@dataclass(frozen=True)
class Look:
    """What of one frame motion is found on.

    Attributes:
        luma: (1, 1, h, w) in [0, 1], at the working size.
        alpha: (1, 1, h, w) likewise.
        shown: (h, w) uint8 array of the subject alone, before black.
    """

    luma: Tensor
    alpha: Tensor
    shown: np.ndarray[tuple[int, int], np.dtype[np.uint8]]


@dataclass(frozen=True)
class Bearing:
    """Where the subject of one frame is in another.

    Attributes:
        flow: (1, 2, h, w) in px of the working size, x then y, a value a cell.
        trust: (1, 1, h, w) in [0, 1] likewise.
    """

    flow: Tensor
    trust: Tensor


def look(frame: Tensor, alpha: Tensor) -> Look:
    """Return what motion is found on of a frame (3, H, W) and its alpha (1, H, W), both in [0, 1].

    Raises:
        InputError: The shapes do not fit.
    """
    check_rank("frame", frame, "3 H W")
    check_rank("alpha", alpha, "1 H W")
    check_same_size("frame", frame, "alpha", alpha)
    size = (frame.shape[-2], frame.shape[-1])
    both, within = torch.cat((luma(frame), alpha))[None], size_within(size, LONGEST)
    bright, opaque = (both if within == size else resize(both, within, mode="area")).split(1, dim=1)
    shown = (opaque * (GLOW + (255 - GLOW) * bright)).round().clamp(0, 255).to(torch.uint8)
    return Look(bright, opaque, shown[0, 0].cpu().numpy())


def bearings(here: Look, there: Look) -> tuple[Bearing, Bearing]:
    """Return where the subject of one frame is in another, and the other way round.

    Motion is found on the subject alone, smoothed over what is opaque and comes back from where it went, and so carried
    out to the soft edge. It is trusted as far as the subject's own texture is found again where it points to.

    Source:
        Kroeger, Timofte, Dai and van Gool, Fast Optical Flow using Dense Inverse Search, ECCV 2016, as OpenCV has it;
        the smoothing and the trust are ours.
    """
    forth, back = _searched(here, there), _searched(there, here)
    return _bearing(here, there, forth, back), _bearing(there, here, back, forth)


def steadied(alpha: Tensor, neighbours: Sequence[tuple[Tensor, Bearing]]) -> Tensor:
    """Return an alpha (1, H, W): at each pixel the median of itself and of what its neighbours have there.

    A neighbour that is not trusted says what the alpha itself says. Positions outside the picture are not trusted.

    Args:
        alpha: (1, H, W) in [0, 1].
        neighbours: Alpha (1, H, W) of each frame around, and where the subject is in it.
    """
    if not neighbours:
        return alpha
    size = (alpha.shape[-2], alpha.shape[-1])
    said = [alpha]
    for other, bearing in neighbours:
        height, width = bearing.flow.shape[-2:]
        flow = functional.interpolate(bearing.flow, size=size, mode="bilinear", align_corners=False)
        flow = flow * flow.new_tensor([size[1] / (width * CELL), size[0] / (height * CELL)]).view(1, 2, 1, 1)
        trust = functional.interpolate(bearing.trust, size=size, mode="bilinear", align_corners=False)
        moved, valid = warp(other[None], flow, mode="bicubic")
        said.append(alpha + (trust * valid)[0] * (moved[0].clamp(0, 1) - alpha))
    ordered = torch.stack(said).sort(dim=0).values
    low, high = (len(said) - 1) // 2, len(said) // 2
    return (ordered[low] + ordered[high]) / 2


def _searched(here: Look, there: Look) -> Tensor:
    """Return the flow (1, 2, h, w) from one subject to another by dense inverse search."""
    import cv2

    height, width = here.shown.shape
    fill = ((0, max(0, SMALLEST - height)), (0, max(0, SMALLEST - width)))
    one, other = (np.pad(part.shown, fill, mode="edge") for part in (here, there))
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    still = np.zeros((*one.shape, 2), np.float32)
    flow = torch.from_numpy(np.asarray(search.calc(one, other, still))).permute(2, 0, 1)[None]
    return flow[..., :height, :width].to(here.luma.device)


def _bearing(here: Look, there: Look, forth: Tensor, back: Tensor) -> Bearing:
    weight = here.alpha.square() * (0.05 + 0.95 * consistent(forth, back).to(forth.dtype)) + 1e-4
    spread = gaussian_blur(_cells(torch.cat((forth * weight, weight), dim=1)), REACH)
    flow = spread[:, :2] / spread[:, 2:]
    size = (here.luma.shape[-2], here.luma.shape[-1])
    fine = functional.interpolate(flow, size=size, mode="bilinear", align_corners=False)
    return Bearing(flow, _trust(here, there, fine))


def _trust(here: Look, there: Look, flow: Tensor) -> Tensor:
    """Return how far the texture of a subject is found again where a flow points to, (1, 1, h, w) a cell."""
    found, _ = warp(torch.cat((there.luma, there.alpha), dim=1), flow)
    opaque = (here.alpha * found[:, 1:]).square()
    missed = (found[:, :1] - here.luma).square()
    parts = torch.cat((opaque, opaque * here.luma, opaque * here.luma.square(), opaque * missed), dim=1)
    weight, mean, square, missed = gaussian_blur(_cells(parts), REACH).split(1, dim=1)
    seen = weight + 1e-3
    texture = (square / seen - (mean / seen).square()).clamp_min(0)
    share = texture / (texture + 4 * missed / seen + 1e-4) * weight / (weight + 0.02)
    trust: Tensor = ((share - DOUBT) / (BELIEF - DOUBT)).clamp(0, 1)
    return trust


def _cells(values: Tensor) -> Tensor:
    """Return the means (N, C, h, w) over cells of a few px; cells at the border have what is there."""
    return functional.avg_pool2d(values, CELL, ceil_mode=True, count_include_pad=False)
