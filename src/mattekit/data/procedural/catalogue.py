"""Every kind of procedural foreground, how often each is drawn, and clips for packs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from mattekit.data.pack import Source
from mattekit.data.procedural.subject import hairy_subject


def procedural_sources(*, count: int, seed: int, side: int = 384) -> Iterator[Source]:
    """Render procedural foregrounds.

    Args:
        count: How many.
        seed: Chooses all of them.
        side: Height and width in px.
    """
    for index in range(count):
        random = np.random.default_rng((seed, index))
        strands, fineness = int(random.integers(700, 4000)), random.uniform(0.6, 2)
        palette = int(random.integers(2, 7)) if index % 3 == 0 else 1
        layer = hairy_subject(random, strands=strands, fineness=fineness, palette=palette).draw((side, side))
        yield Source(f"procedural/{seed}-{index}", "procedural", (layer * 255).round().to(torch.uint8)[None])
