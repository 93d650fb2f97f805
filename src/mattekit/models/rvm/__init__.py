"""RVM: robust high-resolution video matting with temporal guidance, of people and without a trimap (WACV 2022)."""

from __future__ import annotations

from pathlib import Path

import torch

from mattekit.checks import WeightsError
from mattekit.models import Model, Wanted, check_weights
from mattekit.models.rvm.decoder import State
from mattekit.models.rvm.network import MattingNetwork
from mattekit.models.rvm.release import FAMILIES, PREFIX, load_matting
from mattekit.models.rvm.stream import Held, StreamMatter
from mattekit.weights import carried, read_weights
from mattekit.weights.contents import read_family

FAMILY = "rvm-mobilenetv3"
"""Of the weights that the package carries, if it carries any."""

__all__ = ["FAMILIES", "FAMILY", "MattingNetwork", "StreamMatter", "load"]


def load(weights: Path | None, device: torch.device | str = "cpu", wanted: Wanted | None = None) -> Model:
    """Load the network that a weights file is for.

    Args:
        weights: A safetensors file whose metadata name one of `FAMILIES`; None takes the carried one.
        device: Where the network runs.
        wanted: The working size, and whether colour is made.

    Raises:
        WeightsError: The file is not exactly what the network needs, or none is given and none is carried.
    """
    check_weights("rvm", weights)
    path = weights or carried(FAMILY)
    family = read_family(path)
    if family not in FAMILIES:
        raise WeightsError(f"weights of rvm must be of family {' or '.join(FAMILIES)}; {path} names {family!r}")
    tensors = read_weights(path, family=family)
    stranger = next((key for key in tensors if not key.startswith(f"{PREFIX}.")), None)
    if stranger is not None:
        raise WeightsError(f"weights must hold exactly the network's keys; {path} holds {stranger} too")
    network = load_matting(tensors, family=family, path=path).to(device)
    asked = wanted or Wanted()
    matter = StreamMatter(network, working_size=asked.working_size, foreground=asked.foreground)
    return Model("rvm", matter, None, path, (Held, State))
