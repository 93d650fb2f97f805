import dataclasses
import math

import pytest
import torch

from mattekit.checks import InputError
from mattekit.metrics import CONVENTIONS, conn, dtssd, dvm, grad, mean_errors, measure, messddt, quantise, sad


def half_unknown(frames: int) -> torch.Tensor:
    """Return trimaps of 2x4 px: two columns unknown (4 px), one background, one foreground."""
    return torch.tensor([0.0, 0.5, 0.5, 1.0]).expand(frames, 1, 2, 4).clone()


def offset(frames: int, *, truth: float = 0.2, guess: float = 0.4) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    trimap = half_unknown(frames)
    return torch.where(trimap == 0.5, guess, trimap), torch.where(trimap == 0.5, truth, trimap), trimap


def random_clip(frames: int = 4, size: tuple[int, int] = (13, 17)) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(frames)
    alpha, alpha_true = torch.rand(2, frames, 1, *size, generator=generator)
    trimap = torch.randint(0, 3, (frames, 1, *size), generator=generator) / 2
    return alpha, alpha_true, trimap


def test_dvm_divides_by_a_pixel_more_than_there_are():
    alpha, alpha_true, trimap = offset(3)
    means = measure("dvm", alpha, alpha_true, trimap=trimap).means
    assert means["SAD"] == pytest.approx(0.2 * 4 / 1000)
    assert means["MSE"] == pytest.approx(0.04 * 4 / 5)
    assert means["SSDA"] == pytest.approx(0.2 * 2)
    assert means["dtSSD"] == 0


def test_adobe_divides_by_the_pixels_and_has_nothing_temporal():
    alpha, alpha_true, trimap = offset(3)
    errors = measure("adobe", alpha, alpha_true, trimap=trimap)
    assert errors.means["MSE"] == pytest.approx(0.04)
    assert list(errors.means) == ["SAD", "MSE", "Grad", "Conn"]


@pytest.mark.parametrize("name", ["rvm-lr", "rvm-hr"])
def test_rvm_takes_the_whole_frame_times_a_thousand_and_counts_the_first_frame_as_0(name):
    alpha_true = torch.zeros(4, 1, 2, 4)
    alpha = alpha_true.clone()
    alpha[1:] = 0.2
    errors = measure(name, alpha, alpha_true)
    assert errors.means["MAD"] == pytest.approx(200 * 3 / 4)
    assert errors.means["MSE"] == pytest.approx(40 * 3 / 4)
    assert errors.frames["dtSSD"].tolist() == pytest.approx([0, 20, 0, 0])
    assert errors.means["dtSSD"] == pytest.approx(5)
    assert ("Conn" in errors.means) == (name == "rvm-lr")


def test_rvm_measures_foreground_where_there_is_some_and_composites_everywhere():
    alpha = torch.tensor([0.0, 1.0]).expand(1, 1, 2, 2)
    truth = torch.zeros(1, 3, 2, 2)
    foreground = torch.tensor([1.0, 0.2]).expand(1, 3, 2, 2)
    means = measure("rvm-lr", alpha, alpha, foreground=foreground, foreground_true=truth).means
    assert means["FG MAD"] == pytest.approx(200)
    assert means["FG MSE"] == pytest.approx(40)
    assert means["Comp MSE"] == pytest.approx(20)


def test_videomatting_takes_plain_roots_over_the_frame_or_the_trimap():
    alpha, alpha_true, trimap = offset(3)
    alpha[1] = alpha_true[1]
    whole, band = measure("videomatting", alpha, alpha_true), measure("videomatting", alpha, alpha_true, trimap=trimap)
    assert band.frames["SSDA"].tolist() == pytest.approx([0.4, 0, 0.4])
    assert whole.frames["dtSSD"].tolist() == band.frames["dtSSD"].tolist() == pytest.approx([0.4, 0.4])


def test_messddt_is_a_mean_times_100_in_dvm_and_a_sum_by_1000_in_videomatting():
    alpha, alpha_true, trimap = offset(2)
    alpha[1] = alpha_true[1]
    still = torch.zeros(1, 2, 2, 4)
    means = measure("dvm", alpha, alpha_true, trimap=trimap, flow=still).means
    assert means["MESSDdt"] == pytest.approx(100 * 4 * 0.04 / 5)
    assert means["MESSDdt sum"] == pytest.approx(4 * 0.04 / 1000)
    assert measure("videomatting", alpha, alpha_true, flow=still).means["MESSDdt"] == pytest.approx(4 * 0.04 / 1000)


def test_flow_may_be_a_function_of_the_truth():
    alpha, alpha_true, trimap = offset(3)
    flow = torch.zeros(2, 2, 2, 4)
    given = measure("dvm", alpha, alpha_true, trimap=trimap, flow=flow)
    made = measure("dvm", alpha, alpha_true, trimap=trimap, flow=lambda truth: flow[: len(truth) - 1])
    assert given.means == made.means
    assert "MESSDdt" not in measure("dvm", alpha, alpha_true, trimap=trimap).means


def test_every_number_is_its_functions():
    alpha, alpha_true, trimap = random_clip()
    region, flow = trimap == 0.5, torch.randn(3, 2, 13, 17, generator=torch.Generator().manual_seed(1))
    frames = measure("dvm", alpha, alpha_true, trimap=trimap, flow=flow, force=False).frames
    one, other = quantise(alpha), quantise(alpha_true)
    torch.testing.assert_close(frames["Grad"] * 1000, grad(one, other, region), rtol=1e-6, atol=0)
    torch.testing.assert_close(frames["Conn"] * 1000, conn(one, other, region))
    torch.testing.assert_close(frames["dtSSD"], dtssd(one, other, region))
    torch.testing.assert_close(frames["MESSDdt sum"] * 1000, messddt(one, other, region, flow))


@pytest.mark.parametrize("force", [True, False])
def test_it_agrees_with_the_short_score(force):
    alpha, alpha_true, trimap = random_clip()
    score, means = (
        dvm(alpha, alpha_true, trimap, force=force),
        measure("dvm", alpha, alpha_true, trimap=trimap, force=force).means,
    )
    assert (means["SAD"], means["MSE"], means["dtSSD"]) == pytest.approx((score.sad, score.mse, score.dtssd))


@pytest.mark.parametrize("name", sorted(CONVENTIONS))
def test_8_bit_levels_and_their_values_are_one(name):
    alpha, alpha_true, trimap = random_clip()
    values = measure(name, alpha, alpha_true, trimap=trimap)
    levels = measure(name, *((quantise(part) * 255).to(torch.uint8) for part in (alpha, alpha_true)), trimap=trimap)
    assert values.means == levels.means


@pytest.mark.parametrize("function", [sad, conn, grad, dtssd])
def test_levels_may_be_compared_with_values(function):
    alpha, alpha_true, trimap = random_clip()
    levels, region = (quantise(alpha) * 255).to(torch.uint8), trimap == 0.5
    mixed, plain = function(levels, alpha_true, region), function(quantise(alpha), alpha_true.double(), region)
    torch.testing.assert_close(mixed, plain, rtol=1e-6, atol=0)


@pytest.mark.parametrize("name", sorted(CONVENTIONS))
def test_perfect_is_0_in_every_convention(name):
    alpha, _, trimap = random_clip()
    perfect = torch.where(trimap == 0.5, alpha, trimap)
    colour = torch.rand(4, 3, 13, 17)
    flow = torch.randn(3, 2, 13, 17)
    given = {"trimap": trimap, "flow": flow, "foreground": colour, "foreground_true": colour}
    errors = measure(name, perfect, perfect, **given)
    assert set(errors.means) == set(CONVENTIONS[name].metrics)
    assert set(errors.means.values()) == {0.0}


def test_without_a_trimap_dvm_takes_the_fractional_pixels():
    alpha_true = torch.tensor([0.0, 0.4, 0.4, 1.0]).expand(1, 1, 1, 4)
    errors = measure("dvm", 1 - alpha_true, alpha_true)
    assert errors.scored == 1
    assert errors.means["SAD"] == pytest.approx(2 * 0.2 / 1000)


def test_frames_without_unknown_pixels_are_left_out_and_counted():
    alpha, alpha_true, trimap = offset(3)
    trimap[1] = 1.0
    errors = measure("dvm", alpha, alpha_true, trimap=trimap, flow=torch.zeros(2, 2, 2, 4))
    assert (errors.scored, errors.empty) == (2, 1)
    assert errors.means["SAD"] == pytest.approx(0.2 * 4 / 1000)
    for name, values in errors.frames.items():
        assert math.isnan(values[1]) and not math.isnan(values[0]), name


def test_one_frame_has_no_temporal_numbers():
    alpha, alpha_true, trimap = offset(1)
    means = measure("dvm", alpha, alpha_true, trimap=trimap, flow=torch.zeros(0, 2, 2, 4)).means
    assert means["dtSSD"] is None and means["MESSDdt"] is None
    assert means["SAD"] is not None


def test_nothing_unknown_at_all_has_no_numbers():
    ones = torch.ones(2, 1, 3, 3)
    errors = measure("dvm", ones, ones, trimap=ones)
    assert set(errors.means.values()) == {None}
    assert (errors.scored, errors.empty) == (0, 2)


def test_a_convention_of_ones_own():
    alpha, alpha_true, trimap = offset(2)
    own = dataclasses.replace(CONVENTIONS["dvm"], name="own", metrics=("SAD",))
    assert list(measure(own, alpha, alpha_true, trimap=trimap).means) == ["SAD"]


def test_each_clip_counts_once_unless_each_frame_does():
    short, long = measure("rvm-hr", *offset(1)[:2]), measure("rvm-hr", *offset(3, guess=0.6)[:2])
    assert mean_errors([short, long])["MAD"] == pytest.approx((100 + 200) / 2)
    assert mean_errors([short, long], by_frame=True)["MAD"] == pytest.approx((100 + 3 * 200) / 4)


def test_a_clip_without_a_number_does_not_count():
    empty = torch.ones(2, 1, 2, 4)
    clips = [measure("dvm", empty, empty, trimap=empty), measure("dvm", *offset(2)[:2], trimap=half_unknown(2))]
    assert mean_errors(clips)["SAD"] == clips[1].means["SAD"]
    assert mean_errors(clips[:1])["SAD"] is None


def test_means_of_nothing_or_of_two_conventions_are_refused():
    with pytest.raises(InputError, match="at least one clip; got none"):
        mean_errors([])
    alpha, alpha_true, trimap = offset(1)
    two = [measure(name, alpha, alpha_true, trimap=trimap) for name in ("dvm", "adobe")]
    with pytest.raises(InputError, match="one convention to be averaged; got adobe, dvm"):
        mean_errors(two)


def test_adobe_without_a_trimap_is_refused():
    with pytest.raises(InputError, match="convention 'adobe' must have a trimap for every frame; got none"):
        measure("adobe", *offset(1)[:2])


def test_a_convention_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="convention must be one of adobe, dvm, fake-motion, .*videomatting; got 'd'"):
        measure("d", *offset(1)[:2])


@pytest.mark.parametrize("name", sorted(CONVENTIONS))
def test_trimaps_of_another_length_are_refused(name):
    alpha, alpha_true, trimap = offset(2)
    with pytest.raises(InputError, match=r"must have the shape of alpha, \(2, 1, 2, 4\); got \(1, 1, 2, 4\)"):
        measure(name, alpha, alpha_true, trimap=trimap[:1])
