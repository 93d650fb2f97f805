"""Finds holes and islands that came from nowhere, and follows them while they last."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor

from mattekit.metrics.blind.look import Box, Look
from mattekit.ops.filters import dilate, erode
from mattekit.ops.regions import Ints, Mask, Regions, find_regions
from mattekit.ops.warp import warp

LOW, HIGH = 0.4, 0.8
"""A hole has less alpha than the first, an island more than the second."""

EMPTY, FULL = 0.15, 0.85
HALF, REACH, FAR = 0.5, 2, 8
"""Nothing was there before if all alpha around was below the first, subject if it was above the second: within so many
px along a motion that is trusted, or so far around that no motion matters."""

OWN, LEAST = 0.3, 6
"""Share of a region that must be new, or be what was new before, for it to count; and so many px in any case."""

LONGEST = 12
"""Frames for which one is followed; what lasts longer is part of the scene, and only its first frame counts."""


@dataclass(frozen=True)
class Moved:
    """The alphas of the two frames before.

    Attributes:
        past: (1, h, w) as it was.
        before: (1, h, w) moved onto the present frame.
        trust: (1, h, w) in {0, 1}, of that motion.
        flow: (1, 2, h, w) in px, from the present frame to the one before.
        earlier: (1, h, w), of the frame before that, moved onto the present frame, or None at the start of a scene.
    """

    past: Tensor
    before: Tensor
    trust: Tensor
    flow: Tensor
    earlier: Tensor | None = None


@dataclass
class _Life:
    """The px that one newcomer covers, by the look it was seen at."""

    kind: str
    areas: list[tuple[Look, float]] = field(default_factory=list)

    def add(self, look: Look, area: float) -> None:
        """Count px at a frame."""
        self.areas.append((look, area))
        setattr(look, self.kind, getattr(look, self.kind) + area)

    def lasts(self, look: Look) -> bool:
        """Return whether it has been there too long by a frame."""
        return look.frame - self.areas[0][0].frame >= LONGEST

    def take_back(self) -> None:
        """Let no frame but the first count."""
        first = self.areas[0][0]
        for look, area in self.areas:
            if look is not first:
                setattr(look, self.kind, max(0.0, getattr(look, self.kind) - area))


class Newcomers:
    """Follows holes and islands from frame to frame; holds one small map of each kind, and no frame."""

    def __init__(self) -> None:
        self._maps: dict[str, Tensor] = {}
        self._lives: dict[int, _Life] = {}
        self._born = 0

    def end(self) -> None:
        """Let what is still there at the end of a scene count at its first frame only, and forget all."""
        for life in self._lives.values():
            life.take_back()
        self._maps, self._lives = {}, {}

    def add(self, look: Look, alpha: Tensor, *, moved: Moved, scale: float) -> None:
        """Look at the next frame, and set the areas of its holes and islands and where the largest is.

        Args:
            look: What is known of the frame.
            alpha: (1, H, W) in [0, 1].
            moved: The alphas before; smaller.
            scale: Px of the full frame that a px of alpha is high and wide.
        """
        size = (alpha.shape[-2], alpha.shape[-1])
        before, trusted = moved.before, moved.trust > 0
        full = (erode(before, REACH) > FULL) & trusted | (erode(moved.past, FAR, element="square") > FULL)
        empty = (dilate(before, REACH) < EMPTY) & trusted | (dilate(moved.past, FAR, element="square") < EMPTY)
        if moved.earlier is not None:  # what comes back after one bad frame is not new
            full, empty = full & (moved.earlier > HALF), empty & (moved.earlier < HALF)
        alive: dict[int, _Life] = {}
        for kind, mask, chance in (("hole", alpha[0] < LOW, full), ("island", alpha[0] > HIGH, empty)):
            earlier = self._maps.pop(kind, None)
            if earlier is not None:
                earlier = warp(dilate(earlier, 1)[None], moved.flow, mode="nearest")[0][0]
            possible = chance if earlier is None else chance | (earlier > 0)
            if not bool((_grown(possible, size) & mask).any()):
                continue
            regions = find_regions(mask.numpy())
            names = self._name(look, regions, _grown(chance, size), None if earlier is None else _grown(earlier, size))
            if names.any():
                for name, area in zip(names.tolist(), regions.areas.tolist(), strict=True):
                    if name:
                        life = alive.setdefault(name, self._lives.get(name, _Life(kind)))
                        life.add(look, area * scale**2)
                look.boxes[kind] = _largest_box(regions, names > 0)
                painted = np.concatenate(([0], names)).astype(np.float32)[regions.labels()]
                self._maps[kind] = functional.adaptive_max_pool2d(torch.from_numpy(painted)[None], before.shape[-2:])
        self._lives = alive

    def _name(self, look: Look, regions: Regions, chance: Tensor, earlier: Tensor | None) -> Ints:
        """Return the number of each region that is followed, old or new; 0 for all others."""
        own = np.maximum(OWN * regions.areas, LEAST)
        names: Ints = np.zeros(len(own), np.int64)
        if earlier is not None:
            names = _oldest(regions, earlier.numpy())
            names[regions.count((earlier > 0).numpy()) < own] = 0
        lasting = {name for name in names[names > 0].tolist() if name in self._lives and self._lives[name].lasts(look)}
        for name in lasting:
            self._lives.pop(name).take_back()
        new = (names == 0) & (regions.count(chance.numpy()) >= own)
        names[np.isin(names, list(lasting))] = 0
        names[new] = self._born + 1 + np.arange(np.count_nonzero(new))
        self._born += int(np.count_nonzero(new))
        return np.where(regions.inside(), names, 0)


def _oldest(regions: Regions, names: NDArray[Any]) -> Ints:
    """Return the smallest number above 0 that a map (H, W) has within each region, or 0."""
    smallest = np.full(len(regions.areas), np.inf)
    labels = regions.labels()
    there = (names > 0) & (labels > 0)
    np.minimum.at(smallest, labels[there] - 1, names[there])
    return np.where(np.isfinite(smallest), smallest, 0).astype(np.int64)


def _grown(small: Tensor, size: tuple[int, int]) -> Tensor:
    """Return a map (1, h, w) as (H, W), each px repeated; its type stays."""
    return functional.interpolate(small[None].float(), size=size, mode="nearest")[0, 0].to(small.dtype)


def _largest_box(regions: Regions, chosen: Mask) -> Box:
    """Return the box of the largest chosen region as shares of height and width."""
    largest = int(np.argmax(np.where(chosen, regions.areas, -1)))
    height, width = regions.size
    top, left, bottom, right = regions.boxes[largest].tolist()
    return top / height, left / width, bottom / height, right / width
