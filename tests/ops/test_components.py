"""Holes and islands by size, and the regions that they are found as."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.ops.components import drop_islands, fill_holes
from mattekit.ops.regions import find_regions


def pierced() -> Tensor:
    """Return (1, 1, 24, 32): an opaque block with holes of 2 x 3 and 4 x 4 px, and a bay open to the outside."""
    alpha = torch.zeros(1, 1, 24, 32)
    alpha[..., 2:22, 2:30] = 1
    alpha[..., 5:7, 5:8] = 0.2
    alpha[..., 10:14, 12:16] = 0.9
    alpha[..., 16:18, 24:32] = 0
    return alpha


def islands() -> Tensor:
    """Return (1, 1, 24, 32): a large block, an island of 3 px in a diagonal, and one of 2 x 2 px at the border."""
    alpha = torch.zeros(1, 1, 24, 32)
    alpha[..., 8:20, 8:28] = 1
    for place in range(3):
        alpha[..., 1 + place, 1 + place] = 0.5
    alpha[..., 0:2, 30:32] = 0.8
    return alpha


@pytest.mark.parametrize(("area", "filled"), [(0, 0), (5, 0), (6, 6), (15, 6), (16, 22), (10_000, 22)])
def test_holes_of_up_to_so_many_px_are_filled_and_the_bay_is_none(area: int, filled: int) -> None:
    alpha = pierced()
    found = fill_holes(alpha, area)
    assert int((found != alpha).sum()) == filled
    assert bool((found[found != alpha] == 1).all())
    assert float(found[..., 16:18, 24:32].max()) == 0


def test_a_hole_with_a_soft_way_out_is_none() -> None:
    alpha = pierced()
    alpha[..., 5, 0:8] = 0.5
    assert float(fill_holes(alpha, 30)[0, 0, 6, 6]) == pytest.approx(0.2)


@pytest.mark.parametrize(("area", "dropped"), [(0, 0), (2, 0), (3, 3), (4, 7), (239, 7), (240, 247)])
def test_islands_of_up_to_so_many_px_are_dropped_corners_joined(area: int, dropped: int) -> None:
    alpha = islands()
    found = drop_islands(alpha, area)
    assert int((found != alpha).sum()) == dropped
    assert bool((found[found != alpha] == 0).all())


def test_the_faint_rim_of_an_island_goes_with_it_and_that_of_the_rest_stays() -> None:
    alpha = torch.zeros(1, 1, 12, 24)
    alpha[..., 3:6, 3:6], alpha[..., 4, 4] = 0.03, 0.6
    alpha[..., 2:11, 12:22], alpha[..., 3:10, 13:21] = 0.03, 1.0
    found = drop_islands(alpha, 5)
    assert float(found[..., :9].max()) == 0 and torch.equal(found[..., 9:], alpha[..., 9:])


def test_a_hole_is_an_island_of_the_background() -> None:
    alpha = (torch.rand(2, 1, 40, 50, generator=torch.Generator().manual_seed(0)) > 0.45).float()
    inner = alpha.clone()
    inner[..., [0, -1], :], inner[..., [0, -1]] = 0, 0
    filled = fill_holes(inner, 4)
    named = [find_regions((frame[0] < 0.5).numpy()) for frame in inner]
    wanted = sum(int(each.areas[(each.areas <= 4) & each.inside()].sum()) for each in named)
    assert int((filled != inner).sum()) == wanted > 0


def test_frames_do_not_influence_each_other_and_a_flip_commutes() -> None:
    alpha = torch.cat((pierced(), islands()))
    for change in (fill_holes, drop_islands):
        found = change(alpha, 6)
        assert torch.equal(found[1:], change(alpha[1:], 6))
        assert torch.equal(change(alpha.flip(-1, -2), 6), found.flip(-1, -2))


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (9, 1)])
def test_the_smallest_pictures_pass(size: tuple[int, int]) -> None:
    alpha = torch.full((1, 1, *size), 0.5)
    assert torch.equal(fill_holes(alpha, 100), alpha)
    assert float(drop_islands(alpha, 100).max()) == 0


def test_corners_join_regions_where_they_are_asked_to() -> None:
    generator = np.random.default_rng(0)
    mask = generator.random((30, 40)) > 0.6
    ndimage = pytest.importorskip("scipy.ndimage", reason="SciPy, the outside reference, is not installed")
    for diagonal in (False, True):
        labels, count = ndimage.label(mask, np.ones((3, 3)) if diagonal else None)
        found = find_regions(mask, diagonal=diagonal)
        assert len(found.areas) == count
        assert sorted(found.areas.tolist()) == sorted(np.bincount(labels.ravel())[1:].tolist())


def test_wrong_shapes_and_areas_are_refused() -> None:
    with pytest.raises(InputError, match=r"alpha must have shape \(T, 1, H, W\); got \(1, 4, 4\)"):
        fill_holes(torch.zeros(1, 4, 4), 3)
    with pytest.raises(InputError, match="drop_islands must take an area of 0 px or more; got -1"):
        drop_islands(torch.zeros(1, 1, 4, 4), -1)
