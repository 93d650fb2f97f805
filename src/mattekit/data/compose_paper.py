"""Training clips by the rules of the paper: each foreground once an epoch, crops at three scales about a soft pixel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mattekit.data.compose import Composer, Zooms
from mattekit.data.layer import Layer
from mattekit.data.motion import Path
from mattekit.data.pack import Source
from mattekit.data.trimaps import paper_trimap
from mattekit.types import Stage

SIDES = (320, 480, 640)
"""Sides in px of the square that is cut out and resized to the smallest of them."""
JITTER = 0.2
"""Largest change of brightness, contrast and saturation, as a share."""
HUE = 0.05
"""Largest change of hue, as a share of a full turn."""


class PaperComposer(Composer):
    """Draws clean composites as the paper's training does.

    Foregrounds come in turn, in another order each epoch. A crop of side 320, 480 or 640 resized to 320 is drawn in
    one resampling, foreground and background alike zoomed to 1, 2/3 or 1/2. In the middle frame a random soft pixel
    of the foreground stands in the middle. Trimaps are those of `paper_trimap`.

    Args:
        foregrounds: (T, 4, H, W) uint8 sources.
        backgrounds: (T, 3, H, W) uint8 sources, on the same device.
        jitter: Whether the colours of each frame are changed a little by themselves, as for trimap propagation.

    Raises:
        InputError: One of the lists is empty.

    Source: DVM, section 4; crops as in its training code. Bent and doubled foregrounds are left out.
    """

    faked = textured = doubled = 0.0

    def __init__(self, foregrounds: Sequence[Source], backgrounds: Sequence[Source], *, jitter: bool = False) -> None:
        super().__init__(foregrounds, backgrounds, strength=0.0)
        self._jitter = jitter

    def _clip(self, stage: Stage, generator: torch.Generator, number: int) -> tuple[Tensor, Tensor, Layer, Tensor]:
        frames, trimap, layer, background = super()._clip(stage, generator, number)
        return jitter_frames(frames, generator) if self._jitter else frames, trimap, layer, background

    def _zooms(self, generator: torch.Generator) -> tuple[Zooms, Zooms]:
        side = SIDES[int(torch.randint(len(SIDES), (1,), generator=generator))]
        zoom = SIDES[0] / side
        return (zoom, zoom), (zoom, zoom)

    def _choose(self, generator: torch.Generator, number: int) -> Source:
        epoch, place = divmod(number, len(self._foregrounds))
        order = torch.randperm(len(self._foregrounds), generator=torch.Generator().manual_seed(epoch))
        return self._foregrounds[int(order[place])]

    def _path(self, stage: Stage, generator: torch.Generator, zoom: Zooms) -> Path:
        path = super()._path(stage, generator, zoom)
        return replace(path, shift=path.shift - path.shift[stage.length // 2], bend=None)

    def _trimap(self, alpha: Tensor, generator: torch.Generator) -> Tensor:
        return paper_trimap(alpha, generator)

    def _looked_at(self, frames: Tensor) -> Tensor:
        return frames[len(frames) // 2]


def jitter_frames(frames: Tensor, generator: torch.Generator) -> Tensor:
    """Change brightness, contrast, saturation and hue of each frame by itself.

    Args:
        frames: (T, 3, H, W) in [0, 1].
        generator: CPU generator.

    Returns:
        (T, 3, H, W) in [0, 1].
    """
    draw = (2 * torch.rand(4, len(frames), 1, 1, 1, generator=generator) - 1).to(frames.device)
    brightness, contrast, saturation = 1 + JITTER * draw[:3]
    bright = frames * brightness
    toned = torch.lerp(bright.mean(dim=(1, 2, 3), keepdim=True), bright, contrast)
    grey = toned.mean(dim=1, keepdim=True)
    changed: Tensor = grey + saturation * turn_hue(toned - grey, 2 * math.pi * HUE * draw[3])
    return changed.clamp(0, 1)


def turn_hue(chroma: Tensor, angle: Tensor) -> Tensor:
    """Return colours (T, 3, H, W) without grey, turned about the grey axis by an angle (T, 1, 1, 1) in radians."""
    aside = (chroma.roll(1, dims=1) - chroma.roll(-1, dims=1)) / 3**0.5
    return chroma * angle.cos() + aside * angle.sin()
