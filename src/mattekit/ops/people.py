"""What a map of people tells: how much of a frame shows people, how sure that is, and the trimap that it allows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from mattekit.checks import check_rank
from mattekit.ops.filters import dilate
from mattekit.ops.regions import find_regions
from mattekit.ops.resize import resize
from mattekit.ops.trimap import UNKNOWN

LEAST_SHARE = 0.004
"""Part of a frame from which on what looks like people counts as people."""

FAINT = 0.1
"""A map up to this says that nobody is there."""

ISLAND = 0.04
"""What stands apart and has less than this share of the largest person's px is dropped."""

HOLE = 0.004
"""A hole in a person of less than this share of the person's px is closed."""

SURE = 0.95
"""A pixel is known where the map says so this surely, and the edge is far enough."""

BY_SIZE = 0.03
"""Reach of the unknown to each side of an edge, as a share of the root of a person's area."""

BY_SOFTNESS = 0.5
"""What is added to it, as a share of the width over which the map goes from 0 to 1."""

OUTWARD = 1.3
"""How much farther the unknown reaches out than in: what a map misses of people, hair above all, is outside."""


@dataclass(frozen=True)
class Seen:
    """What a map says of a frame as a whole.

    Attributes:
        share: Part of the frame that is likelier of people than not, in [0, 1].
        confidence: How far that can be trusted, in [0, 1].
    """

    share: float
    confidence: float

    @property
    def is_empty(self) -> bool:
        """Whether next to nothing of the frame shows people."""
        return self.share < LEAST_SHARE


def judge_map(map_: Tensor) -> Seen:
    """Return what a map of people says of its frame.

    The confidence is the overlap, intersection over union, that is to be expected of the likelier px with the px that
    are of people, if each is so as likely as the map says. Where nobody is seen it is 1 less the px that are expected
    all the same, as a share of the least that counts.

    Args:
        map_: (1, H, W) in [0, 1].

    Raises:
        InputError: Another shape.

    Example:
        >>> judge_map(torch.tensor([[[1.0, 0.75, 0.25, 0.0]]]))
        Seen(share=0.5, confidence=0.7777777777777778)
    """
    check_rank("map", map_, "1 H W")
    likely = map_ > 0.5
    share = float(likely.float().mean())
    if share < LEAST_SHARE:
        expected = float((map_ * (map_ > FAINT)).mean())
        return Seen(share, max(0.0, 1 - expected / LEAST_SHARE))
    both = float(map_[likely].sum())
    either = float(likely.sum() + map_[~likely].sum())
    return Seen(share, both / either)


def tidy_map(map_: Tensor) -> Tensor:
    """Return a map (1, H, W) without what stands apart and is small, and without small holes in people.

    What is nowhere likelier of people than not counts as small. Larger holes stay: between arm and body there are some.

    Raises:
        InputError: Another shape.
    """
    check_rank("map", map_, "1 H W")
    plane = map_[0].cpu().numpy()
    there = find_regions(plane > FAINT, diagonal=True)
    solid = there.count(plane > 0.5)
    largest = int(solid.max(initial=0))
    dropped = there.pixels(solid < max(1.0, ISLAND * largest))
    gaps = find_regions(plane <= 0.5)
    closed = gaps.pixels(gaps.inside() & (gaps.areas < HOLE * largest))
    tidy = map_.clone()
    tidy[0, torch.from_numpy(dropped).to(map_.device)] = 0
    tidy[0, torch.from_numpy(closed & ~dropped).to(map_.device)] = 1
    return tidy


def trimap_from_map(map_: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the trimap that a map of people allows.

    Unknown is where the map is not sure, and a band to each side of where it crosses a half. The band is wide for large
    people and for a map with soft edges, and reaches farther out than in.

    Args:
        map_: (1, h, w) in [0, 1].
        size: (height, width) of the frame.

    Returns:
        (1, height, width) in {0, 0.5, 1}.

    Raises:
        InputError: Another shape.
    """
    tidy = tidy_map(map_)
    reach = band_of(tidy) * max(size) / max(tidy.shape[-2:])
    fine = resize(tidy, size, mode="bilinear")
    inside = (fine > 0.5).to(fine.dtype)
    trimap = torch.full_like(fine, UNKNOWN)
    trimap[(fine > SURE) & (dilate(1 - inside, round(reach)) == 0)] = 1
    trimap[(fine < 1 - SURE) & (dilate(inside, round(OUTWARD * reach)) == 0)] = 0
    return trimap


def band_of(map_: Tensor) -> float:
    """Return how far the unknown reaches inwards from where a map (1, h, w) crosses a half, in px of the map."""
    inside = map_ > 0.5
    regions = find_regions(inside[0].cpu().numpy(), diagonal=True)
    if len(regions.areas) == 0:
        return 0.0
    edge = int((inside[:, 1:] != inside[:, :-1]).sum() + (inside[:, :, 1:] != inside[:, :, :-1]).sum())
    unsure = map_[(map_ > 1 - SURE) & (map_ < SURE)]
    width = 6 * float((unsure * (1 - unsure)).sum()) / max(edge, 1)  # of a ramp, whose 4 p (1 - p) adds up to 2/3
    side = math.sqrt(float(regions.areas.mean()))
    return BY_SIZE * side + BY_SOFTNESS * width
