"""Networks of RVM with weights that keep a signal alive, for tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch

import narrow
from mattekit.models.rvm import FAMILIES
from mattekit.models.rvm.network import MattingNetwork
from mattekit.weights import write_weights


@cache
def network(backbone: str = "mobilenetv3", refiner: str = "deep_guided_filter") -> MattingNetwork:
    """Return a network in evaluation mode whose alpha is about a half and moves with the picture."""
    found = MattingNetwork(backbone, refiner=refiner)
    narrow.alive(found)
    if refiner == "deep_guided_filter":
        found.refiner.get_submodule("box_filter").get_parameter("weight").fill_(1 / 9)
    found.project_mat.conv.bias[3] = 0.5
    return found


def write_people(path: Path, *, family: str = "rvm-mobilenetv3") -> Path:
    """Write such a network's weights."""
    write_weights(path, {"matting": network(FAMILIES[family])}, family=family, card={"data": "none"})
    return path


def clip(frames: int, height: int = 72, width: int = 96, seed: int = 0) -> torch.Tensor:
    """Return smooth random frames (T, 3, H, W), each another."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.rand(frames, 3, max(2, height // 8), max(2, width // 8), generator=generator)
    return torch.nn.functional.interpolate(noise, size=(height, width), mode="bilinear")
