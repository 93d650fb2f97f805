"""Flow in colour, tiles and contact sheets."""

from __future__ import annotations

import math

import pytest
import torch

from mattekit.checks import InputError
from mattekit.data.pictures import GAP, HEAD, contact_sheet, flow_colours, tile


def test_right_is_red_left_is_cyan_rest_is_white_and_half_the_speed_half_the_colour() -> None:
    flow = torch.tensor([[2.0, 0.0], [-2.0, 0.0], [0.0, 0.0], [1.0, 0.0]]).T.reshape(1, 2, 1, 4)
    found = flow_colours(flow)[0, :, 0].T
    torch.testing.assert_close(
        found, torch.tensor([[1.0, 0, 0], [0, 1, 1], [1, 1, 1], [1, 0.5, 0.5]]), atol=1e-6, rtol=0
    )


def test_turning_the_flow_by_a_third_of_a_circle_moves_the_colours_on_by_one_channel() -> None:
    angles = torch.linspace(0, 6, 20)
    turned = angles + 2 * math.pi / 3
    one, other = (flow_colours(torch.stack((torch.cos(a), torch.sin(a))).view(1, 2, 1, 20)) for a in (angles, turned))
    torch.testing.assert_close(one[:, [2, 0, 1]], other, atol=1e-5, rtol=0)


def test_the_scale_can_be_fixed_and_what_is_not_valid_is_grey_and_does_not_count() -> None:
    flow = torch.tensor([[4.0, 0.0], [100.0, 0.0]]).T.reshape(1, 2, 1, 2)
    valid = torch.tensor([1.0, 0.0]).view(1, 1, 1, 2)
    found = flow_colours(flow, valid=valid)
    assert found[0, :, 0, 0].tolist() == [1, 0, 0]
    torch.testing.assert_close(found[0, :, 0, 1], torch.full((3,), 0.2))
    assert flow_colours(flow, fastest=8.0)[0, :, 0, 0].tolist() == [1, 0.5, 0.5]


def test_a_still_flow_and_no_frames_have_pictures() -> None:
    assert bool((flow_colours(torch.zeros(2, 2, 3, 5)) == 1).all())
    assert flow_colours(torch.zeros(0, 2, 3, 5)).shape == (0, 3, 3, 5)


def test_tiles_stand_side_by_side_and_grey_is_spread_to_three_channels() -> None:
    whole = tile([torch.zeros(2, 3, 4, 5), torch.ones(2, 1, 4, 5), torch.full((2, 1, 4, 5), 0.5)], columns=2)
    assert whole.shape == (2, 3, 8, 10)
    assert float(whole[..., :4, :5].max()) == 0 and float(whole[..., :4, 5:].min()) == 1
    assert bool((whole[..., 4:, :5] == 0.5).all())


def test_a_sheet_holds_every_picture_at_its_place() -> None:
    row = [torch.ones(3, 10, 20), None, torch.full((1, 20, 40), 0.5)]
    sheet = contact_sheet([row, row], heads=("a", "b", "c"), names=("one", "two"), width=40)
    assert sheet.shape == (3, HEAD + 2 * (20 + HEAD + GAP), GAP + 3 * (40 + GAP))
    top = 2 * HEAD
    assert bool((sheet[:, top : top + 20, GAP : GAP + 40] == 1).all())
    third = sheet[:, top : top + 20, GAP + 2 * (40 + GAP) : GAP + 2 * (40 + GAP) + 40]
    torch.testing.assert_close(third, torch.full_like(third, 128 / 255))
    assert float(sheet[:, top : top + 20, GAP + 40 + GAP : GAP + 80].max()) < 0.2


def test_sheets_and_tiles_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match=r"rows of 2 pictures.*got rows of \[1\]"):
        contact_sheet([[None]], heads=("a", "b"), names=("one",))
    with pytest.raises(InputError, match="pictures must be of one size"):
        tile([torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 3)], columns=2)
