"""Errors of an alpha against the truth; a sum, a mean or a root a frame, and named conventions over clips."""

from mattekit.metrics.clip import ClipErrors, mean_errors, measure
from mattekit.metrics.conventions import CONVENTIONS, Convention, Score, dvm, mean_score
from mattekit.metrics.levels import quantise
from mattekit.metrics.spatial import mad, mse, pixel_count, sad
from mattekit.metrics.temporal import dtssd, ssda

__all__ = [
    "CONVENTIONS",
    "ClipErrors",
    "Convention",
    "Score",
    "dtssd",
    "dvm",
    "mad",
    "mean_errors",
    "mean_score",
    "measure",
    "mse",
    "pixel_count",
    "quantise",
    "sad",
    "ssda",
]
