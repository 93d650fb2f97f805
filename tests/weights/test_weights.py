"""Weights files: exact, finite, of one family."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from mattekit.checks import WeightsError
from mattekit.weights import carried, fill, read_weights, write_weights


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3))


def test_weights_come_back_to_half_precision(tmp_path: Path) -> None:
    one, other = network(), nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3))
    path = tmp_path / "w.safetensors"
    write_weights(path, {"a": one}, family="toy", card={"seed": "0"})
    fill(other, read_weights(path, family="toy"), prefix="a", path=path)
    for key, value in one.state_dict().items():
        torch.testing.assert_close(other.state_dict()[key], value, atol=1e-3, rtol=1e-3)
    assert [file.name for file in tmp_path.iterdir()] == ["w.safetensors"]


def test_a_missing_an_unknown_and_a_misshapen_key_are_named(tmp_path: Path) -> None:
    path = tmp_path / "w"
    whole = {f"a.{key}": value for key, value in network().state_dict().items() if "num_batches" not in key}
    with pytest.raises(WeightsError, match=r"the a network misses 0.bias"):
        fill(network(), {key: value for key, value in whole.items() if key != "a.0.bias"}, prefix="a", path=path)
    with pytest.raises(WeightsError, match="the a network does not know extra"):
        fill(network(), {**whole, "a.extra": torch.ones(1)}, prefix="a", path=path)
    with pytest.raises(WeightsError, match=r"a.0.bias in .* must have shape \(3,\); got \(4,\)"):
        fill(network(), {**whole, "a.0.bias": torch.ones(4)}, prefix="a", path=path)


def test_damage_other_families_and_nan_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    with pytest.raises(WeightsError, match="does not exist"):
        read_weights(path, family="toy")
    save_file({"a": torch.tensor([float("nan")])}, str(path), metadata={"family": "toy"})
    with pytest.raises(WeightsError, match="names 'toy'"):
        read_weights(path, family="dvm-small")
    with pytest.raises(WeightsError, match="must be finite; a in"):
        read_weights(path, family="toy")
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(WeightsError, match="must be a whole safetensors file"):
        read_weights(path, family="toy")
    with pytest.raises(WeightsError, match="it does not: give a file with --weights"):
        carried("no-such-weights")
