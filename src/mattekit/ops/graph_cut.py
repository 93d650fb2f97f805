"""A map of people completed by the frame's own colours: what looks like what is surely a person is a person too."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mattekit.checks import check_rank, check_same_size
from mattekit.ops.regions import Mask
from mattekit.ops.resize import resize, size_within

LONGEST = 320
"""Long side in px at which a cut is looked for."""

SURELY, LIKELY = 0.85, 0.35
"""A pixel that the map gives so much is a person's whatever its colour; one that it gives less than the other begins
as background.
"""

CLEAR, FAR = 0.02, 0.5
"""Background whatever its colour is what the map gives less, so far from people, as a share of the root of their area.
"""

ROUNDS = 4

LEAST, MOST = 0.5, 4.0
"""A cut that leaves so little of the people that the map shows, or takes so much more, has gone astray."""


def cut_map(frame: Tensor, map_: Tensor) -> Tensor:
    """Return a mask of people whose edge follows that of the frame.

    The colours of people and of what is around them are learnt from where the map is sure, and the edge is put where
    these part and the frame changes. So a neck that the map missed between face and shirt is found, and a hat of
    another colour is not.

    Args:
        frame: (3, H, W) in [0, 1].
        map_: (1, H, W) in [0, 1].

    Returns:
        (1, H, W) in {0, 1}; where the map is above a half if the cut goes astray, or nothing is sure.

    Raises:
        InputError: The shapes do not fit.

    Source:
        Rother, Kolmogorov and Blake, GrabCut: interactive foreground extraction using iterated graph cuts, SIGGRAPH
        2004, as OpenCV has it; the map stands for what the user draws.
    """
    check_rank("frame", frame, "3 H W")
    check_rank("map", map_, "1 H W")
    check_same_size("frame", frame, "map", map_)
    size = (frame.shape[-2], frame.shape[-1])
    within = size_within(size, LONGEST)
    plane = resize(map_, within)[0].cpu().numpy()
    found = _cut(resize(frame, within).cpu(), plane)
    solid = plane > 0.5
    if not LEAST * solid.sum() <= found.sum() <= MOST * solid.sum():
        found = solid
    mask = torch.from_numpy(found.astype(np.float32))[None].to(map_)
    return (resize(mask, size, mode="bilinear") > 0.5).to(map_.dtype)


def _cut(frame: Tensor, plane: NDArray[np.float32]) -> Mask:
    """Return what is of people in a small frame (3, h, w), by a map (h, w)."""
    import cv2

    solid = plane > 0.5
    away = cv2.distanceTransform((~solid).astype(np.uint8), cv2.DIST_L2, 5)
    marks = np.where(plane > LIKELY, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    marks[plane > SURELY] = cv2.GC_FGD
    marks[(plane < CLEAR) & (away > FAR * np.sqrt(solid.sum()))] = cv2.GC_BGD
    people = (marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD)
    if not (marks == cv2.GC_FGD).any() or people.all():
        return solid
    colours = (frame.permute(1, 2, 0).numpy() * 255).round().clip(0, 255).astype(np.uint8)
    calm = cv2.bilateralFilter(np.ascontiguousarray(colours), 5, 20, 5)
    cv2.setRNGSeed(0)  # the colours are grouped from a random start
    models = np.zeros((2, 1, 65))  # in which it keeps the groups of colours
    cv2.grabCut(calm, marks, (0, 0, 1, 1), models[0], models[1], ROUNDS, cv2.GC_INIT_WITH_MASK)
    found: Mask = (marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD)
    return found
