"""Parts of a carried trimap that come from nowhere: islands, spots and holes, and what should stand in their place."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mattekit.ops.filters import dilate
from mattekit.ops.regions import find_regions

NEAR = 6
"""What is within so many px of what was there before has grown out of it."""

ISLAND, SPOT = 1 / 12, 1 / 400
"""Shares of the picture up to which a newcomer is small: of what stands alone, and of what opens inside the subject. A
gap between arm and body opens there too, and is soon larger."""


def without_newcomers(labels: Tensor, before: Sequence[Tensor]) -> Tensor:
    """Return a trimap without small parts that hang together with nothing that was there before.

    A subject does not come in by a spot in mid-air, nor open by a spot in its middle; a network that follows like
    colours makes such spots, takes them for true at the next frame, and lets them grow. Background that the subject
    shuts in on all sides may be a gap between arm and body, or a mistake: it is known only where it was before.

    Args:
        labels: (h, w) integers: 0 background, 1 unknown, 2 foreground.
        before: Trimaps (h, w) likewise: those that it was carried from.

    Returns:
        (h, w): small islands of unknown or foreground are background, small spots of what is not foreground, inside of
        it, are foreground, and new holes are unknown.
    """
    if not before:
        return labels
    cleaned = labels.clone()
    was_subject = torch.stack([old > 0 for old in before]).any(0)
    was_open = torch.stack([old < 2 for old in before]).any(0)
    cleaned[_new(labels > 0, was_subject, ISLAND)] = 0
    cleaned[_new(labels < 2, was_open, SPOT)] = 2
    was_background = torch.stack([old == 0 for old in before]).any(0)
    cleaned[_new_holes(cleaned == 0, was_background)] = 1
    return cleaned


def _new_holes(background: Tensor, before: Tensor) -> Tensor:
    """Return the regions of background away from the border of which less than half was background before."""
    holes = find_regions(background.cpu().numpy())
    chosen = holes.inside() & (2 * holes.count(before.cpu().numpy()) < holes.areas)
    return torch.from_numpy(holes.pixels(chosen)).to(background.device)


def _new(mask: Tensor, before: Tensor, share: float) -> Tensor:
    """Return the small regions of a mask, up to a share of the picture, that do not come near to another mask."""
    regions = find_regions(mask.cpu().numpy(), diagonal=True)
    near = dilate(before[None].float(), NEAR)[0] > 0
    chosen = (regions.count(near.cpu().numpy()) == 0) & (regions.areas <= share * mask.numel())
    return torch.from_numpy(regions.pixels(chosen)).to(mask.device)
