"""Schedules: stages whose batches take turns, sizes drawn by step, learning rates by part, a memory that is dropped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mattekit.checks import InputError
from mattekit.engine.checkpoint import read_state
from mattekit.engine.schedule import grouped, place_of
from mattekit.engine.train import Trainer, TrainOptions
from mattekit.types import Sample, Stage
from toy_training import Toy, draw

MATTING = Stage("matting", steps=0, batch=2, length=1, size=(17, 17), rate=(0, 0), smallest=(8, 8))
SEGMENTING = Stage("segmenting", steps=0, batch=4, length=1, size=(8, 8), rate=(0, 0), kind="segmentation")
STAGES = (
    Stage("one", 4, 2, 1, (17, 17), (1e-2, 1e-2), factors={"0": 0.5, "1": 0.0}, turns=(MATTING, SEGMENTING)),
    Stage("two", 4, 2, 1, (17, 17), (1e-2, 0.0), factors={"1": 2.0}, fresh=True, turns=(MATTING, SEGMENTING, MATTING)),
)


def part() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1), nn.Conv2d(3, 1, 1))


class Turning(Toy):
    """Names its loss by the kind of the batch."""

    def terms(self, sample: Sample, stage: Stage) -> Mapping[str, Tensor]:
        (loss,) = super().terms(sample, stage).values()
        return {stage.kind: loss}


def trainer(folder: Path, **options: object) -> Trainer:
    network = part()
    told = TrainOptions(tensorboard=False, **options)  # type: ignore[arg-type]
    return Trainer(network, Turning(network, STAGES), draw, folder=folder, options=told)


def rows(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_batches_of_a_stage_take_turns_and_each_is_of_its_own_kind_and_number() -> None:
    places = [place_of(STAGES, step, seed=0) for step in range(8)]
    kinds = "".join(place.turn.kind[0] for place in places)
    assert kinds == "msms" + "msmm"
    assert [place.with_batch(8).turn.batch for place in places[:2]] == [8, 16]
    assert [place.whole.name for place in places] == ["one"] * 4 + ["two"] * 4
    with pytest.raises(InputError, match="the recipe has 8 steps; step 8 is past its end"):
        place_of(STAGES, 8, seed=0)


def test_a_step_draws_its_size_below_the_crop_and_always_the_same() -> None:
    sizes = [place_of(STAGES, 0, seed=seed).turn.size for seed in range(60)]
    assert {side for size in sizes for side in size} == set(range(8, 17))
    assert sizes == [place_of(STAGES, 0, seed=seed).turn.size for seed in range(60)]
    assert place_of(STAGES, 1, seed=0).turn.size == (8, 8)


def test_parts_of_the_network_learn_at_their_own_rates() -> None:
    groups = grouped(part(), STAGES)
    assert [(group["beginning"], len(group["params"])) for group in groups] == [("0", 2), ("1", 2), ("", 2)]
    first, last = place_of(STAGES, 0, seed=0), place_of(STAGES, 6, seed=0)
    assert [first.rate_of(group) for group in groups] == pytest.approx([5e-3, 0.0, 1e-2])
    assert [last.rate_of(group) for group in groups] == pytest.approx([5e-3, 1e-2, 5e-3])
    with pytest.raises(InputError, match="must be for parts of the network; it has no backbone"):
        grouped(part(), [Stage("x", 1, 1, 1, (8, 8), (1.0, 1.0), factors={"backbone": 1.0})])


def test_a_part_whose_factor_is_0_stays_as_it_was_and_the_others_do_not(tmp_path: Path) -> None:
    found, before = trainer(tmp_path, minutes=0.0), part()
    found.run()
    same = [torch.equal(found.network[i].weight, before[i].weight) for i in range(3)]  # type: ignore[index]
    assert same == [False, True, False]


def test_a_fresh_stage_begins_without_the_memory_of_gradients(tmp_path: Path) -> None:
    found, remembered = trainer(tmp_path), list[int]()

    def look(step: int, steps: int, terms: dict[str, float]) -> None:
        remembered.append(int(next(iter(found.optimiser.state.values()))["step"]))

    found.run(look)
    assert remembered == [1, 2, 3, 4, 1, 2, 3, 4]


def test_a_run_stopped_anywhere_in_the_turns_equals_one_that_was_not(tmp_path: Path) -> None:
    trainer(tmp_path / "whole").run()
    for _ in range(8):
        trainer(tmp_path / "parts", minutes=0.0).run()
    one, other = (read_state(tmp_path / name / "checkpoint.pt") for name in ("whole", "parts"))
    assert one["step"] == other["step"] == 8
    assert all(torch.equal(one["network"][key], other["network"][key]) for key in one["network"])
    assert rows(tmp_path / "whole") == rows(tmp_path / "parts")
    assert ["segmentation" in row for row in rows(tmp_path / "whole")] == [False, True] * 3 + [False, False]


def test_a_batch_in_parts_gives_what_the_whole_gives_for_every_kind(tmp_path: Path) -> None:
    trainer(tmp_path / "whole").run()
    trainer(tmp_path / "parts", accumulate=2).run()
    for one, other in zip(rows(tmp_path / "whole"), rows(tmp_path / "parts"), strict=True):
        assert other["loss"] == pytest.approx(one["loss"], rel=1e-4)
        assert other["norm"] == pytest.approx(one["norm"], rel=1e-4)
