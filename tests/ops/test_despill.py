"""The background's light is taken out of edges, and nothing else is."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.ops import composite, estimate_layers, gaussian_blur
from mattekit.ops.despill import despill

GREEN = torch.tensor([0.0, 0.7, 0.25]).view(1, 3, 1, 1)


def disc(size: tuple[int, int] = (96, 120), softness: float = 8.0) -> Tensor:
    """Return (1, 1, H, W), a disc with a soft edge."""
    rows, columns = torch.arange(size[0]).view(-1, 1) - size[0] / 2, torch.arange(size[1]).view(1, -1) - size[1] / 2
    distance = (rows.square() + columns.square()).sqrt()
    return ((size[0] / 3 - distance) / softness + 0.5).clamp(0, 1)[None, None]


def green_over_white(foreground: Tensor, alpha: Tensor) -> Tensor:
    """Return by how much green stands above red and blue over white, (1, 1, H, W)."""
    laid = composite(foreground, alpha, torch.ones(1, 3, 1, 1))
    return laid[:, 1:2] - torch.maximum(laid[:, :1], laid[:, 2:])


@pytest.mark.parametrize(("subject", "shown"), [((0.35, 0.35, 0.35), 7), ((0.4, 0.35, 0.4), 3), ((0.8, 0.55, 0.45), 0)])
def test_an_edge_before_a_green_wall_shows_no_green_over_white(subject: tuple[float, float, float], shown: int) -> None:
    colour = torch.tensor(subject).view(1, 3, 1, 1)
    alpha = disc()
    lit = (colour + 0.15 * gaussian_blur((alpha < 0.5).float(), 3.0) * GREEN).clamp(0, 1)
    frame = composite(lit, alpha, GREEN)
    too_much = (alpha + 0.08 * ((alpha > 0) & (alpha < 1))).clamp(0, 1)
    foreground, background = estimate_layers(frame, too_much)
    clean = despill(foreground, too_much, background)
    assert float(green_over_white(clean, too_much).max()) < 2 / 255
    assert shown == 0 or float(green_over_white(foreground, too_much).max()) > shown / 255
    soft = ((alpha > 0.1) & (alpha < 1)).expand_as(clean)
    assert float((clean - colour).abs()[soft].mean()) < float((foreground - colour).abs()[soft].mean())


def test_a_screen_that_is_named_serves_as_well_as_one_estimated() -> None:
    alpha = disc()
    grey = torch.full((1, 3, 1, 1), 0.4)
    spilled = (grey + 0.2 * (1 - alpha) * GREEN).expand(-1, -1, *alpha.shape[-2:])
    clean = despill(spilled, alpha, GREEN)
    assert float(green_over_white(clean, alpha).max()) < 3e-4 < 0.02 < float(green_over_white(spilled, alpha).max())


def test_opaque_parts_away_from_the_edge_stay_to_the_bit() -> None:
    alpha = disc()
    foreground = torch.rand(1, 3, *alpha.shape[-2:], generator=torch.Generator().manual_seed(0))
    clean = despill(foreground, alpha, GREEN, reach=2)
    rows, columns = alpha.shape[-2] // 2, alpha.shape[-1] // 2
    inside = (slice(None), slice(None), slice(rows - 6, rows + 6), slice(columns - 6, columns + 6))
    assert torch.equal(clean[inside], foreground[inside]) and not torch.equal(clean, foreground)


@pytest.mark.parametrize("wall", [(0.5, 0.5, 0.5), (0.9, 0.88, 0.86), (0.1, 0.1, 0.1)])
def test_a_grey_wall_spills_nothing(wall: tuple[float, float, float]) -> None:
    alpha = disc()
    foreground = torch.rand(1, 3, *alpha.shape[-2:], generator=torch.Generator().manual_seed(0))
    assert torch.equal(despill(foreground, alpha, torch.tensor(wall).view(1, 3, 1, 1)), foreground)


def test_a_green_subject_before_green_stays_green() -> None:
    alpha = disc()
    leaf = torch.tensor([0.3, 0.5, 0.2]).view(1, 3, 1, 1).expand(-1, -1, *alpha.shape[-2:])
    torch.testing.assert_close(despill(leaf, alpha, GREEN), leaf, rtol=0, atol=1e-4)


def test_half_the_amount_takes_half_and_none_is_the_input_itself() -> None:
    alpha = disc()
    spilled = torch.tensor([0.4, 0.6, 0.4]).view(1, 3, 1, 1) * (1 - alpha) + 0.4 * alpha
    assert despill(spilled, alpha, GREEN, amount=0) is spilled
    whole, half = (despill(spilled, alpha, GREEN, amount=amount) - spilled for amount in (1.0, 0.5))
    torch.testing.assert_close(half, whole / 2, rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (17, 13)])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_any_size_and_any_flat_alpha_give_colours_in_range(size: tuple[int, int], value: float) -> None:
    foreground = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    found = despill(foreground, torch.full((2, 1, *size), value), GREEN)
    assert bool(torch.isfinite(found).all()) and 0 <= float(found.min()) <= float(found.max()) <= 1


def test_frames_do_not_influence_each_other() -> None:
    alpha = torch.cat((disc(), disc(softness=2.0)))
    foreground = torch.rand(2, 3, *alpha.shape[-2:], generator=torch.Generator().manual_seed(0))
    together = despill(foreground, alpha, GREEN)
    torch.testing.assert_close(together[1:], despill(foreground[1:], alpha[1:], GREEN))


def test_what_is_out_of_range_is_refused() -> None:
    alpha, colour = torch.zeros(1, 1, 4, 4), torch.zeros(1, 3, 4, 4)
    with pytest.raises(InputError, match=r"despill must be 0 to 1; got 1\.5"):
        despill(colour, alpha, GREEN, amount=1.5)
    with pytest.raises(InputError, match="reach must be 0 px or more; got -1"):
        despill(colour, alpha, GREEN, reach=-1)
    with pytest.raises(InputError, match=r"foreground must have shape \(T, 3, H, W\)"):
        despill(colour[0], alpha, GREEN)
