"""Errors of an alpha against the truth; a sum, a mean or a root a frame, and named conventions over clips."""

from mattekit.metrics.conventions import Score, dvm, mean_score, quantise
from mattekit.metrics.spatial import mad, mse, pixel_count, sad
from mattekit.metrics.temporal import dtssd, ssda

__all__ = ["Score", "dtssd", "dvm", "mad", "mean_score", "mse", "pixel_count", "quantise", "sad", "ssda"]
