from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.data.figure import Figure, mean_colour
from mattekit.data.walk import random_walk, walk_flow
from mattekit.ops.warp import warp

UPRIGHT = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]).double()


def _disc(height: int = 70, width: int = 90, *, soft: float = 6.0) -> Tensor:
    """Return (4, H, W) uint8: a soft-edged disc with a smooth pattern."""
    y, x = torch.meshgrid(torch.arange(height) - height / 2, torch.arange(width) - width / 2, indexing="ij")
    alpha = ((min(height, width) / 2 - 4 - torch.hypot(x, y)) / soft).clamp(0, 1)
    colour = torch.stack((0.5 + 0.3 * torch.sin(x / 6), 0.5 + 0.3 * torch.cos(y / 7), 0.4 + 0 * x))
    return (torch.cat((colour, alpha[None])) * 255).round().to(torch.uint8)


def _plate(height: int = 80, width: int = 100) -> Tensor:
    return torch.randint(0, 256, (3, height, width), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


def test_a_flat_figure_at_its_own_place_comes_out_as_it_is() -> None:
    pixels = torch.full((4, 20, 30), 200, dtype=torch.uint8)
    pixels[3] = 255
    placed = Figure(pixels).place(UPRIGHT, _plate(60, 60))
    assert (placed.alpha[0, 2:18, 2:28] == 255).all() and (placed.frame[:, 2:18, 2:28] == 200).all()
    assert (placed.alpha[0, 24:] == 0).all() and (placed.frame[:, 24:] == placed.background[:, 24:]).all()


@pytest.mark.parametrize("seed", range(4))
def test_the_composite_is_alpha_f_plus_the_rest_b_to_rounding(seed: int) -> None:
    figure, plate = Figure(_disc()), _plate()
    for place in random_walk(30, (80, 100), torch.Generator().manual_seed(seed)).places(figure.size)[::10]:
        placed = figure.place(place, plate)
        alpha = placed.alpha.double() / 255
        exact = alpha * placed.foreground.double() + (1 - alpha) * placed.background.double()
        assert (exact - placed.frame.double()).abs().max() <= 0.5 + 1e-4
        assert 0 < placed.alpha.float().mean() < 255


def test_colour_is_straight_and_goes_on_beyond_the_edge() -> None:
    pixels = _disc()
    pixels[0], pixels[1], pixels[2] = 250, 120, 30
    placed = Figure(pixels).place(UPRIGHT, _plate())
    reached = torch.zeros(80, 100, dtype=torch.bool)
    reached[:70, :90] = True
    gap = (placed.foreground.float() - torch.tensor([250.0, 120, 30])[:, None, None]).abs()
    assert gap[:, reached].max() <= 1


def test_a_hard_edge_neither_rings_nor_shines_beyond_itself() -> None:
    pixels = torch.full((4, 40, 40), 90, dtype=torch.uint8)
    pixels[3] = 0
    pixels[3, 10:30, 10:30] = 255
    shift = UPRIGHT + torch.tensor([[0, 0, 0.3], [0, 0, -0.4]]).double()
    alpha = Figure(pixels).place(shift, _plate(40, 40)).alpha[0]
    assert (alpha[13:27, 13:27] == 255).all()
    assert (
        (alpha[:8] == 0).all() and (alpha[:, :8] == 0).all() and (alpha[32:] == 0).all() and (alpha[:, 32:] == 0).all()
    )


def test_half_a_pixel_to_the_right_halves_the_edge() -> None:
    pixels = torch.full((4, 40, 40), 90, dtype=torch.uint8)
    pixels[3, :, :20] = 0
    pixels[3, :, 20:] = 255
    shift = UPRIGHT + torch.tensor([[0, 0, -0.5], [0, 0, 0]]).double()
    alpha = Figure(pixels).place(shift, _plate(40, 40)).alpha[0, 20]
    assert alpha[20] == pytest.approx(127.5, abs=1.0)


def test_what_moves_along_the_flow_meets_the_next_frame() -> None:
    figure, plate = Figure(_disc(soft=14)), _plate()
    places = random_walk(12, (80, 100), torch.Generator().manual_seed(7)).places(figure.size)
    flow = walk_flow(places, (80, 100))
    one, two = (figure.place(places[time], plate) for time in (6, 7))
    there, inside = warp(two.alpha[None].float(), flow[6:7])
    sure = inside[0, 0] > 0
    gap = (there[0, 0] - one.alpha[0].float())[sure].abs()
    assert gap.max() <= 6 and gap.mean() <= 0.5  # two linear readings of a ramp 14 px wide, in steps of 255


def test_leaving_out_empty_parts_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = _disc(64, 64)
    pixels[3, :, 30:] = 0
    figure, plate = Figure(pixels), _plate(150, 170)
    place = random_walk(25, (150, 170), torch.Generator().manual_seed(2)).places(figure.size)[-1]
    quick = figure.place(place, plate)
    whole = [(top, 0, min(top + 32, 150), 170) for top in range(0, 150, 32)]
    monkeypatch.setattr(figure, "_spans", lambda place, size: whole)
    slow = figure.place(place, plate)
    assert torch.equal(quick.alpha, slow.alpha) and torch.equal(quick.frame, slow.frame)


def test_a_figure_wholly_outside_leaves_the_background() -> None:
    away = UPRIGHT + torch.tensor([[0, 0, 5000.0], [0, 0, 0]]).double()
    placed = Figure(_disc()).place(away, _plate())
    assert (placed.alpha == 0).all() and torch.equal(placed.frame, placed.background)


def test_one_pixel_is_a_figure() -> None:
    placed = Figure(torch.full((4, 1, 1), 255, dtype=torch.uint8)).place(UPRIGHT, _plate(5, 5))
    assert placed.alpha[0, 0, 0] > 180 and placed.alpha[0, 3:].max() == 0


def test_the_mean_colour_is_weighed_by_alpha() -> None:
    pixels = torch.tensor([[100, 200], [0, 0], [50, 50], [255, 0]], dtype=torch.uint8).view(4, 1, 2)
    assert mean_colour(pixels).tolist() == [100, 0, 50]
    pixels[3] = 0
    assert mean_colour(pixels).tolist() == [128, 128, 128]


def test_an_empty_alpha_is_refused() -> None:
    pixels = torch.zeros(4, 8, 9, dtype=torch.uint8)
    with pytest.raises(InputError, match=r"a foreground's alpha must not be 0 everywhere; it is, over \(8, 9\) px"):
        Figure(pixels)
