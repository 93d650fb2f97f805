"""The trainer: it learns, resumes to the bit, and stops in time."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from mattekit.checks import InputError
from mattekit.engine.checkpoint import fill_averaged, read_state
from mattekit.engine.train import Trainer, TrainOptions
from mattekit.types import Sample, Stage
from toy_training import STAGES, Toy, draw, network, trainer


def log(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_every_step_is_logged_with_its_stage_and_rate(tmp_path: Path) -> None:
    seen: list[int] = []
    trainer(tmp_path, tensorboard=False).run(lambda step, steps, terms: seen.append(step))
    rows = log(tmp_path)
    assert seen == list(range(1, 9)) and [row["step"] for row in rows] == seen
    assert [row["stage"] for row in rows] == ["first"] * 4 + ["second"] * 4
    assert rows[0]["rate"] == pytest.approx(1e-2) and rows[4]["rate"] == pytest.approx(5e-3)


@pytest.mark.parametrize("amp", ["off", "bf16", "fp16"])
def test_three_steps_and_five_resumed_ones_equal_eight_to_the_bit(amp: str, tmp_path: Path) -> None:
    whole = trainer(tmp_path / "whole", amp=amp, tensorboard=False)
    whole.run()
    seen: list[int] = []

    def stop_after_three(stage: Stage, generator: torch.Generator, number: int) -> Sample:
        seen.append(number)
        if len(seen) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return draw(stage, generator, number)

    with pytest.raises(KeyboardInterrupt):
        trainer(tmp_path / "parts", amp=amp, drawn=stop_after_three, tensorboard=False).run()
    resumed = trainer(tmp_path / "parts", amp=amp, tensorboard=False)
    assert resumed.step == 3
    resumed.run()
    one, other = (read_state(tmp_path / name / "checkpoint.pt") for name in ("whole", "parts"))
    for key in ("network", "averaged"):
        assert all(torch.equal(one[key][name], other[key][name]) for name in one[key])
    for state, like in zip(one["optimiser"]["state"].values(), other["optimiser"]["state"].values(), strict=True):
        assert all(torch.equal(state[name], like[name]) for name in state)
    assert one["step"] == other["step"] == 8 and one["scaler"] == other["scaler"]
    assert log(tmp_path / "whole") == log(tmp_path / "parts")


def test_lines_of_steps_after_the_checkpoint_are_made_anew(tmp_path: Path) -> None:
    trainer(tmp_path, minutes=0.0, tensorboard=False).run()
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 2, "alpha": 7.0}\n{"step": 3, "al')
    trainer(tmp_path, tensorboard=False).run()
    assert [row["step"] for row in log(tmp_path)] == list(range(1, 9))
    assert all(row["alpha"] < 7 for row in log(tmp_path))


def test_a_time_budget_ends_with_a_checkpoint(tmp_path: Path) -> None:
    trainer(tmp_path, minutes=0.0, tensorboard=False).run()
    assert trainer(tmp_path).step == 1


def test_a_checkpoint_of_another_network_or_seed_is_refused(tmp_path: Path) -> None:
    trainer(tmp_path, tensorboard=False).run()
    with pytest.raises(InputError, match=r"the seed of .* is 0; got 1"):
        trainer(tmp_path, seed=1)
    other = nn.Conv2d(3, 1, 3)
    with pytest.raises(InputError, match="must be of the network in training"):
        Trainer(other, Toy(other), draw, folder=tmp_path)


def test_a_damaged_checkpoint_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match=r"checkpoint\.pt must be a whole checkpoint") as caught:
        trainer(tmp_path)
    assert "\n" not in str(caught.value)
    torch.save([1], tmp_path / "checkpoint.pt")
    with pytest.raises(InputError, match="it holds something else"):
        trainer(tmp_path)


def test_a_checkpoint_without_the_newer_entries_is_resumed(tmp_path: Path) -> None:
    trainer(tmp_path, minutes=0.0, tensorboard=False).run()
    state = read_state(tmp_path / "checkpoint.pt")
    first = {name: state[name] for name in ("network", "averaged", "optimiser", "step", "seed")}
    torch.save(first, tmp_path / "checkpoint.pt")
    resumed = trainer(tmp_path, tensorboard=False)
    assert resumed.step == 1
    resumed.run()
    plain = network(seed=5)
    fill_averaged(plain, read_state(tmp_path / "checkpoint.pt"))
    assert torch.equal(plain[0].weight, resumed.averaged.module[0].weight)  # type: ignore[index]


def test_a_batch_in_parts_gives_the_gradient_of_the_whole(tmp_path: Path) -> None:
    stages = (Stage("only", steps=1, batch=4, length=1, size=(8, 8), rate=(1e-2, 1e-2)),)
    for accumulate in (1, 2, 4):
        part = nn.Conv2d(3, 1, 1)
        nn.init.constant_(part.weight, 0.1)
        nn.init.constant_(part.bias, 0.0)  # type: ignore[arg-type]
        options = TrainOptions(accumulate=accumulate, tensorboard=False)
        Trainer(part, Toy(part, stages), draw, folder=tmp_path / str(accumulate), options=options).run()
    rows = [log(tmp_path / name)[0] for name in ("1", "2", "4")]
    assert rows[0]["norm"] == pytest.approx(rows[1]["norm"], rel=1e-5)
    assert rows[0]["norm"] == pytest.approx(rows[2]["norm"], rel=1e-5)
    assert rows[0]["alpha"] == pytest.approx(rows[2]["alpha"], rel=1e-5)


def test_a_batch_that_cannot_be_divided_is_refused_and_another_may_be_chosen(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"stage 'first' must divide into 1 processes x 2 .*; got 1 clips: choose"):
        trainer(tmp_path / "one", accumulate=2, tensorboard=False).run()
    trainer(tmp_path / "other", accumulate=2, batch=2, tensorboard=False).run()
    assert len(log(tmp_path / "other")) == sum(stage.steps for stage in STAGES)


def test_a_step_whose_gradient_is_not_finite_changes_nothing(tmp_path: Path) -> None:
    def broken(stage: Stage, generator: torch.Generator, number: int) -> Sample:
        sample = draw(stage, generator, number)
        return Sample(sample.frames, sample.trimap, sample.alpha_true * torch.nan, sample.frames, sample.frames)

    found = trainer(tmp_path, drawn=broken, minutes=0.0, tensorboard=False)
    before = found.network[0].weight.clone()  # type: ignore[index]
    found.run()
    assert torch.equal(found.network[0].weight, before)  # type: ignore[index]


def test_frozen_norms_keep_their_statistics_and_others_do_not(tmp_path: Path) -> None:
    for beginnings, still in (((), False), (("1",), True), (("",), True)):
        found = trainer(tmp_path / str(beginnings), frozen_norms=beginnings, minutes=0.0, tensorboard=False)
        found.run()
        assert torch.equal(found.network[1].running_mean, torch.zeros(1)) is still  # type: ignore[index]
    with pytest.raises(InputError, match="no module's name begins with encoder"):
        trainer(tmp_path / "none", frozen_norms=("encoder",))


def test_a_stage_freezes_norms_for_itself_alone(tmp_path: Path) -> None:
    first, second = STAGES
    stages = (replace(first, steps=2, frozen=("1",)), replace(second, steps=1))
    moved = []
    for count in (1, 2):
        found = trainer(tmp_path / str(count), stages=stages[:count], tensorboard=False)
        found.run()
        moved.append(not torch.equal(found.network[1].running_mean, torch.zeros(1)))  # type: ignore[index]
    assert moved == [False, True]


def test_bad_options_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="amp must be one of auto, off, bf16, fp16; got 'fp8'"):
        trainer(tmp_path, amp="fp8")
    with pytest.raises(InputError, match="accumulate, batch and save_every must be 1 or more; got 0, None and 100"):
        trainer(tmp_path, accumulate=0)
