"""Where a clip cuts from one scene to another, found on small pictures of its frames.

Two measures tell a cut. The share of the colours that are others does not mind motion; the share of the structure that
is found nowhere near does not mind light. A cut changes both at once, much more than the frames around it do, and for
good: a flash, or a thing that passes close to the camera, is over a few frames later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.checks import check_rank, check_same_size
from mattekit.ops.luma import luma
from mattekit.ops.resize import resize

THUMBNAIL = 64
"""Longest side in px of the pictures that are meant."""

BINS = 8
"""Steps a channel of the histogram of colours."""

WINDOW, SEARCH = 7, 2
"""Side of the windows that are looked for, and how far to each side, in px of pictures of half the size."""

FLAT = 2e-5
"""Variance of luma added to every window's, so that noise on a plain wall is no structure."""

LEAST_CHANGE, LEAST_LOSS, LEAST_BOTH = 0.1, 0.12, 0.4
"""A cut changes at least so much of the colours, loses so much of the structure, and so much of both together."""

AROUND, RATIO = 4, 2.5
"""A cut changes so many times more of the colours than all but one of so many frames before it, and after it."""

BEFORE, AFTER = 3, 2
"""So many frames before a cut and after its first one show other scenes; what is over sooner was a flash."""


def find_cuts(pictures: Iterable[Tensor], *, start: int = 0) -> list[int]:
    """Return the numbers of the frames that begin a new scene; no more than the last few pictures are held.

    Hard cuts are found. Fades, pans and flashes of light are none, and a scene of one or two frames is taken for a
    flash.

    Args:
        pictures: (3, h, w) each in [0, 1], of frames in a row, about `THUMBNAIL` px along the longer side.
        start: Number of the first of them.

    Raises:
        InputError: A picture has another shape than it should, or than the first.

    Example:
        >>> dark, bright = torch.zeros(3, 36, 64), torch.rand(3, 36, 64)
        >>> find_cuts([dark] * 5 + [bright] * 5)
        [5]
    """
    changes: list[float] = []
    kept: dict[int, Tensor] = {}
    cuts: list[int] = []
    last: Tensor | None = None
    for number, picture in enumerate(pictures):
        check_rank("picture", picture, "3 H W")
        shares = colour_shares(picture)
        changes.append(0.0 if last is None else float((shares - last).abs().sum()) / 2)
        last, kept[number] = shares, picture
        kept.pop(number - AROUND - BEFORE - 1, None)
        _decide(number - AROUND, changes, kept, cuts)
    for place in range(len(changes) - AROUND, len(changes)):
        _decide(place, changes, kept, cuts)
    return [start + place for place in cuts]


def _decide(place: int, changes: Sequence[float], kept: Mapping[int, Tensor], cuts: list[int]) -> None:
    """Add a frame to the cuts if it is one; of two that are nearer than a flash is long, the stronger stays."""
    if place < 1 or not stands_out(changes, place):
        return
    end = len(changes) - 1
    before = [kept[index] for index in range(max(place - BEFORE, 0), place)]
    after = [kept[index] for index in range(min(place + 1, end), min(place + AFTER, end) + 1)]
    if not are_apart(before, after):
        return
    if cuts and place - cuts[-1] <= AFTER:
        if changes[place] <= changes[cuts[-1]]:
            return
        cuts.pop()
    cuts.append(place)


def stands_out(changes: Sequence[float], place: int) -> bool:
    """Return whether a frame changes much, and much more than those around it.

    One frame to each side may change as much, since two cuts can be near each other and a cut may be blended over a
    frame; where more do, the whole picture moves.

    Args:
        changes: Share of the colours that each frame changes against the one before.
        place: Number of the frame.
    """
    sides = (changes[max(place - AROUND, 0) : place], changes[place + 1 : place + 1 + AROUND])
    around = max((sorted(side)[-2] for side in sides if len(side) > 1), default=0.0)
    return changes[place] >= max(LEAST_CHANGE, RATIO * around)


def are_apart(before: Sequence[Tensor], after: Sequence[Tensor]) -> bool:
    """Return whether every picture on one side shows another scene than every picture on the other.

    Args:
        before: (3, h, w) each in [0, 1], at least one.
        after: Likewise.
    """
    pairs = list(product(before, after))
    one, other = (torch.stack(side) for side in zip(*pairs, strict=True))
    change = (colour_shares(one) - colour_shares(other)).abs().sum(-1) / 2
    loss = lost_structure(one, other)
    apart = (change >= LEAST_CHANGE) & (loss >= LEAST_LOSS) & (change + loss >= LEAST_BOTH)
    return bool(apart.all())


def colour_shares(picture: Tensor) -> Tensor:
    """Return the share of a picture's pixels near each colour of a lattice; a colour between eight is shared by them.

    So a slow change of light moves the shares slowly. The lattice is finer in the dark, where scenes differ by less.

    Args:
        picture: (..., 3, h, w) in [0, 1].

    Returns:
        (..., BINS ** 3), each picture's sum to 1.
    """
    place = picture.flatten(-2).clamp(0, 1).sqrt() * (BINS - 1)
    low = place.floor().clamp(max=BINS - 2)
    part = place - low
    index = ((low[..., 0, :] * BINS + low[..., 1, :]) * BINS + low[..., 2, :]).long()
    shares = picture.new_zeros(*picture.shape[:-3], BINS**3)
    for red, green, blue in product((0, 1), repeat=3):
        corner = torch.where(part.new_tensor([[red], [green], [blue]]) > 0, part, 1 - part)
        shares.scatter_add_(-1, index + (red * BINS + green) * BINS + blue, corner.prod(dim=-2))
    return shares / picture[..., 0, :, :].flatten(-2).shape[-1]


def lost_structure(one: Tensor, other: Tensor) -> Tensor:
    """Return the share of the structure of pictures that is found nowhere near in others; the worse of both ways.

    Each small window is looked for within `SEARCH` px, by normalised correlation of luma; windows count by their
    contrast.

    Args:
        one: (N, 3, h, w) in [0, 1].
        other: Likewise.

    Returns:
        (N,) from 0, the same up to light and motion; pictures that have nothing in common are at about 0.35.

    Raises:
        InputError: The sizes differ.

    Source:
        Lewis, Fast Normalized Cross-Correlation, 1995.
    """
    check_same_size("one", one, "other", other)
    size = (max(1, one.shape[-2] // 2), max(1, one.shape[-1] // 2))
    first, second = (resize(luma(each), size) for each in (one, other))
    return torch.maximum(_loss(first, second), _loss(second, first))


def _loss(still: Tensor, moving: Tensor) -> Tensor:
    """Return what of the structure of pictures (N, 1, h, w) is not found in others, (N,)."""
    height, width = still.shape[-2:]
    mean, contrast = _moments(still)
    padded = functional.pad(moving, (SEARCH,) * 4, mode="replicate")
    best = torch.full_like(contrast, -1)
    for down, across in product(range(2 * SEARCH + 1), repeat=2):
        shifted = padded[..., down : down + height, across : across + width]
        other_mean, other_contrast = _moments(shifted)
        product_mean = functional.avg_pool2d(still * shifted, WINDOW, 1, WINDOW // 2)
        alike = (product_mean - mean * other_mean + FLAT) / (contrast * other_contrast)
        best = torch.maximum(best, alike)
    return 1 - (best * contrast).sum((1, 2, 3)) / contrast.sum((1, 2, 3))


def _moments(luma: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and contrast of the window about each pixel."""
    mean, square = (functional.avg_pool2d(x, WINDOW, 1, WINDOW // 2) for x in (luma, luma * luma))
    return mean, ((square - mean * mean).clamp_min(0) + FLAT).sqrt()
