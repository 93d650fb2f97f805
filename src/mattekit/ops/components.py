"""Holes of a matte filled and islands dropped, by their size in px."""

from __future__ import annotations

import torch
from torch import Tensor

from mattekit.checks import InputError, check_rank
from mattekit.ops.regions import Mask, find_regions

OPAQUE = 0.95
"""Alpha from this on encloses a hole."""

CLEAR = 0.05
"""Alpha up to this parts an island from the rest."""


def fill_holes(alpha: Tensor, area: int, *, opaque: float = OPAQUE) -> Tensor:
    """Make opaque what is enclosed by opaque alpha and small.

    A hole is a 4-connected region of alpha below ``opaque`` that does not reach the picture's border, so that all
    around it is opaque; its own soft rim counts as part of it. What is open to the outside by a soft way is none.

    Args:
        alpha: (T, 1, H, W) in [0, 1].
        area: Holes of up to so many px are filled; 0 returns the input.
        opaque: Alpha from this on is opaque, in (0, 1].

    Returns:
        (T, 1, H, W) in [0, 1]: 1 in what was filled, the input elsewhere.

    Raises:
        InputError: A wrong shape, or an area below 0.
    """
    _check("fill_holes", alpha, area)
    if area == 0:
        return alpha
    filled = alpha.clone()
    for frame in filled[:, 0]:
        mask = (frame < opaque).cpu().numpy()
        frame[_chosen(mask, area, inside=True).to(frame.device)] = 1.0
    return filled


def drop_islands(alpha: Tensor, area: int, *, clear: float = CLEAR) -> Tensor:
    """Make clear what stands alone and is small.

    An island is an 8-connected region of alpha above ``clear``; also one at the picture's border, of which only what
    is in the picture counts.

    Args:
        alpha: (T, 1, H, W) in [0, 1].
        area: Islands of up to so many px are dropped; 0 returns the input.
        clear: Alpha up to this is clear, in [0, 1).

    Returns:
        (T, 1, H, W) in [0, 1]: 0 in what was dropped, the input elsewhere; the faint rim of an island, no more than
        ``clear``, goes with it.

    Raises:
        InputError: A wrong shape, or an area below 0.
    """
    _check("drop_islands", alpha, area)
    if area == 0:
        return alpha
    kept = alpha.clone()
    for frame in kept[:, 0]:
        mask = (frame > clear).cpu().numpy()
        dropped = _chosen(mask, area, inside=False, diagonal=True)
        frame[_with_rim(dropped, mask).to(frame.device)] = 0.0
    return kept


def _check(what: str, alpha: Tensor, area: int) -> None:
    check_rank("alpha", alpha, "T 1 H W")
    if area < 0:
        raise InputError(f"{what} must take an area of 0 px or more; got {area}")


def _chosen(mask: Mask, area: int, *, inside: bool, diagonal: bool = False) -> Tensor:
    """Return (H, W) boolean, the regions of a mask that are small and, where asked for, clear of the border."""
    regions = find_regions(mask, diagonal=diagonal)
    wanted = regions.areas <= area
    if inside:
        wanted &= regions.inside()
    return torch.from_numpy(regions.pixels(wanted))


def _with_rim(dropped: Tensor, mask: Mask) -> Tensor:
    """Return dropped islands (H, W) with the faint px around them that touch nothing that stays."""
    stays = torch.from_numpy(mask) & ~dropped
    return _touched(dropped) & ~_touched(stays)


def _touched(mask: Tensor) -> Tensor:
    """Return a mask (H, W) one px wider, corners too."""
    wider = mask.clone()
    wider[1:] |= mask[:-1]
    wider[:-1] |= mask[1:]
    rows = wider.clone()
    wider[:, 1:] |= rows[:, :-1]
    wider[:, :-1] |= rows[:, 1:]
    return wider
