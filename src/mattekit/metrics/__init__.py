"""Errors of a matte against the truth; a sum, a mean or a root a frame, and named conventions over clips.

:mod:`mattekit.metrics.running` has the same metrics as running ``torchmetrics`` classes.
"""

from mattekit.metrics.clip import ClipErrors, mean_errors, measure
from mattekit.metrics.colour import composite_mse, foreground_mad, foreground_mse
from mattekit.metrics.connectivity import conn
from mattekit.metrics.conventions import COLOUR_METRICS, CONVENTIONS, Convention, Score, dvm, mean_score
from mattekit.metrics.gradient import grad
from mattekit.metrics.levels import quantise
from mattekit.metrics.motion import alpha_flow
from mattekit.metrics.spatial import mad, mse, pixel_count, sad, ssda
from mattekit.metrics.temporal import dtssd, messddt

__all__ = [
    "COLOUR_METRICS",
    "CONVENTIONS",
    "ClipErrors",
    "Convention",
    "Score",
    "alpha_flow",
    "composite_mse",
    "conn",
    "dtssd",
    "dvm",
    "foreground_mad",
    "foreground_mse",
    "grad",
    "mad",
    "mean_errors",
    "mean_score",
    "measure",
    "messddt",
    "mse",
    "pixel_count",
    "quantise",
    "sad",
    "ssda",
]
