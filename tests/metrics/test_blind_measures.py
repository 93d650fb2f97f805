"""Measures that need no truth, on cases that one can compute in the head."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from mattekit.checks import InputError
from mattekit.metrics.blind.measures import area_step, edge_width, flicker, is_cut, spill
from mattekit.metrics.blind.motion import estimate_motion, follow_subject, window_mean
from mattekit.metrics.blind.standstill import Standstill
from mattekit.metrics.blind.suspicion import departures
from mattekit.ops import box_filter, gaussian_blur
from mattekit.ops.regions import find_regions

scipy_labels = pytest.importorskip("scipy.ndimage").label


def texture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    noise = torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))
    return (gaussian_blur(noise, 2) * 3 - 1).clamp(0, 1)


def ramp(width: float) -> torch.Tensor:
    return ((torch.arange(60.0) - 29.5) / width + 0.5).clamp(0, 1).expand(1, 20, 60)


@pytest.mark.parametrize("width", [4.0, 8.0, 16.0])
def test_the_width_of_a_straight_ramp_is_its_own(width: float) -> None:
    assert edge_width(ramp(width)) == pytest.approx(width, abs=0.3)
    assert edge_width(ramp(width).mT) == pytest.approx(width, abs=0.3)


def test_a_hard_edge_has_no_width_and_no_edge_has_none() -> None:
    assert edge_width((ramp(4.0) > 0.5).float()) == 0.0
    assert math.isnan(edge_width(torch.ones(1, 5, 7)))


def test_a_flash_flickers_by_what_it_adds_and_a_step_does_not() -> None:
    still, sure = torch.full((1, 30, 30), 0.5), torch.ones(1, 30, 30)
    share, heat = flicker(still + 0.25, sure, before=still, after=still)
    assert share == pytest.approx(0.25 * 900 / (0.75 * 900 + 0.9))
    assert heat.allclose(torch.tensor(0.25))
    assert flicker(still, sure, before=still, after=still + 0.25)[0] == 0.0
    assert flicker(still + 0.25, 0 * sure, before=still, after=still)[0] == 0.0


def test_an_area_that_doubles_steps_by_half_of_what_it_becomes() -> None:
    half = torch.zeros(1, 20, 20)
    half[..., :10] = 1
    assert area_step(torch.ones(1, 20, 20), torch.ones(1, 20, 20), before=half) == pytest.approx(0.5, abs=1e-3)
    assert area_step(half, torch.ones(1, 20, 20), before=torch.ones(1, 20, 20)) == pytest.approx(-0.5, abs=1e-3)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_spill_is_the_share_of_the_backgrounds_colour(share: float) -> None:
    alpha = ramp(10.0)
    red, green = torch.tensor([0.8, 0.1, 0.1]).view(3, 1, 1), torch.tensor([0.1, 0.7, 0.2]).view(3, 1, 1)
    frame = alpha * red + (1 - alpha) * green
    foreground = torch.lerp(red, green, share).expand_as(frame)
    assert spill(foreground, alpha, frame=frame) == pytest.approx(share, abs=0.03)


def test_spill_is_unknown_where_colours_are_alike_or_there_is_no_edge() -> None:
    grey = torch.full((3, 20, 60), 0.5)
    assert math.isnan(spill(grey, ramp(10.0), frame=grey))
    assert math.isnan(spill(grey, torch.ones(1, 20, 60), frame=grey))


@pytest.mark.parametrize(("x", "y"), [(0, 0), (1, 0), (-3, 2), (12, -5), (20, 8)])
def test_motion_of_a_texture_is_found_to_a_quarter_px_both_ways(x: int, y: int) -> None:
    whole = texture(200, 320)
    one, other = whole[:, 40:160, 40:280], whole[:, 40 + y : 160 + y, 40 + x : 280 + x]
    flow, trust = estimate_motion(one, other)
    assert float(trust.mean()) > 0.6
    for way, sign in enumerate((-1, 1)):
        wanted = torch.tensor([x, y]).view(2, 1, 1) * float(sign)
        assert float((flow[way] - wanted).norm(dim=0)[trust[way, 0] > 0].mean()) < 0.25


def test_other_scenes_are_a_cut_and_one_that_moves_or_darkens_a_little_is_none() -> None:
    one = texture(90, 160)
    other = 1 - texture(90, 160, seed=1) * torch.tensor([1.0, 0.5, 0.2]).view(3, 1, 1)
    for second, cut in ((other, True), (one.roll(4, -1), False), (0.97 * one, False)):
        assert is_cut(one, second, trust=estimate_motion(one, second)[1][0]) is cut


def test_the_edge_moves_as_the_inside_does() -> None:
    alpha = torch.zeros(1, 1, 40, 60)
    alpha[..., :30] = 1
    flow = torch.where(alpha > 0, 2.0, -5.0).expand(1, 2, 40, 60)
    followed, trust = follow_subject(flow, torch.ones_like(alpha), alpha=alpha)
    assert followed[..., 30:36].allclose(torch.tensor(2.0), atol=0.05)
    assert followed[..., 45:].allclose(torch.tensor(-5.0)) and bool((trust == 1).all())


@pytest.mark.parametrize("radius", [0, 1, 2, 3, 8])
def test_a_window_mean_is_the_box_filter_away_from_the_border(radius: int) -> None:
    values = torch.rand(2, 3, 30, 41, generator=torch.Generator().manual_seed(0))
    difference = (window_mean(values, radius) - box_filter(values, radius)).abs()
    assert float(difference[..., radius : 30 - radius, radius : 41 - radius].max()) < 1e-6


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (37, 53)])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.6, 1.0])
def test_regions_are_those_of_scipy(size: tuple[int, int], share: float) -> None:
    random = np.random.default_rng(1)
    mask, other = random.random(size) < share, random.random(size) < 0.5
    labels, count = scipy_labels(mask)
    regions = find_regions(mask)
    assert sorted(regions.areas) == sorted(np.bincount(labels.ravel(), minlength=count + 1)[1:])
    assert sorted(regions.count(other)) == sorted(np.bincount(labels.ravel(), other.ravel(), count + 1)[1:])
    pairs = np.unique(np.stack((labels[mask], regions.labels()[mask])), axis=1)
    assert pairs.shape[1] == count and ((regions.labels() > 0) == mask).all()


def test_a_region_knows_its_box_and_whether_it_touches_the_border() -> None:
    mask = np.zeros((6, 8), bool)
    mask[1:3, 2:5], mask[5, 7] = True, True
    regions = find_regions(mask)
    assert regions.boxes.tolist() == [[1, 2, 3, 5], [5, 7, 6, 8]] and regions.inside().tolist() == [True, False]


def test_a_still_alpha_lags_by_the_way_of_the_subject_and_one_that_follows_does_not() -> None:
    alphas = torch.stack([ramp(4.0).roll(2 * index, -1) for index in range(6)])
    flow, sure = torch.zeros(2, 20, 60), torch.ones(1, 20, 60)
    flow[0] = -2.0
    stands, follows = Standstill(), Standstill()
    stands.restart(alphas[0])
    follows.restart(alphas[0])
    lags = [stands.add(alphas[0], flow, trust=sure) for _ in range(5)]
    assert lags == pytest.approx([2, 4, 6, 8, 10], abs=0.1)
    assert [follows.add(alpha, flow, trust=sure) for alpha in alphas[1:]] == [0.0] * 5


def test_a_still_alpha_of_a_still_subject_does_not_lag() -> None:
    still = Standstill()
    still.restart(ramp(4.0))
    assert [still.add(ramp(4.0), torch.zeros(2, 20, 60), trust=torch.ones(1, 20, 60)) for _ in range(5)] == [0.0] * 5


def test_a_short_bump_departs_where_it_is_and_nowhere_after_it() -> None:
    bump = np.zeros(20)
    bump[8:11] = 3.0
    assert departures(bump).tolist() == bump.tolist()
    assert departures(np.zeros(1)).tolist() == [0.0]


def test_sizes_that_differ_are_refused() -> None:
    with pytest.raises(InputError, match="alpha and before must have one size"):
        flicker(torch.zeros(1, 4, 4), torch.zeros(1, 4, 4), before=torch.zeros(1, 4, 5), after=torch.zeros(1, 4, 5))
    with pytest.raises(InputError, match=r"one must have shape \(3, H, W\)"):
        estimate_motion(torch.zeros(1, 8, 8), torch.zeros(3, 8, 8))
