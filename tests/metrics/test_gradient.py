import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from mattekit.checks import InputError
from mattekit.metrics import grad

OFFSETS = np.arange(-4, 5)
BELL = np.exp(-(OFFSETS**2) / (2 * 1.4**2))
SLOPE = -OFFSETS * BELL
KERNEL = np.outer(BELL, SLOPE) / math.sqrt((np.outer(BELL, SLOPE) ** 2).sum())


def everywhere(like: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(like, dtype=torch.bool)


def with_scipy(alpha: torch.Tensor, alpha_true: torch.Tensor, region: torch.Tensor) -> float:
    lengths = []
    for plane in (alpha, alpha_true):
        values = plane[0, 0].double().numpy() / (255 if plane.dtype == torch.uint8 else 1)
        lengths.append(np.hypot(*(ndimage.convolve(values, part, mode="nearest") for part in (KERNEL, KERNEL.T))))
    return float(((lengths[0] - lengths[1]) ** 2)[region[0, 0].numpy()].sum())


def step_at(column: int, *, size: tuple[int, int] = (1, 40)) -> torch.Tensor:
    return (torch.arange(size[1]) >= column).double().expand(1, 1, *size)


def test_a_constant_offset_has_no_gradient():
    alpha_true = torch.rand(2, 1, 20, 30).double() * 0.5
    assert grad(alpha_true + 0.25, alpha_true, everywhere(alpha_true)).tolist() == pytest.approx([0, 0], abs=1e-12)


def test_a_step_moved_by_a_pixel_is_scored_as_computed_by_hand():
    # A step's response is the running sum of the derivative's taps, and a row repeats upwards and downwards.
    tall = sum(BELL) / math.sqrt(sum(BELL**2))
    response = tall * np.cumsum(SLOPE)[:-1] / math.sqrt(sum(SLOPE**2))
    expected = float((np.diff(np.abs(response), prepend=0, append=0) ** 2).sum())
    alpha, alpha_true = step_at(21), step_at(20)
    assert float(grad(alpha, alpha_true, everywhere(alpha))) == pytest.approx(expected, rel=1e-6)


def test_a_step_against_nothing_is_the_energy_of_its_response():
    response = sum(BELL) / math.sqrt(sum(BELL**2)) * np.cumsum(SLOPE)[:-1] / math.sqrt(sum(SLOPE**2))
    alpha = step_at(20)
    expected = float((response**2).sum())
    assert float(grad(alpha, torch.zeros_like(alpha), everywhere(alpha))) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (5, 3), (16, 16), (17, 33), (61, 90)])
def test_it_is_scipys_to_a_millionth(size):
    generator = torch.Generator().manual_seed(size[1])
    alpha, alpha_true = torch.randint(0, 256, (2, 1, 1, *size), generator=generator).to(torch.uint8)
    region = torch.rand(1, 1, *size, generator=generator) < 0.7
    for one, other in ((alpha, alpha_true), (alpha / 255, alpha_true / 255)):
        expected = with_scipy(one, other, region)
        assert float(grad(one, other, region)) == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_single_levels_beside_a_full_step_are_exact_to_a_hundred_thousandth():
    alpha_true = step_at(20, size=(30, 40)).mul(255).to(torch.uint8)
    alpha = alpha_true.clone()
    alpha[0, 0, 15, 20], alpha[0, 0, 3, 19] = 254, 1
    region = everywhere(alpha)
    assert float(grad(alpha, alpha_true, region)) == pytest.approx(with_scipy(alpha, alpha_true, region), rel=1e-5)


def test_only_the_region_counts_but_its_surroundings_are_seen():
    alpha, alpha_true = step_at(21, size=(40, 40)), step_at(20, size=(40, 40))
    region = torch.zeros(1, 1, 40, 40, dtype=torch.bool)
    region[..., 10:12, 22:24] = True
    assert float(grad(alpha, alpha_true, region)) == pytest.approx(with_scipy(alpha, alpha_true, region), rel=1e-6)
    assert float(grad(alpha, alpha_true, ~everywhere(alpha))) == 0


def test_stretching_forgives_a_lack_of_contrast():
    alpha_true = torch.rand(2, 1, 20, 30, generator=torch.Generator().manual_seed(0)).double()
    alpha_true[..., 0, :2] = torch.tensor([0.0, 1.0])
    alpha = 0.25 + 0.5 * alpha_true
    assert grad(alpha, alpha_true, everywhere(alpha), stretch=True).tolist() == pytest.approx([0, 0], abs=1e-10)
    assert float(grad(alpha, alpha_true, everywhere(alpha))[0]) > 1


def test_stretching_a_constant_map_leaves_it_without_slope():
    alpha, alpha_true = torch.full((1, 1, 6, 6), 0.3), step_at(3, size=(6, 6))
    plain = grad(alpha, alpha_true, everywhere(alpha))
    torch.testing.assert_close(grad(alpha, alpha_true, everywhere(alpha), stretch=True), plain)


def test_turning_both_maps_over_changes_nothing():
    alpha, alpha_true = torch.rand(2, 1, 1, 37, 21, generator=torch.Generator().manual_seed(3)).double()
    plain = grad(alpha, alpha_true, everywhere(alpha))
    torch.testing.assert_close(grad(alpha.mT, alpha_true.mT, everywhere(alpha.mT)), plain, rtol=1e-6, atol=0)
    flipped = grad(alpha.flip(-2), alpha_true.flip(-2), everywhere(alpha))
    torch.testing.assert_close(flipped, plain, rtol=1e-6, atol=0)


def test_maps_of_different_sizes_are_refused():
    with pytest.raises(InputError, match="alpha_true must have the shape of alpha"):
        grad(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 5), torch.zeros(1, 1, 4, 4) > 0)
