"""The trainer: it learns, resumes to the bit, and stops in time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mattekit.checks import InputError
from mattekit.engine.train import Trainer, TrainOptions
from mattekit.types import Sample, Stage

STAGES = (
    Stage("first", steps=4, batch=1, length=1, size=(8, 8), rate=(1e-2, 5e-3)),
    Stage("second", steps=4, batch=2, length=1, size=(8, 8), rate=(5e-3, 0.0)),
)


class Toy:
    """Learns alpha as a 1 x 1 convolution of the frame."""

    def __init__(self, network: nn.Module) -> None:
        self.network, self.stages = network, STAGES

    def terms(self, sample: Sample, stage: Stage) -> Mapping[str, Tensor]:
        return {"alpha": (self.network(sample.frames.flatten(0, 1)) - sample.alpha_true.flatten(0, 1)).abs().mean()}


def draw(stage: Stage, generator: torch.Generator) -> Sample:
    frames = torch.rand(stage.batch, 1, 3, *stage.size, generator=generator)
    alpha = frames.mean(2, keepdim=True)
    return Sample(frames, alpha.round(), alpha, frames, frames)


def trainer(folder: Path, **options: float) -> Trainer:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 1, 1), nn.BatchNorm2d(1))
    return Trainer(network, Toy(network), draw, folder=folder, options=TrainOptions(**options))  # type: ignore[arg-type]


def log(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_every_step_is_logged_with_its_stage_and_rate(tmp_path: Path) -> None:
    seen: list[int] = []
    trainer(tmp_path).run(lambda step, steps, terms: seen.append(step))
    rows = log(tmp_path)
    assert seen == list(range(1, 9)) and [row["step"] for row in rows] == seen
    assert [row["stage"] for row in rows] == ["first"] * 4 + ["second"] * 4
    assert rows[0]["rate"] == pytest.approx(1e-2) and rows[4]["rate"] == pytest.approx(5e-3)


def test_a_resumed_run_equals_one_that_was_never_stopped(tmp_path: Path) -> None:
    whole = trainer(tmp_path / "whole").run()
    stopped = trainer(tmp_path / "parts", save_every=3)
    for _ in range(3):
        stopped._advance()
    stopped._save()
    resumed = trainer(tmp_path / "parts")
    assert resumed.step == 3
    for one, other in zip(whole.state_dict().values(), resumed.run().state_dict().values(), strict=True):
        assert bool((one == other).all())
    assert [row["alpha"] for row in log(tmp_path / "whole")] == [row["alpha"] for row in log(tmp_path / "parts")]


def test_a_time_budget_ends_with_a_checkpoint(tmp_path: Path) -> None:
    trainer(tmp_path, minutes=0.0).run()
    assert trainer(tmp_path).step == 1


def test_a_checkpoint_of_another_network_or_seed_is_refused(tmp_path: Path) -> None:
    trainer(tmp_path).run()
    with pytest.raises(InputError, match=r"the seed of .* is 0; got 1"):
        trainer(tmp_path, seed=1)
    other = nn.Conv2d(3, 1, 3)
    with pytest.raises(InputError, match="must be of the network in training"):
        Trainer(other, Toy(other), draw, folder=tmp_path)
