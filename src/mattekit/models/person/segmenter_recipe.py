"""How the segmenter of people is trained: stills of composites and pictures with masks, in turns, at changing sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from mattekit.checks import InputError, check_choice
from mattekit.models.person.segmenter import STRIDE, Segmenter
from mattekit.types import Sample, Stage

RECIPES = ("small", "tiny")
STEPS = {"small": (9000, 3000), "tiny": (6, 2)}
"""Of the two stages of each recipe: small pictures, then larger ones."""
SMALLEST, LARGEST = (112, 112), (225, 321)
"""Range of the sizes of pictures in px; an upper bound is never reached."""
RATE = 1e-3
OVERLAP = 0.5
"""Weight of the overlap term beside the cross-entropy."""
EMPTY = 0.12
"""Share of the composites that show their background alone."""
MIX, GAIN, BEND, KEPT = 0.2, 0.25, 0.25, 0.3
"""Deviations of a recolouring's mix of channels, logarithmic gain and exponent; share of clips left alone."""
Draw = Callable[[Stage, torch.Generator, int], Sample]
"""Composes a batch of a stage from a generator, given the number of its first clip."""


class SegmenterRecipe:
    """Cross-entropy and overlap of the map with alpha, at the map's own size.

    Args:
        network: The segmenter in training.
        stages: What is trained in order.

    Raises:
        InputError: There is no stage.
    """

    def __init__(self, network: Segmenter, *, stages: Sequence[Stage]) -> None:
        if not stages:
            raise InputError("a recipe must have stages; got none: name at least one")
        self.network, self.stages = network, stages

    def terms(self, sample: Sample, stage: Stage) -> Mapping[str, Tensor]:
        """Return the weighted loss terms of one batch of stills by name."""
        frames, alpha = sample.frames.flatten(0, 1), sample.alpha_true.flatten(0, 1)
        height, width = (side // STRIDE * STRIDE for side in frames.shape[-2:])
        logits = self.network.coarse(frames[..., :height, :width].contiguous(memory_format=torch.channels_last))
        share = functional.avg_pool2d(alpha[..., :height, :width], 4)
        return segmenter_terms(logits.float(), share)


def segmenter_terms(logits: Tensor, share: Tensor) -> dict[str, Tensor]:
    """Return the weighted terms of logits (N, 1, h, w) against the share (N, 1, h, w) of each place that is a person.

    The overlap is 1 less twice the common part over the sum of both, of the batch as a whole, so that pictures
    without people weigh no more than their pixels.
    """
    likely = logits.sigmoid()
    common, both = (likely * share).sum(), (likely + share).sum()
    return {
        "cross entropy": functional.binary_cross_entropy_with_logits(logits, share),
        "overlap": OVERLAP * (1 - (2 * common + 1) / (both + 1)),
    }


def predict_map(network: nn.Module, sample: Sample) -> Tensor:
    """Return the map (B, T, 1, H, W) in [0, 1] of clips, frame by frame, for validation."""
    logits: Tensor = network(sample.frames.flatten(0, 1))
    found: Tensor = logits.sigmoid().unflatten(0, sample.frames.shape[:2])
    return found


def segmenter_stages(recipe: str, *, batch: int = 12, steps: int | None = None) -> tuple[Stage, ...]:
    """Return the stages of a recipe by its name; composites and pictures with masks take turns.

    Args:
        recipe: One of `RECIPES`.
        batch: Pictures a step.
        steps: Of both stages together, in place of the recipe's.

    Raises:
        InputError: There is no such recipe.
    """
    check_choice("recipe", recipe, RECIPES)
    first, second = STEPS[recipe] if steps is None else (steps * 2 // 3, steps - steps * 2 // 3)
    middle = (SMALLEST[0] + 49, SMALLEST[1] + 49)
    return (
        _stage("small", first, batch, (SMALLEST, middle), (RATE, RATE)),
        _stage("large", second, batch, (middle, LARGEST), (RATE, RATE / 50)),
    )


def varied(draw: Draw) -> Draw:
    """Return what draws the same in other colours, with people left out of some composites.

    People and what is behind them are recoloured apart, pictures with masks as a whole: of few people, many.
    """

    def drawn(stage: Stage, generator: torch.Generator, number: int) -> Sample:
        sample = draw(stage, generator, number)
        if stage.kind == "segmentation":
            return replace(sample, frames=recoloured(sample.frames, generator))
        device = sample.frames.device
        there = (torch.rand(stage.batch, 1, 1, 1, 1, generator=generator) >= EMPTY).to(device, sample.alpha_true.dtype)
        alpha = sample.alpha_true * there
        ahead, behind = (recoloured(part, generator) for part in (sample.foreground_true, sample.background_true))
        return replace(sample, frames=alpha * ahead + (1 - alpha) * behind, alpha_true=alpha)

    return drawn


def recoloured(frames: Tensor, generator: torch.Generator) -> Tensor:
    """Return clips (B, T, 3, H, W) in [0, 1], most of them with channels mixed, brightened or darkened, and bent."""
    count = len(frames)
    mix = torch.eye(3) + MIX * torch.randn(count, 3, 3, generator=generator)
    mix = (
        mix / mix.sum(2, keepdim=True).clamp_min(0.3) * torch.exp(GAIN * torch.randn(count, 1, 1, generator=generator))
    )
    bend = torch.exp(BEND * torch.randn(count, 1, 1, 1, 1, generator=generator)).to(frames)
    changed = torch.einsum("bij,btjhw->btihw", mix.to(frames), frames).clamp(1e-4, 1) ** bend
    kept = (torch.rand(count, 1, 1, 1, 1, generator=generator) < KEPT).to(frames.device)
    return torch.where(kept, frames, changed)


def _stage(
    name: str, steps: int, batch: int, sizes: tuple[tuple[int, int], tuple[int, int]], rate: tuple[float, float]
) -> Stage:
    smallest, size = sizes
    turns = tuple(
        Stage(f"{name} {kind}", steps=0, batch=batch, length=1, size=size, rate=rate, kind=kind, smallest=smallest)
        for kind in ("matting", "segmentation")
    )
    return Stage(name, steps=steps, batch=batch, length=1, size=size, rate=rate, turns=turns)
