"""Training clips of people by fake motion: every foreground is one picture, bent by a smooth random flow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mattekit.data.compose import FAINT, Composer, Zooms
from mattekit.data.layer import Layer
from mattekit.data.pack import Source
from mattekit.types import Stage


class PersonComposer(Composer):
    """Draws clips whose foreground moves by fake motion, with its exact flow; the same seed gives the same clip.

    Of a source with several frames one is drawn. Its trimap is unknown where alpha is soft, for looking at alone.

    Args:
        foregrounds: (T, 4, H, W) uint8 people.
        backgrounds: (T, 3, H, W) uint8, on the same device.
        strength: Factor of all degradation; 0 leaves clean composites.

    Raises:
        InputError: One of the lists is empty.

    Source: Molodetskikh et al., Temporally coherent person matting trained on fake-motion dataset, 2022; two people, at
    times one before the other, are ours.
    """

    textured = 0.0

    def __init__(self, foregrounds: Sequence[Source], backgrounds: Sequence[Source], *, strength: float = 1.0) -> None:
        super().__init__(foregrounds, backgrounds, flow=True, strength=strength)

    def _foreground(
        self, source: Source, *, stage: Stage, generator: torch.Generator, background: Tensor, zoom: Zooms
    ) -> Layer:
        """Return one moving foreground; one of which next to nothing is seen is moved as a whole."""
        place = int(torch.randint(len(source.pixels), (1,), generator=generator))
        still = replace(source, pixels=source.pixels[place : place + 1])
        if int(still.pixels[0, 3].max()) > FAINT:
            return self._faked(still, stage, generator, background)
        return super()._foreground(still, stage=stage, generator=generator, background=background, zoom=zoom)

    def _trimap(self, alpha: Tensor, generator: torch.Generator) -> Tensor:
        """Return the trimap of a clip."""
        return torch.where((alpha > 0.02) & (alpha < 0.98), 0.5, alpha.round())
