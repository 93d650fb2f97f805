import pytest
import torch

from mattekit.checks import InputError
from mattekit.ops import composite, premultiply, unpremultiply


def test_a_quarter_of_white_over_black_is_a_quarter():
    result = composite(torch.ones(3, 2, 2), torch.full((1, 2, 2), 0.25), torch.zeros(3, 2, 2))
    assert torch.equal(result, torch.full((3, 2, 2), 0.25))


def test_opaque_shows_the_foreground_and_clear_the_background_exactly():
    foreground, background = torch.rand(2, 3, 4, 5), torch.rand(2, 3, 4, 5)
    assert torch.equal(composite(foreground, torch.ones(2, 1, 4, 5), background), foreground)
    assert torch.equal(composite(foreground, torch.zeros(2, 1, 4, 5), background), background)


def test_one_background_serves_every_frame():
    foreground, alpha, background = torch.rand(2, 4, 3, 5, 7), torch.rand(2, 4, 1, 5, 7), torch.rand(3, 5, 7)
    result = composite(foreground, alpha, background)
    assert result.shape == (2, 4, 3, 5, 7)
    torch.testing.assert_close(result[1, 2], composite(foreground[1, 2], alpha[1, 2], background))


def test_a_flat_colour_serves_every_pixel():
    frame = composite(torch.ones(3, 2, 2), torch.zeros(1, 2, 2), torch.tensor([0.0, 0.7, 0.25]).view(3, 1, 1))
    assert frame[:, 1, 0].tolist() == pytest.approx([0.0, 0.7, 0.25])


def test_unpremultiply_undoes_premultiply():
    colour, alpha = torch.rand(3, 6, 6), torch.rand(1, 6, 6) * 0.99 + 0.01
    torch.testing.assert_close(unpremultiply(premultiply(colour, alpha), alpha), colour)


def test_unpremultiply_is_finite_where_alpha_is_0_forwards_and_backwards():
    premultiplied = torch.zeros(3, 1, 2, requires_grad=True)
    straight = unpremultiply(premultiplied, torch.tensor([[[0.0, 0.5]]]))
    straight.sum().backward()
    assert torch.equal(straight, torch.zeros(3, 1, 2))
    assert premultiplied.grad is not None and bool(torch.isfinite(premultiplied.grad).all())


def test_composite_passes_gradients_to_all_three():
    parts = [torch.rand(c, 2, 2, dtype=torch.float64, requires_grad=True) for c in (3, 1, 3)]
    assert torch.autograd.gradcheck(composite, parts)


def test_layers_of_two_sizes_are_refused():
    with pytest.raises(InputError, match=r"one size \(height, width\); got \(2, 2\) and \(2, 3\)"):
        composite(torch.zeros(3, 2, 2), torch.zeros(1, 2, 3), torch.zeros(3, 2, 2))
