"""What one training run is told besides its recipe."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mattekit.checks import InputError, check_choice

AMP = {"off": None, "bf16": torch.bfloat16, "fp16": torch.float16}
"""Precision of the forward pass by name; "auto" is bf16 on CUDA and off elsewhere."""


@dataclass(frozen=True)
class TrainOptions:
    """What one training run is told besides its recipe.

    Attributes:
        seed: All randomness of the samples follows from it and the step.
        minutes: Stop with a checkpoint after this time; None trains to the end.
        save_every: Steps between checkpoints.
        average: Decay of the running average of the weights.
        clip: Largest norm of the gradient.
        batch: Clips a step in place of each stage's own, over all processes.
        accumulate: Parts in which a process computes its share of the batch, one after the other.
        amp: "auto", or a key of `AMP`.
        frozen_norms: Beginnings of the names of modules whose batch normalisation keeps its running statistics; its
            scale and shift are still trained. An empty beginning is all of them.
        tensorboard: Whether to write events; None does where TensorBoard is installed.
    """

    seed: int = 0
    minutes: float | None = None
    save_every: int = 100
    average: float = 0.995
    clip: float = 1.0
    batch: int | None = None
    accumulate: int = 1
    amp: str = "auto"
    frozen_norms: tuple[str, ...] = ()
    tensorboard: bool | None = None

    def __post_init__(self) -> None:
        check_choice("amp", self.amp, ("auto", *AMP))
        if min(self.accumulate, self.save_every, 1 if self.batch is None else self.batch) < 1:
            raise InputError(
                "accumulate, batch and save_every must be 1 or more; "
                f"got {self.accumulate}, {self.batch} and {self.save_every}"
            )


def precision(amp: str, device: torch.device) -> torch.dtype | None:
    """Return the type of the forward pass, or None for float32."""
    return AMP["bf16" if device.type == "cuda" else "off"] if amp == "auto" else AMP[amp]


def batch_norms(network: nn.Module, beginnings: tuple[str, ...]) -> list[nn.Module]:
    """Return the batch normalisations in modules whose name begins so."""
    found: list[nn.Module] = [
        module
        for name, module in network.named_modules()
        if isinstance(module, _BatchNorm) and name.startswith(beginnings)
    ]
    if beginnings and not found:
        raise InputError(f"normalisation to freeze must be there; no module's name begins with {', '.join(beginnings)}")
    return found
