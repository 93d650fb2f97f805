"""Size paper of DVM at an eighth of its width, with weights that keep a signal alive, for tests that must be quick."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from mattekit.models.dvm.paper import PAPER, RELEASE, PaperNetwork, PaperPropagation
from mattekit.weights import write_weights

WIDTH = 8


def alive(network: nn.Module, seed: int = 0) -> nn.Module:
    """Fill a network so that no branch is idle and nothing saturates, and return it in evaluation mode."""
    generator = torch.Generator().manual_seed(seed)
    for key, value in network.state_dict().items():
        noise = torch.randn(value.shape, generator=generator)
        if key.endswith("num_batches_tracked"):
            continue
        if key.endswith("running_var"):
            value.copy_(1 + 0.1 * noise.abs())
        elif value.dim() > 1:
            value.copy_(noise * (1.6 / value[0].numel()) ** 0.5)
        elif key.endswith("weight"):
            value.copy_(1 + 0.1 * noise)
        else:
            value.copy_(0.05 * noise)
    return network.eval().requires_grad_(False)


def matting(form: str = "symmetric", *, neighbours: int = 2, seed: int = 0) -> PaperNetwork:
    """Return a narrow matting network."""
    network = PaperNetwork(form=form, neighbours=neighbours, width=WIDTH)
    alive(network, seed)
    return network


def propagation(*, stride: int = 16, scores_mb: int = 256) -> PaperPropagation:
    """Return a narrow propagation network."""
    network = PaperPropagation(stride=stride, width=WIDTH, scores_mb=scores_mb)
    alive(network, 1)
    return network


def write_paper(path: Path, *, neighbours: int = 2, alone: bool = False) -> Path:
    """Write weights of size paper, without the propagation network if alone."""
    modules: dict[str, nn.Module] = {"matting": matting(neighbours=neighbours)}
    if not alone:
        modules["propagation"] = propagation()
    write_weights(path, modules, family=PAPER, card={"data": "none"})
    return path


def write_release(path: Path) -> Path:
    """Write weights in the form of the published network."""
    write_weights(path, {"matting": matting("release")}, family=RELEASE, card={"data": "none"})
    return path


def scene(frames: int, height: int = 48, width: int = 64, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Return random frames (T, 3, H, W) and a trimap with a moving disc and its unknown ring."""
    generator = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    centre = width / 3 + torch.arange(frames) * 2.0
    distance = ((y - height / 2) ** 2 + (x - centre[:, None, None]) ** 2).sqrt()[:, None]
    trimap = torch.where(distance < 8, 1.0, torch.where(distance < 15, 0.5, 0.0))
    return torch.rand(frames, 3, height, width, generator=generator), trimap
