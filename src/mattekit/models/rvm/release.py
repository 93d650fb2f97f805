"""RVM from weights files; published ones and ours have the same keys."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from mattekit.models.rvm.network import MattingNetwork
from mattekit.nn.blocks import fold_following_norms
from mattekit.weights import fill
from mattekit.weights.convert import Layout

PREFIX = "matting"
FAMILIES = {"rvm-mobilenetv3": "mobilenetv3", "rvm-resnet50": "resnet50"}
"""Backbone by what the metadata of a weights file may name."""


def layouts() -> list[Layout]:
    """Return what the published files hold: 380 tensors with MobileNetV3, 390 with ResNet-50."""
    found = []
    for family, backbone in FAMILIES.items():
        with torch.device("meta"):
            state = MattingNetwork(backbone).state_dict()
        found.append(Layout(family, PREFIX, {key: tuple(value.shape) for key, value in state.items()}))
    return found


def load_matting(tensors: Mapping[str, Tensor], *, family: str, path: Path) -> MattingNetwork:
    """Build the network that tensors fit, in evaluation mode, its normalisations folded into its convolutions.

    Args:
        tensors: As from `mattekit.weights.read_weights`.
        family: A key of `FAMILIES`.
        path: Where they came from, for messages.

    Raises:
        WeightsError: They are not exactly what a network of the family needs.
    """
    network = MattingNetwork(FAMILIES[family])
    fill(network, tensors, prefix=PREFIX, path=path)
    network.eval().requires_grad_(False)
    fold_following_norms(network)
    for module in network.modules():
        if isinstance(module, nn.ReLU | nn.Hardswish):
            module.inplace = True  # no gradient needs what was there before
    return network.to(memory_format=torch.channels_last)  # a tenth faster on a processor
