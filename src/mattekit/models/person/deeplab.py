"""DeepLabV3 with ResNet-101 as a map of people, from torchvision's published weights once they were converted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models.segmentation import deeplabv3_resnet101

from mattekit.weights import fill, read_weights
from mattekit.weights.convert import Layout

FAMILY, PREFIX = "deeplabv3-resnet101", "segmentation"
CLASSES, PERSON = 21, 15
"""Of Pascal VOC, the background among them, and the one that is a person."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pictures in [0, 1], red, green and blue."""


def layouts() -> list[Layout]:
    """Return what the published file holds: 676 tensors, those of the head used in training alone among them."""
    state = _on_meta().state_dict()
    return [Layout(FAMILY, PREFIX, {key: tuple(value.shape) for key, value in state.items()})]


def load_deeplab(weights: Path, device: torch.device | str = "cpu") -> Callable[[Tensor], Tensor]:
    """Return what makes maps (N, 1, h, w) in [0, 1] of frames (N, 3, h, w) in [0, 1].

    Args:
        weights: A safetensors file of family "deeplabv3-resnet101".
        device: Where the network runs.

    Raises:
        WeightsError: The file is not exactly what the network needs.

    Source: Chen et al., Rethinking Atrous Convolution for Semantic Image Segmentation, 2017, as torchvision has it.
    """
    network = _on_meta()
    fill(network, read_weights(weights, family=FAMILY), prefix=PREFIX, path=weights)
    for key, counter in list(network.named_buffers()):
        if counter.is_meta:  # counters of normalisation, which files need not hold
            network.get_submodule(key.rpartition(".")[0]).register_buffer("num_batches_tracked", None)
    network.register_module("aux_classifier", None)
    network.eval().requires_grad_(False).to(device)
    mean, deviation = (torch.tensor(values, device=device).view(3, 1, 1) for values in (MEAN, DEVIATION))

    def segment(frames: Tensor) -> Tensor:
        logits: Tensor = network((frames - mean) / deviation)["out"]
        return logits.softmax(dim=1)[:, PERSON : PERSON + 1]

    return segment


def _on_meta() -> nn.Module:
    with torch.device("meta"):
        network: nn.Module = deeplabv3_resnet101(
            weights=None, weights_backbone=None, num_classes=CLASSES, aux_loss=True
        )
    return network
