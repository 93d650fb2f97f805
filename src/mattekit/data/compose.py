"""Training clips composed on the fly: moving foregrounds over moving backgrounds, with exact truth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.checks import InputError
from mattekit.data.degrade import degrade, jitter_colour
from mattekit.data.motion import Path, random_path, sample_layer
from mattekit.data.pack import WEIGHTS, Source
from mattekit.ops.filters import box_filter
from mattekit.types import Sample, Stage

HAZE = 0.03
"""Alphas this near to 0 or 1 become 0 or 1: real mattes are not quite clean inside and outside."""


class Composer:
    """Draws batches for a stage of training; the same seed gives the same batch.

    Args:
        foregrounds: (T, 4, H, W) uint8 sources.
        backgrounds: (T, 3, H, W) uint8 sources, on the same device.
        widest: Largest width of the unknown band on one side of an edge, px.
        blobs: Whether trimaps may hold unknown blobs away from any edge.

    Raises:
        InputError: One of the lists is empty.
    """

    def __init__(
        self, foregrounds: Sequence[Source], backgrounds: Sequence[Source], *, widest: int = 24, blobs: bool = True
    ) -> None:
        if not foregrounds or not backgrounds:
            raise InputError(
                f"foregrounds and backgrounds must not be empty; got {len(foregrounds)} and {len(backgrounds)}"
            )
        self._foregrounds, self._backgrounds = foregrounds, backgrounds
        self._widest, self._blobs = widest, blobs
        self._weights = torch.tensor([WEIGHTS[source.kind] for source in foregrounds])
        self._device = foregrounds[0].pixels.device

    def sample(self, stage: Stage, generator: torch.Generator) -> Sample:
        """Compose one batch.

        Args:
            stage: Says batch, length, size and gap.
            generator: A CPU generator; all randomness comes from it.

        Returns:
            The batch on the sources' device.
        """
        clips = [self._clip(stage, generator) for _ in range(stage.batch)]
        frames, trimap, alpha, foreground, background = (torch.stack(parts) for parts in zip(*clips, strict=True))
        return Sample(frames, trimap, alpha, foreground, background)

    def _clip(self, stage: Stage, generator: torch.Generator) -> tuple[Tensor, ...]:
        gap = 1 + int(torch.randint(stage.gap, (1,), generator=generator))
        stage = replace(stage, gap=gap)
        background = self._background(stage, generator)
        foreground, alpha = self._foreground(stage, generator, background)
        if _chance(generator, 0.12):
            other, cover = self._foreground(stage, generator, background)
            union = alpha + cover * (1 - alpha)
            foreground = (foreground * alpha + other * cover * (1 - alpha)) / union.clamp_min(1e-4)
            foreground, alpha = torch.where(union > 1e-4, foreground, other), union
        frames = alpha * foreground + (1 - alpha) * background
        trimap = random_trimap(alpha, generator, widest=self._widest, blobs=self._blobs)
        frames = (degrade(frames, generator) * 255).round().clamp(0, 255) / 255
        return frames, trimap, alpha, foreground, background

    def _foreground(self, stage: Stage, generator: torch.Generator, background: Tensor) -> tuple[Tensor, Tensor]:
        """Return colour (T, 3, H, W) and alpha (T, 1, H, W) of one moving foreground."""
        source = self._foregrounds[int(torch.multinomial(self._weights, 1, generator=generator))]
        pixels = source.pixels[int(torch.randint(len(source.pixels), (1,), generator=generator))].float() / 255
        path = random_path(stage.length, generator, gap=stage.gap, zoom=(0.5, 1.8))
        layer = sample_layer(pixels, path, stage.size, centre=_soft_place(pixels[3], generator))
        colour = jitter_colour(layer[:, :3], generator, tint=source.kind == "effect")
        if source.kind == "procedural" and _chance(generator, 0.6):  # stripes need not be strands with gaps between
            colour = self._texture(stage, path, generator)
        if _chance(generator, 0.2):  # lit as the background is, which makes the two hard to tell apart
            share = torch.rand((), generator=generator).item() * 0.7
            means = [part.mean(dim=(0, 2, 3), keepdim=True) for part in (background, colour)]
            colour = (colour + share * (means[0] - means[1])).clamp(0, 1)
        return colour, ((layer[:, 3:] - HAZE) / (1 - 2 * HAZE)).clamp(0, 1)

    def _texture(self, stage: Stage, path: Path, generator: torch.Generator) -> Tensor:
        """Return a picture (T, 3, H, W) that moves along a foreground's path, as its colour."""
        source = self._backgrounds[int(torch.randint(len(self._backgrounds), (1,), generator=generator))]
        layer = _sample_anywhere(source.pixels[0].float() / 255, path, stage.size, generator)
        return jitter_colour(layer, generator)

    def _background(self, stage: Stage, generator: torch.Generator) -> Tensor:
        """Return (T, 3, H, W) of one moving background."""
        source = self._backgrounds[int(torch.randint(len(self._backgrounds), (1,), generator=generator))]
        count = len(source.pixels)
        start = int(torch.randint(count, (1,), generator=generator))
        step = int(torch.randint(0, 2, (1,), generator=generator)) * min(stage.gap, 3)
        order = [_reflect(start + step * time, count) for time in range(stage.length)]
        pixels = source.pixels[torch.tensor(order)].float() / 255
        path = random_path(stage.length, generator, gap=stage.gap, zoom=(0.7, 1.6), bend=0.0)
        layer = _sample_anywhere(pixels, path, stage.size, generator)
        if _chance(generator, 0.35):
            layer = box_filter(box_filter(layer, 1 + int(torch.randint(4, (1,), generator=generator))), 2)
        return jitter_colour(layer, generator)


def _sample_anywhere(pixels: Tensor, path: Path, size: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Return a picture or clip along a path, about a random place in it, mirrored beyond its border."""
    height, width = pixels.shape[-2:]
    place = torch.rand(2, generator=generator) * torch.tensor([width, height])
    return sample_layer(pixels, path, size, centre=(float(place[0]), float(place[1])), reflect=True)


def random_trimap(alpha: Tensor, generator: torch.Generator, *, widest: int, blobs: bool = True) -> Tensor:
    """Return a trimap of random width on either side of the edge, one draw a clip.

    Args:
        alpha: (T, 1, H, W) in [0, 1].
        generator: CPU generator.
        widest: Largest width in px; the smallest is 2.
        blobs: At times add unknown blobs anywhere.

    Returns:
        (T, 1, H, W) in {0, 0.5, 1}; every pixel with alpha strictly inside (0.01, 0.99) is unknown.
    """
    inner, outer = (
        round(math.exp(math.log(2) + torch.rand((), generator=generator).item() * math.log(widest / 2)))
        for _ in range(2)
    )
    solid = 1 - functional.max_pool2d((alpha < 0.99).float(), 2 * inner + 1, 1, inner)
    reach = functional.max_pool2d((alpha > 0.01).float(), 2 * outer + 1, 1, outer)
    if blobs and _chance(generator, 0.2):
        noise = torch.rand(1, 1, 6, 6, generator=generator).to(alpha.device)
        spots = functional.interpolate(noise, size=alpha.shape[-2:], mode="bicubic") > 0.78
        solid, reach = solid * ~spots, torch.maximum(reach, spots.float())
    return torch.where(solid > 0, 1.0, torch.where(reach > 0, 0.5, 0.0))


def _soft_place(alpha: Tensor, generator: torch.Generator) -> tuple[float, float]:
    """Return (x, y) of a random soft pixel of (H, W) alpha, or of the middle where there is none."""
    soft = ((alpha > 0.04) & (alpha < 0.96)).nonzero()
    if len(soft) == 0:
        return alpha.shape[1] / 2, alpha.shape[0] / 2
    y, x = soft[int(torch.randint(len(soft), (1,), generator=generator))].tolist()
    return float(x), float(y)


def _reflect(index: int, count: int) -> int:
    period = max(2 * count - 2, 1)
    index %= period
    return min(index, period - index) if count > 1 else 0


def _chance(generator: torch.Generator, probability: float) -> bool:
    return torch.rand((), generator=generator).item() < probability
