import math

import pytest
import torch

from mattekit.metrics import dtssd, ssda


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
