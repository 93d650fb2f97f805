"""Maps of people for training clips: found on the composites themselves, roughened, and steadied along the motion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.models.person.segmenter import Segmenter
from mattekit.ops.smooth_maps import steadied
from mattekit.types import Sample, Stage

Draw = Callable[[Stage, torch.Generator, int], Sample]

ROUGHENED = 0.5
"""Share of the clips whose maps are made worse, as another clip or another network would give them."""
GAIN, BIAS = 0.3, 0.5
"""Standard deviations of how sure a map is, a logarithm, and of how much it finds, a logit; one draw a clip."""
CELLS = 6
"""Cells to a side of the field by which logits are wrong from place to place."""
LASTING, FLEETING = 2.5, 1.0
"""Largest standard deviations of that field, in logits: of what lasts over the clip, and of each frame by itself."""
SURE = 1e-4
"""Distance from 0 and 1 that a map keeps before its logit is taken."""


def with_maps(draw: Draw, segmenter: Segmenter, *, roughened: float = ROUGHENED) -> Draw:
    """Return what draws the same clips with a map of people.

    Args:
        draw: Composes the clips of a stage.
        segmenter: In evaluation mode, on the clips' device.
        roughened: Share of the clips whose maps are made worse.
    """

    def drawn(stage: Stage, generator: torch.Generator, number: int) -> Sample:
        sample = draw(stage, generator, number)
        maps = [clip_maps(frames, segmenter, generator, roughened=roughened) for frames in sample.frames]
        return replace(sample, prior=torch.stack(maps))

    return drawn


@torch.no_grad()
def clip_maps(frames: Tensor, segmenter: Segmenter, generator: torch.Generator, *, roughened: float) -> Tensor:
    """Return the maps (T, 1, H, W) of one clip (T, 3, H, W); arguments are those of `with_maps`."""
    with torch.autocast(frames.device.type, enabled=False):
        maps = segmenter(frames).sigmoid()
        if torch.rand((), generator=generator).item() < roughened:
            maps = roughen(maps, generator)
        return steadied(frames, maps)


def roughen(maps: Tensor, generator: torch.Generator) -> Tensor:
    """Return maps that are wrong here and there: too sure or not sure enough, too wide or too narrow, with holes.

    Args:
        maps: (T, 1, H, W) in [0, 1], of one clip.
        generator: CPU generator.

    Returns:
        (T, 1, H, W) in [0, 1].
    """
    size = (maps.shape[-2], maps.shape[-1])
    gain, bias = torch.randn(2, generator=generator) * torch.tensor([GAIN, BIAS])
    lasting, fleeting = torch.rand(2, generator=generator).square() * torch.tensor([LASTING, FLEETING])
    field = lasting * torch.randn(1, 1, CELLS, CELLS, generator=generator)
    field = field + fleeting * torch.randn(len(maps), 1, CELLS, CELLS, generator=generator)
    wrong = functional.interpolate(field, size=size, mode="bicubic", align_corners=True).to(maps)
    return torch.sigmoid(maps.clamp(SURE, 1 - SURE).logit() * float(gain.exp()) + float(bias) + wrong)
