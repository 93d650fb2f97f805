"""The flow that MESSDdt follows where none was stored: Farnebäck's, of the true alpha maps."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mattekit.checks import InputError, check_rank
from mattekit.metrics.levels import to_levels

Map = NDArray[np.uint8]
Flow = NDArray[np.float32]


def alpha_flow(alpha_true: Tensor, *, cache: Path | None = None) -> Tensor:
    """Estimate the motion of the true alpha from each frame to the next, with OpenCV.

    Farnebäck's method on maps of 0-255: five pyramid levels, each half the last, a Gaussian window of 10 px, two
    iterations, polynomials over 7 px of standard deviation 1.5. Needs ``opencv-python-headless``.

    Args:
        alpha_true: (T, 1, H, W) in [0, 1], or uint8 in 0-255.
        cache: A folder in which the flow of each pair is kept, 8 bytes a pixel, under a name made from the two maps,
            and from which it is read the next time.

    Returns:
        (T - 1, 2, H, W) float32 in px, x then y.

    Raises:
        InputError: The shape does not fit, or OpenCV is not installed.

    Source:
        Farnebäck, Two-Frame Motion Estimation Based on Polynomial Expansion, SCIA 2003, with the settings of the
        script published with Sun et al., Deep Video Matting via Spatio-Temporal Alignment and Aggregation, CVPR 2021.
    """
    check_rank("alpha_true", alpha_true, "T 1 H W")
    maps = to_levels(alpha_true)[:, 0].cpu().numpy()
    flow = torch.zeros(max(len(maps) - 1, 0), 2, *maps.shape[1:])
    for pair in range(len(flow)):
        flow[pair] = torch.from_numpy(_pair_flow(maps[pair], maps[pair + 1], cache))
    return flow.to(alpha_true.device)


def _pair_flow(here: Map, there: Map, cache: Path | None) -> Flow:
    """Return the flow of one pair, (2, H, W) float32, from the cache where it is kept there."""
    if cache is None:
        return _farneback(here, there)
    digest = hashlib.sha256(repr(here.shape).encode() + here.tobytes() + there.tobytes()).hexdigest()[:32]
    path = cache / f"farneback-{digest}.npy"
    flow: Flow
    with suppress(OSError, ValueError, EOFError, MemoryError):  # what cannot be read is made anew
        flow = np.load(path)
        if flow.shape == (2, *here.shape) and flow.dtype == np.float32:
            return flow
    flow = _farneback(here, there)
    cache.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npy")
    np.save(partial, flow)
    partial.replace(path)
    return flow


def _farneback(here: Map, there: Map) -> Flow:
    try:
        import cv2
    except ImportError as error:
        raise InputError(
            "MESSDdt's flow must be given or estimated with OpenCV; OpenCV is not installed; "
            "pip install opencv-python-headless"
        ) from error
    flow = cv2.calcOpticalFlowFarneback(
        here,
        there,
        np.zeros((*here.shape, 2), np.float32),
        pyr_scale=0.5,
        levels=5,
        winsize=10,
        iterations=2,
        poly_n=7,
        poly_sigma=1.5,
        flags=cv2.OPTFLOW_FARNEBACK_GAUSSIAN,
    )
    return np.ascontiguousarray(np.asarray(flow, np.float32).transpose(2, 0, 1))
