from __future__ import annotations

import math

import pytest
import torch

from mattekit.checks import InputError
from mattekit.data.walk import REDRAWN, Walk, random_walk, walk_flow


def _walk(seed: int, length: int = 300) -> Walk:
    return random_walk(length, (200, 300), torch.Generator().manual_seed(seed))


def test_a_walk_starts_in_the_middle_upright_at_the_smallest_zoom() -> None:
    walk = _walk(0, length=1)
    assert walk.centre.tolist() == [[149.5, 99.5]]
    assert walk.turn.tolist() == [0.0] and walk.zoom.tolist() == [0.9]


@pytest.mark.parametrize("seed", range(8))
def test_a_walk_keeps_to_its_ranges(seed: int) -> None:
    walk = _walk(seed)
    share = (walk.centre + 0.5) / torch.tensor([300.0, 200.0])
    assert share.min() + 1e-9 >= 0.05 and share.max() <= 0.95 + 1e-9
    assert walk.turn.abs().max() <= math.radians(60) + 1e-9
    assert walk.zoom.min() >= 0.9 and walk.zoom.max() <= 1.1


@pytest.mark.parametrize("seed", range(8))
def test_steps_are_as_fast_as_published_and_constant_until_redrawn(seed: int) -> None:
    walk = _walk(seed, length=3 * REDRAWN)
    steps = walk.centre.diff(dim=0)
    speed = steps.norm(dim=1)
    turned = speed < 0.5 - 1e-9  # at a border a step is folded back
    assert ((speed <= 2 + 1e-9) & ((speed >= 0.5 - 1e-9) | turned)).all()
    assert turned.sum() <= 4
    assert walk.turn.diff().abs().max() <= math.radians(1) + 1e-9
    assert walk.zoom.diff().abs().max() <= 0.015 + 1e-9
    first = steps[: REDRAWN - 1]
    assert torch.allclose(first.abs(), first[:1].abs(), atol=1e-9)
    assert not torch.allclose(steps[REDRAWN].abs(), steps[0].abs())


def test_the_centre_is_not_cut_to_whole_pixels() -> None:
    assert (_walk(3).centre[1:] % 1 != 0).any(dim=1).all()


def test_places_of_a_centre_are_the_foregrounds_middle_and_zoom_is_about_it() -> None:
    walk = Walk(torch.tensor([[40.0, 30.0]]).double(), torch.zeros(1).double(), torch.tensor([2.0]).double())
    place = walk.places((11, 21))[0]
    assert (place @ torch.tensor([40.0, 30.0, 1.0]).double()).tolist() == [10.0, 5.0]
    assert (place @ torch.tensor([44.0, 30.0, 1.0]).double()).tolist() == [12.0, 5.0]


def test_a_quarter_turn_is_clockwise_as_seen() -> None:
    walk = Walk(torch.zeros(1, 2).double(), torch.tensor([math.pi / 2], dtype=torch.float64), torch.ones(1).double())
    place = walk.places((1, 1))[0]
    # what lies to the right of the middle shows below it
    assert torch.allclose(place @ torch.tensor([0.0, 1.0, 1.0]).double(), torch.tensor([1.0, 0.0]).double(), atol=1e-12)


def test_flow_leads_to_the_pixel_that_shows_the_same_place() -> None:
    places = _walk(5, length=6).places((80, 90))
    flow = walk_flow(places, (40, 50)).double()
    for time in range(5):
        here = torch.tensor([31.0, 17.0]).double()
        there = here + flow[time, :, 17, 31]
        shown, onward = (places[time + i] @ torch.cat((p, torch.ones(1))) for i, p in enumerate((here, there)))
        assert torch.allclose(shown, onward, atol=1e-4)


def test_a_walk_of_no_frames_is_refused() -> None:
    with pytest.raises(InputError, match="a walk must have at least 1 frame; got 0"):
        _walk(0, length=0)
