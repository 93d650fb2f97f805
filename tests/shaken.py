"""Networks whose every parameter and statistic is random, so that no branch is idle."""

from __future__ import annotations

from typing import TypeVar

import torch

Network = TypeVar("Network", bound=torch.nn.Module)


def shaken(network: Network, seed: int = 0) -> Network:
    """Return a network with random parameters and statistics, in evaluation mode."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.8, 1.2, generator=generator)
        elif tensor.is_floating_point():
            tensor.add_(0.05 * torch.randn(tensor.shape, generator=generator))
    return network.eval()
