"""How far motion is believed, and what it fetches."""

from __future__ import annotations

import math

import pytest
import torch

import people
from mattekit.checks import InputError
from mattekit.models.person.prior import Segmented, Smoothed
from mattekit.ops.smooth_maps import belief, fetched, steadied


def test_belief_falls_with_the_change_of_colour() -> None:
    frames = torch.zeros(2, 3, 2, 3)
    frames[1] += torch.tensor([0.0, 0.05 / 3, 0.1]).view(1, 1, 3)
    found = belief(frames, torch.zeros(2, 2, 2, 3))
    wanted = torch.tensor([1.0, math.exp(-1), math.exp(-6)]).expand(2, 1, 2, 3)
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=0)


def test_where_the_way_back_misses_or_leads_outside_nothing_is_believed() -> None:
    flows = torch.zeros(2, 2, 1, 8)
    flows[0, 0] = 2
    flows[1, 0] = -2
    frames = torch.full((2, 3, 1, 8), 0.5)
    assert belief(frames, flows)[:, 0, 0].tolist() == [[1.0] * 6 + [0.0] * 2, [0.0] * 2 + [1.0] * 6]
    flows[1, 0] = -0.4  # 1.6 px from the start
    assert float(belief(frames, flows).max()) == 0
    flows[1, 0] = -0.6
    assert belief(frames, flows)[0, 0, 0].tolist() == [1.0] * 6 + [0.0] * 2


def test_a_map_is_fetched_from_where_the_pixel_went() -> None:
    maps = torch.stack((torch.arange(6.0), torch.arange(10.0, 16.0))).view(2, 1, 1, 6)
    flows = torch.zeros(2, 2, 1, 6)
    flows[0, 0], flows[1, 0] = 1, -1
    found = fetched(maps, flows)
    assert found[0].flatten().tolist() == pytest.approx([11, 12, 13, 14, 15, 15], abs=1e-5)
    assert found[1].flatten().tolist() == pytest.approx([0, 0, 1, 2, 3, 4], abs=1e-5)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(InputError, match="frames must have shape"):
        belief(torch.zeros(3, 3, 4, 4), torch.zeros(2, 2, 4, 4))
    with pytest.raises(InputError, match="one size"):
        belief(torch.zeros(2, 3, 4, 4), torch.zeros(2, 2, 4, 5))


def test_a_whole_clip_at_once_gives_what_its_frames_one_by_one_give_over_a_cut_too() -> None:
    frames = people.clip(1, 48, 64)[0]
    clip = torch.stack([frames.roll(3 * time, -1) for time in range(4)] + [1 - frames, 1 - frames.roll(1, -2)])
    maps = torch.rand(6, 1, 48, 64, generator=torch.Generator().manual_seed(0))
    told = Smoothed(Segmented(lambda _: maps), method="lucas-kanade")
    first, _, state = told.step(clip, None, None)
    wanted = torch.cat((first, told.step(clip[:0], None, state)[0]))
    found = steadied(clip, maps)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)
    assert float((found - maps).abs().mean()) > 0.02
    torch.testing.assert_close(steadied(clip[4:], maps[4:]), found[4:])  # nothing came over the cut


@pytest.mark.parametrize("frames", [1, 2])
def test_maps_of_a_clip_that_stands_still_become_their_weighted_mean(frames: int) -> None:
    clip = people.clip(1, 32, 32).expand(frames, -1, -1, -1)
    maps = torch.arange(float(frames)).view(-1, 1, 1, 1).expand(-1, 1, 32, 32)
    wanted = [[0.0], [1 / 3, 2 / 3]][frames - 1]
    found = steadied(clip, maps)
    torch.testing.assert_close(found, torch.tensor(wanted).view(-1, 1, 1, 1).expand(-1, 1, 32, 32), atol=0.01, rtol=0)
