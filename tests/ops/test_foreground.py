import pytest
import torch

from mattekit.checks import InputError
from mattekit.ops import composite, estimate_foreground, estimate_layers, gaussian_blur


def soft_scene(size: tuple[int, int], *, batch: int = 1):
    """Return frame, alpha, foreground and background: smooth colours, a disc with a wide soft edge."""
    generator = torch.Generator().manual_seed(3)
    height, width = size
    noise = torch.randn(batch, 6, height, width, generator=generator, dtype=torch.float64)
    colours = (0.5 + 6 * gaussian_blur(noise, 25.0)).clamp(0.05, 0.95)
    foreground, background = colours[:, :3], colours[:, 3:]
    rows, columns = torch.arange(height).view(-1, 1) - height / 2, torch.arange(width).view(1, -1) - width / 2
    distance = (rows.square() + columns.square()).sqrt()
    alpha = ((min(size) / 3 - distance) / 12 + 0.5).clamp(0, 1).double().expand(batch, 1, height, width)
    return composite(foreground, alpha, background), alpha, foreground, background


def mean_error(one, other, where):
    return float((one - other).abs()[where.expand_as(one)].mean())


def test_two_flat_colours_are_separated():
    _, alpha, _, _ = soft_scene((48, 64))
    red, blue = torch.tensor([0.9, 0.1, 0.1]).view(3, 1, 1), torch.tensor([0.1, 0.2, 0.8]).view(3, 1, 1)
    foreground, background = estimate_layers(composite(red, alpha, blue), alpha)
    assert mean_error(foreground, red.expand_as(foreground), alpha > 0.1) < 0.01
    assert mean_error(background, blue.expand_as(background), alpha < 0.9) < 0.01


def test_smooth_colours_are_found_and_the_composite_holds():
    frame, alpha, foreground_true, _ = soft_scene((120, 160))
    foreground, background = estimate_layers(frame, alpha)
    assert mean_error(foreground, foreground_true, alpha > 0.1) < 0.01
    assert mean_error(frame, foreground_true, alpha > 0.1) > 0.03
    assert mean_error(composite(foreground, alpha, background), frame, alpha >= 0) < 0.002


def test_opaque_pixels_show_the_frame_exactly():
    frame, alpha, _, _ = soft_scene((40, 50))
    foreground, background = estimate_layers(frame, alpha)
    opaque, clear = (alpha == 1).expand_as(frame), (alpha == 0).expand_as(frame)
    assert bool(opaque.any()) and torch.equal(foreground[opaque], frame[opaque])
    assert bool(clear.any()) and torch.equal(background[clear], frame[clear])


def test_frames_do_not_influence_each_other():
    frame, alpha, _, _ = soft_scene((33, 47), batch=3)
    together = estimate_foreground(frame, alpha)
    torch.testing.assert_close(together[1], estimate_foreground(frame[1], alpha[1]))


def test_leading_dimensions_are_kept():
    frame, alpha = torch.rand(2, 3, 4, 9, 7), torch.rand(2, 3, 1, 9, 7)
    assert estimate_foreground(frame, alpha).shape == frame.shape


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (5, 1), (2, 3), (17, 33)])
@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
def test_any_size_and_any_flat_alpha_give_colours_in_range(size, value):
    frame = torch.rand(3, *size)
    foreground, background = estimate_layers(frame, torch.full((1, *size), value))
    for layer in (foreground, background):
        assert bool(torch.isfinite(layer).all()) and float(layer.min()) >= 0 and float(layer.max()) <= 1


def test_gradients_reach_the_frame_and_the_alpha():
    frame, alpha = torch.rand(3, 8, 8, requires_grad=True), (torch.rand(1, 8, 8) * 0.8 + 0.1).requires_grad_()
    estimate_foreground(frame, alpha).sum().backward()
    for tensor in (frame, alpha):
        assert tensor.grad is not None and bool(torch.isfinite(tensor.grad).all()) and bool(tensor.grad.any())


def test_colours_agree_with_pymatting_to_a_hundredth_on_a_smooth_scene():
    pymatting = pytest.importorskip("pymatting", reason="PyMatting, the outside reference, is not installed")
    frame, alpha, foreground_true, _ = soft_scene((144, 200))
    reference = pymatting.estimate_foreground_ml(frame[0].permute(1, 2, 0).numpy(), alpha[0, 0].numpy())
    reference = torch.from_numpy(reference).permute(2, 0, 1)[None].double()
    foreground = estimate_foreground(frame, alpha)
    assert mean_error(foreground, reference, alpha > 0.1) < 0.01
    soft = (alpha > 0.1) & (alpha < 1)
    assert mean_error(foreground, foreground_true, soft) < mean_error(reference, foreground_true, soft)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match=r"one size \(height, width\)"):
        estimate_foreground(torch.zeros(3, 4, 4), torch.zeros(1, 4, 5))
    with pytest.raises(InputError, match=r"\(\.\.\., C, H, W\) and \(\.\.\., 1, H, W\); got"):
        estimate_foreground(torch.zeros(2, 3, 4, 4), torch.zeros(1, 1, 4, 4))
    with pytest.raises(InputError, match="smoothness must be above 0"):
        estimate_layers(torch.zeros(3, 4, 4), torch.zeros(1, 4, 4), smoothness=0)
