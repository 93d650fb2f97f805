"""How person matting is trained: terms one computes in the head, stages, maps of training clips, steps that help."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

import people
from mattekit.checks import InputError
from mattekit.data.compose_person import PersonComposer
from mattekit.data.pack import Source
from mattekit.engine.batch import draw_clips
from mattekit.models.person.beginning import FINE
from mattekit.models.person.network import PersonNetwork
from mattekit.models.person.recipe import (
    SCALES,
    PersonRecipe,
    Scale,
    matting_terms,
    named_stages,
    person_stages,
    predict_alpha,
    prior_of,
)
from mattekit.models.person.segmenter import Segmenter
from mattekit.models.person.training_maps import roughen, with_maps
from mattekit.ops.smooth_maps import steadied
from mattekit.types import Sample, Stage

STAGE = Stage("all", steps=1, batch=2, length=7, size=(32, 32), rate=(1e-3, 1e-3))


def disc(frames: int = 7, size: int = 32) -> Sample:
    """Return a disc that moves over noise, with its truth, its motion, and a blurred map."""
    noise = people.clip(2 * frames, size, size)
    y, x = torch.meshgrid(torch.arange(float(size)), torch.arange(float(size)), indexing="ij")
    centre = size / 3 + torch.arange(float(frames))
    alpha = (size / 3 - ((y - size / 2) ** 2 + (x - centre[:, None, None]) ** 2).sqrt()).clamp(0, 1)[None, :, None]
    foreground, background = noise[None, :frames], noise[None, frames:]
    flow = torch.tensor([1.0, 0.0]).view(1, 1, 2, 1, 1).expand(1, frames - 1, 2, size, size)
    blurred = torch.nn.functional.avg_pool2d(alpha[0], 7, 1, 3)[None]
    valid = (alpha[:, :-1] > 0).float()
    mixed = alpha * foreground + (1 - alpha) * background
    return Sample(mixed, alpha, alpha, foreground, background, flow, valid, prior=blurred)


def sources() -> tuple[list[Source], list[Source]]:
    torch.manual_seed(0)
    pixels = torch.randint(0, 256, (2, 3, 4, 48, 40), dtype=torch.uint8)
    pixels[:, :, 3] = 0
    pixels[:, :, 3, 8:44, 10:30] = 255
    ground = torch.randint(0, 256, (2, 3, 48, 64), dtype=torch.uint8)
    return [Source(f"p{n}", "clip", each) for n, each in enumerate(pixels)], [Source("b", "background", ground)]


# terms


def test_terms_are_what_one_computes_in_the_head() -> None:
    true = torch.zeros(1, 2, 1, 8, 8)
    true[0, :, :, :, 4:] = 1
    colour = torch.full((1, 2, 3, 8, 8), 0.25)
    behind = torch.zeros_like(colour)
    flow, valid = torch.zeros(1, 1, 2, 8, 8), torch.zeros(1, 1, 1, 8, 8)
    valid[..., :2, :] = 1
    sample = Sample(true * colour, true, true, colour, behind, flow, valid)
    alpha = true.clone()
    alpha[0, 1, 0, :2] = 0.5  # in the valid rows of the second frame alone
    found = {name: float(value) for name, value in matting_terms(alpha, colour + 0.5, sample).items()}
    laplacian = found.pop("laplacian")
    assert found == {
        "alpha": pytest.approx(16 * 0.5 / 128),
        "composition": pytest.approx(0.5 * 16 * 0.125 / 128, rel=0.02),
        "foreground": pytest.approx(0.25),
        "flow coherence": pytest.approx(2 * 0.5),
    }
    assert laplacian > 0
    assert max(float(value) for value in matting_terms(true, colour, sample).values()) < 1e-5


def test_clips_whose_motion_is_not_known_have_no_coherence_along_it() -> None:
    sample = replace(disc(), flow_true=None, flow_valid=None)
    terms = matting_terms(torch.rand_like(sample.alpha_true), sample.foreground_true, sample)
    assert float(terms["flow coherence"]) == 0 < float(terms["alpha"])


# stages


def test_the_rate_is_halved_after_every_quarter_and_statistics_of_the_encoder_are_frozen_after_a_fifth() -> None:
    stages = named_stages("paper")
    assert sum(stage.steps for stage in stages) == 100_000
    told = [(stage.steps, stage.rate[0], stage.rate[1], stage.frozen) for stage in stages]
    frozen = ("encoder",)
    assert told == [
        (20_000, 1e-4, 1e-4, ()),
        (5_000, 1e-4, 1e-4, frozen),
        (25_000, 5e-5, 5e-5, frozen),
        (25_000, 2.5e-5, 2.5e-5, frozen),
        (25_000, 1.25e-5, 1.25e-5, frozen),
    ]
    assert [stage.frozen for stage in named_stages("small", steps=10)[:2]] == [(FINE,), ("encoder", FINE)]
    first = stages[0]
    assert (first.batch, first.length, first.size) == (4, 10, (512, 512))


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 10])
def test_short_runs_have_all_their_steps_and_no_empty_stage(steps: int) -> None:
    stages = person_stages(Scale(steps, 1, 2, 32, 1e-3))
    assert sum(stage.steps for stage in stages) == steps and min(stage.steps for stage in stages) > 0
    rates = [stage.rate[0] for stage in stages]
    assert rates == sorted(rates, reverse=True)
    assert sum(stage.steps for stage in named_stages("small", steps=steps)) == steps != SCALES["small"].steps


# clips and their maps


def test_clips_of_people_have_exact_motion_and_the_same_seed_gives_the_same_clip_and_map() -> None:
    segmenter = Segmenter().eval()
    drawn = with_maps(PersonComposer(*sources()).sample, segmenter)
    one, same, other = (draw_clips(drawn, STAGE, range(2), seed=seed, step=0) for seed in (3, 3, 4))
    assert one.prior is not None and one.prior.shape == one.alpha_true.shape == (2, 7, 1, 32, 32)
    assert one.flow_true is not None and one.flow_valid is not None and float(one.flow_valid.mean()) > 0.05
    assert torch.equal(one.frames, same.frames) and torch.equal(one.prior, prior_of(same))
    assert not torch.equal(one.frames, other.frames)
    assert one.frames[:, 0].sub(one.frames[:, 3]).abs().mean() > 0.01  # it moves
    assert float(one.prior.min()) >= 0 and float(one.prior.max()) <= 1 and not one.prior.requires_grad


def test_maps_are_what_the_segmenter_finds_steadied_and_roughened_ones_are_wrong_within_reason() -> None:
    segmenter, sample = Segmenter().eval(), disc()
    drawn = with_maps(lambda *_: sample, segmenter, roughened=0.0)(STAGE, torch.Generator().manual_seed(0), 0)
    with torch.no_grad():
        wanted = steadied(sample.frames[0], segmenter(sample.frames[0]).sigmoid())
    torch.testing.assert_close(prior_of(drawn)[0], wanted)
    rough = [roughen(prior_of(sample)[0], torch.Generator().manual_seed(seed)) for seed in range(20)]
    gaps = [float((each - prior_of(sample)[0]).abs().mean()) for each in rough]
    assert min(gaps) > 1e-4 and 0.005 < sum(gaps) / len(gaps) < 0.15 and max(gaps) < 0.4
    assert all(float(each.min()) >= 0 and float(each.max()) <= 1 for each in rough)


# steps


@pytest.mark.parametrize(("lstm", "attention"), [(True, True), (False, False)])
def test_a_few_steps_lower_the_losses(lstm: bool, attention: bool) -> None:
    torch.manual_seed(0)
    network, sample = PersonNetwork(lstm=lstm, attention=attention, width=0.25), disc()
    recipe = PersonRecipe(network, stages=(STAGE,))
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    seen: list[dict[str, float]] = []
    for _ in range(20):
        terms = recipe.terms(sample, STAGE)
        optimiser.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        optimiser.step()
        seen.append({name: float(value.detach()) for name, value in terms.items()})
    assert sum(seen[-1].values()) < 0.75 * sum(seen[0].values())
    for name in ("alpha", "composition", "foreground"):
        assert seen[-1][name] < seen[0][name]


def test_a_recipe_without_stages_and_clips_without_maps_are_refused() -> None:
    with pytest.raises(InputError, match="must have stages; got none"):
        PersonRecipe(PersonNetwork(width=0.25), stages=())
    with pytest.raises(InputError, match="must have a map of people; got none: draw them through with_maps"):
        PersonRecipe(PersonNetwork(width=0.25), stages=(STAGE,)).terms(replace(disc(), prior=None), STAGE)
    with pytest.raises(InputError, match="network must be a PersonNetwork; got Linear"):
        predict_alpha(torch.nn.Linear(1, 1), disc())


def test_validation_predicts_whole_clips_in_groups() -> None:
    network, sample = PersonNetwork(width=0.25).eval(), disc()
    with torch.inference_mode():
        found: Tensor = predict_alpha(network, sample)
    assert found.shape == sample.alpha_true.shape
