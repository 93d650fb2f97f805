"""What every test may ask for. One thread, so that the same sums come out on any number of cores."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mattekit.models.dvm import FAMILY, MattingNetwork, PropagationNetwork
from mattekit.weights import write_weights

torch.set_num_threads(1)

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> torch.device:
    """Every device that this machine has."""
    return torch.device(request.param)


@pytest.fixture(scope="session")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of family dvm-small that were never trained, for what does not hang on quality."""
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    torch.manual_seed(0)
    modules = {"matting": MattingNetwork(), "propagation": PropagationNetwork()}
    write_weights(path, modules, family=FAMILY, card={"data": "none"})
    return path
