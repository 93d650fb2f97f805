"""Maps of people: how sure they are, what is dropped and closed, and the trimaps that they allow."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.ops import gaussian_blur
from mattekit.ops.people import WIDEST, band_of, judge_map, tidy_map, trimap_from_map


def discs(*circles: tuple[float, float, float], size: tuple[int, int] = (96, 128), soft: float = 1.0) -> Tensor:
    """Return a map (1, H, W) of discs, each row, column and radius, whose edge is a Gaussian's integral."""
    y, x = torch.meshgrid(*(torch.arange(side, dtype=torch.float32) for side in size), indexing="ij")
    inside = torch.stack([torch.hypot(y - row, x - column) <= radius for row, column, radius in circles]).any(0)
    return gaussian_blur(inside[None].float(), soft)


def test_confidence_is_the_overlap_to_be_expected() -> None:
    seen = judge_map(torch.tensor([[[1.0, 0.6, 0.2, 0.0]]]))
    assert seen.share == 0.5 and seen.confidence == pytest.approx(1.6 / 2.2) and not seen.is_empty
    assert judge_map(torch.ones(1, 4, 4)).confidence == 1


def test_softer_and_fainter_maps_are_trusted_less_and_larger_people_more() -> None:
    crisp, soft = (judge_map(discs((48, 64, 30), soft=width)).confidence for width in (1.0, 6.0))
    faint = judge_map(0.7 * discs((48, 64, 30))).confidence
    small = judge_map(discs((48, 64, 8))).confidence
    assert crisp > 0.94 and crisp > soft > faint and small < crisp


def test_where_nobody_is_seen_that_is_sure_only_if_nothing_is_half_seen_either() -> None:
    nobody, half = judge_map(torch.full((1, 50, 50), 0.05)), judge_map(0.4 * discs((48, 64, 20)))
    assert nobody.is_empty and nobody.confidence == 1
    assert half.is_empty and half.confidence == 0


def test_small_islands_and_faint_ones_go_large_ones_stay() -> None:
    maps = torch.maximum(discs((48, 40, 30), (48, 100, 20), (10, 110, 3)), 0.4 * discs((86, 110, 8)))
    tidy = tidy_map(maps)
    assert float(tidy[0, 48, 100]) == float(maps[0, 48, 100]) and float(tidy[0, 48, 40]) > 0.999
    assert float(tidy[0, 10, 110]) == 0 and float(tidy[0, 86, 110]) == 0


def test_small_holes_are_closed_and_gaps_stay() -> None:
    maps = discs((48, 64, 40)) - discs((48, 50, 2), soft=0.5) - discs((48, 80, 10), soft=0.5)
    tidy = tidy_map(maps.clamp(0, 1))
    assert float(maps[0, 48, 50]) < 0.2 and float(tidy[0, 48, 50]) == 1
    assert float(tidy[0, 48, 80]) < 0.01


@pytest.mark.parametrize("scale", [1, 3])
def test_the_trimap_knows_the_middle_and_the_outside_and_nothing_near_the_edge(scale: int) -> None:
    maps = discs((48, 64, 30), soft=1.5)
    trimap = trimap_from_map(maps, (96 * scale, 128 * scale))
    assert trimap.shape == (1, 96 * scale, 128 * scale) and set(trimap.unique().tolist()) == {0.0, 0.5, 1.0}
    row = trimap[0, 48 * scale, 64 * scale :]
    inner, outer = int((row == 1).sum()) / scale, int((row > 0).sum()) / scale
    reach = band_of(maps)
    assert inner == pytest.approx(30 - reach, abs=1.6) and outer == pytest.approx(30 + 1.5 * reach, abs=1.6)
    assert float(trimap[0, 48 * scale, 64 * scale]) == 1 and float(trimap[0, 0, 0]) == 0


def test_the_band_is_wider_for_larger_people_and_softer_maps() -> None:
    hard, blurred = discs((48, 64, 20), soft=0), discs((48, 64, 20), soft=4)
    assert band_of(hard) == pytest.approx(0.03 * math.sqrt(float(hard.sum())))
    assert band_of(discs((48, 64, 40), soft=0)) > band_of(hard) < band_of(discs((48, 64, 20), soft=0.4))
    assert band_of(hard) < band_of(blurred) == pytest.approx(WIDEST * math.sqrt(float((blurred > 0.5).sum())))
    assert band_of(torch.zeros(1, 8, 8)) == 0


def test_with_a_mask_its_edge_counts_and_unknown_is_where_the_two_contradict_each_other() -> None:
    maps, mask = discs((48, 64, 30), soft=3.0), discs((48, 70, 30), soft=0).round()
    maps[:, 40:50, 60:70] = 0.05  # missed by the map
    maps[:, 5:40, 5:40] = 1.0  # of the map alone
    alone, both = trimap_from_map(maps, (96, 128)), trimap_from_map(maps, (96, 128), mask=mask)
    assert bool((both[:, 42:48, 62:68] == 0.5).all()) and bool((both[:, 8:37, 8:37] == 0.5).all())
    assert float(alone[0, 48, 92]) == 0.5 and float(both[0, 48, 40]) == 0.5 == float(both[0, 48, 101])
    denied, alone_there = (mask > 0.5) & (maps <= 0.1), (mask < 0.5) & (maps >= 0.3)
    assert bool(denied.any()) and bool((both[denied | alone_there] == 0.5).all())
    sure = (both != 0.5) & (both != mask)
    assert not bool(sure.any())
    with pytest.raises(InputError, match="map and mask must have one size"):
        trimap_from_map(maps, (96, 128), mask=mask[:, :4])


def test_where_the_map_is_not_sure_the_trimap_is_not_either() -> None:
    maps = discs((48, 64, 30))
    maps[:, 40:50, 100:110] = 0.45
    maps[:, 44:52, 60:68] = 0.8
    maps[:, 46:48, 92:100] = 0.45  # so that the doubtful place is part of the person
    trimap = trimap_from_map(maps, (96, 128))
    assert bool((trimap[:, 41:49, 101:109] == 0.5).all()) and bool((trimap[:, 44:52, 60:68] == 0.5).all())


def test_a_map_of_nobody_gives_a_trimap_of_background_at_any_size() -> None:
    for size in ((1, 1), (7, 3), (96, 128)):
        assert float(trimap_from_map(torch.full((1, 12, 16), 0.02), size).max()) == 0
    with pytest.raises(InputError, match="map must have shape"):
        trimap_from_map(torch.zeros(12, 16), (12, 16))
