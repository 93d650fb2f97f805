"""Procedural backgrounds: clouds and ground with things before them, so that nobody's footage is needed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from mattekit.data.pack import Source
from mattekit.data.procedural.catalogue import render
from mattekit.data.procedural.demo import texture

THINGS = ("polygons", "patterned", "foliage", "grass", "wires", "words", "fur", "limbs", "yarn", "lace")
"""Kinds of foregrounds that stand about in backgrounds."""
MOST = 7
"""Most things in one background."""


def ground(random: np.random.Generator, size: tuple[int, int]) -> Tensor:
    """Draw a background: one or two cloudy surfaces that meet in a ridge, and procedural things before them.

    Args:
        random: Where all randomness comes from.
        size: (height, width) in px.

    Returns:
        (3, H, W) in [0, 1].
    """
    height, width = size
    picture = texture(random, size)
    if random.random() < 0.6:
        x = np.linspace(0, 2 * np.pi, width)
        ridge = random.uniform(0.35, 0.75) + sum(
            random.uniform(0, 0.06 / wave) * np.sin(wave * x + random.uniform(0, 6)) for wave in (1, 2, 5, 11)
        )
        depth = (torch.linspace(0, 1, height)[:, None] - torch.from_numpy(ridge)[None]).float()
        picture = torch.lerp(picture, texture(random, size), (depth * height / 2).clamp(0, 1))
    for _ in range(int(random.integers(0, MOST + 1))):
        side = int(random.uniform(0.25, 0.9) * min(size))
        layer = render(str(random.choice(THINGS)), random, size=(side, side), frames=1)
        top, left = int(random.integers(0, height - side + 1)), int(random.integers(0, width - side + 1))
        place = (slice(None), slice(top, top + side), slice(left, left + side))
        picture[place] = torch.lerp(picture[place], layer.colour[0], layer.alpha[0])
    return picture.clamp(0, 1)


def procedural_grounds(*, count: int, seed: int, size: tuple[int, int] = (288, 400)) -> Iterator[Source]:
    """Draw backgrounds for packs; number i does not depend on how many there are.

    Args:
        count: How many.
        seed: Chooses all of them.
        size: (height, width) in px.

    Yields:
        Sources of kind "background", (1, 3, H, W) uint8.
    """
    for index in range(count):
        picture = ground(np.random.default_rng((seed, index, 1)), size)
        yield Source(f"ground/{seed}-{index}", "background", (picture * 255).round().to(torch.uint8)[None])
