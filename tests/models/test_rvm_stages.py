"""The four stages of RVM's training: the published table, whose turn a step is, and losses that fall in each."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mattekit.checks import InputError
from mattekit.data.compose_people import PeopleComposer
from mattekit.data.pack import Source
from mattekit.engine.schedule import place_of
from mattekit.engine.train import Trainer, TrainOptions
from mattekit.models.rvm.network import MattingNetwork
from mattekit.models.rvm.recipe import RvmRecipe
from mattekit.models.rvm.stages import PAPER, TINY, four_stages, named_stages, paper_iterations
from mattekit.types import Sample, Stage

PUBLISHED = {
    "stage 1": (15, None, 1e-4, 2e-4, 2e-4, 0.0),
    "stage 2": (50, None, 5e-5, 1e-4, 1e-4, 0.0),
    "stage 3": (40, 6, 1e-5, 1e-5, 1e-5, 2e-4),
    "stage 4": (40, 6, 1e-5, 1e-5, 5e-5, 2e-4),
}
"""Frames of low and high resolution, and learning rates of backbone, aspp, decoder and refiner."""


@pytest.mark.parametrize("number", range(4))
def test_lengths_sizes_and_rates_are_the_published_ones(number: int) -> None:
    stage = four_stages((2, 2, 2, 2), PAPER)[number]
    length, fine, *rates = PUBLISHED[stage.name]
    turns = {turn.name.removeprefix(stage.name).strip(): turn for turn in stage.turns}
    low, high = turns["low"], turns.get("high")
    assert (low.batch, low.length, low.size, low.smallest, low.ratio) == (4, length, (512, 512), (256, 256), 1.0)
    assert (high and (high.length, high.size, high.smallest, high.ratio)) == (
        fine and (fine, (2048, 2048), (1024, 1024), 0.25)
    )
    place = place_of([stage], 0, seed=0)
    parts = ("backbone.", "aspp.", "decoder.", "refiner.")
    assert [place.rate_of({"beginning": part}) for part in parts] == pytest.approx(rates)
    assert stage.fresh is (number > 0)


def test_clips_are_segmented_after_even_iterations_and_stills_after_odd_ones() -> None:
    stages = four_stages((2, 0, 2, 0), PAPER)
    names = [place_of([stage], step, seed=0).turn for stage in stages for step in range(stage.steps)]
    assert [turn.name for turn in names] == [
        "stage 1 low", "stage 1 people in clips", "stage 1 low", "stage 1 people in stills",
        "stage 3 low", "stage 3 high", "stage 3 people in clips", "stage 3 low", "stage 3 high",
        "stage 3 people in stills",
    ]  # fmt: skip
    clips, stills = names[1], names[3]
    assert (clips.kind, clips.batch, clips.length) == ("segmentation", 4, 15)
    assert (stills.kind, stills.batch, stills.length) == ("segmentation", 60, 1)


def test_without_segmentation_only_matting_takes_turns() -> None:
    stages = four_stages((3, 0, 3, 0), PAPER, segmentation=False)
    assert [stage.steps for stage in stages] == [3, 0, 6, 0]
    assert {turn.kind for stage in stages for turn in stage.turns} == {"matting clips", "matting stills"}


def test_an_epoch_begins_at_every_so_many_frames_of_clips_and_shows_stills_or_backgrounds_once() -> None:
    # starts in clips of 100 and 30 frames every 15, 50 and 40 frames: 7 + 2, 2 + 1, 3 + 1
    assert paper_iterations([100, 30, 1, 1, 1], 8, batch=1) == (15 * 9, 2 * 3, 4, 5 * 8)
    assert paper_iterations([100, 30, 1, 1, 1], 8, batch=4) == (15 * 3, 2 * 1, 1, 5 * 2)
    assert paper_iterations([1, 1, 1], 2, batch=1) == (45, 6, 3, 15)
    assert sum(stage.steps for stage in named_stages("paper", frames=[100, 30, 1], backgrounds=8, batch=1)) == (
        2 * (15 * 9 + 2 * 3) + 3 * (4 + 5 * 8)
    )
    with pytest.raises(InputError, match="training must have foregrounds; got none"):
        named_stages("tiny", frames=[], backgrounds=1)


def test_all_four_stages_train_end_to_end_and_each_makes_the_losses_of_its_batches_smaller(tmp_path: Path) -> None:
    """On batches that stay the same; the trainer is stopped once on the way and goes on."""
    torch.manual_seed(0)
    noise = torch.randint(0, 256, (1, 3, 40, 40), dtype=torch.uint8)
    pixels = torch.zeros(4, 4, 40, 40, dtype=torch.uint8)
    pixels[:, :, 8:32, 12:28] = torch.tensor([220, 120, 90, 255], dtype=torch.uint8)[:, None, None]
    sources = [Source("walker", "clip", pixels), Source("sitter", "photo", pixels[:1])]
    composer = PeopleComposer(sources, [Source("noise", "background", noise)])
    told = four_stages((6, 4, 4, 4), replace(TINY, rate=2.0))
    stages = [replace(each, turns=tuple(replace(turn, smallest=None) for turn in each.turns)) for each in told]

    def draw(stage: Stage, generator: torch.Generator, number: int) -> Sample:
        return composer.sample(stage, torch.Generator().manual_seed(7), number)

    def trainer(network: MattingNetwork, **options: float) -> Trainer:
        recipe, told = RvmRecipe(network, stages=stages), TrainOptions(tensorboard=False, **options)  # type: ignore[arg-type]
        return Trainer(network, recipe, draw, folder=tmp_path, options=told)

    trainer(MattingNetwork(), minutes=0.0).run()
    trainer(MattingNetwork()).run()
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, 12 + 8 + 12 + 12 + 1))
    for stage in stages:
        for turn in {turn.name for turn in stage.turns}:
            losses = [row["loss"] for row in rows if row["stage"] == turn]
            assert losses[-1] < losses[0], (turn, losses)
