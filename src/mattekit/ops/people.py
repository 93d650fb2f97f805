"""What a map of people tells: how much of a frame shows people, how sure that is, and the trimap that it allows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from mattekit.checks import check_rank, check_same_size
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

SPECK = 0.2
"""What is unknown and apart from all that is known of people is background, if it is so much smaller than they are."""

DOUBTED = 0.3
"""What a mask calls background is known to be so if the map gives it less than this."""

SURE = 0.95
"""A pixel is known where the map says so this surely, and the edge is far enough."""

BY_SIZE = 0.03
"""Reach of the unknown to each side of an edge, as a share of the root of a person's area."""

BY_SOFTNESS = 0.5
"""What is added to it, as a share of the width over which the map goes from 0 to 1."""

WIDEST = 0.05
"""Reach that is never exceeded, as a share of the same root."""

OUTWARD = 1.5
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


def trimap_from_map(map_: Tensor, size: tuple[int, int], *, mask: Tensor | None = None) -> Tensor:
    """Return the trimap that a map of people allows, by itself or together with a mask.

    Unknown is a band to each side of the edge of people, wide for large people, for a map with soft edges and for one
    that is hardly to be trusted; it reaches farther out than in. Unknown is also where the map is not sure; or, with a
    mask, where the two contradict each other.

    Args:
        map_: (1, h, w) in [0, 1].
        size: (height, width) of the frame.
        mask: (1, h, w) in {0, 1}, as from `mattekit.ops.graph_cut.cut_map`, whose edge is then that of people; None
            takes where the map crosses a half.

    Returns:
        (1, height, width) in {0, 0.5, 1}.

    Raises:
        InputError: The shapes do not fit.
    """
    tidy = tidy_map(map_)
    shape = tidy if mask is None else tidy_map(mask)
    check_same_size("map", map_, "mask", shape)
    reach = band_of(tidy, shape) * max(size) / max(tidy.shape[-2:])
    likely = resize(tidy, size, mode="bilinear")
    inside = (resize(shape, size, mode="bilinear") > 0.5).to(likely.dtype)
    surest, least = (SURE, 1 - SURE) if mask is None else (FAINT, DOUBTED)
    trimap = torch.full_like(likely, UNKNOWN)
    trimap[(likely > surest) & (dilate(1 - inside, round(reach)) == 0)] = 1
    trimap[(likely < least) & (dilate(inside, round(OUTWARD * reach)) == 0)] = 0
    return _without_specks(trimap)


def _without_specks(trimap: Tensor) -> Tensor:
    """Return a trimap (1, H, W) in which what is unknown but nowhere near what is known of people is background."""
    plane = trimap[0].cpu().numpy()
    there = find_regions(plane > 0, diagonal=True)
    lone = there.pixels((there.count(plane == 1) == 0) & (there.areas < SPECK * int(there.areas.max(initial=0))))
    return trimap.masked_fill(torch.from_numpy(lone).to(trimap.device), 0)


def band_of(map_: Tensor, shape: Tensor | None = None) -> float:
    """Return how far the unknown reaches inwards from the edge of people, in px of the map.

    Args:
        map_: (1, h, w) in [0, 1].
        shape: (1, h, w) in [0, 1], above a half where people are; None is the map itself.
    """
    regions = find_regions(((map_ if shape is None else shape) > 0.5)[0].cpu().numpy(), diagonal=True)
    if len(regions.areas) == 0:
        return 0.0
    inside = map_ > 0.5
    edge = int((inside[:, 1:] != inside[:, :-1]).sum() + (inside[:, :, 1:] != inside[:, :, :-1]).sum())
    unsure = map_[(map_ > 1 - SURE) & (map_ < SURE)]
    width = 6 * float((unsure * (1 - unsure)).sum()) / max(edge, 1)  # of a ramp, whose 4 p (1 - p) adds up to 2/3
    side = math.sqrt(float(regions.areas.mean()))
    return min(BY_SIZE * side + BY_SOFTNESS * width, WIDEST * side)
