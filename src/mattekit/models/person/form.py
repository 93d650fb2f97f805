"""Which form of the network a weights file is for: with or without memory and attention, and how wide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from mattekit.checks import WeightsError
from mattekit.models.person.network import PersonNetwork
from mattekit.nn.blocks import fold_following_norms
from mattekit.weights import fill, read_weights
from mattekit.weights.contents import read_metadata

FAMILY = "person"
"""What the metadata of a weights file names."""
PREFIX = "matting"
ANSWERS = {"yes": True, "no": False}


@dataclass(frozen=True)
class Form:
    """What a network is built with; see `PersonNetwork`."""

    lstm: bool = True
    attention: bool = True
    width: float = 1.0

    def build(self) -> PersonNetwork:
        """Return a network of this form."""
        return PersonNetwork(lstm=self.lstm, attention=self.attention, width=self.width)

    def card(self) -> dict[str, str]:
        """Return what the metadata of its weights say of it."""
        named = {value: name for name, value in ANSWERS.items()}
        return {"lstm": named[self.lstm], "attention": named[self.attention], "width": f"{self.width:g}"}


def form_of(card: Mapping[str, str], path: Path) -> Form:
    """Return the form that the metadata of a weights file tell.

    Raises:
        WeightsError: They do not tell it.
    """
    try:
        return Form(ANSWERS[card["lstm"]], ANSWERS[card["attention"]], float(card["width"]))
    except (KeyError, ValueError) as error:
        raise WeightsError(
            f"metadata of weights of {FAMILY} must say lstm and attention, yes or no, and width, a number; {path} does "
            "not: take a file that mattekit train person wrote"
        ) from error


def load_matting(path: Path) -> PersonNetwork:
    """Return the network of a weights file, in evaluation mode, its normalisations folded where they can be.

    Raises:
        WeightsError: The file is not exactly what a network of its form needs.
    """
    tensors = read_weights(path, family=FAMILY)
    stranger = next((key for key in tensors if not key.startswith(f"{PREFIX}.")), None)
    if stranger is not None:
        raise WeightsError(f"weights must hold exactly the network's keys; {path} holds {stranger} too")
    network = form_of(read_metadata(path), path).build()
    fill(network, tensors, prefix=PREFIX, path=path)
    network.eval().requires_grad_(False)
    fold_following_norms(network)
    for module in network.modules():
        if isinstance(module, nn.ReLU | nn.ReLU6):
            module.inplace = True  # no gradient needs what was there before
    return network.to(memory_format=torch.channels_last)
