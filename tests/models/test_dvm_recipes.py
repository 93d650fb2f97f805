"""The paper's recipes: rates and epochs, what the losses see, and that networks of both sizes learn by them."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn

from mattekit.checks import InputError
from mattekit.engine.train import Trainer, TrainOptions
from mattekit.models.dvm import MattingNetwork, PropagationNetwork
from mattekit.models.dvm.paper import PaperNetwork, PaperPropagation
from mattekit.models.dvm.recipes import (
    PaperMattingRecipe,
    PaperPropagationRecipe,
    paper_matting_stages,
    paper_propagation_stages,
    predict_alpha,
    predict_trimap,
    tiny_stages,
)
from mattekit.types import Sample, Stage

STAGE = Stage("any", steps=4, batch=1, length=5, size=(64, 64), rate=(2e-3, 2e-3))


def sample(frames: int = 5, size: int = 64, clips: int = 1) -> Sample:
    """Return clips of a bright square with a soft rim that moves over a dark ground."""
    x = torch.arange(size) - size / 2 + 0.5
    places = torch.arange(frames)[:, None] * 2.0 - frames
    across = ((14 - (x - places).abs()) / 6).clamp(0, 1)
    down = ((14 - x.abs()) / 6).clamp(0, 1)
    alpha = (down[:, None] * across[:, None, :])[None, :, None].expand(clips, -1, -1, -1, -1)
    foreground, background = torch.full((clips, frames, 3, size, size), 0.9), torch.full((1,), 0.1)
    background = background.expand_as(foreground)
    trimap = torch.where((alpha == 0) | (alpha == 1), alpha, 0.5)
    return Sample(alpha * foreground + (1 - alpha) * background, trimap, alpha, foreground, background)


def draw(stage: Stage, generator: torch.Generator, number: int) -> Sample:
    return sample(stage.length, stage.size[0], stage.batch)


def matting(size: str) -> MattingNetwork | PaperNetwork:
    torch.manual_seed(0)
    return MattingNetwork() if size == "small" else PaperNetwork(form=size, width=8)


def test_an_epoch_of_matting_is_a_clip_of_each_foreground_and_the_rate_is_flat_then_falls_to_a_floor() -> None:
    stages = paper_matting_stages(50)
    assert len(stages) == 100 and {(stage.steps, stage.batch, stage.length) for stage in stages} == {(50, 1, 5)}
    assert {stage.size for stage in stages} == {(320, 320)}
    rates = [stage.rate[0] for stage in stages]
    assert all(stage.rate[0] == stage.rate[1] for stage in stages)
    assert rates[:20] == [5e-5] * 20
    assert rates[20] == pytest.approx(5e-5 * 80 / 81) and rates[59] == pytest.approx(5e-5 * 41 / 81)
    assert min(rates) == rates[-1] == 5e-6 and sorted(rates, reverse=True) == rates
    assert paper_matting_stages(50, batch=8)[0].steps == 7


def test_propagation_has_75_epochs_of_pairs_and_its_rate_falls_on_a_line() -> None:
    stages = paper_propagation_stages(50)
    assert len(stages) == 75 and {(stage.steps, stage.batch, stage.length) for stage in stages} == {(13, 4, 2)}
    assert stages[0].rate[0] == 1e-3 and stages[-1].rate[1] == pytest.approx(1e-4)
    assert all(one.rate[1] == other.rate[0] for one, other in pairwise(stages))


@pytest.mark.parametrize("size", ["small", "symmetric", "release"])
@pytest.mark.parametrize("losses", ["code", "paper"])
def test_every_term_is_finite_and_reaches_the_network(size: str, losses: str) -> None:
    network = matting(size)
    terms = PaperMattingRecipe(network, stages=[STAGE], losses=losses).terms(sample(), STAGE)
    names = ["alpha", "composition", "gradient", "divergence", "coherence"]
    assert list(terms) == names + (["coarse"] if size == "release" else [])
    total = torch.stack(list(terms.values())).sum()
    total.backward()
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    assert all(bool(torch.isfinite(gradient).all()) for gradient in gradients)
    assert any(bool((gradient != 0).any()) for gradient in gradients)


def test_the_target_is_the_middle_frame_or_the_last_two_of_the_released_form() -> None:
    plain = sample(frames=3, size=32)
    for size, scored in (("symmetric", [1]), ("release", [1, 2])):
        recipe = PaperMattingRecipe(matting(size), stages=[STAGE])
        expected = recipe.terms(plain, STAGE)
        for frame in range(3):
            true = plain.alpha_true.clone()
            true[:, frame] = 1 - true[:, frame]
            changed = Sample(plain.frames, plain.trimap, true, plain.foreground_true, plain.background_true)
            moved = recipe.terms(changed, STAGE)["alpha"] != expected["alpha"]
            assert bool(moved) is (frame in scored)


def test_terms_as_published_and_as_printed_differ_where_they_should() -> None:
    network = matting("symmetric").eval()
    code, paper = (PaperMattingRecipe(network, stages=[STAGE], losses=name) for name in ("code", "paper"))
    with torch.no_grad():
        published, printed = code.terms(sample(), STAGE), paper.terms(sample(), STAGE)
    assert float(printed["composition"]) == pytest.approx(2 * float(published["composition"]), rel=1e-5)
    assert float(printed["divergence"]) == pytest.approx(float(published["divergence"]), rel=1e-5)
    assert float(printed["alpha"]) < float(published["alpha"])
    with pytest.raises(InputError, match="losses must be one of code, paper; got 'other'"):
        PaperMattingRecipe(network, stages=[STAGE], losses="other")


def test_the_perfect_alpha_loses_nothing_but_rounding() -> None:
    perfect = sample()

    class Oracle(MattingNetwork):
        def forward(self, frames: torch.Tensor, trimap: torch.Tensor, **options: object) -> torch.Tensor:
            return perfect.alpha_true.clone().requires_grad_()

    for losses in ("code", "paper"):
        terms = PaperMattingRecipe(Oracle(), stages=[STAGE], losses=losses).terms(perfect, STAGE)
        assert all(abs(float(term.detach())) < 1e-5 for term in terms.values())


@pytest.mark.parametrize("network", [PropagationNetwork(), PaperPropagation(width=8)])
def test_propagation_predicts_a_trimap_of_every_frame_and_is_given_the_first(network: nn.Module) -> None:
    clip = sample(frames=3, clips=2)
    found = predict_trimap(network.eval(), clip)
    assert found.shape == (2, 3, 1, 64, 64) and set(found.unique().tolist()) <= {0.0, 0.5, 1.0}
    assert torch.equal(found[:, 0], clip.trimap[:, 0])


def test_a_network_of_the_other_kind_is_refused() -> None:
    with pytest.raises(InputError, match="a matting network must make alpha; got PropagationNetwork"):
        predict_alpha(PropagationNetwork(), sample())
    with pytest.raises(InputError, match="a propagation network must carry trimaps; got MattingNetwork"):
        predict_trimap(MattingNetwork(), sample())


@pytest.mark.parametrize("kind", ["small matting", "paper matting", "small propagation", "paper propagation"])
def test_both_networks_of_both_sizes_learn(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    size, name = kind.split()
    recipe: PaperMattingRecipe | PaperPropagationRecipe
    if name == "matting":
        steps = 12 if size == "small" else 6  # it begins at the classical estimate, which is nearly right here
        stages = [Stage("any", steps=steps, batch=1, length=3, size=(64, 64), rate=(2e-3, 2e-3))]
        recipe = PaperMattingRecipe(matting("small" if size == "small" else "symmetric"), stages=stages)
    else:
        stages = [Stage("any", steps=6, batch=1, length=2, size=(64, 64), rate=(4e-3, 4e-3))]
        recipe = PaperPropagationRecipe(
            PropagationNetwork() if size == "small" else PaperPropagation(width=8), stages=stages
        )
    options = TrainOptions(tensorboard=False)
    Trainer(recipe.network, recipe, draw, folder=tmp_path, options=options).run()
    losses = [json.loads(line)["loss"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert losses[-1] < 0.9 * losses[0]


def test_the_tiny_recipe_is_over_in_a_few_steps() -> None:
    for network in ("matting", "propagation"):
        assert sum(stage.steps for stage in tiny_stages(network)) == 8
