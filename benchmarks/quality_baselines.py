"""PyMatting's alpha of a frame at a time, each kept on disk under a name made from what went in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from mattekit.ops import UNKNOWN

Plane = NDArray[np.float64]


def closed_form(picture: Plane, trimap: Plane) -> Plane:
    """Return closed-form alpha (H, W) of a picture (H, W, 3) with a trimap (H, W)."""
    import pymatting

    alpha: Plane = pymatting.estimate_alpha_cf(picture, trimap)
    return alpha


def knn(picture: Plane, trimap: Plane) -> Plane:
    """Return KNN alpha (H, W) of a picture (H, W, 3) with a trimap (H, W)."""
    import pymatting

    alpha: Plane = pymatting.estimate_alpha_knn(picture, trimap)
    return alpha


SOLVERS: Mapping[str, Callable[[Plane, Plane], Plane]] = {"closed form": closed_form, "KNN": knn}
"""By the name in the tables; both with PyMatting's own settings."""


def solve(solver: str, frames: Tensor, trimaps: Tensor, cache: Path) -> Tensor:
    """Return a solver's alpha of every frame.

    Args:
        solver: A name in :data:`SOLVERS`.
        frames: (T, 3, H, W) uint8.
        trimaps: (T, 1, H, W) in {0, 0.5, 1}; a frame in which nothing is unknown is its own alpha.
        cache: A folder; what is found there is not solved again.

    Returns:
        (T, 1, H, W) in 8-bit steps of [0, 1].
    """
    folder = cache / solver.lower().replace(" ", "-")
    levels = [_kept(solver, frame, trimap, folder) for frame, trimap in zip(frames, trimaps, strict=True)]
    return torch.stack(levels).float() / 255


def _kept(solver: str, frame: Tensor, trimap: Tensor, folder: Path) -> Tensor:
    """Return one frame's alpha (1, H, W) uint8, from the folder where it is there."""
    if not bool((trimap == UNKNOWN).any()):
        return (trimap * 255).to(torch.uint8)
    given = (trimap * 2).to(torch.uint8).numpy()
    digest = hashlib.sha256(repr(given.shape).encode() + frame.numpy().tobytes() + given.tobytes()).hexdigest()[:24]
    path = folder / f"{digest}.png"
    if not path.exists():
        picture = frame.permute(1, 2, 0).double().numpy() / 255
        alpha = SOLVERS[solver](picture, trimap[0].double().numpy())
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        Image.fromarray((alpha.clip(0, 1) * 255).round().astype(np.uint8)).save(partial, format="png")
        partial.replace(path)
    with Image.open(path) as picture_file:
        return torch.from_numpy(np.array(picture_file))[None]
