import math

import pytest
import torch

from mattekit.checks import InputError
from mattekit.metrics import composite_mse, foreground_mad, foreground_mse


def everywhere(frames: int = 1, *, size: tuple[int, int] = (2, 2)) -> torch.Tensor:
    return torch.ones(frames, 1, *size, dtype=torch.bool)


def flat(*colour: float, frames: int = 1) -> torch.Tensor:
    return torch.tensor(colour).view(1, 3, 1, 1).expand(frames, 3, 2, 2).clone()


def test_one_channel_off_by_a_half_is_a_sixth_and_a_twelfth():
    foreground, truth = flat(0.5, 0.2, 0.2), flat(0.0, 0.2, 0.2)
    assert float(foreground_mad(foreground, truth, everywhere())) == pytest.approx(1 / 6)
    assert float(foreground_mse(foreground, truth, everywhere())) == pytest.approx(1 / 12)


def test_colour_outside_the_region_may_be_anything():
    foreground, region = flat(1.0, 1.0, 1.0), everywhere()
    foreground[..., 0], region[..., 0] = math.nan, False
    assert float(foreground_mse(foreground, flat(0.0, 0.0, 0.0), region)) == 1


def test_levels_of_8_bits_and_their_values_agree():
    levels = torch.randint(0, 256, (2, 3, 3, 5, 4)).to(torch.uint8)
    region = everywhere(3, size=(5, 4))
    for metric in (foreground_mad, foreground_mse):
        torch.testing.assert_close(metric(*levels, region), metric(*(levels.double() / 255), region))


def test_the_composites_error_is_alpha_times_the_colours_where_alpha_agrees():
    alpha = torch.full((1, 1, 2, 2), 0.5)
    colours = {"foreground": flat(0.8, 0.4, 0.0), "foreground_true": flat(0.4, 0.4, 0.0)}
    for background in (None, torch.rand(1, 3, 2, 2), torch.rand(1, 3, 1, 1)):
        error = composite_mse(alpha, alpha, **colours, region=everywhere(), background=background)
        assert float(error) == pytest.approx((0.5 * 0.4) ** 2 / 3)


def test_a_wrong_alpha_does_not_show_before_a_background_of_the_foregrounds_colour():
    colour = flat(0.3, 0.6, 0.9)
    alpha, alpha_true = torch.full((1, 1, 2, 2), 0.2), torch.full((1, 1, 2, 2), 0.7)
    colours = {"foreground": colour, "foreground_true": colour, "region": everywhere()}
    assert float(composite_mse(alpha, alpha_true, **colours, background=colour)) == pytest.approx(0, abs=1e-12)
    expected = 0.5**2 * (0.3**2 + 0.6**2 + 0.9**2) / 3
    assert float(composite_mse(alpha, alpha_true, **colours)) == pytest.approx(expected)


def test_a_frame_without_region_has_no_mean():
    region = everywhere(2)
    region[1] = False
    result = foreground_mse(flat(1.0, 1.0, 1.0, frames=2), flat(0.0, 0.0, 0.0, frames=2), region)
    assert float(result[0]) == 1 and math.isnan(result[1])


def test_one_channel_is_refused():
    with pytest.raises(InputError, match=r"foreground must have shape \(T, 3, H, W\); got \(1, 1, 2, 2\)"):
        foreground_mse(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2), everywhere())


def test_truth_of_another_length_is_refused():
    with pytest.raises(InputError, match="foreground_true must have the shape of foreground"):
        foreground_mad(torch.zeros(2, 3, 2, 2), torch.zeros(1, 3, 2, 2), everywhere(2))


def test_a_region_of_another_length_is_refused():
    with pytest.raises(InputError, match="region must be boolean with a frame for each of 2; got 1 of torch.bool"):
        foreground_mad(torch.zeros(2, 3, 2, 2), torch.zeros(2, 3, 2, 2), everywhere(1))
