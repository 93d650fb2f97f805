"""Where alpha stands still: everywhere in a still, nowhere near an edge that moves, whatever its grain."""

from __future__ import annotations

import pytest
import torch

import scenes
from mattekit.checks import InputError
from mattekit.ops.recomposition import recomposition_error
from mattekit.ops.steadiness import steadiness


def test_what_does_not_change_is_wholly_steady() -> None:
    alpha = scenes.soft_disc(1).alpha
    assert bool((steadiness(alpha, alpha) == 1).all())


def test_a_faint_grain_leaves_an_edge_steady_and_a_shift_does_not() -> None:
    alpha = scenes.soft_disc(1).alpha
    soft = (alpha > 0.1) & (alpha < 0.9)
    grain = 0.005 * torch.randn(alpha.shape, generator=torch.Generator().manual_seed(0)) * soft
    moved = scenes.soft_disc(2, speed=(1, 0)).alpha[1:]
    assert float(steadiness((alpha + grain).clamp(0, 1), alpha)[soft].mean()) > 0.7
    assert float(steadiness(moved, alpha)[soft].mean()) < 0.05


def test_the_flat_inside_of_something_that_moves_is_not_steady_near_its_edge() -> None:
    first, second = torch.zeros(1, 1, 40, 72), torch.zeros(1, 1, 40, 72)
    first[..., 10:30, 10:30] = second[..., 10:30, 12:32] = 0.5
    found = steadiness(second, first)
    assert float(found[..., 20, 14:17].max()) < 0.05 and float(found[..., 20, 60]) > 0.9


def test_two_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="alpha and previous must have one size"):
        steadiness(torch.zeros(1, 4, 4), torch.zeros(1, 4, 5))


def test_the_true_background_leaves_no_error_but_rounding() -> None:
    scene = scenes.soft_disc(2)
    error = recomposition_error(scene.frames, scene.foreground, scene.alpha, scene.background)
    assert error.shape == scene.alpha.shape and float(error.max()) <= 0.5 / 255 + 1e-6
    estimated = recomposition_error(scene.frames, scene.foreground, scene.alpha)
    assert 0 < float(estimated.mean()) < 0.02
