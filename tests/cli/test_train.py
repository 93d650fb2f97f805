"""`mattekit train` through the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from mattekit.cli import main
from mattekit.data.pack import Source, write_pack
from mattekit.data.procedural import procedural_sources
from mattekit.models import load
from mattekit.weights import read_weights


def test_both_networks_train_in_a_time_budget_and_make_weights_that_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    ground = Source("b", "background", torch.randint(0, 256, (2, 3, 48, 64), dtype=torch.uint8))
    write_pack(tmp_path / "pack.safetensors", iter([*procedural_sources(count=3, seed=0, side=48), ground]))
    budget = ["--pack", "pack.safetensors", "-o", "run", "--minutes", "0", "--device", "cpu", "--json"]
    assert main(["train", "dvm", "--network", "matting", *budget]) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["step"], first["weights"]) == (1, None)
    assert main(["train", "dvm", "--network", "propagation", *budget]) == 0
    second = json.loads(capsys.readouterr().out)
    assert load("dvm", weights=Path(second["weights"])).family == "dvm"
    assert len((tmp_path / "run/matting/log.jsonl").read_text().splitlines()) == 1


def test_training_can_begin_from_weights_and_keeps_the_other_network_of_them(
    tmp_path: Path, random_weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    ground = Source("b", "background", torch.randint(0, 256, (2, 3, 48, 64), dtype=torch.uint8))
    write_pack(tmp_path / "pack.safetensors", iter([*procedural_sources(count=3, seed=0, side=48), ground]))
    told = ["--pack", "pack.safetensors", "-o", "run", "--minutes", "0", "--device", "cpu", "--json"]
    assert main(["train", "dvm", "--init", str(random_weights), *told]) == 0
    found = json.loads(capsys.readouterr().out)
    before, after = (read_weights(path, family="dvm-small") for path in (random_weights, Path(found["weights"])))
    assert all(torch.equal(after[key], before[key]) for key in before if key.startswith("propagation."))
    gaps = [(after[key] - before[key]).abs().max() for key in before if "matting." in key and "running_" not in key]
    assert 0 < max(gaps) < 0.01  # one small step away
    assert main(["train", "dvm", "--init", "none.safetensors", *told]) == 2
    assert "weights must be a safetensors file; none.safetensors does not exist" in capsys.readouterr().err


def test_bad_settings_are_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments, message in (
        (["--pack", "none"], "a pack of sources must exist; none does not"),
        (["--network", "other"], "network must be one of matting, propagation; got 'other'"),
        (["--data", "nowhere"], "a folder of sources must exist; nowhere does not"),
    ):
        assert main(["train", "dvm", *arguments]) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
