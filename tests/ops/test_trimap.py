import cv2
import numpy as np
import pytest
import torch

from mattekit.checks import InputError
from mattekit.ops import (
    check_trimap,
    force_known,
    likeliest_class,
    trimap_confidence,
    trimap_from_alpha,
    trimap_from_alpha_iterated,
    trimap_from_mask,
)


def disc(size: int = 41, radius: float = 12.0) -> torch.Tensor:
    axis = torch.arange(size) - size // 2
    return ((axis[:, None] ** 2 + axis[None] ** 2).float().sqrt() <= radius).float()[None]


def test_a_step_gets_a_band_of_two_pixels_on_each_side():
    step = torch.tensor([[0.0] * 5 + [1.0] * 5])
    assert trimap_from_alpha(step, band=2).tolist() == [[0, 0, 0, 0.5, 0.5, 0.5, 0.5, 1, 1, 1]]


def test_a_fractional_pixel_is_unknown_even_without_a_band():
    assert trimap_from_alpha(torch.tensor([[0.0, 0.3, 1.0]]), band=0).tolist() == [[0, 0.5, 1]]


def test_less_than_half_a_step_of_eight_bits_counts_as_known():
    alpha = torch.tensor([[0.4 / 255, 0.6 / 255, 1 - 0.6 / 255, 1 - 0.4 / 255]])
    assert trimap_from_alpha(alpha, band=0).tolist() == [[0, 0.5, 0.5, 1]]


def test_all_opaque_stays_known_up_to_the_border():
    assert torch.equal(trimap_from_alpha(torch.ones(1, 6, 9), band=3), torch.ones(1, 6, 9))
    assert torch.equal(trimap_from_alpha(torch.zeros(1, 6, 9), band=3), torch.zeros(1, 6, 9))


def test_the_band_is_round():
    dot = torch.zeros(1, 21, 21)
    dot[0, 10, 10] = 1
    axis = torch.arange(21) - 10
    near = axis[:, None] ** 2 + axis[None] ** 2 <= 49
    assert torch.equal(trimap_from_alpha(dot, band=7)[0] == 0.5, near)


def test_a_mask_is_cut_at_a_half_and_may_be_boolean():
    mask = torch.tensor([[0.0, 0.2, 0.5, 0.51, 1.0, 1.0]])
    expected = [[0, 0, 0.5, 0.5, 1, 1]]
    assert trimap_from_mask(mask, band=1).tolist() == expected
    assert trimap_from_mask(mask > 0.5, band=1).tolist() == expected
    assert trimap_from_mask(mask > 0.5, band=1).dtype == torch.float32


def test_a_trimap_is_the_same_alone_and_in_a_batch_and_when_flipped():
    alpha = torch.rand(3, 1, 30, 25).round() * torch.rand(3, 1, 30, 25).round()
    batch = trimap_from_alpha(alpha, band=2)
    assert torch.equal(batch[1], trimap_from_alpha(alpha[1], band=2))
    assert torch.equal(batch.flip(-1), trimap_from_alpha(alpha.flip(-1), band=2))


@pytest.mark.parametrize("side", [3, 5])
@pytest.mark.parametrize("iterations", [1, 5, 8])
def test_iterated_trimaps_are_what_opencv_makes(side, iterations):
    alpha = (disc() + torch.rand(1, 41, 41) * (torch.rand(1, 41, 41) > 0.995)).clamp(0, 1)
    byte = (alpha[0] * 255).round().to(torch.uint8).numpy()
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    expected = np.full(byte.shape, 0.5, np.float32)
    expected[cv2.dilate(byte, element, iterations=iterations) == 0] = 0
    expected[cv2.erode(byte, element, iterations=iterations) == 255] = 1
    result = trimap_from_alpha_iterated(alpha, side=side, iterations=iterations)
    assert np.array_equal(result[0].numpy(), expected)


def reach(side: int, iterations: int, *, balanced: bool = True) -> list[int]:
    """Return how far the unknown band of a filled square reaches outside to the left, top, right and bottom."""
    square = torch.zeros(1, 91, 91)
    square[0, 30:61, 30:61] = 1
    unknown = trimap_from_alpha_iterated(square, side=side, iterations=iterations, balanced=balanced)[0] > 0
    rows, columns = unknown.any(1).nonzero().flatten(), unknown.any(0).nonzero().flatten()
    return [30 - int(columns[0]), 30 - int(rows[0]), int(columns[-1]) - 60, int(rows[-1]) - 60]


def test_plain_even_elements_are_lopsided_as_published():
    assert reach(2, 5, balanced=False) == [0, 0, 5, 5]
    assert reach(4, 5, balanced=False) == [5, 5, 10, 10]


def test_mirroring_balances_even_elements():
    assert reach(2, 6) == [3, 3, 3, 3]
    assert reach(4, 6) == [9, 9, 9, 9]
    assert reach(3, 5) == [5, 5, 5, 5]
    assert reach(5, 5) == [10, 10, 10, 10]


def test_no_iteration_marks_the_fractional_pixels_alone():
    alpha = torch.tensor([[0.0, 0.3, 1.0]])
    assert trimap_from_alpha_iterated(alpha, side=2, iterations=0).tolist() == [[0, 0.5, 1]]


def test_known_pixels_are_forced_to_exactly_0_and_1():
    alpha, trimap = torch.tensor([[[0.2, 0.3, 0.9]]]), torch.tensor([[[0.0, 0.5, 1.0]]])
    assert torch.equal(force_known(alpha, trimap), torch.tensor([[[0.0, 0.3, 1.0]]]))


def test_forcing_stops_gradients_where_the_trimap_knows():
    alpha = torch.full((1, 1, 3), 0.4, requires_grad=True)
    force_known(alpha, torch.tensor([[[0.0, 0.5, 1.0]]])).sum().backward()
    assert alpha.grad is not None and alpha.grad.flatten().tolist() == [0, 1, 0]


def test_good_trimaps_pass_even_without_any_unknown_pixel():
    check_trimap(torch.tensor([0.0, 0.5, 1.0]))
    check_trimap(torch.zeros(1, 4, 4))


def test_other_values_are_named():
    with pytest.raises(InputError, match=r"only 0, 0\.5 and 1; got 0, 0\.25, 1"):
        check_trimap(torch.tensor([0.0, 0.25, 1.0]))


def test_values_that_are_not_finite_are_counted():
    with pytest.raises(InputError, match="must be finite; 2 of 3 values are not"):
        check_trimap(torch.tensor([0.0, torch.nan, torch.inf]))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda alpha: trimap_from_alpha(alpha, band=-1), "band must be 0 px or more; got -1"),
        (lambda alpha: trimap_from_alpha_iterated(alpha, side=6, iterations=1), "side must be 2, 3, 4 or 5 px; got 6"),
        (lambda alpha: trimap_from_alpha_iterated(alpha, side=3, iterations=-1), "iterations must be 0 or more"),
        (lambda alpha: force_known(alpha, torch.zeros(1, 1, 3)), r"one size \(height, width\)"),
    ],
)
def test_what_makes_no_trimap_is_refused(call, text):
    with pytest.raises(InputError, match=text):
        call(torch.zeros(1, 1, 2))


def test_confidence_is_one_less_the_share_of_pixels_expected_to_be_wrongly_known() -> None:
    sure = torch.tensor([0.0, 0.0, 20.0])
    torn = torch.tensor([0.75, 0.25, 0.0]).clamp_min(1e-9).log()  # background by 3 to 1
    open_ = torch.tensor([0.0, 20.0, 0.0])
    logits = torch.stack([sure, torn, torn, open_, open_, open_], dim=1)[:, None]
    assert trimap_confidence(logits) == pytest.approx(1 - (2 * 0.25) / (3 + 1), abs=1e-4)
    assert trimap_confidence(open_.view(3, 1, 1)) == pytest.approx(1)
    assert trimap_confidence(torn.view(3, 1, 1).expand(3, 9, 9)) == 0


def test_the_likeliest_class_is_that_of_argmax_the_first_of_equal_ones() -> None:
    logits = torch.randn(2, 3, 40, 50, generator=torch.Generator().manual_seed(1))
    assert torch.equal(likeliest_class(logits), logits.argmax(dim=1))
    equal = torch.tensor([[1.0, 1.0, 0.0, 2.0], [1.0, 0.0, 3.0, 2.0], [1.0, 1.0, 3.0, 2.0]]).view(3, 1, 4)
    assert likeliest_class(equal).tolist() == [[0, 0, 1, 0]]
