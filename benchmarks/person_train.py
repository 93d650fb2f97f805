"""Training of the forms of person matting that are compared: from one trained network, on the same clips, as long."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import torch
from person_clips import SIDE, Training
from person_grow import grown
from torch import Tensor

from mattekit.engine.train import Trainer, TrainOptions
from mattekit.models.person.beginning import FINE, begin_with_map
from mattekit.models.person.network import PersonNetwork
from mattekit.models.person.recipe import PersonRecipe, Scale, matting_terms, person_stages, prior_of
from mattekit.ops import warp
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
SQUARED = 10.0
"""Weight of squared terms beside that of colour."""
START = Scale(steps=200, batch=4, length=2, side=192, rate=3e-4)
"""Of what all forms go on from: pairs of frames, since nothing in it looks farther."""
FORM = Scale(steps=40, batch=1, length=10, side=192, rate=1e-4)
"""Of each form."""
FRESH = 5.0
"""How much faster fresh parts learn than those that are trained already."""


class SquaredRecipe(PersonRecipe):
    """The recipe of `mattekit train person` with squares in its terms of alpha, as the three metrics have them.

    Where a map is not sure, absolute errors are least at 0 or 1 and squares are at the likeliest value between.
    """

    def terms(self, sample: Sample, stage: Stage) -> Mapping[str, Tensor]:
        """Return the weighted loss terms of one batch by name."""
        alpha, foreground, _ = self.network(sample.frames, prior_of(sample))
        error = alpha.float() - sample.alpha_true
        valid, flow = sample.flow_valid, sample.flow_true
        if valid is None or flow is None:
            raise ValueError("training clips must have their motion")
        moved, _ = warp(error[:, 1:].flatten(0, 1), flow.flatten(0, 1))
        along = (error[:, :-1].flatten(0, 1) - moved).square() * valid.flatten(0, 1)
        return {
            "alpha": SQUARED * error.square().mean(),
            "coherence": SQUARED * (error[:, 1:] - error[:, :-1]).square().mean(),
            "flow coherence": SQUARED * along.sum() / valid.numel(),
            "foreground": matting_terms(alpha.float(), foreground.float(), sample)["foreground"],
        }


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
    return train(begun(seed), STARTED, clips, folder, scale=scale, seed=seed, frozen=(FINE,))


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
    return train(network, name, clips, folder, scale=scale, seed=seed + 1, frozen=("",))


def train(
    network: PersonNetwork,
    name: str,
    clips: Training,
    folder: Path,
    *,
    scale: Scale,
    seed: int,
    frozen: tuple[str, ...],
) -> Trained:
    """Train a network, or go on where its training was stopped; ``frozen`` normalisations keep their statistics."""
    network = network.train().requires_grad_(True).to(memory_format=torch.channels_last)
    fresh = {part: FRESH for part in ("memory", "attention") if getattr(network, part) is not None}
    stages = [replace(stage, factors=fresh) for stage in person_stages(scale)]
    recipe = SquaredRecipe(network, stages=stages)

    def draw(stage: Stage, generator: torch.Generator, number: int) -> Sample:
        """Return a clip of the store; each comes once before any comes again."""
        turn, place = divmod(number, clips.count)
        order = torch.randperm(clips.count, generator=torch.Generator().manual_seed(seed + turn))
        return clips.sample(int(order[place]), generator, side=stage.size[0], length=stage.length)

    options = TrainOptions(seed=seed, amp="bf16", frozen_norms=frozen, average=0.98, save_every=25, tensorboard=False)
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
