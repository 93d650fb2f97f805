import math

import pytest
import torch

from mattekit.checks import InputError
from mattekit.metrics import dtssd, messddt, ssda


def everywhere(like: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(like, dtype=torch.bool)


def test_a_constant_offset_does_not_flicker():
    alpha_true = torch.rand(5, 1, 4, 4).double() * 0.5
    alpha, region = alpha_true + 0.25, everywhere(alpha_true)
    torch.testing.assert_close(dtssd(alpha, alpha_true, region), torch.zeros(4).double(), rtol=0, atol=1e-12)
    torch.testing.assert_close(ssda(alpha, alpha_true, region), torch.ones(5).double())


def test_a_flash_of_one_frame_shows_in_the_two_pairs_around_it():
    alpha_true = torch.zeros(5, 1, 3, 4)
    alpha = alpha_true.clone()
    alpha[2] = 0.5
    result = dtssd(alpha, alpha_true, everywhere(alpha))
    assert result.tolist() == pytest.approx([0, 0.5 * math.sqrt(12), 0.5 * math.sqrt(12), 0])


def test_the_region_is_that_of_the_earlier_frame():
    alpha_true = torch.zeros(2, 1, 1, 2)
    alpha = torch.tensor([[[[0.0, 0.0]]], [[[1.0, 0.5]]]])
    region = torch.tensor([[[[False, True]]], [[[True, False]]]])
    assert dtssd(alpha, alpha_true, region).tolist() == [0.5]


def test_following_the_truth_costs_nothing_however_it_moves():
    alpha = torch.rand(6, 1, 5, 5)
    assert dtssd(alpha, alpha, everywhere(alpha)).tolist() == [0] * 5


def test_playing_backwards_over_the_whole_frame_changes_nothing():
    alpha, alpha_true = torch.rand(4, 1, 5, 5), torch.rand(4, 1, 5, 5)
    forwards = dtssd(alpha, alpha_true, everywhere(alpha))
    torch.testing.assert_close(dtssd(alpha.flip(0), alpha_true.flip(0), everywhere(alpha)).flip(0), forwards)


def test_one_frame_has_no_pair():
    assert dtssd(torch.rand(1, 1, 3, 3), torch.rand(1, 1, 3, 3), torch.ones(1, 1, 3, 3) > 0).tolist() == []


def moving_right(frames: int, *, by: float = 1.0, size: tuple[int, int] = (4, 9)) -> torch.Tensor:
    flow = torch.zeros(frames - 1, 2, *size)
    flow[:, 0] = by
    return flow


def along_the_row(*columns: int) -> torch.Tensor:
    """Return an error of 0.5 in one pixel of row 1 a frame, (T, 1, 4, 9)."""
    alpha = torch.zeros(len(columns), 1, 4, 9)
    for frame, column in enumerate(columns):
        alpha[frame, 0, 1, column] = 0.5
    return alpha


@pytest.mark.parametrize("motion", ["nearest", "bilinear"])
def test_a_still_error_on_a_still_clip_flickers_in_no_way(motion):
    alpha_true = torch.rand(1, 1, 5, 6).expand(4, 1, 5, 6) * 0.5
    alpha, still = alpha_true + 0.25, torch.zeros(3, 2, 5, 6)
    assert dtssd(alpha, alpha_true, everywhere(alpha)).tolist() == [0, 0, 0]
    assert messddt(alpha, alpha_true, everywhere(alpha), still, motion=motion).tolist() == [0, 0, 0]


@pytest.mark.parametrize("motion", ["nearest", "bilinear"])
def test_changing_only_the_last_frame_changes_both_temporal_metrics_of_the_last_pair(motion):
    alpha_true, still = torch.zeros(3, 1, 4, 9), torch.zeros(2, 2, 4, 9)
    alpha = along_the_row(3, 3, 3)
    alpha[2, 0, 1, 3] = 1.0
    assert dtssd(alpha, alpha_true, everywhere(alpha)).tolist() == [0, 0.5]
    assert messddt(alpha, alpha_true, everywhere(alpha), still, motion=motion).tolist() == [0, 0.75]


@pytest.mark.parametrize("motion", ["nearest", "bilinear"])
def test_an_error_that_moves_with_the_flow_costs_nothing_and_one_that_moves_against_it_does(motion):
    alpha_true, flow = torch.zeros(3, 1, 4, 9), moving_right(3)
    along, against = along_the_row(2, 3, 4), along_the_row(5, 4, 3)
    assert messddt(along, alpha_true, everywhere(along), flow, motion=motion).tolist() == [0, 0]
    assert messddt(against, alpha_true, everywhere(along), flow, motion=motion).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("motion", ["nearest", "bilinear"])
def test_x_is_across_and_y_is_down(motion):
    alpha_true, flow = torch.zeros(2, 1, 4, 9), torch.zeros(1, 2, 4, 9)
    flow[:, 0], flow[:, 1] = 3, 1
    alpha = torch.zeros(2, 1, 4, 9)
    alpha[0, 0, 1, 2], alpha[1, 0, 2, 5] = 0.5, 0.5
    assert messddt(alpha, alpha_true, everywhere(alpha), flow, motion=motion).tolist() == [0]


def test_nearest_motion_rounds_and_stops_at_the_border():
    alpha_true = torch.zeros(2, 1, 4, 9)
    alpha = along_the_row(8, 8)
    assert messddt(alpha, alpha_true, everywhere(alpha), moving_right(2, by=0.4)).tolist() == [0]
    # With a px to the right, the pixel at 7 meets the error too.
    assert messddt(alpha, alpha_true, everywhere(alpha), moving_right(2, by=0.6)).tolist() == [0.25]


def test_nearest_counts_each_error_in_the_region_of_its_own_frame():
    alpha_true, still = torch.zeros(2, 1, 4, 9), torch.zeros(1, 2, 4, 9)
    alpha = along_the_row(3, 3)
    region = everywhere(alpha)
    region[0, 0, 1, 3] = False
    assert messddt(alpha, alpha_true, region, still).tolist() == [0.25]
    assert messddt(alpha, alpha_true, region, still, motion="bilinear").tolist() == [0]


def test_bilinear_motion_interpolates_the_error_before_squaring_it():
    alpha_true = torch.zeros(2, 1, 4, 9)
    alpha = torch.zeros(2, 1, 4, 9)
    alpha[1, 0, 1, 3] = 1.0
    # Half way, the pixels at 2 and 3 see an error of a half each; the last column's motion leaves the frame.
    assert messddt(alpha, alpha_true, everywhere(alpha), moving_right(2, by=0.5), motion="bilinear").tolist() == [0.5]


def test_motion_that_is_not_known_is_left_out_or_taken_for_none():
    alpha_true, flow = torch.zeros(2, 1, 4, 9), torch.full((1, 2, 4, 9), math.nan)
    alpha = along_the_row(3, 5)
    assert messddt(alpha, alpha_true, everywhere(alpha), flow, motion="bilinear").tolist() == [0]
    assert messddt(alpha, alpha_true, everywhere(alpha), flow).tolist() == [0.5]


def test_nearest_motion_is_the_sum_over_pixels_one_by_one():
    generator = torch.Generator().manual_seed(5)
    alpha, alpha_true = torch.rand(2, 2, 1, 37, 19, generator=generator)
    region = torch.zeros(2, 1, 37, 19, dtype=torch.bool)
    region[0, 0, 12:30, 3:11], region[1, 0, 14:33, 5:] = True, torch.rand(19, 14, generator=generator) < 0.7
    flow = 3 * torch.randn(1, 2, 37, 19, generator=generator)
    squares = torch.where(region, (alpha.double() - alpha_true.double()).square(), 0.0)
    expected = 0.0
    for row in range(37):
        for column in range(19):
            across = min(max(column + round(float(flow[0, 0, row, column])), 0), 18)
            down = min(max(row + round(float(flow[0, 1, row, column])), 0), 36)
            expected += abs(float(squares[0, 0, row, column] - squares[1, 0, down, across]))
    assert float(messddt(alpha, alpha_true, region, flow)) == pytest.approx(expected, rel=1e-12)


def test_levels_of_8_bits_and_their_values_agree_along_the_motion():
    generator = torch.Generator().manual_seed(6)
    alpha, alpha_true = torch.randint(0, 256, (2, 3, 1, 9, 7), generator=generator).to(torch.uint8)
    flow, region = torch.randn(2, 2, 9, 7, generator=generator), everywhere(alpha)
    for motion in ("nearest", "bilinear"):
        levels = messddt(alpha, alpha_true, region, flow, motion=motion)
        values = messddt(alpha.double() / 255, alpha_true.double() / 255, region, flow, motion=motion)
        torch.testing.assert_close(levels, values)
        torch.testing.assert_close(messddt(alpha, alpha_true.double() / 255, region, flow, motion=motion), values)


def test_one_frame_has_no_motion_and_no_region_no_error():
    alpha, alpha_true = torch.rand(2, 2, 1, 3, 3)
    region = everywhere(alpha)
    assert messddt(alpha[:1], alpha_true[:1], region[:1], torch.zeros(0, 2, 3, 3)).tolist() == []
    assert messddt(alpha, alpha_true, ~region, torch.ones(1, 2, 3, 3)).tolist() == [0]


@pytest.mark.parametrize(
    ("shape", "motion", "text"),
    [
        ((2, 2, 4, 9), "nearest", "flow must have a field for each pair of frames, 1; got 2"),
        ((1, 3, 4, 9), "nearest", r"flow must have shape \(T, 2, H, W\); got \(1, 3, 4, 9\)"),
        ((1, 2, 4, 8), "nearest", r"alpha and flow must have one size .*got \(4, 9\) and \(4, 8\)"),
        ((1, 2, 4, 9), "cubic", "motion must be one of nearest, bilinear; got 'cubic'"),
    ],
)
def test_flow_that_does_not_fit_is_refused(shape, motion, text):
    alpha = torch.zeros(2, 1, 4, 9)
    with pytest.raises(InputError, match=text):
        messddt(alpha, alpha, everywhere(alpha), torch.zeros(shape), motion=motion)
