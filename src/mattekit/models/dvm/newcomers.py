"""Small islands and spots of a carried trimap that come from nowhere, and what should stand in their place."""

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
    colours makes such spots, takes them for true at the next frame, and lets them grow.

    Args:
        labels: (h, w) integers: 0 background, 1 unknown, 2 foreground.
        before: Trimaps (h, w) likewise: those that it was carried from.

    Returns:
        (h, w): small islands of unknown or foreground are background, and small spots of what is not foreground, inside
        of it, are foreground.
    """
    if not before:
        return labels
    cleaned = labels.clone()
    was_subject = torch.stack([old > 0 for old in before]).any(0)
    was_open = torch.stack([old < 2 for old in before]).any(0)
    cleaned[_new(labels > 0, was_subject, ISLAND)] = 0
    cleaned[_new(labels < 2, was_open, SPOT)] = 2
    return cleaned


def _new(mask: Tensor, before: Tensor, share: float) -> Tensor:
    """Return the small regions of a mask, up to a share of the picture, that do not come near to another mask."""
    regions = find_regions(mask.cpu().numpy(), diagonal=True)
    near = dilate(before[None].float(), NEAR)[0] > 0
    chosen = (regions.count(near.cpu().numpy()) == 0) & (regions.areas <= share * mask.numel())
    return torch.from_numpy(regions.pixels(chosen)).to(mask.device)
