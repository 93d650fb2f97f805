"""Person matting: people without trimaps, from frames and maps of where people are, a group of frames at a time."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from mattekit.models import Model, Wanted, check_weights
from mattekit.models.person import prior, stream
from mattekit.models.person.form import FAMILY, Form, load_matting
from mattekit.models.person.network import PersonNetwork, State
from mattekit.models.person.segmenter import load_segmenter
from mattekit.models.person.stream import PersonMatter
from mattekit.types import Matter
from mattekit.weights import carried

__all__ = ["FAMILY", "Form", "PersonMatter", "PersonNetwork", "carried_prior", "load"]

STATES = (stream.Held, State, prior.Held, prior.Place)
"""What the state of the matter is made of."""


def load(weights: Path | None, device: torch.device | str = "cpu", wanted: Wanted | None = None) -> Model:
    """Load the network that a weights file is for, in the form that its metadata tell.

    Args:
        weights: A safetensors file of family "person"; None takes the carried one.
        device: Where the network runs.
        wanted: The working size, whether colour is made, and what makes maps of people; else the carried segmenter
            does, steadied along the motion.

    Raises:
        WeightsError: The file is not exactly what the network needs, or weights that are needed are not carried.
    """
    check_weights(FAMILY, weights)
    path = weights or carried(FAMILY)
    asked = wanted or Wanted()
    network = load_matting(path).to(device)
    source = asked.prior or carried_prior(device)
    matter = PersonMatter(network, source, working_size=asked.working_size, foreground=asked.foreground)
    return Model(FAMILY, matter, None, path, STATES)


def carried_prior(device: torch.device | str = "cpu") -> Matter:
    """Return what makes maps of people where the user brings none: the carried segmenter, steadied along the motion.

    Raises:
        WeightsError: The package carries no segmenter.
    """
    segmenter = load_segmenter(None, device)

    def likely(frames: Tensor) -> Tensor:
        logits: Tensor = segmenter(frames)
        return logits.sigmoid()

    return prior.Smoothed(prior.Segmented(likely))
