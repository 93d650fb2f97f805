"""Training of the forms of person matting that are compared: from one trained network, on the same clips, as long."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from person_clips import SIDE, Training
from person_grow import grown

from mattekit.engine.train import Trainer, TrainOptions
from mattekit.models.person.beginning import FINE, begin_with_map
from mattekit.models.person.network import PersonNetwork
from mattekit.models.person.recipe import PersonRecipe, Scale, person_stages
from mattekit.types import Sample, Stage

WIDTH = 0.5
"""Share of the published channels, as that of recipe "small"."""
FULL, FORGETFUL, INATTENTIVE = "network", "without ConvLSTM", "without attention"
VARIANTS: Mapping[str, tuple[bool, bool]] = {
    FULL: (True, True),
    FORGETFUL: (False, True),
    INATTENTIVE: (True, False),
}
"""Whether a form has memory and attention, by what the table calls it."""
STARTED = "start"
START = Scale(steps=600, batch=8, length=2, side=128, rate=1e-3)
"""Of what all forms go on from: pairs of frames, since nothing in it looks farther."""
FORM = Scale(steps=120, batch=1, length=10, side=128, rate=5e-4)
"""Of each form."""


@dataclass(frozen=True)
class Trained:
    """A trained form.

    Attributes:
        network: In evaluation mode, with averaged weights.
        minutes: Of one processor thread that its training took.
    """

    network: PersonNetwork
    minutes: float


def train_start(clips: Training, folder: Path, *, scale: Scale, seed: int = 0) -> Trained:
    """Train the network without memory and attention that all forms go on from."""
    return train(begun(seed), STARTED, clips, folder, scale=scale, seed=seed)


def begun(seed: int) -> PersonNetwork:
    """Return a network without memory and attention before any training, in evaluation mode."""
    torch.manual_seed(seed)
    network = PersonNetwork(lstm=False, attention=False, width=WIDTH)
    begin_with_map(network)
    return network.eval()


def train_form(
    name: str, start: PersonNetwork, clips: Training, folder: Path, *, scale: Scale, seed: int = 0
) -> Trained:
    """Train one form on from the start, with parts that begin as if they were not there.

    Args:
        name: A key of `VARIANTS`.
        start: From `train_start`.
        clips: What all forms are trained on, number by number in the same order.
        folder: Keeps its checkpoint; training that was stopped goes on from it.
        scale: Of the run.
        seed: Of the fresh weights and of the order of the clips.
    """
    torch.manual_seed(seed)
    lstm, attention = VARIANTS[name]
    several = [
        clips.sample(number, torch.Generator().manual_seed(number), side=SIDE) for number in range(min(4, clips.count))
    ]
    network = grown(start, several, lstm=lstm, attention=attention, width=WIDTH)
    return train(network, name, clips, folder, scale=scale, seed=seed + 1)


def train(network: PersonNetwork, name: str, clips: Training, folder: Path, *, scale: Scale, seed: int) -> Trained:
    """Train a network, or go on where its training was stopped."""
    network = network.train().requires_grad_(True).to(memory_format=torch.channels_last)
    recipe = PersonRecipe(network, stages=person_stages(scale))

    def draw(stage: Stage, generator: torch.Generator, number: int) -> Sample:
        """Return a clip of the store; each comes once before any comes again."""
        turn, place = divmod(number, clips.count)
        order = torch.randperm(clips.count, generator=torch.Generator().manual_seed(seed + turn))
        return clips.sample(int(order[place]), generator, side=stage.size[0], length=stage.length)

    options = TrainOptions(seed=seed, amp="bf16", frozen_norms=(FINE,), save_every=25, tensorboard=False)
    home = folder / name.replace(" ", "-")
    trainer = Trainer(network, recipe, draw, folder=home, options=options)
    taken = home / "seconds.txt"
    before, begun = float(taken.read_text()) if taken.exists() else 0.0, time.process_time()

    def report(step: int, steps: int, terms: dict[str, float]) -> None:
        if step % options.save_every == 0 or step == steps:
            taken.write_text(f"{before + time.process_time() - begun:.1f}\n")
            told = ", ".join(f"{term} {value:.4f}" for term, value in terms.items())
            print(f"{name}: step {step} of {steps}, {told}", file=sys.stderr, flush=True)

    return Trained(cast(PersonNetwork, trainer.run(report)), float(taken.read_text()) / 60)
