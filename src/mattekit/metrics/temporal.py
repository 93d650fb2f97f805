"""Errors between neighbouring frames: dtSSD, which stays with the pixel, and MESSDdt, which follows the motion.

Sums in double precision, one value a pair of frames; :mod:`mattekit.metrics.conventions` averages them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mattekit.checks import InputError, check_choice, check_rank, check_same_size
from mattekit.metrics.levels import from_levels, in_levels
from mattekit.metrics.spatial import Inside, check_clip, stack
from mattekit.ops import warp

MOTIONS = ("nearest", "bilinear")
BAND = 32
"""Rows worked on at a time, so that they stay in the processor's cache."""


def dtssd(alpha: Tensor, alpha_true: Tensor, region: Tensor) -> Tensor:
    """Compare how the prediction changes from frame to frame with how the truth changes.

    For each pair of neighbours: the root of the sum, over the region of the earlier frame, of
    ``((alpha[t + 1] - alpha[t]) - (alpha_true[t + 1] - alpha_true[t]))^2``.

    Args:
        alpha: (T, 1, H, W) in [0, 1], or uint8 in 0-255.
        alpha_true: (T, 1, H, W) likewise.
        region: (T, 1, H, W) boolean; that of the last frame is not used.

    Returns:
        (T - 1,) float64, empty for a single frame; 0 where the earlier region is empty.

    Raises:
        InputError: The shapes do not fit.

    Source:
        Erofeev et al., Perceptually Motivated Benchmark for Video Matting, BMVC 2015. Published scripts differ: RVM's
        take the root of the mean over the whole frame times 100 and count the first frame as 0; VideoMatting108's
        count the last frame as 0; DVM's return the sum and the pixel count and leave the averaging open.
    """
    return change(Inside(alpha, alpha_true, region))


def change(inside: Inside) -> Tensor:
    """Return dtSSD, (T - 1,) float64, of errors found before."""
    steps = [inside.errors_at(frame + 1, frame) - inside.errors[frame] for frame in range(len(inside.errors) - 1)]
    return stack([step.dot(step) for step in steps], inside.pixels).sqrt()


def messddt(alpha: Tensor, alpha_true: Tensor, region: Tensor, flow: Tensor, *, motion: str = "nearest") -> Tensor:
    """Compare the squared errors at the two ends of the true motion.

    For each pair of neighbours: the sum of ``|e(p, t)^2 - e(p + v, t + 1)^2|``, where ``e = alpha - alpha_true`` and v
    is the true sequence's motion at p from t to t + 1. An error that moves with the scene costs nothing.

    - ``"nearest"``: v is rounded to whole pixels, halves to even, and its end clamped to the frame. p runs over the
      frame, and a squared error counts only inside the region of its own frame.
    - ``"bilinear"``: e is interpolated at the end of v and then squared. p runs over the region of the earlier frame;
      pixels whose motion is not known or ends outside the frame are left out.

    Args:
        alpha: (T, 1, H, W) in [0, 1], or uint8 in 0-255.
        alpha_true: (T, 1, H, W) likewise.
        region: (T, 1, H, W) boolean.
        flow: (T - 1, 2, H, W) in px, x then y, from each frame to the next. NaN where it is not known, which
            ``"nearest"`` takes for no motion.
        motion: ``"nearest"`` or ``"bilinear"``.

    Returns:
        (T - 1,) float64, a plain sum a pair, empty for a single frame.

    Raises:
        InputError: The shapes do not fit or the motion is unknown.

    Source:
        Erofeev et al., Perceptually Motivated Benchmark for Video Matting, BMVC 2015. ``"nearest"`` is as in DVM's
        script, which estimates the flow on the true alpha maps (:func:`~mattekit.metrics.alpha_flow`); ``"bilinear"``
        as in VideoMatting108's, which has stored flow. Most tables divide the sum by 1000 and average over frames;
        DVM's scale is unknown. A widely copied script reads the far end from the wrong frame and takes x for y; its
        numbers are another quantity. RVM's scripts have none.
    """
    check_clip(alpha, alpha_true, region)
    if alpha.dtype != alpha_true.dtype:
        alpha, alpha_true = from_levels(alpha), from_levels(alpha_true)
    check_rank("flow", flow, "T 2 H W")
    check_same_size("alpha", alpha, "flow", flow)
    check_choice("motion", motion, MOTIONS)
    if len(flow) != len(alpha) - 1:
        raise InputError(f"flow must have a field for each pair of frames, {len(alpha) - 1}; got {len(flow)}")
    step = _nearest_pair if motion == "nearest" else _bilinear_pair
    pairs = [slice(frame, frame + 2) for frame in range(len(flow))]
    sums = [
        step(alpha[pair, 0], alpha_true[pair, 0], region[pair, 0], field)
        for pair, field in zip(pairs, flow, strict=True)
    ]
    return stack(sums, torch.empty(0, dtype=torch.float64, device=alpha.device))


def _nearest_pair(alpha: Tensor, alpha_true: Tensor, region: Tensor, flow: Tensor) -> Tensor:
    """Return the sum of one pair, of maps (2, H, W) and a field (2, H, W).

    Motion that starts farther from both regions than the longest motion reaches meets no error. Around the box of the
    others at least a px has none, or else it is the frame's border, so clamping to the box changes nothing.
    """
    low, high = (float(limit) for limit in flow.aminmax())
    if not math.isfinite(high - low):
        flow = flow.nan_to_num(0.0, 0.0, 0.0)
        low, high = (float(limit) for limit in flow.aminmax())
    box = _box(region, math.ceil(max(-low, high)) + 1)
    if box is None:
        return torch.zeros((), dtype=torch.float64, device=alpha.device)
    inside = (slice(None), *box)
    alpha, alpha_true, region, flow = alpha[inside], alpha_true[inside], region[inside], flow[inside]
    height, width = flow.shape[1:]
    bands = [slice(top, min(top + BAND, height)) for top in range(0, height, BAND)]
    there = torch.cat([_squares(alpha[1, rows], alpha_true[1, rows], region[1, rows]) for rows in bands]).flatten()
    sums = [
        _squares(alpha[0, rows], alpha_true[0, rows], region[0, rows])
        .sub_(there.index_select(0, _ends(flow, rows).flatten()).view(-1, width))
        .abs_()
        .sum(dtype=torch.float64)
        for rows in bands
    ]
    return torch.stack(sums).sum() / 255**2


def _squares(alpha: Tensor, alpha_true: Tensor, region: Tensor) -> Tensor:
    """Return the squared errors in squared levels, 0 outside the region."""
    return torch.where(region, (in_levels(alpha) - in_levels(alpha_true)).square_(), 0.0)


def _ends(flow: Tensor, rows: slice) -> Tensor:
    """Return where the motion from some rows ends, rounded to a pixel of the field, counted in reading order."""
    height, width = flow.shape[1:]
    across, down = flow[:, rows].round()
    across += torch.arange(width, dtype=flow.dtype, device=flow.device)
    down += torch.arange(rows.start, rows.stop, dtype=flow.dtype, device=flow.device).unsqueeze(1)
    places = down.clamp_(0, height - 1).to(torch.int32).mul_(width)
    places += across.clamp_(0, width - 1).to(torch.int32)
    return places


def _box(region: Tensor, margin: int) -> tuple[slice, slice] | None:
    """Return the rows and the columns that hold a region (2, H, W) and a margin; None where it is empty."""
    levels = region.view(torch.uint8).amax(dim=0)
    sides = [levels.amax(dim=axis).nonzero() for axis in (1, 0)]
    if not len(sides[0]):
        return None
    rows, columns = (slice(max(int(side[0]) - margin, 0), int(side[-1]) + 1 + margin) for side in sides)
    return rows, columns


def _bilinear_pair(alpha: Tensor, alpha_true: Tensor, region: Tensor, flow: Tensor) -> Tensor:
    """Return the sum of one pair, of maps (2, H, W) and a field (2, H, W)."""
    here, there = from_levels(alpha) - from_levels(alpha_true)
    known = flow.isfinite().all(dim=0)
    moved, valid = warp(there[None, None], flow.double().nan_to_num()[None])
    scored = region[0] & known & (valid[0, 0] > 0)
    return torch.where(scored, (here.square() - moved[0, 0].square()).abs(), 0.0).sum()
