"""Training of any network by its recipe: resumable to the step, logged, with a running average of the weights."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mattekit.checks import InputError
from mattekit.types import Recipe, Sample, Stage

Draw = Callable[[Stage, torch.Generator], Sample]
Report = Callable[[int, int, dict[str, float]], None]


@dataclass(frozen=True)
class TrainOptions:
    """What one training run is told besides its recipe.

    Attributes:
        seed: All randomness of the samples follows from it and the step.
        minutes: Stop with a checkpoint after this time; None trains to the end.
        save_every: Steps between checkpoints.
        average: Decay of the running average of the weights.
        clip: Largest norm of the gradient.
    """

    seed: int = 0
    minutes: float | None = None
    save_every: int = 100
    average: float = 0.995
    clip: float = 1.0


class Trainer:
    """Trains a network step by step.

    Args:
        network: On its device.
        recipe: Its stages and loss terms.
        draw: Composes the batch of a stage from a generator.
        folder: Where checkpoint.pt and log.jsonl are kept; a checkpoint there is resumed.
        options: See `TrainOptions`.

    Raises:
        InputError: The checkpoint is of another network or seed.
    """

    def __init__(
        self, network: nn.Module, recipe: Recipe, draw: Draw, *, folder: Path, options: TrainOptions | None = None
    ) -> None:
        self.options = options or TrainOptions()
        self.network, self.recipe, self.draw, self.folder = network, recipe, draw, folder
        self.optimiser = torch.optim.Adam(network.parameters(), lr=recipe.stages[0].rate[0])
        averaging = get_ema_multi_avg_fn(self.options.average)
        self.averaged = AveragedModel(network, multi_avg_fn=averaging, use_buffers=True)
        self.step = 0
        folder.mkdir(parents=True, exist_ok=True)
        if self._checkpoint.exists():
            self._resume()

    @property
    def steps(self) -> int:
        """Steps of all stages together."""
        return sum(stage.steps for stage in self.recipe.stages)

    @property
    def _checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def run(self, report: Report | None = None) -> nn.Module:
        """Train to the end of the recipe, or of the time.

        Args:
            report: Called after each step with steps done, steps in all, and the loss terms.

        Returns:
            The network with averaged weights, in evaluation mode.
        """
        begun = time.monotonic()
        self.network.train()
        while self.step < self.steps:
            terms = self._advance()
            if report is not None:
                report(self.step, self.steps, terms)
            out_of_time = self.options.minutes is not None and time.monotonic() - begun > 60 * self.options.minutes
            if out_of_time or self.step % self.options.save_every == 0 or self.step == self.steps:
                self._save()
            if out_of_time:
                break
        averaged: nn.Module = self.averaged.module
        return averaged.eval()

    def _advance(self) -> dict[str, float]:
        """Make one step and return its loss terms."""
        stage, rate = self._place()
        generator = torch.Generator().manual_seed(self.options.seed * 1_000_003 + self.step)
        sample = self.draw(stage, generator)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        device = sample.frames.device.type
        with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
            terms = self.recipe.terms(sample, stage)
        loss: Tensor = torch.stack([term.float() for term in terms.values()]).sum()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        if torch.isfinite(norm):
            self.optimiser.step()
            self.averaged.update_parameters(self.network)
        self.step += 1
        values = {name: float(term.detach()) for name, term in terms.items()}
        line = {"step": self.step, "stage": stage.name, "rate": rate, "norm": float(norm), **values}
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        return values

    def _place(self) -> tuple[Stage, float]:
        """Return the stage of the current step and its learning rate."""
        left = self.step
        for stage in self.recipe.stages:
            if left < stage.steps:
                first, last = stage.rate
                return stage, first + (last - first) * left / stage.steps
            left -= stage.steps
        raise InputError(f"the recipe has {self.steps} steps; step {self.step} is past its end")

    def _save(self) -> None:
        """Write the checkpoint beside its place and put it there at once."""
        state: dict[str, Any] = {
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seed": self.options.seed,
        }
        beside = self._checkpoint.with_suffix(".part")
        torch.save(state, beside)
        os.replace(beside, self._checkpoint)

    def _resume(self) -> None:
        device = next(self.network.parameters()).device
        state = torch.load(self._checkpoint, map_location=device, weights_only=True)
        if state["seed"] != self.options.seed:
            raise InputError(
                f"the seed of {self._checkpoint} is {state['seed']}; got {self.options.seed}: choose another folder"
            )
        try:
            self.network.load_state_dict(state["network"])
            self.averaged.load_state_dict(state["averaged"])
            self.optimiser.load_state_dict(state["optimiser"])
        except (RuntimeError, ValueError) as error:
            raise InputError(f"{self._checkpoint} must be of the network in training; it is of another") from error
        self.step = state["step"]
