"""DVM: deep video matting by spatio-temporal alignment and aggregation, with trimap propagation (CVPR 2021)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from mattekit.checks import WeightsError
from mattekit.models import Model, Wanted
from mattekit.models.dvm import paper
from mattekit.models.dvm.network import FrameFeatures, MattingNetwork
from mattekit.models.dvm.paper import (
    PAPER,
    RELEASE,
    PaperMatter,
    PaperPropagator,
    load_matting,
    load_propagation,
)
from mattekit.models.dvm.propagation import PropagationNetwork, Reference
from mattekit.models.dvm.stream import StreamMatter, StreamPropagator, Window
from mattekit.nn.blocks import fold_norms
from mattekit.types import Matter, Propagator
from mattekit.weights import carried, fill, read_weights
from mattekit.weights.contents import read_family

FAMILY = "dvm-small"
SIZES = (FAMILY, PAPER, RELEASE)
"""What the metadata of a weights file may name."""
STATES = (Window, FrameFeatures, Reference, paper.Window, paper.Held, paper.FrameFeatures)
"""What the states of all sizes are made of."""

__all__ = [
    "FAMILY",
    "SIZES",
    "MattingNetwork",
    "PropagationNetwork",
    "StreamMatter",
    "StreamPropagator",
    "load",
]


PREFIXES = ("matting.", "propagation.")
"""What the keys of a weights file begin with."""


def load(weights: Path | None, device: torch.device | str = "cpu", wanted: Wanted | None = None) -> Model:
    """Load the networks that a weights file is for: size `small`, size `paper`, or the authors' published network.

    The authors published no propagation network. So that one trimap is enough there too, the carried one of size
    `small` carries the trimaps; the same holds for files of size `paper` with the matting network alone.

    Args:
        weights: A safetensors file whose metadata name one of `SIZES`, or None for the carried one.
        device: Where the networks run.
        wanted: Nothing of it can be chosen here.

    Raises:
        WeightsError: The file is not exactly what the networks need.
    """
    path = weights or carried(FAMILY)
    family = read_family(path)
    if family not in SIZES:
        raise WeightsError(f"weights of dvm must be of family {' or '.join(SIZES)}; {path} names {family!r}")
    tensors = read_weights(path, family=family)
    stranger = next((key for key in tensors if not key.startswith(PREFIXES)), None)
    if stranger is not None:
        raise WeightsError(f"weights must hold exactly the networks' keys; {path} holds {stranger} too")
    if family == FAMILY:
        small = _small_matter(tensors, path, device), _small_propagator(tensors, path, device)
        return Model("dvm", *small, path, STATES)
    matter = PaperMatter(load_matting(tensors, family=family, path=path).to(device))
    if any(key.startswith("propagation.") for key in tensors):
        return Model("dvm", matter, PaperPropagator(load_propagation(tensors, path=path).to(device)), path, STATES)
    there = carried(FAMILY)
    return Model("dvm", matter, _small_propagator(read_weights(there, family=FAMILY), there, device), path, STATES)


def _small_matter(tensors: Mapping[str, Tensor], path: Path, device: torch.device | str) -> Matter:
    network = MattingNetwork()
    fill(network, tensors, prefix="matting", path=path)
    fold_norms(network.eval().requires_grad_(False))
    return StreamMatter(network.to(device))


def _small_propagator(tensors: Mapping[str, Tensor], path: Path, device: torch.device | str) -> Propagator:
    network = PropagationNetwork()
    fill(network, tensors, prefix="propagation", path=path)
    fold_norms(network.eval().requires_grad_(False))
    return StreamPropagator(network.to(device))
