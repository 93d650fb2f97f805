"""A plain way to carry trimaps: each key frame's trimap warped along OpenCV's DIS flow.

The flow of every pair of neighbours is estimated both ways and joined into one from each frame to its key frame. Where
the two ways disagree, or the path leaves the frame, nothing is known of a pixel; from there on it stays so. Such a
pixel becomes unknown if it lies near the subject and otherwise keeps what the flow says: water and sky defeat flow
too, and unknown areas all over the background would only make the method look worse than it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mattekit.ops import UNKNOWN

Plane = NDArray[np.float32]
Grey = NDArray[np.integer]
NEAR = 10
"""Doubtful pixels within so many px of what is not background become unknown: the reach of the true trimap's band."""
SLACK, SHARE = 0.5, 0.01
"""Forward and backward flow agree when the square of their sum is at most SLACK + SHARE (the sum of their squares)."""


@dataclass(frozen=True)
class Flows:
    """The flow between neighbours, T - 1 fields (H, W, 2) in px each way, x then y."""

    onward: list[Plane]
    back: list[Plane]


def estimate_flows(frames: Tensor) -> Flows:
    """Estimate the flow between neighbours with OpenCV's DIS method, preset medium, on grey.

    Args:
        frames: (T, 3, H, W) uint8.
    """
    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    greys = [_grey(frame) for frame in frames]
    pairs = list(pairwise(greys))

    def flow(start: Grey, end: Grey) -> Plane:
        nothing = np.zeros((*start.shape, 2), np.float32)  # a fresh one: what it holds is taken for a first guess
        return np.array(estimator.calc(start, end, nothing), np.float32)

    return Flows([flow(here, there) for here, there in pairs], [flow(there, here) for here, there in pairs])


def warp_trimaps(flows: Flows, trimap: Tensor, indices: Sequence[int]) -> Tensor:
    """Return a trimap for every frame, made from those of some frames.

    Args:
        flows: Of the T frames.
        trimap: (T, 1, H, W) in {0, 0.5, 1}; only the key frames' are looked at.
        indices: The key frames. Every other frame takes from the nearest in time, the earlier of two as near.

    Returns:
        (T, 1, H, W) in {0, 0.5, 1}.
    """
    keys = sorted(set(indices))
    nearest = [min(keys, key=lambda key: (abs(key - frame), key)) for frame in range(len(trimap))]
    carried = trimap.clone()
    for key in keys:
        later = [frame for frame, source in enumerate(nearest) if source == key and frame > key]
        earlier = [frame for frame, source in enumerate(nearest) if source == key and frame < key]
        shares = _shares(trimap[key, 0].numpy())
        steps = [(flows.back[frame - 1], flows.onward[frame - 1]) for frame in later]
        steps_before = [(flows.onward[frame], flows.back[frame]) for frame in reversed(earlier)]
        for frame, warped in zip(later, _chain(shares, steps), strict=True):
            carried[frame, 0] = torch.from_numpy(warped)
        for frame, warped in zip(reversed(earlier), _chain(shares, steps_before), strict=True):
            carried[frame, 0] = torch.from_numpy(warped)
    return carried


def _chain(shares: Plane, steps: Sequence[tuple[Plane, Plane]]) -> list[Plane]:
    """Return the trimaps (H, W) of frames farther and farther from the key frame.

    Args:
        shares: (H, W, 3), the key frame's classes.
        steps: For each frame the flow towards the key frame's side, and that of the frame it leads to back to it.
    """
    height, width = shares.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    place, sure = np.stack((x, y), axis=-1), np.ones((height, width), np.float32)
    trimaps = []
    for towards, opposite in steps:
        end = np.stack((x, y), axis=-1) + towards
        place = _sample(place, end)
        sure = ((_sample(sure, end) > 0.5) & _agree(towards, opposite, end)).astype(np.float32)
        trimaps.append(_decide(_sample(shares, place), sure > 0.5))
    return trimaps


def _agree(towards: Plane, opposite: Plane, end: Plane) -> NDArray[np.bool_]:
    """Return where a flow ends inside the frame and the opposite flow leads back, (H, W)."""
    height, width = towards.shape[:2]
    returned = _sample(opposite, end)
    gap = ((towards + returned) ** 2).sum(axis=-1)
    size = (towards**2).sum(axis=-1) + (returned**2).sum(axis=-1)
    inside = (end >= 0).all(axis=-1) & (end[..., 0] <= width - 1) & (end[..., 1] <= height - 1)
    return np.asarray(inside & (gap <= SLACK + SHARE * size))


def _grey(frame: Tensor) -> Grey:
    return np.asarray(cv2.cvtColor(frame.permute(1, 2, 0).contiguous().numpy(), cv2.COLOR_RGB2GRAY), np.uint8)


def _decide(shares: Plane, sure: NDArray[np.bool_]) -> Plane:
    """Return the class with the largest share of each pixel, unknown where it is doubtful and near the subject."""
    trimap: Plane = np.array([0, UNKNOWN, 1], np.float32)[shares.argmax(axis=-1)]
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * NEAR + 1, 2 * NEAR + 1))
    near = cv2.dilate((trimap > 0).astype(np.uint8), disc) > 0
    trimap[near & ~sure] = UNKNOWN
    return trimap


def _shares(trimap: Plane) -> Plane:
    return np.stack([(trimap == value).astype(np.float32) for value in (0, UNKNOWN, 1)], axis=-1)


def _sample(values: Plane, place: Plane) -> Plane:
    """Interpolate values (H, W) or (H, W, C) at places (H, W, 2), x then y; outside, the border's value."""
    x, y = np.ascontiguousarray(place[..., 0]), np.ascontiguousarray(place[..., 1])
    return np.asarray(cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
