"""Person matting frame after frame: when results come, what is held, working sizes, files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

import people
import person_networks
from mattekit.checks import InputError, WeightsError
from mattekit.engine.snapshot import read_state, write_state
from mattekit.models import Wanted, load
from mattekit.models.person import STATES, Form, PersonMatter
from mattekit.models.person.network import PersonNetwork, State, matte_series
from mattekit.models.person.prior import Given
from mattekit.weights import read_weights, write_weights


def matter(*, delayed: bool = False, working_size: int | None = None, foreground: bool = True) -> PersonMatter:
    prior = person_networks.steadied() if delayed else person_networks.brightness()
    return PersonMatter(person_networks.network(), prior, working_size=working_size, foreground=foreground)


def run(told: PersonMatter, frames: Tensor, chunk: int) -> tuple[Tensor, Tensor, list[int]]:
    """Return alpha and colour of all frames, and how many came with each chunk."""
    state, alphas, colours = None, [], []
    for piece in (*frames.split(chunk), frames[:0]):
        alpha, colour, state = told.step(piece, None, state)
        assert colour is not None
        alphas.append(alpha)
        colours.append(colour)
    return torch.cat(alphas), torch.cat(colours), [len(each) for each in alphas]


@pytest.mark.parametrize("frames", [1, 4, 5, 6, 12])
def test_a_clip_gives_what_its_groups_from_the_first_frame_on_give(frames: int) -> None:
    pictures = people.clip(frames, 40, 56)
    with torch.inference_mode():
        wanted, colours = matte_series(person_networks.network(), pictures[None], pictures.mean(1, keepdim=True)[None])
    for chunk in (1, 3, 7):
        alpha, colour, _ = run(matter(), pictures, chunk)
        torch.testing.assert_close(alpha, wanted[0], atol=1e-6, rtol=0)
        torch.testing.assert_close(colour, colours[0], atol=1e-6, rtol=0)


@pytest.mark.parametrize(("delayed", "late"), [(False, 4), (True, 6)])
def test_results_are_always_as_late_as_the_rest_of_a_group_and_the_maps_are(delayed: bool, late: int) -> None:
    told = matter(delayed=delayed)
    assert told.context == late
    _, _, counts = run(told, people.clip(13, 32, 32), 1)
    assert counts == [0] * late + [1] * (13 - late) + [late]
    assert run(told, people.clip(13, 32, 32), 8)[2] == [8 - late, 5, late]


def test_what_is_held_stops_growing_and_can_be_kept_in_a_file(tmp_path: Path) -> None:
    told, pictures, state = matter(delayed=True), people.clip(24, 32, 32), None
    sizes = []
    for time in range(24):
        _, _, state = told.step(pictures[time : time + 1], None, state)
        write_state(tmp_path / "state", state)
        sizes.append((tmp_path / "state").stat().st_size)
        state = read_state(tmp_path / "state", types=STATES)
    assert max(sizes[14:]) == max(sizes[9:14])  # at the same places of later groups
    alpha, _, _ = told.step(pictures[:0], None, state)
    assert bool((alpha == run(told, pictures, 1)[0][-6:]).all())


def test_maps_asked_by_number_go_on_where_a_scene_begins() -> None:
    asked: list[int] = []

    def map_at(number: int) -> Tensor:
        asked.append(number)
        return torch.full((1, 32, 32), 0.5)

    told = PersonMatter(person_networks.network(), Given(map_at))
    state = told.begin(7)
    frames = people.clip(3, 32, 32)
    told.step(frames[:0], None, told.step(frames, None, state)[2])
    assert asked == [7, 8, 9] and matter().begin(7) is None


class Mirror(PersonNetwork):
    """Alpha is how bright a frame is, and colour the frame itself."""

    def forward(self, frames: Tensor, prior: Tensor, state: State | None = None) -> tuple[Tensor, Tensor, State]:
        assert max(frames.shape[-2:]) <= 16 and prior.shape[-2:] == frames.shape[-2:]
        return frames.mean(2, keepdim=True), frames, State((), ())


def test_above_the_working_size_alpha_and_colour_follow_the_edges_of_the_frame() -> None:
    frames = torch.full((1, 3, 64, 64), 0.25)
    frames[..., 29:] = 0.75
    told = PersonMatter(Mirror(width=0.25), person_networks.brightness(), working_size=16)
    alpha, colour, _ = run(told, frames, 1)
    inside = (slice(None), slice(None), slice(4, -4), slice(4, -4))
    torch.testing.assert_close(alpha[inside], frames[:, :1][inside], atol=0.01, rtol=0)
    torch.testing.assert_close(colour[inside], frames[inside], atol=0.01, rtol=0)


def test_alpha_is_the_same_whether_colour_is_wanted_or_not() -> None:
    frames = people.clip(3, 48, 64)
    told = matter(working_size=32, foreground=False)
    _, none, state = told.step(frames, None, None)
    alpha, colour, _ = told.step(frames[:0], None, state)
    assert none is None and colour is None
    torch.testing.assert_close(alpha, run(matter(working_size=32), frames, 3)[0], atol=1e-5, rtol=0)


# files


@pytest.mark.parametrize(("lstm", "attention"), [(True, True), (False, True), (True, False)])
def test_the_form_of_a_network_is_told_by_its_file(lstm: bool, attention: bool, tmp_path: Path) -> None:
    path = person_networks.write_person(tmp_path / "form.safetensors", lstm=lstm, attention=attention)
    model = load("person", weights=path, wanted=Wanted(prior=person_networks.brightness(), working_size=64))
    told = model.matter
    assert isinstance(told, PersonMatter) and told.working_size == 64
    assert (told.network.memory is not None, told.network.attention is not None) == (lstm, attention)
    frames = people.clip(5, 40, 56)
    alpha, _, _ = run(told, frames, 5)
    with torch.inference_mode():
        network = person_networks.network(lstm=lstm, attention=attention)
        wanted, _ = matte_series(network, frames[None], frames.mean(1, keepdim=True)[None])
    torch.testing.assert_close(alpha, wanted[0], atol=0.02, rtol=0)  # the file is in half precision


def test_files_that_do_not_tell_their_form_or_are_of_another_are_refused(tmp_path: Path) -> None:
    path, modules = tmp_path / "bad.safetensors", {"matting": person_networks.network()}
    wanted = Wanted(prior=person_networks.brightness())
    for card, message in (
        ({}, "must say lstm and attention, yes or no, and width, a number"),
        (Form().card() | {"lstm": "perhaps"}, "must say lstm and attention, yes or no"),
        (Form().card() | {"width": "wide"}, "must say lstm and attention, yes or no, and width, a number"),
        (Form(lstm=False, width=0.25).card(), "does not know memory.0.hh.weight"),
        (Form(width=0.5).card(), "must have shape"),
    ):
        write_weights(path, modules, family="person", card=card)
        with pytest.raises(WeightsError, match=message):
            load("person", weights=path, wanted=wanted)
    write_weights(path, {**modules, "other": torch.nn.Linear(1, 1)}, family="person", card=Form(width=0.25).card())
    with pytest.raises(WeightsError, match=re.escape("exactly the network's keys")):
        load("person", weights=path, wanted=wanted)
    assert "matting.head.weight" in read_weights(path, family="person")


def test_frames_of_another_size_are_refused_after_a_whole_group_too() -> None:
    told, frames = matter(), people.clip(6, 32, 32)
    _, _, state = told.step(frames, None, None)
    with pytest.raises(InputError, match=r"one size; got \(32, 31\) after \(32, 32\)"):
        told.step(frames[..., 1:], None, state)
