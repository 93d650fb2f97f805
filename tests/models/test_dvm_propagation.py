"""Trimap propagation of size small: references, matches, the frame before, and its recipe."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import pytest
import torch
from torch import Tensor

from mattekit.models import load
from mattekit.models.dvm import propagation_recipe
from mattekit.models.dvm.correspondence import Matcher
from mattekit.models.dvm.propagation import PropagationNetwork, Reference, Seen, class_shares
from mattekit.models.dvm.propagation_recipe import SMALL_PROPAGATION, PropagationRecipe, spoil
from mattekit.models.dvm.recipes import predict_trimap
from mattekit.models.dvm.stream import StreamPropagator
from mattekit.ops import gaussian_blur, trimap_from_alpha
from mattekit.types import Sample
from shaken import shaken

SIZE = (96, 128)


def walk(frames: int, *, step: tuple[int, int] = (0, 3), size: tuple[int, int] = SIZE) -> tuple[Tensor, Tensor]:
    """Return frames (T, 3, H, W) of a textured disc that walks over a still textured ground, and its trimaps."""
    generator = torch.Generator().manual_seed(5)
    height, width = size
    ground, coat = (
        (gaussian_blur(torch.rand(3, *size, generator=generator), 1.2) * 3 - 1).clamp(0, 1) for _ in range(2)
    )
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    pictures, trimaps = [], []
    for time in range(frames):
        down, right = step[0] * time, step[1] * time
        distance = torch.hypot(y - height / 2 - down, x - width / 3 - right)
        alpha = ((24 - distance) / 2).clamp(0, 1)[None]
        moved = torch.roll(coat, (down, right), dims=(1, 2))
        pictures.append(alpha * (0.5 + 0.5 * moved) + (1 - alpha) * 0.5 * ground)
        trimaps.append(trimap_from_alpha(alpha, band=4))
    return torch.stack(pictures), torch.stack(trimaps)


def clip(count: int = 1) -> Sample:
    """Return clips of four frames with known truth."""
    frames, trimap = walk(4)
    given = [part.expand(count, *part.shape).clone() for part in (frames, trimap)]
    alpha = (given[1] == 1).float()
    return Sample(given[0], given[1], alpha, given[0], 1 - given[0], seed=torch.arange(count))


def test_carried_weights_follow_a_walking_subject_from_one_trimap() -> None:
    frames, trimap = walk(6)
    propagator = load("dvm").propagator
    assert propagator is not None
    reference, state = propagator.reference(frames[0], trimap[0]), None
    for time in range(1, 6):
        found = propagator.step(frames[time], [reference], state)
        state = found.state
        wrong = (found.trimap != 0.5) & (trimap[time] != 0.5) & (found.trimap != trimap[time])
        unknown = (found.trimap == 0.5).sum() / (trimap[time] == 0.5).sum()
        assert float(wrong.sum()) <= 0.01 * float((trimap[time] == 0.5).sum())
        assert 0.7 < float(unknown) < 1.8
        assert found.confidence > 0.8


def test_the_memory_does_not_influence_the_scores() -> None:
    network = shaken(PropagationNetwork())
    seen = network.look(torch.rand(1, 3, 32, 48))
    one, other = (network.remember(seen, class_shares(torch.full((1, 1, 32, 48), value))) for value in (0.0, 1.0))
    assert bool((one.key == other.key).all()) and bool((one.memory != other.memory).any())


def test_a_frame_before_brings_its_trimap_and_no_features() -> None:
    network = shaken(PropagationNetwork())
    seen = network.look(torch.rand(1, 3, 32, 48))
    shares = class_shares(torch.zeros(1, 1, 32, 48))
    key, before = network.remember(seen, shares), network.remember(seen, shares, previous=True)
    assert (key.memory.shape[2], before.memory.shape[2]) == (64 + 3 + 2, 3 + 2)
    assert (key.previous, before.previous) == (False, True)


@pytest.mark.parametrize("second", ["key", "previous"])
def test_every_reference_matters(second: str) -> None:
    network = shaken(PropagationNetwork())
    frames, trimap = walk(3)
    seen = [network.look(frame[None]) for frame in frames]
    shares = class_shares(trimap)
    first = network.remember(seen[0], shares[:1])
    more = network.remember(seen[2], shares[2:], previous=second == "previous")
    alone, both = network(frames[1:2], [first]), network(frames[1:2], [first, more])
    assert alone.shape == both.shape == (1, 3, SIZE[0] // 2, SIZE[1] // 2)
    assert float((alone - both).abs().max()) > 1e-3


def test_the_same_key_frame_twice_says_what_it_says_once() -> None:
    network = shaken(PropagationNetwork())
    frames, trimap = walk(2)
    reference = network.remember(network.look(frames[:1]), class_shares(trimap[:1]))
    once, twice = network(frames[1:], [reference]), network(frames[1:], [reference, reference])
    torch.testing.assert_close(once, twice, atol=1e-4, rtol=0)


def test_a_fresh_matcher_moves_the_trimap_along_the_first_guess() -> None:
    matcher = Matcher(4)
    feature = matcher.prepare(torch.rand(1, 4, 8, 12))
    shares = class_shares((torch.rand(1, 1, 16, 24) * 3).floor() / 2)
    flow = torch.zeros(1, 2, 8, 12)
    flow[:, 0] = 1.5  # px at stride 4, so 3 at stride 2
    match = matcher(feature, feature, shares, flow, False)
    assert bool((match.flow == flow).all())
    torch.testing.assert_close(match.half[..., :-3], shares[..., 3:], atol=1e-5, rtol=0)
    torch.testing.assert_close(match.half.sum(1), torch.ones(1, 16, 24), atol=1e-5, rtol=0)


def test_the_state_changes_the_next_frame_and_nothing_else() -> None:
    propagator = StreamPropagator(shaken(PropagationNetwork()))
    frames, trimap = walk(3)
    reference = propagator.reference(frames[0], trimap[0])
    state = propagator.step(frames[1], [reference], None).state
    alone, led = (propagator.step(frames[2], [reference], given) for given in (None, state))
    assert bool((alone.trimap != led.trimap).any())
    again = propagator.step(frames[2], [reference], None)
    assert bool((again.trimap == alone.trimap).all()) and again.confidence == alone.confidence


def test_spoiled_trimaps_are_shares_and_follow_their_generator() -> None:
    shares = class_shares(walk(2)[1])
    sums, kinds = [], set()
    for seed in range(12):
        spoiled = spoil(shares, torch.Generator().manual_seed(seed))
        assert bool((spoiled == spoil(shares, torch.Generator().manual_seed(seed))).all())
        assert float(spoiled.min()) >= 0
        torch.testing.assert_close(spoiled.sum(1), torch.ones(2, *SIZE), atol=1e-5, rtol=0)
        sums.append(float(spoiled[:, 1].sum() / shares[:, 1].sum()))
        kinds.add(bool((spoiled != shares).any()))
    assert min(sums) < 0.95 < 1.1 < max(sums)


def test_the_loss_of_a_batch_is_the_mean_over_its_clips() -> None:
    recipe = PropagationRecipe(shaken(PropagationNetwork()))
    batch = clip(3)
    whole = recipe.terms(batch, SMALL_PROPAGATION[0])
    parts = []
    for index in range(3):
        one = {
            field.name: getattr(batch, field.name)[index : index + 1]
            for field in fields(Sample)
            if getattr(batch, field.name) is not None
        }
        parts.append(recipe.terms(Sample(**one), SMALL_PROPAGATION[0]))
    for name, value in whole.items():
        assert math.isfinite(float(value))
        assert float(value) == pytest.approx(sum(float(part[name]) for part in parts) / 3, rel=1e-4)


@pytest.mark.parametrize("length", [2, 3])
def test_shorter_clips_have_fewer_references(length: int) -> None:
    whole = clip()
    parts = {
        field.name: getattr(whole, field.name)[:, :length]
        for field in fields(Sample)
        if field.name != "seed" and getattr(whole, field.name) is not None
    }
    terms = PropagationRecipe(shaken(PropagationNetwork())).terms(
        Sample(**parts, seed=whole.seed), SMALL_PROPAGATION[0]
    )
    assert all(math.isfinite(float(value)) for value in terms.values())


def test_a_few_steps_on_one_clip_lessen_every_term() -> None:
    torch.manual_seed(0)
    network = PropagationNetwork(widths=(8, 12, 16, 16), channels=8).train()
    recipe = PropagationRecipe(network)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    sample = replace(clip(), seed=torch.tensor([3]))
    history = []
    for _ in range(25):
        terms = recipe.terms(sample, SMALL_PROPAGATION[0])
        optimiser.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        optimiser.step()
        history.append({name: float(value.detach()) for name, value in terms.items()})
    assert history[-1]["classes"] < 0.8 * history[0]["classes"]
    assert history[-1]["moved"] < history[0]["moved"]


def test_validation_carries_every_frame_from_the_first_and_the_one_before() -> None:
    network = shaken(PropagationNetwork())
    sample = clip(2)
    found = predict_trimap(network, sample)
    assert found.shape == sample.trimap.shape and bool((found[:, 0] == sample.trimap[:, 0]).all())
    changed = replace(sample, frames=sample.frames.clone())
    changed.frames[:, 2] = 1 - changed.frames[:, 2]
    then = predict_trimap(network, changed)
    same = [bool((found[:, time] == then[:, time]).all()) for time in range(4)]
    assert same == [True, True, False, False]


def test_the_frame_before_may_have_what_the_network_itself_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    network = shaken(PropagationNetwork())
    recipe, sample = PropagationRecipe(network), replace(clip(), seed=torch.tensor([3]))
    told: list[tuple[torch.Tensor, bool]] = []
    remember = network.remember

    def watched(seen: Seen, shares: torch.Tensor, *, previous: bool = False) -> Reference:
        told.append((shares, previous))
        return remember(seen, shares, previous=previous)

    monkeypatch.setattr(network, "remember", watched)
    monkeypatch.setattr(propagation_recipe, "WITH_PREVIOUS", 1.0)
    found = {}
    for own in (0.0, 1.0):
        monkeypatch.setattr(propagation_recipe, "OWN", own)
        told.clear()
        found[own] = recipe.terms(sample, SMALL_PROPAGATION[0])
        assert all(math.isfinite(float(value)) for value in found[own].values())
        shares, previous = told[-1]
        assert previous and not shares.requires_grad
        torch.testing.assert_close(shares.sum(1), torch.ones_like(shares[:, 0]), atol=1e-5, rtol=0)
    again = recipe.terms(sample, SMALL_PROPAGATION[0])
    assert float(again["classes"]) == float(found[1.0]["classes"]) != float(found[0.0]["classes"])
