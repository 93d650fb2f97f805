"""One battery for every family: what `mattekit.types.Matter` and `Propagator` promise."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

import narrow
import people
import person_networks
from mattekit.checks import InputError
from mattekit.models import FAMILIES, Model, Wanted, load
from mattekit.models.dvm.paper import PAPER, RELEASE

NARROW = {PAPER: narrow.write_paper, RELEASE: narrow.write_release}
"""Further sizes of a family, too large for tests as they are: their weights are drawn at an eighth of the width."""

UNCARRIED = {"person": person_networks.write_person, "rvm": people.write_people}
"""Families whose weights the package need not carry: theirs are drawn."""

FORMS = {
    "person, maps as they come": (Wanted(prior=person_networks.brightness()), {}),
    "person without memory": (Wanted(prior=person_networks.brightness()), {"lstm": False}),
    "person without attention": (Wanted(prior=person_networks.brightness()), {"attention": False}),
    "person at 32 px": (Wanted(working_size=32), {}),
}
"""Further forms of the family person: what is wanted beside its weights, and what the network is built without."""


@pytest.fixture(scope="module", params=[*sorted(FAMILIES), *FORMS, *NARROW])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = tmp_path_factory.mktemp("narrow") / f"{request.param}.safetensors"
    if request.param in FORMS:
        wanted, without = FORMS[request.param]
        steadied = replace(wanted, prior=wanted.prior or person_networks.steadied())
        return load("person", weights=person_networks.write_person(path, **without), wanted=steadied)
    if request.param in FAMILIES:
        write = UNCARRIED.get(request.param)
        wanted = Wanted(prior=person_networks.steadied()) if request.param == "person" else None
        return load(request.param, weights=None if write is None else write(path), wanted=wanted)
    return load("dvm", weights=NARROW[request.param](path))


def clip(frames: int, size: tuple[int, int], seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return smooth moving frames and a trimap with a band around a moving box."""
    height, width = size
    generator = torch.Generator().manual_seed(seed)
    noise = torch.rand(frames, 3, max(1, height // 8), max(1, width // 8), generator=generator)
    pictures = torch.nn.functional.interpolate(noise, size=size, mode="bilinear")
    trimap = torch.zeros(frames, 1, height, width)
    for time in range(frames):
        trimap[time, :, height // 4 : height - height // 4, width // 4 + time :] = 0.5
        trimap[time, :, height // 3 : height - height // 3, width // 3 + time :] = 1
    return pictures, trimap


def run(model: Model, frames: Tensor, trimap: Tensor, chunk: int) -> Tensor:
    state, alphas = None, []
    for start in range(0, len(frames), chunk):
        alpha, foreground, state = model.matter.step(
            frames[start : start + chunk], trimap[start : start + chunk] if model.matter.needs_trimap else None, state
        )
        assert foreground is None or foreground.shape == (len(alpha), 3, *frames.shape[-2:])
        alphas.append(alpha)
    alphas.append(model.matter.step(frames[:0], trimap[:0], state)[0])
    return torch.cat(alphas)


@pytest.mark.parametrize(("length", "size"), [(1, (40, 56)), (2, (17, 13)), (7, (48, 64)), (1, (1, 1)), (1, (8, 300))])
def test_every_frame_gets_a_finite_alpha_between_0_and_1(model: Model, length: int, size: tuple[int, int]) -> None:
    alpha = run(model, *clip(length, size), chunk=3)
    assert alpha.shape == (length, 1, *size)
    assert bool(torch.isfinite(alpha).all())
    assert float(alpha.min()) >= 0 and float(alpha.max()) <= 1


def test_chunks_of_1_3_and_8_give_the_same_alpha(model: Model) -> None:
    frames, trimap = clip(9, (48, 64))
    one, three, eight = (run(model, frames, trimap, chunk) for chunk in (1, 3, 8))
    torch.testing.assert_close(three, one, atol=1e-5, rtol=0)
    torch.testing.assert_close(eight, one, atol=1e-5, rtol=0)


def test_the_same_input_gives_the_same_bytes(model: Model) -> None:
    frames, trimap = clip(4, (48, 64))
    assert bool((run(model, frames, trimap, 2) == run(model, frames, trimap, 2)).all())


def test_results_come_context_frames_late(model: Model) -> None:
    frames, trimap = clip(8, (40, 40))
    alpha, _, _ = model.matter.step(frames, trimap, None)
    assert len(alpha) == 8 - model.matter.context


def test_two_clips_interleaved_equal_two_clips_apart(model: Model) -> None:
    clips = [clip(5, (40, 48), seed) for seed in (1, 2)]
    states: list[object] = [None, None]
    found: list[list[Tensor]] = [[], []]
    for time in range(5):
        for which, (frames, trimap) in enumerate(clips):
            here = slice(time, time + 1)
            alpha, _, states[which] = model.matter.step(frames[here], trimap[here], states[which])
            found[which].append(alpha)
    for which, (frames, trimap) in enumerate(clips):
        found[which].append(model.matter.step(frames[:0], trimap[:0], states[which])[0])
        assert bool((torch.cat(found[which]) == run(model, frames, trimap, 1)).all())


def test_known_pixels_are_law(model: Model) -> None:
    if not model.matter.needs_trimap:
        pytest.skip("this family takes no trimap")
    frames, trimap = clip(3, (48, 64))
    alpha = run(model, frames, trimap, 3)
    known = trimap != 0.5
    assert bool((alpha[known] == trimap[known]).all())


def test_an_empty_clip_ends_without_frames(model: Model) -> None:
    frames, trimap = clip(1, (16, 16))
    alpha, _, state = model.matter.step(frames[:0], trimap[:0], None)
    assert alpha.shape == (0, 1, 16, 16) and state is None


def test_a_size_that_changes_mid_clip_is_refused(model: Model) -> None:
    frames, trimap = clip(1, (32, 32))
    _, _, state = model.matter.step(frames, trimap, None)
    with pytest.raises(InputError, match=r"one size; got \(16, 32\) after \(32, 32\)"):
        model.matter.step(frames[..., :16, :], trimap[..., :16, :], state)


def test_propagation_keeps_to_three_values_at_any_size(model: Model) -> None:
    if model.propagator is None:
        pytest.skip("this family takes no trimap")
    for size in ((48, 64), (17, 13), (1, 1)):
        frames, trimap = clip(2, size)
        reference = model.propagator.reference(frames[0], trimap[0])
        found = model.propagator.step(frames[1], [reference], None)
        then = model.propagator.step(frames[0], [reference, reference], found.state)
        for each in (found, then):
            assert each.trimap.shape == (1, *size) and set(each.trimap.unique().tolist()) <= {0.0, 0.5, 1.0}
            assert 0 <= each.confidence <= 1


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(InputError, match="model must be one of"):
        load("dmv")
