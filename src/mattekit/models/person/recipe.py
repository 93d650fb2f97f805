"""How person matting is trained: loss terms over whole clips, with memory carried from group to group, and stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.models.person.beginning import FINE
from mattekit.models.person.network import PersonNetwork, matte_series
from mattekit.ops.binomial import binomial_laplacian_loss
from mattekit.ops.losses import composition_loss, flow_coherence_loss
from mattekit.types import Sample, Stage

RECIPES = ("paper", "small", "tiny")
COMPOSITION, FOREGROUND, FLOW = 0.5, 0.5, 2
"""Weights of their terms; that of alpha and of its bands is 1."""
FROZEN = 0.2
"""Share of a run after which the encoder's batch normalisation keeps its statistics."""
HALVINGS = 4
"""Stretches of a run, in each of which the learning rate is half that of the one before."""


@dataclass(frozen=True)
class Scale:
    """How large a training run is.

    Attributes:
        steps: Optimiser steps.
        batch: Clips a step.
        length: Frames a clip.
        side: Height and width of a clip in px.
        rate: Learning rate at the beginning.
        handed: Whether a fresh network begins by handing its map on, as a short run needs it, and so keeps the
            statistics of `FINE`.
    """

    steps: int
    batch: int
    length: int
    side: int
    rate: float
    handed: bool = False


SCALES = {
    "paper": Scale(steps=100_000, batch=4, length=10, side=512, rate=1e-4),
    "small": Scale(steps=1200, batch=2, length=10, side=128, rate=5e-4, handed=True),
    "tiny": Scale(steps=6, batch=2, length=6, side=48, rate=2e-3, handed=True),
}
"""Of each recipe; "small" takes a processor minutes at half width, and "tiny" is over in seconds."""


class PersonRecipe:
    """All losses over every frame of a clip; the gradient reaches through the memory of all its groups.

    Args:
        network: The network in training.
        stages: What is trained in order.

    Raises:
        InputError: There is no stage.

    Source: that the true motion enters the loss is said in Molodetskikh et al., 2022; terms and weights are ours.
    """

    def __init__(self, network: PersonNetwork, *, stages: Sequence[Stage]) -> None:
        if not stages:
            raise InputError("a recipe must have stages; got none: name at least one")
        self.network, self.stages = network, stages

    def terms(self, sample: Sample, stage: Stage) -> Mapping[str, Tensor]:
        """Return the weighted loss terms of one batch by name.

        Raises:
            InputError: The clips have no map of people.
        """
        alpha, foreground, _ = self.network(sample.frames, prior_of(sample))
        return matting_terms(alpha.float(), foreground.float(), sample)


def matting_terms(alpha: Tensor, foreground: Tensor, sample: Sample) -> dict[str, Tensor]:
    """Return the weighted loss terms of alpha (B, T, 1, H, W) and straight foreground (B, T, 3, H, W) by name.

    Foreground counts where true alpha is above 0. Clips whose motion is not known have no coherence along it.
    """
    everywhere = torch.ones_like(alpha)
    there = (sample.alpha_true > 0).to(foreground.dtype).expand_as(foreground)
    gap = (foreground - sample.foreground_true).abs() * there
    composed = composition_loss(alpha, sample.foreground_true, sample.background_true, sample.frames, everywhere)
    coherence = alpha.sum() * 0
    if sample.flow_true is not None and sample.flow_valid is not None:
        coherence = flow_coherence_loss(alpha, sample.alpha_true, sample.flow_true, sample.flow_valid)
    return {
        "alpha": (alpha - sample.alpha_true).abs().mean(),
        "laplacian": binomial_laplacian_loss(alpha, sample.alpha_true),
        "composition": COMPOSITION * composed,
        "foreground": FOREGROUND * gap.sum() / there.sum().clamp_min(1),
        "flow coherence": FLOW * coherence,
    }


def predict_alpha(network: torch.nn.Module, sample: Sample) -> Tensor:
    """Return alpha (B, T, 1, H, W) of clips, for validation.

    Raises:
        InputError: The network is another one, or the clips have no map of people.
    """
    if not isinstance(network, PersonNetwork):
        raise InputError(f"network must be a PersonNetwork; got {type(network).__name__}")
    return matte_series(network, sample.frames, prior_of(sample))[0]


def prior_of(sample: Sample) -> Tensor:
    """Return the maps (B, T, 1, H, W) of clips.

    Raises:
        InputError: They have none.
    """
    if sample.prior is None:
        raise InputError("clips for person matting must have a map of people; got none: draw them through with_maps")
    return sample.prior


def named_stages(recipe: str, *, steps: int | None = None) -> tuple[Stage, ...]:
    """Return the stages of a recipe by its name.

    Args:
        recipe: One of `RECIPES`.
        steps: In place of the recipe's.
    """
    scale = SCALES[recipe]
    return person_stages(replace(scale, steps=steps or scale.steps))


def person_stages(scale: Scale) -> tuple[Stage, ...]:
    """Return the stages of a run: a learning rate halved after every quarter, statistics frozen after a fifth.

    Args:
        scale: Of the run; stages that would have no step are left out.
    """
    quarters = [scale.steps * quarter // HALVINGS for quarter in range(HALVINGS + 1)]
    thaw = round(scale.steps * FROZEN)
    ends = sorted({*quarters, thaw})
    stages = []
    for first, end in pairwise(ends):
        halvings = sum(quarter <= first for quarter in quarters[1:])
        rate = scale.rate / 2**halvings
        stages.append(
            Stage(
                f"from step {first}",
                steps=end - first,
                batch=scale.batch,
                length=scale.length,
                size=(scale.side, scale.side),
                rate=(rate, rate),
                frozen=(*(("encoder",) if first >= thaw else ()), *((FINE,) if scale.handed else ())),
            )
        )
    return tuple(stages)
