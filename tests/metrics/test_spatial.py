import math

import pytest
import torch

from mattekit.checks import InputError
from mattekit.metrics import mad, mse, pixel_count, sad


def everywhere(like: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(like, dtype=torch.bool)


def test_identical_maps_have_no_error():
    alpha = torch.rand(3, 1, 5, 7)
    for metric in (sad, mad, mse):
        assert metric(alpha, alpha, everywhere(alpha)).tolist() == [0, 0, 0]


def test_a_constant_offset_gives_its_sum_its_mean_and_its_square():
    alpha_true = torch.full((2, 1, 4, 5), 0.25)
    alpha, region = alpha_true + 0.5, everywhere(alpha_true)
    assert sad(alpha, alpha_true, region).tolist() == [10, 10]
    assert mad(alpha, alpha_true, region).tolist() == [0.5, 0.5]
    assert mse(alpha, alpha_true, region).tolist() == [0.25, 0.25]


def test_only_the_region_counts():
    alpha_true = torch.zeros(1, 1, 2, 2)
    alpha = torch.tensor([[[[0.5, 1.0], [1.0, 1.0]]]])
    region = torch.tensor([[[[True, False], [False, False]]]])
    assert sad(alpha, alpha_true, region).tolist() == [0.5]
    assert mse(alpha, alpha_true, region).tolist() == [0.25]
    assert mse(alpha, alpha_true, region, added_pixels=1).tolist() == [0.125]
    assert pixel_count(region).tolist() == [1]


def test_every_frame_is_measured_alone():
    alpha, alpha_true, region = torch.rand(4, 1, 6, 6), torch.rand(4, 1, 6, 6), torch.rand(4, 1, 6, 6) > 0.5
    for metric in (sad, mad, mse):
        together = metric(alpha, alpha_true, region)
        alone = [metric(alpha[t : t + 1], alpha_true[t : t + 1], region[t : t + 1]) for t in range(4)]
        assert torch.equal(together, torch.cat(alone))


def test_flipping_everything_changes_nothing():
    alpha, alpha_true, region = torch.rand(1, 1, 6, 9), torch.rand(1, 1, 6, 9), torch.rand(1, 1, 6, 9) > 0.3
    torch.testing.assert_close(
        sad(alpha, alpha_true, region), sad(alpha.flip(-1), alpha_true.flip(-1), region.flip(-1))
    )


def test_an_empty_region_has_no_mean():
    alpha = torch.rand(1, 1, 3, 3)
    nowhere = ~everywhere(alpha)
    assert sad(alpha, 1 - alpha, nowhere).tolist() == [0]
    assert math.isnan(mad(alpha, 1 - alpha, nowhere)[0])
    assert math.isnan(mse(alpha, 1 - alpha, nowhere, added_pixels=1)[0])


def test_values_outside_the_region_may_be_anything():
    alpha = torch.tensor([[[[math.nan, 0.5]]]])
    region = torch.tensor([[[[False, True]]]])
    assert sad(alpha, torch.zeros(1, 1, 1, 2), region).tolist() == [0.5]


def test_sums_of_many_pixels_are_exact():
    alpha = torch.full((1, 1, 2000, 3000), 0.1)
    expected = 6e6 * float(torch.tensor(0.1))
    assert float(sad(alpha, torch.zeros_like(alpha), everywhere(alpha))) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("shapes", "text"),
    [
        (((1, 4, 4), (1, 4, 4), (1, 4, 4)), r"alpha must have shape \(T, 1, H, W\); got \(1, 4, 4\)"),
        (((2, 1, 4, 4), (1, 1, 4, 4), (2, 1, 4, 4)), r"alpha_true must have the shape of alpha, \(2, 1, 4, 4\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(shapes, text):
    alpha, alpha_true, region = (torch.zeros(shape) for shape in shapes)
    with pytest.raises(InputError, match=text):
        sad(alpha, alpha_true, region > 0)


def test_a_region_that_is_a_trimap_is_refused():
    with pytest.raises(InputError, match=r"region must be boolean; got torch\.float32"):
        mse(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2))
