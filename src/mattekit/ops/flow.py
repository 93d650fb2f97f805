"""Dense motion between two frames, both ways, by one of three known searches."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mattekit.checks import check_choice, check_rank, check_same_size
from mattekit.ops.follow import follow
from mattekit.ops.luma import luma

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Search = Callable[[NDArray[np.uint8], NDArray[np.uint8]], NDArray[np.float32]]

METHODS = ("dis", "farneback", "lucas-kanade")

STRIDES = (32, 16, 8, 4, 2)
"""Sides in px of the averages on which Lucas and Kanade's search finds motion, one after the other."""

SMALLEST = 64
"""Smaller sides are filled up to this for the search, by what is at the border."""


def find_flow(one: Tensor, other: Tensor, *, method: str = "dis") -> Tensor:
    """Return where each pixel of two frames is in the respective other one.

    Args:
        one: (3, H, W) in [0, 1].
        other: (3, H, W) in [0, 1].
        method: ``"dis"``, dense inverse search, or ``"farneback"``, polynomial expansion, both on 8-bit luma; or
            ``"lucas-kanade"``, which needs no OpenCV and runs where the frames are.

    Returns:
        (2, 2, H, W) in px, x then y: from ``one`` to ``other``, and back.

    Raises:
        InputError: The shapes do not fit, or the method is not known.

    Source:
        Kroeger, Timofte, Dai and van Gool, Fast Optical Flow using Dense Inverse Search, ECCV 2016; Farnebäck,
        Two-Frame Motion Estimation Based on Polynomial Expansion, SCIA 2003; both as OpenCV has them. The third is that
        of `mattekit.ops.follow`.
    """
    check_rank("one", one, "3 H W")
    check_rank("other", other, "3 H W")
    check_same_size("one", one, "other", other)
    check_choice("method", method, METHODS)
    if method == "lucas-kanade":
        both_grey = luma(torch.stack((one, other)))
        return follow(both_grey, both_grey.flip(0), strides=STRIDES)
    search = _dis() if method == "dis" else _farneback
    first, second = (_grey(each) for each in (one, other))
    both = np.stack((search(first, second), search(second, first)))
    height, width = one.shape[-2:]
    return torch.from_numpy(both).permute(0, 3, 1, 2)[..., :height, :width].to(one)


def _grey(frame: Tensor) -> NDArray[np.uint8]:
    """Return the luma of a frame in 256 levels, each side at least `SMALLEST`."""
    grey = (luma(frame)[0] * 255).round().clamp(0, 255).to("cpu", torch.uint8).numpy()
    fill = [(0, max(0, SMALLEST - side)) for side in grey.shape]
    return np.pad(grey, fill, mode="edge")


def _dis() -> Search:
    import cv2

    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def found(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[Any]:
        return np.asarray(search.calc(one, other, np.zeros((*one.shape, 2), np.float32)))

    return found


def _farneback(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.float32]:
    import cv2

    still = np.zeros((*one.shape, 2), np.float32)
    found = cv2.calcOpticalFlowFarneback(one, other, still, 0.5, 5, 15, 3, 5, 1.1, 0)
    return np.asarray(found, np.float32)
