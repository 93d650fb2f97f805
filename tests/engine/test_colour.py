"""Foreground colour along a clip: nearer to the truth and steadier than frame by frame, in chunks of any length."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

import scenes
from mattekit.checks import InputError
from mattekit.engine.colour import complete
from mattekit.ops import composite, estimate_foreground, gaussian_blur
from mattekit.types import Chunk, Matte


def before_a_moving_wall(frames: int = 8, *, grain: float = 0.01) -> tuple[Tensor, Tensor, Tensor]:
    """Return frames, alpha and true foreground of a soft disc that stands still while the wall behind it moves."""
    still = scenes.soft_disc(1, (64, 80), softness=14.0)
    generator = torch.Generator().manual_seed(0)
    wall = (0.5 + 4 * gaussian_blur(torch.randn(3, 64, 80 + 6 * frames, generator=generator), 4.0)).clamp(0, 1)
    alpha, foreground = (part.expand(frames, -1, -1, -1) for part in (still.alpha, still.foreground))
    walls = torch.stack([wall[..., 6 * index : 6 * index + 80] for index in range(frames)])
    seen = composite(foreground, alpha, walls)
    return (seen + grain * torch.randn(seen.shape, generator=generator)).clamp(0, 1), alpha, foreground


def mattes(frames: Tensor, alpha: Tensor, *, length: int, foreground: Tensor | None = None) -> Iterator[Matte]:
    for first in range(0, len(frames), length):
        part = slice(first, first + length)
        chunk = Chunk(first, torch.arange(len(frames))[part], frames[part])
        yield Matte(chunk, alpha[part], None if foreground is None else foreground[part])


def colours(*given: Tensor, length: int = 3, cuts: tuple[int, ...] = ()) -> Tensor:
    found = complete(mattes(*given, length=length), foreground=True, cuts=cuts)
    return torch.cat([matte.foreground for matte in found if matte.foreground is not None])


def error_and_flicker(found: Tensor, alpha: Tensor, foreground_true: Tensor) -> tuple[float, float]:
    """Return the mean error of soft pixels, and how much it changes from frame to frame."""
    soft = ((alpha > 0.05) & (alpha < 0.95)).expand_as(found)
    error = found - foreground_true
    return float(error.abs()[soft].mean()), float((error[1:] - error[:-1]).abs()[soft[1:]].mean())


def test_colour_flickers_half_as_much_as_frame_by_frame_and_is_no_farther_from_the_truth() -> None:
    frames, alpha, foreground_true = before_a_moving_wall()
    alone = error_and_flicker(estimate_foreground(frames, alpha), alpha, foreground_true)
    held = error_and_flicker(colours(frames, alpha), alpha, foreground_true)
    assert held[0] < 0.95 * alone[0]
    assert held[1] < 0.5 * alone[1]


def test_a_subject_that_moves_is_followed_and_flickers_less_along_its_way() -> None:
    scene = scenes.soft_disc(8, (96, 120), speed=(4, 1), softness=10.0)
    found = {"alone": estimate_foreground(scene.frames, scene.alpha), "held": colours(scene.frames, scene.alpha)}
    errors = {name: each - scene.foreground for name, each in found.items()}
    soft = ((scene.alpha > 0.05) & (scene.alpha < 0.95)).expand_as(scene.frames)
    mean = {name: float(error.abs()[soft].mean()) for name, error in errors.items()}
    change = {
        name: float((error[1:] - error[:-1].roll((1, 4), dims=(-2, -1))).abs()[soft[1:]].mean())
        for name, error in errors.items()
    }
    assert mean["held"] < mean["alone"]
    assert change["held"] < 0.7 * change["alone"]


@pytest.mark.parametrize("length", [1, 2, 7])
def test_the_length_of_a_chunk_changes_nothing(length: int) -> None:
    frames, alpha, _ = before_a_moving_wall(7)
    assert torch.equal(colours(frames, alpha, length=length), colours(frames, alpha, length=3))


def test_nothing_is_held_over_a_cut() -> None:
    frames, alpha, _ = before_a_moving_wall(5)
    found = colours(frames, alpha, cuts=(2,))
    torch.testing.assert_close(found[2], estimate_foreground(frames[2], alpha[2]))
    assert not torch.equal(found[1], estimate_foreground(frames[1], alpha[1]))


def test_opaque_pixels_show_the_frame_exactly() -> None:
    frames, alpha, _ = before_a_moving_wall(4)
    opaque = (alpha == 1).expand_as(frames)
    assert bool(opaque.any()) and torch.equal(colours(frames, alpha)[opaque], frames[opaque])


def test_colour_that_a_model_gave_is_kept_unless_it_is_despilled() -> None:
    scene = scenes.soft_disc(3)
    green, grey = torch.tensor([0.0, 0.7, 0.25]).view(1, 3, 1, 1), torch.full_like(scene.foreground, 0.4)
    tinted = grey + 0.3 * (1 - scene.alpha) * green
    given = list(mattes(composite(grey, scene.alpha, green), scene.alpha, length=2, foreground=tinted))
    assert [each is own for each, own in zip(complete(given, foreground=True), given, strict=True)] == [True, True]
    soft = ((scene.alpha > 0.05) & (scene.alpha < 0.95))[:, 0]
    for screen in (None, (0, 178, 64)):
        found = complete(given, foreground=True, spill=1.0, screen=screen)
        clean = torch.cat([each.foreground for each in found if each.foreground is not None])
        stands, stood = (float((each[:, 1] - each[:, 0])[soft].mean()) for each in (clean, tinted))
        assert stands < 0.1 * stood


def test_an_amount_of_spill_out_of_range_is_refused() -> None:
    frames, alpha, _ = before_a_moving_wall(1)
    with pytest.raises(InputError, match="despill must be 0 to 1; got 2"):
        next(complete(mattes(frames, alpha, length=1), foreground=True, spill=2.0))
