import math

import pytest
import torch

from mattekit.checks import InputError
from mattekit.metrics import Score, dvm, mean_score, quantise


def half_unknown(frames: int) -> torch.Tensor:
    """Return trimaps of 2x4 px: two columns unknown (4 px), one background, one foreground."""
    return torch.tensor([0.0, 0.5, 0.5, 1.0]).expand(frames, 1, 2, 4).clone()


def test_a_constant_offset_is_scored_as_computed_by_hand():
    trimap = half_unknown(3)
    alpha_true = torch.where(trimap == 0.5, 0.2, trimap)
    score = dvm(torch.where(trimap == 0.5, 0.4, trimap), alpha_true, trimap)
    assert score.sad == pytest.approx(0.2 * 4 / 1000)
    assert score.mse == pytest.approx(0.04 * 4 / 5)
    assert score.dtssd == pytest.approx(0)
    assert (score.frames, score.empty) == (3, 0)


def test_a_flash_is_averaged_over_the_pairs():
    trimap = half_unknown(5)
    alpha_true = torch.where(trimap == 0.5, 0.2, trimap)
    alpha = alpha_true.clone()
    alpha[2][trimap[2] == 0.5] = 0.8
    assert dvm(alpha, alpha_true, trimap).dtssd == pytest.approx(2 * 0.6 * math.sqrt(4) / 4)


def test_perfect_is_0():
    trimap, alpha = half_unknown(4), torch.rand(4, 1, 2, 4)
    assert dvm(alpha, torch.where(trimap == 0.5, alpha, trimap), trimap) == Score(0, 0, 0, 4, 0)


def test_what_eight_bits_cannot_show_costs_nothing():
    trimap = half_unknown(2)
    alpha_true = torch.where(trimap == 0.5, 51 / 255, trimap)
    assert dvm(alpha_true + 0.4 / 255, alpha_true, trimap).sad == 0


def test_rounding_goes_to_the_nearest_of_256_steps():
    assert (quantise(torch.tensor([-0.1, 0.0, 0.6 / 255, 1.0, 1.2])) * 255).tolist() == [0, 0, 1, 255, 255]


def test_forcing_known_pixels_matters_only_where_a_pixel_becomes_known():
    trimap = torch.tensor([[[[0.5, 0.5]]], [[[0.0, 0.5]]]])
    alpha_true, alpha = torch.zeros(2, 1, 1, 2), torch.tensor([[[[0.0, 0.0]]], [[[1.0, 0.0]]]])
    forced, free = dvm(alpha, alpha_true, trimap), dvm(alpha, alpha_true, trimap, force=False)
    assert (forced.dtssd, free.dtssd) == (0, 1)
    assert forced.sad == free.sad == 0


def test_frames_without_unknown_pixels_are_left_out_and_counted():
    trimap = half_unknown(3)
    trimap[1] = 1.0
    alpha_true = torch.where(trimap == 0.5, 0.2, trimap)
    alpha = torch.where(trimap == 0.5, 0.4, trimap)
    score = dvm(alpha, alpha_true, trimap)
    assert score.sad == pytest.approx(0.2 * 4 / 1000)
    assert (score.frames, score.empty) == (2, 1)


def test_nothing_unknown_at_all_has_no_score():
    ones = torch.ones(2, 1, 3, 3)
    assert dvm(ones, ones, ones) == Score(None, None, None, 0, 2)


def test_one_frame_has_no_temporal_score():
    trimap = half_unknown(1)
    assert dvm(trimap, trimap, trimap).dtssd is None


def test_every_clip_counts_once_however_long_it_is():
    short, long = Score(1.0, 0.1, 4.0, 2, 0), Score(3.0, 0.3, None, 200, 1)
    mean = mean_score([short, long])
    assert mean.sad == 2.0 and mean.mse == pytest.approx(0.2) and mean.dtssd == 4.0
    assert (mean.frames, mean.empty) == (202, 1)


def test_a_mean_of_nothing_is_refused():
    with pytest.raises(InputError, match="at least one score; got none"):
        mean_score([])


def test_a_trimap_of_another_shape_is_refused():
    with pytest.raises(InputError, match=r"trimap must have shape \(T, 1, H, W\)"):
        dvm(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2), torch.zeros(1, 2, 2))
