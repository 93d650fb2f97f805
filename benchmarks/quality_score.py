"""The errors of one clip, and their means over clips, as the quality page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from composites import Clip
from torch import Tensor

from mattekit.metrics import alpha_flow, measure, quantise
from mattekit.ops import UNKNOWN, force_known

Row = dict[str, float | int | None]
"""Scores of one clip by name."""

ERRORS: Mapping[str, str] = {
    "sad": "SAD",
    "mse": "MSE",
    "grad": "Grad",
    "conn": "Conn",
    "dtssd": "dtSSD",
    "messddt": "MESSDdt",
}
"""Names in the record, and in the convention."""

FAR = 0.1
"""A known pixel is wrong when the true alpha is farther than this from what the trimap says."""


def true_flow(clip: Clip, cache: Path) -> Tensor:
    """Return the flow that MESSDdt follows, (T - 1, 2, H, W), of the true alpha; kept on disk once made."""
    return alpha_flow(clip.alpha_true, cache=cache / "flow")


def obeyed(alpha: Tensor, given: Tensor) -> Tensor:
    """Return what is scored, (T, 1, H, W) uint8: alpha, set to 0 or 1 where the method's own trimap knows."""
    return (quantise(force_known(alpha, given)) * 255).round().to(torch.uint8)


def score(clip: Clip, alpha: Tensor, given: Tensor, trimap: Tensor, flow: Tensor) -> Row:
    """Score one clip.

    Args:
        clip: With the truth.
        alpha: (T, 1, H, W) uint8, the method's, from :func:`obeyed`.
        given: (T, 1, H, W) in {0, 0.5, 1}, the trimaps that the method worked from.
        trimap: (T, 1, H, W) likewise, the true ones; their unknown pixels are the region.
        flow: From :func:`true_flow`.

    Returns:
        The errors in the ``dvm`` convention; ``sad_frame``, SAD / 1000 over the whole frame; ``misled``, thousands of
        px a frame that the given trimap calls known although the true alpha is more than 0.1 away; ``misled_share``,
        the same in % of the unknown pixels of the true trimap.
    """
    truth = clip.alpha_true.float() / 255
    errors = measure("dvm", alpha, clip.alpha_true, trimap=trimap, flow=flow, force=False)
    row: Row = {name: errors.means.get(title) for name, title in ERRORS.items()}
    whole = (alpha.short() - clip.alpha_true.short()).abs().double().sum() / 255
    misled = int(((given != UNKNOWN) & ((given - truth).abs() > FAR)).sum())
    unknown = int((trimap == UNKNOWN).sum())
    return {
        **row,
        "frames": errors.scored,
        "empty": errors.empty,
        "sad_frame": float(whole) / len(alpha) / 1000,
        "misled": misled / len(alpha) / 1000,
        "misled_share": 100 * misled / unknown if unknown else None,
    }


def mean_row(rows: Mapping[str, Row]) -> Row:
    """Average clips, each counting once; of the numbers of frames, give the sums."""
    mean: Row = {}
    for name in next(iter(rows.values())):
        values = [value for row in rows.values() if (value := row[name]) is not None]
        total = sum(values)
        mean[name] = total if name in ("frames", "empty") else total / len(values) if values else None
    return mean
