"""DVM: deep video matting by spatio-temporal alignment and aggregation, with trimap propagation (CVPR 2021)."""

from __future__ import annotations

from pathlib import Path

import torch

from mattekit.models import Model
from mattekit.models.dvm.network import MattingNetwork
from mattekit.models.dvm.propagation import PropagationNetwork
from mattekit.models.dvm.stream import StreamMatter, StreamPropagator
from mattekit.nn.blocks import fold_norms
from mattekit.weights import carried, fill, read_weights

FAMILY = "dvm-small"

__all__ = ["FAMILY", "MattingNetwork", "PropagationNetwork", "StreamMatter", "StreamPropagator", "load"]


def load(weights: Path | None, device: torch.device | str = "cpu") -> Model:
    """Load size `small`: both networks from one file, normalisation folded into the convolutions.

    Args:
        weights: A safetensors file, or None for the carried one.
        device: Where the networks run.

    Raises:
        WeightsError: The file is not exactly what the networks need.
    """
    path = weights or carried(FAMILY)
    tensors = read_weights(path, family=FAMILY)
    matting, propagation = MattingNetwork(), PropagationNetwork()
    fill(matting, tensors, prefix="matting", path=path)
    fill(propagation, tensors, prefix="propagation", path=path)
    for network in (matting, propagation):
        fold_norms(network.eval().requires_grad_(False))
    return Model("dvm", StreamMatter(matting.to(device)), StreamPropagator(propagation.to(device)), path)
