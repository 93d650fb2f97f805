"""All errors of one clip in a named convention, frame by frame, and their means over clips."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mattekit.checks import InputError, check_choice, check_rank
from mattekit.metrics.colour import composite_mse, foreground_mad, foreground_mse
from mattekit.metrics.connectivity import lost_connection
from mattekit.metrics.conventions import CONVENTIONS, Convention
from mattekit.metrics.gradient import grad
from mattekit.metrics.levels import to_levels
from mattekit.metrics.spatial import Inside, mean_square
from mattekit.metrics.temporal import along, change
from mattekit.ops import UNKNOWN


@dataclass(frozen=True)
class ClipErrors:
    """The errors of one clip in one convention; less is better.

    Attributes:
        convention: The convention's name.
        frames: By metric, as tables name it, (T,) float64; of temporal ones (T - 1,), the pairs by their earlier
            frame, or (T,) where the convention gives the first frame a value. NaN where nothing was to be scored.
        means: By metric, the mean over ``frames`` without NaN; None where nothing is left.
        scored: Frames that had a region.
        empty: Frames left out because nothing in them was unknown.
    """

    convention: str
    frames: Mapping[str, Tensor]
    means: Mapping[str, float | None]
    scored: int
    empty: int


@dataclass(frozen=True)
class _Clip:
    """What the steps work on: 8-bit levels, the region, and how the convention wants its numbers."""

    convention: Convention
    alpha: Tensor
    alpha_true: Tensor
    region: Tensor
    inside: Inside
    foreground: Tensor | None
    foreground_true: Tensor | None
    flow: Tensor | None

    @cached_property
    def motion(self) -> Tensor | None:
        """MESSDdt's plain sums, (T - 1,); None without flow."""
        if self.flow is None:
            return None
        return _scored(self, along(self.inside, self.flow, self.convention.motion))


def measure(
    convention: str | Convention,
    alpha: Tensor,
    alpha_true: Tensor,
    *,
    trimap: Tensor | None = None,
    foreground: Tensor | None = None,
    foreground_true: Tensor | None = None,
    flow: Tensor | Callable[[Tensor], Tensor] | None = None,
    force: bool = True,
) -> ClipErrors:
    """Measure one clip in a named convention.

    Alpha and colour are rounded to 8 bits first, as every published script reads them. Metrics whose input is not
    given (colour without both foregrounds, MESSDdt without flow) are left out of the result.

    Args:
        convention: A name in :data:`CONVENTIONS`, or a convention of one's own.
        alpha: (T, 1, H, W) in [0, 1], the prediction; uint8 in 0-255 saves time and memory.
        alpha_true: (T, 1, H, W) likewise.
        trimap: (T, 1, H, W) in {0, 0.5, 1}; its unknown pixels are the region, unless the convention takes the frame.
        foreground: (T, 3, H, W) straight colour in [0, 1] or uint8.
        foreground_true: (T, 3, H, W) likewise.
        flow: (T - 1, 2, H, W) in px, x then y, of the true sequence from each frame to the next, NaN where it is not
            known; or a function that makes it from the true alpha, such as :func:`~mattekit.metrics.alpha_flow`.
        force: Set known pixels of the prediction to the trimap, where one is given, as trimap methods do. Turn it off
            where the method was not given this trimap, or it would be handed truth.

    Returns:
        Numbers a frame and means, scaled as in the convention's tables.

    Raises:
        InputError: The convention is unknown or needs a trimap, or shapes do not fit.
    """
    if isinstance(convention, str):
        check_choice("convention", convention, sorted(CONVENTIONS))
        convention = CONVENTIONS[convention]
    check_rank("alpha", alpha, "T 1 H W")
    check_rank("alpha_true", alpha_true, "T 1 H W")
    predicted, truth = to_levels(alpha), to_levels(alpha_true)
    unknown = _unknown(trimap, predicted)
    region = _region(convention, truth, unknown)
    if force and trimap is not None and unknown is not None:
        predicted = _forced(predicted, trimap, unknown)
    inside = Inside(predicted, truth, region)
    motion = flow(truth) if callable(flow) else flow
    clip = _Clip(convention, predicted, truth, region, inside, _levels(foreground), _levels(foreground_true), motion)
    found = {name: _STEPS[name](clip) for name in convention.metrics}
    frames = {name: value * convention.scaling.get(name, 1.0) for name, value in found.items() if value is not None}
    means = {name: mean_known(value) for name, value in frames.items()}
    scored = int((inside.pixels > 0).sum())
    return ClipErrors(convention.name, frames, means, scored, len(region) - scored)


def mean_errors(clips: Sequence[ClipErrors], *, by_frame: bool = False) -> dict[str, float | None]:
    """Average clips, each counting once however long it is.

    Args:
        clips: Errors in one convention.
        by_frame: Average over all frames of all clips instead. Papers seldom say which they did.

    Returns:
        By metric the mean over the clips that have a value; None where none has.

    Raises:
        InputError: There are none, or they are in different conventions.
    """
    if not clips:
        raise InputError("a mean must have at least one clip; got none")
    conventions = sorted({clip.convention for clip in clips})
    if len(conventions) > 1:
        raise InputError(f"clips must be measured in one convention to be averaged; got {', '.join(conventions)}")
    means: dict[str, float | None] = {}
    for name in dict.fromkeys(name for clip in clips for name in clip.frames):
        if by_frame:
            means[name] = mean_known(torch.cat([clip.frames[name] for clip in clips if name in clip.frames]))
        else:
            values = [clip.means[name] for clip in clips if clip.means.get(name) is not None]
            means[name] = mean_known(torch.tensor(values, dtype=torch.float64))
    return means


def mean_known(values: Tensor) -> float | None:
    """Return the mean of the values that are not NaN, or None where there is none."""
    known = values[~values.isnan()]
    return float(known.mean()) if known.numel() else None


def _levels(colour: Tensor | None) -> Tensor | None:
    return None if colour is None else to_levels(colour)


def _unknown(trimap: Tensor | None, levels: Tensor) -> Tensor | None:
    """Return where a trimap is unknown, (T, 1, H, W) boolean."""
    if trimap is None:
        return None
    if trimap.shape != levels.shape:
        raise InputError(f"trimap must have the shape of alpha, {tuple(levels.shape)}; got {tuple(trimap.shape)}")
    return torch.from_numpy(_numbers(trimap) == UNKNOWN).to(levels.device)


def _forced(levels: Tensor, trimap: Tensor, unknown: Tensor) -> Tensor:
    """Return levels, uint8, with known pixels set to the trimap."""
    forced = (_numbers(trimap) == 1).view(np.uint8)
    np.negative(forced, out=forced)  # 1 becomes 255
    np.copyto(forced, levels.cpu().numpy(), where=unknown.cpu().numpy())
    return torch.from_numpy(forced).to(levels.device)


def _numbers(trimap: Tensor) -> NDArray[np.float32]:
    """Return a trimap for NumPy, which compares and fills three times as fast as torch."""
    numbers: NDArray[np.float32] = trimap.detach().float().cpu().numpy()
    return numbers


def _region(convention: Convention, truth: Tensor, unknown: Tensor | None) -> Tensor:
    """Return the convention's region, (T, 1, H, W) boolean."""
    if convention.region == "frame" or (convention.region == "trimap or frame" and unknown is None):
        return torch.ones_like(truth, dtype=torch.bool)
    if unknown is not None:
        return unknown
    if convention.region == "trimap":
        raise InputError(f"convention {convention.name!r} must have a trimap for every frame; got none")
    return (truth > 0) & (truth < 255)


def _scored(clip: _Clip, values: Tensor) -> Tensor:
    """Put NaN where a frame, or the earlier frame of a pair, has no region."""
    return values.masked_fill(clip.inside.pixels[: len(values)] == 0, torch.nan)


def _mad(clip: _Clip) -> Tensor:
    return clip.inside.sums(1) / clip.inside.pixels


def _grad(clip: _Clip) -> Tensor:
    return _scored(clip, grad(clip.alpha, clip.alpha_true, clip.region, stretch=clip.convention.stretched))


def _dtssd(clip: _Clip) -> Tensor:
    values = change(clip.inside)
    if clip.convention.mean_root:
        values = values / clip.inside.pixels[:-1].sqrt()
    values = _scored(clip, values)
    return torch.cat((values.new_zeros(1), values)) if clip.convention.first_frame else values


def _messddt(clip: _Clip) -> Tensor | None:
    if clip.motion is None or not clip.convention.mean_motion:
        return clip.motion
    return clip.motion / (clip.inside.pixels[:-1] + clip.convention.added_pixels)


def _colour(clip: _Clip, step: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Tensor | None:
    if clip.foreground is None or clip.foreground_true is None:
        return None
    return step(clip.foreground, clip.foreground_true, clip.alpha_true > 0)


def _composite(clip: _Clip) -> Tensor | None:
    if clip.foreground is None or clip.foreground_true is None:
        return None
    return composite_mse(
        clip.alpha,
        clip.alpha_true,
        foreground=clip.foreground,
        foreground_true=clip.foreground_true,
        region=torch.ones_like(clip.region),
    )


_STEPS: Mapping[str, Callable[[_Clip], Tensor | None]] = {
    "SAD": lambda clip: _scored(clip, clip.inside.sums(1)),
    "MAD": _mad,
    "MSE": lambda clip: mean_square(clip.inside, clip.convention.added_pixels),
    "Grad": _grad,
    "Conn": lambda clip: _scored(clip, lost_connection(clip.alpha, clip.alpha_true, clip.region)),
    "SSDA": lambda clip: _scored(clip, clip.inside.sums(2).sqrt()),
    "dtSSD": _dtssd,
    "MESSDdt": _messddt,
    "MESSDdt sum": lambda clip: clip.motion,
    "FG MAD": lambda clip: _colour(clip, foreground_mad),
    "FG MSE": lambda clip: _colour(clip, foreground_mse),
    "Comp MSE": _composite,
}
