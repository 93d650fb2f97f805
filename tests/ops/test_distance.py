"""Squared distance to a mask."""

from __future__ import annotations

import pytest
import torch
from scipy.ndimage import distance_transform_edt

from mattekit.checks import InputError
from mattekit.ops.distance import squared_distance


def test_the_distances_to_one_pixel_are_those_of_a_right_triangle() -> None:
    mask = torch.zeros(5, 6, dtype=torch.bool)
    mask[0, 0] = True
    assert int(squared_distance(mask, 6)[4, 3]) == 25


@pytest.mark.parametrize("reach", [0, 1, 5, 40, 200])
def test_it_agrees_with_another_implementation_up_to_its_reach(reach: int) -> None:
    mask = torch.rand(2, 1, 37, 52, generator=torch.Generator().manual_seed(1)) > 0.995
    found = squared_distance(mask, reach)
    for plane, wanted in zip(found[:, 0], (distance_transform_edt(~one[0].numpy()) ** 2 for one in mask), strict=True):
        true = torch.from_numpy(wanted).round().long()
        near = true <= reach**2
        assert bool((plane.long()[near] == true[near]).all()) and bool((plane[~near] > reach**2).all())


def test_nothing_is_near_an_empty_mask_and_a_single_pixel_is_near_itself() -> None:
    assert bool((squared_distance(torch.zeros(3, 4, dtype=torch.bool), 7) > 49).all())
    assert squared_distance(torch.ones(1, 1, dtype=torch.bool), 7).tolist() == [[0]]


def test_a_negative_reach_is_refused() -> None:
    with pytest.raises(InputError, match="reach must be 0 px or more; got -1"):
        squared_distance(torch.zeros(1, 1, dtype=torch.bool), -1)
