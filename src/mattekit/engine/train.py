"""Training of any network by its recipe: to the bit the same however it is stopped, resumed or split."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mattekit.checks import InputError
from mattekit.engine.batch import Draw, draw_clips, shares
from mattekit.engine.best import Best
from mattekit.engine.checkpoint import read_state, save_state
from mattekit.engine.options import TrainOptions, batch_norms, precision
from mattekit.engine.processes import Alone, Processes
from mattekit.engine.schedule import Place, grouped, place_of
from mattekit.engine.stopping import Stopping
from mattekit.engine.train_log import TrainLog
from mattekit.engine.validate import Validation
from mattekit.types import Recipe, Sample, Stage

__all__ = ["Draw", "TrainOptions", "Trainer"]

Report = Callable[[int, int, dict[str, float]], None]


class Trainer:
    """Trains a network step by step.

    Args:
        network: On its device.
        recipe: Its stages and loss terms.
        draw: Composes clips of a stage from a generator.
        folder: Where checkpoint.pt, best.pt, the logs and previews are kept; a checkpoint there is resumed.
        options: See `TrainOptions`.
        validation: What is measured while training; None measures nothing.
        processes: Those that train together; None is this one alone.

    Raises:
        InputError: The checkpoint is of another network or seed.
    """

    def __init__(
        self,
        network: nn.Module,
        recipe: Recipe,
        draw: Draw,
        *,
        folder: Path,
        options: TrainOptions | None = None,
        validation: Validation | None = None,
        processes: Processes | None = None,
    ) -> None:
        self.options = options or TrainOptions()
        self.network, self.recipe, self.draw, self.folder = network, recipe, draw, folder
        device = next(network.parameters()).device
        self.processes = processes or Alone(device)
        self.optimiser = torch.optim.Adam(grouped(network, recipe.stages), lr=recipe.stages[0].rate[0])
        averaging = get_ema_multi_avg_fn(self.options.average)
        self.averaged = AveragedModel(network, multi_avg_fn=averaging, use_buffers=True)
        self._precision = precision(self.options.amp, device)
        self._scaler = torch.amp.GradScaler(device.type, enabled=self._precision == torch.float16)
        self.best = Best(folder, validation)
        self.step = 0
        folder.mkdir(parents=True, exist_ok=True)
        if self._checkpoint.exists():
            self._resume(device)
        self._frozen = batch_norms(network, self.options.frozen_norms)
        self._loss = self.processes.wrap(_Loss(network, recipe))

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

        Raises:
            KeyboardInterrupt: Somebody asked to stop; the step was finished and a checkpoint written first.
        """
        stopping = Stopping(self.options.minutes)
        log = TrainLog(self.folder, step=self.step, tensorboard=self.options.tensorboard) if self._writes else None
        stop = False
        try:
            with stopping.heeding_signals():
                while self.step < self.steps and not stop:
                    terms, stop = self._advance(stopping, log)
                    if report is not None:
                        report(self.step, self.steps, terms)
                    if log is not None and self.best.is_due(self.step, last=self.step == self.steps):
                        self.best.measure(self.step, log, network=self.network, averaged=self.averaged.module)
                    if stop or self.step % self.options.save_every == 0 or self.step == self.steps:
                        self._save()
        finally:
            if log is not None:
                log.close()
        if stopping.interrupted:
            raise KeyboardInterrupt
        averaged: nn.Module = self.averaged.module
        return averaged.eval()

    @property
    def _writes(self) -> bool:
        return self.processes.is_main

    def _advance(self, stopping: Stopping, log: TrainLog | None) -> tuple[dict[str, float], bool]:
        """Make one step; return its loss terms, and whether some process wants to stop."""
        place = self._place()
        stage = place.turn
        if place.begins_fresh:
            self.optimiser.state.clear()
        for group in self.optimiser.param_groups:
            group["lr"] = place.rate_of(group)
        torch.manual_seed((self.options.seed * 1_000_003 + self.step) * 1_009 + self.processes.rank)
        self.network.train()
        for norm in (*self._frozen, *batch_norms(self.network, place.whole.frozen)):
            norm.eval()
        terms = self._backward(stage)
        self._scaler.unscale_(self.optimiser)
        length = nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        if torch.isfinite(length):
            self._scaler.step(self.optimiser)
            self.averaged.update_parameters(self.network)
        self._scaler.update()
        self.step += 1
        wish = torch.tensor(float(stopping.wanted), device=length.device)
        *means, wish = self.processes.mean(torch.stack([*terms.values(), wish])).tolist()
        values = dict(zip(terms, means, strict=True))
        if log is not None:
            row = {"stage": stage.name, "rate": place.rate, "norm": float(length), **values, "loss": sum(means)}
            log.write_step(self.step, row)
        return values, bool(wish)

    def _backward(self, stage: Stage) -> dict[str, Tensor]:
        """Leave the gradients of one step's loss; return this process's mean of each term, float32."""
        self.optimiser.zero_grad(set_to_none=True)
        totals: dict[str, Tensor] = {}
        parts = list(shares(stage.batch, self.processes, self.options.accumulate, stage=stage.name))
        for clips in parts:
            sample = draw_clips(self.draw, stage, clips, seed=self.options.seed, step=self.step)
            device = sample.frames.device.type
            with self.processes.apart(self._loss, last=clips is parts[-1]):
                with torch.autocast(device, dtype=self._precision, enabled=self._precision is not None):
                    terms: Mapping[str, Tensor] = self._loss(sample, stage)
                shares_of_loss = {name: term.float() / len(parts) for name, term in terms.items()}
                loss = torch.stack(list(shares_of_loss.values())).sum()
                self._scaler.scale(loss).backward()
            for name, value in shares_of_loss.items():
                totals[name] = totals.get(name, torch.zeros_like(value)) + value.detach()
        return totals

    def _place(self) -> Place:
        """Return where in the recipe the current step is, with the batch of this run."""
        place = place_of(self.recipe.stages, self.step, seed=self.options.seed)
        batch = self.options.batch
        return place if batch is None else place.with_batch(batch)

    def _save(self) -> None:
        """Write the checkpoint, in the process that writes; the others wait for it."""
        if self._writes:
            state: dict[str, Any] = {
                "network": self.network.state_dict(),
                "averaged": self.averaged.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "scaler": self._scaler.state_dict(),
                "step": self.step,
                "seed": self.options.seed,
                "best": self.best.state(),
            }
            save_state(self._checkpoint, state)
        self.processes.wait()

    def _resume(self, device: torch.device) -> None:
        state = read_state(self._checkpoint, device=device)
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
        if state.get("scaler") and self._scaler.is_enabled():
            self._scaler.load_state_dict(state["scaler"])
        self.best.load(state.get("best"))
        self.step = state["step"]


class _Loss(nn.Module):
    """The recipe's terms as a module that holds the network, so that gradients can be averaged over processes."""

    def __init__(self, network: nn.Module, recipe: Recipe) -> None:
        super().__init__()
        self.network, self._recipe = network, recipe

    def forward(self, sample: Sample, stage: Stage) -> dict[str, Tensor]:
        """Return the named loss terms of some clips; one of them depends on the network even where nothing is to do."""
        terms = dict(self._recipe.terms(sample, stage))
        if not any(term.requires_grad for term in terms.values()):  # nothing in the clips was unknown
            name = next(iter(terms))
            terms[name] = terms[name] + 0 * sum(parameter.sum() for parameter in self.network.parameters())
        return terms
