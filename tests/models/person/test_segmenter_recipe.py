from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mattekit.checks import InputError
from mattekit.engine.train import Trainer, TrainOptions
from mattekit.models.person.segmenter import Segmenter
from mattekit.models.person.segmenter_recipe import (
    EMPTY,
    KEPT,
    SegmenterRecipe,
    recoloured,
    segmenter_stages,
    segmenter_terms,
    varied,
)
from mattekit.types import Sample, Stage


def test_a_sure_and_right_map_costs_nothing() -> None:
    share = torch.zeros(1, 1, 4, 4)
    share[..., :2] = 1
    terms = segmenter_terms((share - 0.5) * 200, share)
    assert sum(float(term) for term in terms.values()) < 1e-6


def test_an_even_map_costs_log_2_and_a_quarter_of_the_overlap() -> None:
    share = torch.zeros(1, 1, 100, 100)
    share[..., :50] = 1
    terms = segmenter_terms(torch.zeros_like(share), share)
    assert float(terms["cross entropy"]) == pytest.approx(0.6931, abs=1e-4)
    assert float(terms["overlap"]) == pytest.approx(0.25, abs=1e-3)


def test_pictures_without_people_and_an_empty_map_cost_nothing() -> None:
    terms = segmenter_terms(torch.full((2, 1, 3, 3), -100.0), torch.zeros(2, 1, 3, 3))
    assert sum(float(term) for term in terms.values()) < 1e-6


def test_a_recipe_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="recipe must be one of"):
        segmenter_stages("huge")


def bright(stage: Stage, generator: torch.Generator, number: int) -> Sample:
    """Draw pictures whose bright box is the person."""
    frames = 0.3 * torch.rand(stage.batch, 1, 3, *stage.size, generator=generator)
    alpha = torch.zeros(stage.batch, 1, 1, *stage.size)
    for picture in range(stage.batch):
        top, left = torch.randint(0, 24, (2,), generator=generator).tolist()
        alpha[picture, ..., top : top + 32, left : left + 32] = 1
    frames = (frames + 0.6 * alpha).clamp(0, 1)
    return Sample(frames, alpha, alpha, frames, frames)


def test_training_brings_the_loss_down(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Segmenter()
    stages = (Stage("one", steps=24, batch=2, length=1, size=(64, 64), rate=(2e-3, 2e-3)),)
    losses: list[float] = []
    trainer = Trainer(
        network,
        SegmenterRecipe(network, stages=stages),
        bright,
        folder=tmp_path,
        options=TrainOptions(tensorboard=False),
    )
    trainer.run(lambda step, steps, terms: losses.append(sum(terms.values())))
    assert sum(losses[-4:]) < 0.6 * sum(losses[:4])


def people(stage: Stage, generator: torch.Generator, number: int) -> Sample:
    """Draw white people all over the picture before grey."""
    ones = torch.ones(stage.batch, 1, 1, 2, 2)
    white = ones.expand(-1, 1, 3, 2, 2)
    return Sample(white, ones, ones, white, white / 2)


def test_some_composites_show_no_person_and_every_picture_with_a_mask_does() -> None:
    stage = Stage("one", steps=1, batch=2000, length=1, size=(2, 2), rate=(0.0, 0.0))
    sample = varied(people)(stage, torch.Generator().manual_seed(0), 0)
    empty = sample.alpha_true.amax((1, 2, 3, 4)) == 0
    assert float(empty.float().mean()) == pytest.approx(EMPTY, abs=0.03)
    assert float(sample.frames[empty].mean()) < float(sample.frames[~empty].mean()) - 0.2
    masks = Stage("two", steps=1, batch=50, length=1, size=(2, 2), rate=(0.0, 0.0), kind="segmentation")
    assert float(varied(people)(masks, torch.Generator().manual_seed(0), 0).alpha_true.min()) == 1


def test_recolouring_keeps_grey_near_grey_shape_and_range_and_leaves_some_alone() -> None:
    frames = torch.rand(400, 1, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    changed = recoloured(frames, torch.Generator().manual_seed(2))
    assert changed.shape == frames.shape
    assert float(changed.min()) >= 0 and float(changed.max()) <= 1
    same = (changed == frames).flatten(1).all(1)
    assert float(same.float().mean()) == pytest.approx(KEPT, abs=0.08)
    grey = recoloured(torch.full((400, 1, 3, 2, 2), 0.5), torch.Generator().manual_seed(3))
    assert float((grey.amax(2) - grey.amin(2)).mean()) < 0.02


def test_the_same_generator_gives_the_same_colours() -> None:
    frames = torch.rand(4, 2, 3, 4, 4)
    one, two = (recoloured(frames, torch.Generator().manual_seed(5)) for _ in range(2))
    assert bool((one == two).all())
