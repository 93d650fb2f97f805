"""Training of the forms of person matting that are compared: the same clips, steps, rates and first weights' seed."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from person_clips import SIDE, Training

from mattekit.engine.train import Trainer, TrainOptions
from mattekit.models.person.beginning import FINE, begin_with_map
from mattekit.models.person.network import PersonNetwork
from mattekit.models.person.recipe import PersonRecipe, Scale, person_stages
from mattekit.types import Sample, Stage

WIDTH = 0.5
"""Share of the published channels, as that of recipe "small"."""
FULL, FORGETFUL, INATTENTIVE = "network", "without ConvLSTM", "without attention"
VARIANTS: Mapping[str, Mapping[str, bool]] = {
    FULL: {},
    FORGETFUL: {"lstm": False},
    INATTENTIVE: {"attention": False},
}
"""Options of `PersonNetwork` by what the table calls the variant."""


@dataclass(frozen=True)
class Trained:
    """A trained form.

    Attributes:
        network: In evaluation mode, with averaged weights.
        minutes: Of one processor thread that its training took.
    """

    network: PersonNetwork
    minutes: float


def train(name: str, clips: Training, folder: Path, *, scale: Scale, seed: int = 0) -> Trained:
    """Train one form, or go on where its training was stopped.

    Args:
        name: A key of `VARIANTS`.
        clips: What all forms are trained on, number by number in the same order.
        folder: Keeps its checkpoint.
        scale: Of the run.
        seed: Of the first weights and of the order of the clips.
    """
    torch.manual_seed(seed)
    network = PersonNetwork(width=WIDTH, **VARIANTS[name]).to(memory_format=torch.channels_last)
    begin_with_map(network)
    recipe = PersonRecipe(network, stages=person_stages(scale))

    def draw(stage: Stage, generator: torch.Generator, number: int) -> Sample:
        """Return a clip of the store; each comes once before any comes again."""
        turn, place = divmod(number, clips.count)
        order = torch.randperm(clips.count, generator=torch.Generator().manual_seed(seed + turn))
        return clips.sample(int(order[place]), generator, side=min(SIDE, stage.size[0]))

    options = TrainOptions(seed=seed, amp="bf16", frozen_norms=(FINE,), save_every=25, tensorboard=False)
    trainer = Trainer(network, recipe, draw, folder=folder / name.replace(" ", "-"), options=options)
    taken = folder / name.replace(" ", "-") / "seconds.txt"
    before, begun = float(taken.read_text()) if taken.exists() else 0.0, time.process_time()

    def report(step: int, steps: int, terms: dict[str, float]) -> None:
        if step % options.save_every == 0 or step == steps:
            taken.write_text(f"{before + time.process_time() - begun:.1f}\n")
            told = ", ".join(f"{term} {value:.4f}" for term, value in terms.items())
            print(f"{name}: step {step} of {steps}, {told}", file=sys.stderr, flush=True)

    return Trained(cast(PersonNetwork, trainer.run(report)), float(taken.read_text()) / 60)
