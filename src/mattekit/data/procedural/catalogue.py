"""Every kind of procedural foreground, how often each is drawn, and clips for packs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from mattekit.checks import InputError, check_choice
from mattekit.data.layer import Layer
from mattekit.data.pack import Source
from mattekit.data.procedural.cloth import lace, veil
from mattekit.data.procedural.feather import feather
from mattekit.data.procedural.foliage import foliage, grass
from mattekit.data.procedural.fringe import fringe
from mattekit.data.procedural.fur import fur
from mattekit.data.procedural.glass import glass
from mattekit.data.procedural.hair import hair
from mattekit.data.procedural.lens import focus
from mattekit.data.procedural.limbs import limbs
from mattekit.data.procedural.mixed import mixed
from mattekit.data.procedural.shapes import patterned, polygons, words
from mattekit.data.procedural.smoke import flame, smoke
from mattekit.data.procedural.wires import wires
from mattekit.data.procedural.yarn import plush, yarn

KINDS: dict[str, Callable[..., Layer]] = {
    "hair": hair,
    "fur": fur,
    "plush": plush,
    "yarn": yarn,
    "fringe": fringe,
    "feather": feather,
    "foliage": foliage,
    "grass": grass,
    "lace": lace,
    "veil": veil,
    "glass": glass,
    "smoke": smoke,
    "flame": flame,
    "limbs": limbs,
    "patterned": patterned,
    "polygons": polygons,
    "words": words,
    "wires": wires,
    "mixed": mixed,
}
"""Function of each kind; called as ``render`` calls it."""

SHARES: dict[str, float] = {
    "hair": 8,
    "fur": 8,
    "plush": 2.5,
    "yarn": 2.5,
    "fringe": 4,
    "feather": 0.4,
    "foliage": 1,
    "grass": 0.5,
    "lace": 0.6,
    "veil": 0.4,
    "glass": 0.25,
    "smoke": 0.4,
    "flame": 0.3,
    "limbs": 2,
    "patterned": 8,
    "polygons": 1.2,
    "words": 0.6,
    "wires": 0.4,
    "mixed": 2,
}
"""How often each kind is drawn against the others; ``benchmarks/matte_statistics.py`` shows what that comes to."""


SPOT = 0.42 / 384
"""Median size of the lens's spot in heights of the picture."""


def render(
    kind: str, random: np.random.Generator, *, size: tuple[int, int], frames: int, texture: Tensor | None = None
) -> Layer:
    """Render one procedural foreground.

    Args:
        kind: A key of `KINDS`.
        random: Where all randomness comes from; the same state gives the same bytes.
        size: (height, width) in px. The same drawing comes out finer at a larger size.
        frames: How many, at 24 a second.
        texture: (3, H, W) in [0, 1] that colours it, or None.

    Returns:
        T frames with exact alpha and straight colour, and exact flow where the kind moves as one body.

    Raises:
        InputError: The kind is unknown, or size or frames are below 1.

    Example:
        >>> layer = render("grass", np.random.default_rng(0), size=(32, 48), frames=2)
        >>> tuple(layer.colour.shape), tuple(layer.alpha.shape)
        ((2, 3, 32, 48), (2, 1, 32, 48))
    """
    check_choice("kind", kind, tuple(KINDS))
    if min(size) < 1 or frames < 1:
        raise InputError(f"size and frames must be at least 1; got {size[0]}x{size[1]} and {frames} frames")
    layer = KINDS[kind](random, size, frames=frames, texture=texture)
    return focus(layer, float(random.lognormal(np.log(SPOT), 0.5)) * size[0])


def procedural_clips(
    *, count: int, seed: int, side: int = 384, frames: int = 5, textures: Sequence[Tensor] = ()
) -> Iterator[Source]:
    """Render clips of all kinds, each kind as often as its share.

    Args:
        count: How many.
        seed: Chooses all of them; clip number i does not depend on how many there are.
        side: Height and width in px.
        frames: Frames of each.
        textures: (3, H, W) pictures in [0, 1]; where there are any, three clips in ten are coloured by one of them.

    Yields:
        Sources of kind "procedural", (frames, 4, side, side) uint8.
    """
    names = list(SHARES)
    shares = np.array([SHARES[name] for name in names])
    for index in range(count):
        random = np.random.default_rng((seed, index))
        kind = str(random.choice(names, p=shares / shares.sum()))
        textured = random.uniform() < 0.3 and len(textures) > 0
        picture = textures[int(random.integers(len(textures)))] if textured else None
        layer = render(kind, random, size=(side, side), frames=frames, texture=picture)
        pixels = (torch.cat((layer.colour, layer.alpha), dim=1) * 255).round().to(torch.uint8)
        yield Source(f"procedural/{kind}-{seed}-{index}", "procedural", pixels)


def procedural_sources(*, count: int, seed: int, side: int = 384) -> Iterator[Source]:
    """Render stills of all kinds: `procedural_clips` of one frame.

    Args:
        count: How many.
        seed: Chooses all of them.
        side: Height and width in px.
    """
    return procedural_clips(count=count, seed=seed, side=side, frames=1)
