"""Named ways of turning per-frame errors into the numbers of a table.

A number means something only beside numbers of the same convention: region, scale and order of averaging differ
from paper to paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mattekit.checks import InputError, check_rank
from mattekit.metrics.spatial import mse, pixel_count, sad
from mattekit.metrics.temporal import dtssd
from mattekit.ops import UNKNOWN, force_known


@dataclass(frozen=True)
class Score:
    """The errors of one clip, or their mean over several clips; less is better.

    Attributes:
        sad: Sum of absolute differences / 1000, mean over frames; None where no frame could be scored.
        mse: Mean squared difference, mean over frames; None likewise.
        dtssd: dtSSD, mean over pairs of frames; None where there is no pair.
        frames: Frames that were scored.
        empty: Frames left out because nothing in them was unknown.
    """

    sad: float | None
    mse: float | None
    dtssd: float | None
    frames: int
    empty: int


def quantise(alpha: Tensor) -> Tensor:
    """Round alpha to the 256 values of an 8-bit file, as every published script reads it.

    Args:
        alpha: Any shape, in [0, 1].

    Returns:
        The same shape, float64 multiples of 1/255.
    """
    return (alpha.double().clamp(0, 1) * 255).round() / 255


def dvm(alpha: Tensor, alpha_true: Tensor, trimap: Tensor, *, force: bool = True) -> Score:
    """Score one clip in the convention of the DVM tables.

    Region: the unknown pixels of the trimap. SAD / 1000; MSE divides by the unknown pixels + 1; dtSSD is the mean
    over pairs of the root of the sum over the unknown pixels of the earlier frame. Both alphas are rounded to 8 bits
    first. Frames without an unknown pixel are left out of every mean, and so are the pairs they begin.

    Args:
        alpha: (T, 1, H, W) in [0, 1], the prediction.
        alpha_true: (T, 1, H, W) in [0, 1].
        trimap: (T, 1, H, W) in {0, 0.5, 1}, which sets the region.
        force: Set known pixels of the prediction to the trimap, as trimap methods do. Turn it off where the method
            was not given this trimap, or it would be handed truth. It can matter only for dtSSD, when a pixel is
            unknown in one frame and known in the next.

    Returns:
        The score of the clip.

    Raises:
        InputError: The shapes do not fit.

    Source:
        Sun et al., Deep Video Matting via Spatio-Temporal Alignment and Aggregation, CVPR 2021, section 5. The paper
        leaves dtSSD's averaging open; the root of the plain sum is our reading.
    """
    check_rank("trimap", trimap, "T 1 H W")
    region = trimap == UNKNOWN
    predicted = quantise(force_known(alpha, trimap) if force else alpha)
    truth = quantise(alpha_true)
    scored = pixel_count(region) > 0
    sums = sad(predicted, truth, region)[scored] / 1000
    means = mse(predicted, truth, region, added_pixels=1)[scored]
    pairs = dtssd(predicted, truth, region)[scored[:-1]]
    frames = int(scored.sum())
    return Score(_mean(sums), _mean(means), _mean(pairs), frames, len(region) - frames)


def mean_score(scores: Sequence[Score]) -> Score:
    """Average clips, each counting once however long it is.

    Args:
        scores: One score a clip.

    Returns:
        Means over the clips that have a value, and the sums of the frame counts.

    Raises:
        InputError: There are none.
    """
    if not scores:
        raise InputError("a mean must have at least one score; got none")
    frames, empty = sum(score.frames for score in scores), sum(score.empty for score in scores)
    columns = [[score.sad for score in scores], [score.mse for score in scores], [score.dtssd for score in scores]]
    means = [_mean(torch.tensor([v for v in column if v is not None], dtype=torch.float64)) for column in columns]
    return Score(means[0], means[1], means[2], frames, empty)


def _mean(values: Tensor) -> float | None:
    return float(values.double().mean()) if values.numel() else None
