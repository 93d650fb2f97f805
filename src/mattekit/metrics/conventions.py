"""Named ways of turning per-frame errors into the numbers of a table.

A number means something only beside numbers of the same convention: region, scale and order of averaging differ
from paper to paper. :mod:`mattekit.metrics.clip` measures a clip in any of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from mattekit.checks import InputError, check_choice, check_rank
from mattekit.metrics.levels import quantise
from mattekit.metrics.spatial import mse, pixel_count, sad
from mattekit.metrics.temporal import dtssd
from mattekit.ops import UNKNOWN, force_known

REGIONS = ("frame", "trimap", "trimap or fractional", "trimap or frame")
COLOUR_METRICS = ("FG MAD", "FG MSE", "Comp MSE")
"""Measured times 1000 in every convention where both foregrounds are given: foreground where the true alpha is above
0, composites over black at every pixel. Of published tables only those of ``rvm`` have one, FG MSE."""


@dataclass(frozen=True)
class Convention:
    """How one benchmark turns per-frame errors into the numbers of its tables.

    Attributes:
        name: What the command line calls it.
        metrics: Names as in tables, in the order of the columns.
        region: ``"frame"``, every pixel; ``"trimap"``, the unknown pixels of a trimap that must be given; or those,
            and without a trimap the pixels whose true alpha is neither 0 nor 1 (``"trimap or fractional"``) or every
            pixel (``"trimap or frame"``). Colour has regions of its own; see :data:`COLOUR_METRICS`.
        scaling: Factor from the plain sum, mean or root to the table's number, by metric; 1 where absent.
        averaging: How the numbers of frames become one of a set, in words.
        added_pixels: Added to the number of pixels before MSE and MESSDdt divide by it.
        stretched: Grad is taken of maps stretched to [0, 1] by their own extremes.
        mean_root: dtSSD is the root of the mean over the region instead of the root of the sum.
        first_frame: dtSSD counts the first frame, which has no predecessor, as 0; else there is a value a pair.
        motion: How MESSDdt follows the flow: ``"nearest"`` or ``"bilinear"``; see :func:`~mattekit.metrics.messddt`.
        mean_motion: MESSDdt is divided by the region's pixels; else it is a plain sum.
        stored: MESSDdt follows the motion that a composed clip is known to have; else one that is estimated.
        source: Where the numbers can be compared with.
    """

    name: str
    metrics: tuple[str, ...]
    region: str
    scaling: Mapping[str, float]
    averaging: str
    source: str
    added_pixels: int = 0
    stretched: bool = False
    mean_root: bool = False
    first_frame: bool = False
    motion: str = "nearest"
    mean_motion: bool = False
    stored: bool = False

    def __post_init__(self) -> None:
        check_choice("region", self.region, REGIONS)


_FRAMES = "mean over the frames that have a region, then over clips, each counting once"
_COLOUR = dict.fromkeys(COLOUR_METRICS, 1e3)
_THOUSANDTH = _COLOUR | {"SAD": 1e-3, "Grad": 1e-3, "Conn": 1e-3, "MESSDdt sum": 1e-3}
_THOUSAND = _COLOUR | {"MAD": 1e3, "MSE": 1e3, "Grad": 1e-3, "Conn": 1e-3, "dtSSD": 1e2}
_ROBUST = "Lin et al., Robust High-Resolution Video Matting with Temporal Guidance, WACV 2022, "

CONVENTIONS: Mapping[str, Convention] = MappingProxyType(
    {
        convention.name: convention
        for convention in (
            Convention(
                name="dvm",
                metrics=("SAD", "MSE", "Grad", "Conn", "SSDA", "dtSSD", "MESSDdt", "MESSDdt sum", *COLOUR_METRICS),
                region="trimap or fractional",
                scaling=_THOUSANDTH | {"MESSDdt": 1e2},
                averaging=_FRAMES + "; the paper's order is unknown",
                added_pixels=1,
                mean_motion=True,
                source="Sun et al., Deep Video Matting via Spatio-Temporal Alignment and Aggregation, CVPR 2021, "
                "section 5; the scale of its MESSDdt is unknown, ours is the mean x 100 beside the sum / 1000",
            ),
            Convention(
                name="rvm-lr",
                metrics=("MAD", "MSE", "Grad", "Conn", "dtSSD", *COLOUR_METRICS),
                region="frame",
                scaling=_THOUSAND,
                averaging=_FRAMES,
                stretched=True,
                mean_root=True,
                first_frame=True,
                source=_ROBUST + "tables at 512x288",
            ),
            Convention(
                name="rvm-hr",
                metrics=("MAD", "MSE", "Grad", "dtSSD", *COLOUR_METRICS),
                region="frame",
                scaling=_THOUSAND,
                averaging=_FRAMES,
                mean_root=True,
                first_frame=True,
                source=_ROBUST + "tables at 1920x1080 and above",
            ),
            Convention(
                name="videomatting",
                metrics=("SSDA", "dtSSD", "MESSDdt", *COLOUR_METRICS),
                region="trimap or frame",
                scaling=_COLOUR | {"MESSDdt": 1e-3},
                averaging=_FRAMES,
                motion="bilinear",
                source="Erofeev et al., Perceptually Motivated Benchmark for Video Matting, BMVC 2015",
            ),
            Convention(
                name="fake-motion",
                metrics=("SSDA", "dtSSD", "MESSDdt", *COLOUR_METRICS),
                region="frame",
                scaling=_COLOUR | {"MESSDdt": 1e-3},
                averaging=_FRAMES,
                motion="bilinear",
                stored=True,
                source="Molodetskikh et al., Temporally coherent person matting trained on fake-motion dataset, 2022; "
                "the scale of MESSDdt is inferred from the printed numbers, the size of the frames is not known",
            ),
            Convention(
                name="adobe",
                metrics=("SAD", "MSE", "Grad", "Conn", *COLOUR_METRICS),
                region="trimap",
                scaling=_THOUSANDTH,
                averaging=_FRAMES,
                stretched=True,
                source="Xu et al., Deep Image Matting, CVPR 2017",
            ),
        )
    }
)
"""The conventions by name: ``dvm``, ``rvm-lr``, ``rvm-hr``, ``videomatting``, ``fake-motion`` and ``adobe``."""


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
