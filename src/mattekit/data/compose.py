"""Training clips composed on the fly: moving foregrounds over moving backgrounds, with exact truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.data.degrade import degrade, degrade_layer, expose, jitter_colour
from mattekit.data.fake_motion import fake_motion
from mattekit.data.flow import path_flow, seen_in_both
from mattekit.data.layer import Layer, over
from mattekit.data.motion import Path, random_path, sample_layer
from mattekit.data.pack import WEIGHTS, Source
from mattekit.data.trimaps import random_trimap
from mattekit.types import Sample, Stage

HAZE = 0.03
"""Alphas this near to 0 or 1 become 0 or 1: real mattes are not quite clean inside and outside."""
FAKED = 0.15
"""Share of the photos in clips that are bent by fake motion; the others are moved as a whole."""
FAINT = 40
"""Level of alpha that something of a photo must pass for fake motion to find its box."""
TEXTURED = 0.4
"""Share of the procedural foregrounds that show a picture: stripes need not be strands with gaps between."""
DOUBLED = 0.12
"""Share of the clips with one foreground before another."""
KEPT = 4096
"""Soft pixels of each source that are remembered as places to look at."""

Zooms = tuple[float, float]
"""Range of a zoom."""


class Composer:
    """Draws batches for a stage of training; the same seed gives the same batch.

    Args:
        foregrounds: (T, 4, H, W) uint8 sources.
        backgrounds: (T, 3, H, W) uint8 sources, on the same device.
        widest: Largest width of the unknown band on one side of an edge, px.
        blobs: Whether trimaps may hold unknown blobs away from any edge.
        sloppy: Share of the clips whose trimap is wrong in places, as one drawn by hand.
        flow: Whether samples carry the exact flow of the foreground, and so may be blurred along it.
        strength: Factor of all degradation; 0 leaves clean composites.

    Raises:
        InputError: One of the lists is empty.
    """

    faked, textured, doubled = FAKED, TEXTURED, DOUBLED

    def __init__(
        self,
        foregrounds: Sequence[Source],
        backgrounds: Sequence[Source],
        *,
        widest: int = 24,
        blobs: bool = True,
        sloppy: float = 0.0,
        flow: bool = False,
        strength: float = 1.0,
    ) -> None:
        if not foregrounds or not backgrounds:
            raise InputError(
                f"foregrounds and backgrounds must not be empty; got {len(foregrounds)} and {len(backgrounds)}"
            )
        self._foregrounds, self._backgrounds = foregrounds, backgrounds
        self._widest, self._blobs, self._sloppy = widest, blobs, sloppy
        self._flow, self._strength = flow, strength
        self._weights = torch.tensor([WEIGHTS[source.kind] for source in foregrounds])
        self._soft: dict[str, Tensor] = {}

    def sample(self, stage: Stage, generator: torch.Generator, number: int = 0) -> Sample:
        """Compose one batch.

        Args:
            stage: Says batch, length, size and gap.
            generator: A CPU generator; all randomness comes from it.
            number: Of the batch's first clip, for composers that take foregrounds in turn.

        Returns:
            The batch on the sources' device.
        """
        clips = [self._clip(stage, generator, number + each) for each in range(stage.batch)]
        frames, trimap, layers, background = zip(*clips, strict=True)
        flow = [layer.flow for layer in layers if layer.flow is not None]
        valid = [layer.valid for layer in layers if layer.valid is not None]
        return Sample(
            _batch(frames),
            _batch(trimap),
            _batch([layer.alpha for layer in layers]),
            _batch([layer.colour for layer in layers]),
            _batch(background),
            _batch(flow) if flow else None,
            _batch(valid) if valid else None,
            torch.randint(2**31, (len(clips),), generator=generator),
        )

    def _clip(self, stage: Stage, generator: torch.Generator, number: int) -> tuple[Tensor, Tensor, Layer, Tensor]:
        """Return composite, trimap, the foreground's truth and the background of one clip."""
        stage = replace(stage, gap=1 + int(torch.randint(stage.gap, (1,), generator=generator)))
        near, far = self._zooms(generator)
        background = self._background(stage, generator, far)
        drawn = partial(self._foreground, stage=stage, generator=generator, background=background, zoom=near)
        layer = drawn(self._choose(generator, number))
        if _chance(generator, self.doubled):
            layer = _before(layer, drawn(self._choose(generator, number)))
        layer, background = expose(layer, background, generator, strength=self._strength)
        frames = degrade(over(layer, background), generator, strength=self._strength)
        return frames, self._trimap(layer.alpha, generator), layer, background

    def _zooms(self, generator: torch.Generator) -> tuple[Zooms, Zooms]:
        """Return the ranges of the foreground's and the background's zoom in one clip."""
        return (0.5, 1.8), (0.7, 1.6)

    def _choose(self, generator: torch.Generator, number: int) -> Source:
        """Return the foreground of a clip."""
        return self._foregrounds[int(torch.multinomial(self._weights, 1, generator=generator))]

    def _path(self, stage: Stage, generator: torch.Generator, zoom: Zooms) -> Path:
        """Return the motion of a foreground."""
        return random_path(stage.length, generator, gap=stage.gap, zoom=zoom)

    def _trimap(self, alpha: Tensor, generator: torch.Generator) -> Tensor:
        """Return the trimap of a clip."""
        return random_trimap(alpha, generator, widest=self._widest, blobs=self._blobs, sloppy=self._sloppy)

    def _foreground(
        self, source: Source, *, stage: Stage, generator: torch.Generator, background: Tensor, zoom: Zooms
    ) -> Layer:
        """Return one moving foreground."""
        photo = len(source.pixels) == 1 and source.kind != "procedural" and int(source.pixels[0, 3].max()) > FAINT
        if photo and stage.length > 1 and _chance(generator, self.faked):
            return self._faked(source, stage, generator, background)
        frames = _order(source, stage, generator)
        place = self._soft_place(source, self._looked_at(frames), generator)
        path = self._path(stage, generator, zoom)
        layer = sample_layer(_prepared(source, frames, generator), path, stage.size, centre=place)
        colour, alpha = layer[:, :3], layer[:, 3:]
        if source.kind == "procedural" and _chance(generator, self.textured):
            colour = self._texture(stage, path, generator)
        flow = valid = None
        if self._flow:
            exact = len(set(frames.tolist())) == 1
            flow, valid = path_flow(path, stage.size, device=alpha.device)
            valid = valid * seen_in_both(flow, alpha) * exact
        return degrade_layer(Layer(colour, alpha, flow, valid), background, generator, strength=self._strength)

    def _faked(self, source: Source, stage: Stage, generator: torch.Generator, background: Tensor) -> Layer:
        """Return a photo that is moved by a smooth random flow."""
        pixels = _prepared(source, torch.tensor([0]), generator)[0]
        layer = fake_motion(pixels, generator, length=stage.length, size=stage.size, flow=self._flow)
        return degrade_layer(layer, background, generator, strength=self._strength)

    def _texture(self, stage: Stage, path: Path, generator: torch.Generator) -> Tensor:
        """Return a picture (T, 3, H, W) that moves along a foreground's path, as its colour."""
        source = self._backgrounds[int(torch.randint(len(self._backgrounds), (1,), generator=generator))]
        pixels = jitter_colour(source.pixels[:1].float() / 255, generator)
        return _sample_anywhere(pixels, path, stage.size, generator)

    def _background(self, stage: Stage, generator: torch.Generator, zoom: Zooms) -> Tensor:
        """Return (T, 3, H, W) of one moving background."""
        source = self._backgrounds[int(torch.randint(len(self._backgrounds), (1,), generator=generator))]
        count = len(source.pixels)
        start = int(torch.randint(count, (1,), generator=generator))
        step = int(torch.randint(0, 2, (1,), generator=generator)) * min(stage.gap, 3)
        order = torch.tensor([_reflect(start + step * time, count) for time in range(stage.length if step else 1)])
        path = random_path(stage.length, generator, gap=stage.gap, zoom=zoom, bend=0.0)
        pixels = jitter_colour(source.pixels[order].float() / 255, generator)
        soften = 2 + int(torch.randint(5, (1,), generator=generator)) if _chance(generator, 0.35) else 1
        return _sample_anywhere(pixels, path, stage.size, generator, soften=soften)

    def _looked_at(self, frames: Tensor) -> Tensor:
        """Return which of a foreground's frames (T,) has the place that the clip is about."""
        return frames[0]

    def _soft_place(self, source: Source, frame: Tensor, generator: torch.Generator) -> tuple[float, float]:
        """Return (x, y) of a random soft pixel of a frame of a source, or of its middle where there is none."""
        key = f"{source.name} {int(frame)}"
        if key not in self._soft:
            alpha = source.pixels[int(frame), 3]
            soft = ((alpha > 10) & (alpha < 245)).nonzero().to(torch.int16).cpu()
            self._soft[key] = soft[torch.randperm(len(soft), generator=_fixed())[:KEPT]]
        soft = self._soft[key]
        if len(soft) == 0:
            return source.pixels.shape[-1] / 2, source.pixels.shape[-2] / 2
        y, x = soft[int(torch.randint(len(soft), (1,), generator=generator))].tolist()
        return float(x), float(y)


def _order(source: Source, stage: Stage, generator: torch.Generator) -> Tensor:
    """Return which frame of a foreground shows at each time: one and the same, or those of a clip to and fro."""
    count = len(source.pixels)
    start = int(torch.randint(count, (1,), generator=generator))
    if source.kind != "procedural" or count == 1:  # frames of packed footage are too far apart to follow each other
        return torch.tensor([start])
    return torch.tensor([_reflect(start + min(stage.gap, 2) * time, count) for time in range(stage.length)])


def _before(layer: Layer, other: Layer) -> Layer:
    """Return a layer with another behind it as one layer; flow holds where the front one alone is seen."""
    union = layer.alpha + other.alpha * (1 - layer.alpha)
    mixed = torch.lerp(other.colour * other.alpha, layer.colour, layer.alpha) / union.clamp_min(1e-4)
    valid = None if layer.valid is None else layer.valid * (layer.alpha[:-1] > 0.99)
    return Layer(torch.where(union > 1e-4, mixed, other.colour).clamp(0, 1), union, layer.flow, valid)


def _fixed() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _sample_anywhere(
    pixels: Tensor, path: Path, size: tuple[int, int], generator: torch.Generator, *, soften: int = 1
) -> Tensor:
    """Return a picture or clip along a path, about a random place in it, mirrored beyond its border."""
    height, width = pixels.shape[-2:]
    x, y = (torch.rand(2, generator=generator) * torch.tensor([width, height])).tolist()
    return sample_layer(pixels, path, size, centre=(x, y), reflect=True, soften=soften)


def _prepared(source: Source, frames: Tensor, generator: torch.Generator) -> Tensor:
    """Return frames of a foreground (T, 4, H, W) in [0, 1] with other colours and, where it was hazy, a clean alpha."""
    pixels = source.pixels[frames].float().mul_(1 / 255)
    pixels[:, :3] = jitter_colour(pixels[:, :3], generator, tint=source.kind == "effect")
    if source.kind != "procedural":
        pixels[:, 3].sub_(HAZE).mul_(1 / (1 - 2 * HAZE)).clamp_(0, 1)
    return pixels


def _batch(parts: Sequence[Tensor]) -> Tensor:
    """Return tensors on a new first axis; a single one is not copied."""
    return parts[0][None] if len(parts) == 1 else torch.stack(list(parts))


def _reflect(index: int, count: int) -> int:
    period = max(2 * count - 2, 1)
    index %= period
    return min(index, period - index) if count > 1 else 0


def _chance(generator: torch.Generator, probability: float) -> bool:
    return torch.rand((), generator=generator).item() < probability
