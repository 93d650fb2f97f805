"""Size paper from weights files: its own two networks, or the authors' published matting network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from mattekit.models.dvm.paper.network import WIDTH, PaperNetwork
from mattekit.models.dvm.paper.propagation import PaperPropagation
from mattekit.weights import fill
from mattekit.weights.convert import Layout

PAPER, RELEASE = "dvm-paper", "dvm-release"
MATTING, PROPAGATION = "matting", "propagation"

Network = TypeVar("Network", PaperNetwork, PaperPropagation)


def layout(width: int = WIDTH) -> Layout:
    """Return what the authors' published file holds: 517 tensors at their width of 64.

    Source: key names and shapes as the released network has them; the window is of 3, with the refine stage.
    """
    with torch.device("meta"):
        state = PaperNetwork(form="release", width=width).state_dict()
    return Layout(RELEASE, MATTING, {key: tuple(value.shape) for key, value in state.items()})


def layouts() -> list[Layout]:
    """Return what the one published file holds, at its own width."""
    return [layout()]


def load_matting(tensors: Mapping[str, Tensor], *, family: str, path: Path) -> PaperNetwork:
    """Build the matting network that tensors fit, in evaluation mode; the tensors become its parameters.

    Width and window follow from the shapes.

    Args:
        tensors: As from `mattekit.weights.read_weights`.
        family: "dvm-paper" or "dvm-release".
        path: Where they came from, for messages.

    Raises:
        WeightsError: They are not exactly what a network of the family needs.
    """
    width = _channels(tensors, f"{MATTING}.encoder.conv1.weight", place=0, usual=WIDTH)
    frames = _channels(tensors, f"{MATTING}.fusion.fuse0.conv.weight", place=1, usual=3 * width) // width
    form, neighbours = ("release", frames - 1) if family == RELEASE else ("symmetric", (frames - 1) // 2)
    with torch.device("meta"):
        network = PaperNetwork(form=form, neighbours=max(neighbours, 0), width=width)
    return _filled(network, tensors, prefix=MATTING, path=path)


def load_propagation(tensors: Mapping[str, Tensor], *, path: Path) -> PaperPropagation:
    """Build the propagation network that tensors fit, in evaluation mode; the tensors become its parameters.

    Raises:
        WeightsError: They are not exactly what the network needs.
    """
    width = _channels(tensors, f"{PROPAGATION}.target_encoder.conv1.weight", place=0, usual=WIDTH)
    deep = any(key.startswith(f"{PROPAGATION}.target_encoder.layer4.") for key in tensors)
    with torch.device("meta"):
        network = PaperPropagation(stride=32 if deep else 16, width=width)
    return _filled(network, tensors, prefix=PROPAGATION, path=path)


def _channels(tensors: Mapping[str, Tensor], key: str, *, place: int, usual: int) -> int:
    """Return one size of a tensor, or the usual one where it cannot be meant, so that the check of shapes names it."""
    size = tensors[key].shape[place] if key in tensors and tensors[key].dim() > place else 0
    return int(size) if size >= 8 and size % 8 == 0 else usual


def _filled(network: Network, tensors: Mapping[str, Tensor], *, prefix: str, path: Path) -> Network:
    fill(network, tensors, prefix=prefix, path=path)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.num_batches_tracked = torch.zeros((), dtype=torch.long)
    return network.eval().requires_grad_(False)
