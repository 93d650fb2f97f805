"""Finding a coloured screen, following it, and reading its colour."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.data.screen import BLUE, GREEN, excess, find_screen, follow_screen, spread

GREEN_SCREEN = torch.tensor([0.0, 0.7, 0.25])


def flat(colour: Tensor, size: tuple[int, int] = (96, 128)) -> Tensor:
    return colour.view(3, 1, 1).expand(3, *size).clone()


def with_block(frame: Tensor, colour: tuple[float, float, float] = (0.6, 0.4, 0.3)) -> Tensor:
    frame = frame.clone()
    frame[:, 30:70, 40:90] = torch.tensor(colour).view(3, 1, 1)
    return frame


def falloff(size: tuple[int, int] = (96, 128)) -> Tensor:
    y, x = torch.linspace(-1, 1, size[0]).view(-1, 1), torch.linspace(-1, 1, size[1]).view(1, -1)
    return GREEN_SCREEN.view(3, 1, 1) * (1 - 0.2 * x**2 - 0.1 * (y - 0.3) ** 2 + 0.1 * x)


def test_excess_is_how_far_a_channel_stands_above_the_larger_of_the_others() -> None:
    colour = torch.tensor([0.2, 0.7, 0.3]).view(3, 1, 1)
    assert excess(colour, GREEN).item() == pytest.approx(0.4)
    assert excess(colour, BLUE).item() == pytest.approx(-0.4)


def test_a_flat_screen_is_found_exactly_behind_a_subject() -> None:
    frame = with_block(flat(GREEN_SCREEN))
    screen = find_screen(frame[None], "green")
    assert screen.primary == GREEN
    assert torch.allclose(screen.picture((96, 128)), flat(GREEN_SCREEN), atol=1e-3)


def test_auto_takes_the_screen_that_covers_more() -> None:
    blue = flat(torch.tensor([0.0, 0.28, 0.73]))
    assert find_screen(with_block(blue, (0.1, 0.8, 0.2))[None]).primary == BLUE
    assert find_screen(with_block(flat(GREEN_SCREEN), (0.1, 0.2, 0.8))[None]).primary == GREEN


def test_light_that_falls_off_is_followed_over_the_frame_and_behind_the_subject() -> None:
    true = falloff()
    found = find_screen(with_block(true)[None], "green").picture((96, 128))
    assert float((found - true).abs().mean()) < 0.003
    assert float((found - true).abs().max()) < 0.02


def test_smoke_before_a_screen_is_not_taken_for_its_colour() -> None:
    y, x = torch.meshgrid(torch.linspace(-1, 1, 96), torch.linspace(-1, 1, 128), indexing="ij")
    smoke = 0.4 * torch.exp(-(x**2 + y**2) / 0.15)
    frame = flat(GREEN_SCREEN) * (1 - smoke) + 0.9 * smoke
    found = find_screen(frame[None], "green").picture((96, 128))
    assert float((found - flat(GREEN_SCREEN)).abs().max()) < 0.03


def test_pixels_read_one_by_one_are_those_of_the_picture() -> None:
    screen = find_screen(falloff((61, 47))[None], "green")
    rows, columns = torch.tensor([0, 30, 60]), torch.tensor([0, 20, 46])
    assert torch.allclose(screen.at(rows, columns), screen.picture((61, 47))[:, rows, columns], atol=1e-5)


def test_values_are_spread_between_the_middles_of_cells() -> None:
    cells = torch.tensor([[[0.0, 1.0]]])
    assert spread(cells, (1, 4), (1, 3)).flatten().tolist() == pytest.approx([0.0, 0.25, 0.75])


def test_a_change_of_light_is_followed_at_once_and_a_channel_of_nothing_stays() -> None:
    screen = find_screen(flat(GREEN_SCREEN)[None], "green")
    dimmed = follow_screen(screen, with_block(flat(GREEN_SCREEN * 0.95)))
    assert torch.allclose(dimmed.picture((96, 128)), flat(GREEN_SCREEN * 0.95), atol=5e-3)
    assert bool(dimmed.cells.isfinite().all())


def test_a_frame_without_screen_leaves_what_is_known() -> None:
    screen = find_screen(flat(GREEN_SCREEN)[None], "green")
    assert follow_screen(screen, flat(torch.tensor([0.6, 0.4, 0.3]))) is screen


@pytest.mark.parametrize(("wanted", "said"), [("blue", "a blue screen"), ("auto", "a green or blue screen")])
def test_a_clip_without_such_a_screen_is_refused(wanted: str, said: str) -> None:
    frame = flat(GREEN_SCREEN if wanted == "blue" else torch.tensor([0.5, 0.4, 0.4]))
    with pytest.raises(InputError, match=f"must show {said}; 0.0 %"):
        find_screen(frame[None], wanted)


def test_a_grey_for_a_screen_is_refused() -> None:
    with pytest.raises(InputError, match="one channel 38 above the others; got 90, 100, 80"):
        find_screen(flat(GREEN_SCREEN)[None], (90, 100, 80))
