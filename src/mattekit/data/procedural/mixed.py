"""Compositions: one procedural foreground before another, as a veil before a head or a fence before an animal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from mattekit.data.layer import Layer
from mattekit.data.procedural.canvas import straighten
from mattekit.data.procedural.cloth import lace, veil
from mattekit.data.procedural.feather import feather
from mattekit.data.procedural.foliage import foliage, grass
from mattekit.data.procedural.fur import fur
from mattekit.data.procedural.hair import hair
from mattekit.data.procedural.limbs import limbs
from mattekit.data.procedural.shapes import patterned, polygons, words
from mattekit.data.procedural.smoke import flame, smoke
from mattekit.data.procedural.wires import wires
from mattekit.data.procedural.yarn import plush, yarn

Family = Callable[..., Layer]
SUBJECTS: tuple[Family, ...] = (hair, hair, hair, fur, fur, patterned, yarn, plush, limbs)
FRONTS: tuple[Family, ...] = (veil, lace, foliage, grass, wires, smoke, flame, words, feather, limbs)
BACKS: tuple[Family, ...] = (wires, feather, foliage, polygons, yarn, hair)


def mixed(random: np.random.Generator, size: tuple[int, int], *, frames: int, texture: Tensor | None = None) -> Layer:
    """Render a subject with one more thing before or behind it.

    Args:
        random: Where the randomness comes from.
        size: (height, width) in px.
        frames: How many.
        texture: (3, H, W) that colours the subject, or None.
    """
    subject = SUBJECTS[int(random.integers(len(SUBJECTS)))]
    layer = subject(random, size, frames=frames, texture=texture)
    if random.uniform() < 0.65:
        front = FRONTS[int(random.integers(len(FRONTS)))]
        return stack([layer, front(random, size, frames=frames)])
    back = BACKS[int(random.integers(len(BACKS)))]
    return stack([back(random, size, frames=frames), layer])


def stack(layers: list[Layer]) -> Layer:
    """Return layers laid over one another, the first at the back, as one layer with straight colour and no flow.

    Laid over a background it is what the layers one after the other would be.
    """
    alpha = torch.zeros_like(layers[0].alpha)
    premultiplied = torch.zeros_like(layers[0].colour)
    for layer in layers:
        premultiplied = torch.lerp(premultiplied, layer.colour, layer.alpha)
        alpha = alpha + layer.alpha * (1 - alpha)
    return straighten(premultiplied, alpha)
