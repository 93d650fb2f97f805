"""Motion of a matte's edges: known shifts are found, and a still matte stays where it is."""

from __future__ import annotations

import pytest
import torch

import scenes
from mattekit.checks import InputError
from mattekit.ops import warp
from mattekit.ops.follow import follow


@pytest.mark.parametrize("speed", [(0, 0), (1, 0), (3, -2), (-6, 5)])
def test_a_shift_is_found_where_alpha_is_soft(speed: tuple[int, int]) -> None:
    alpha = scenes.soft_disc(2, (96, 120), speed=speed).alpha
    flow = follow(alpha[1:], alpha[:1])
    soft = (alpha[1:] > 0.1) & (alpha[1:] < 0.9)
    moved, _ = warp(alpha[:1], flow)
    gap, gap_before = (float((each - alpha[1:]).abs()[soft].mean()) for each in (moved, alpha[:1]))
    assert gap <= max(0.15 * gap_before, 1e-4)
    wanted = torch.tensor(speed, dtype=torch.float32).view(1, 2, 1, 1)
    assert float((flow + wanted).norm(dim=1, keepdim=True)[soft].median()) < 0.1 + 0.3 * float(wanted.norm())


def test_nothing_soft_means_no_motion() -> None:
    assert float(follow(torch.ones(1, 1, 64, 64), torch.ones(1, 1, 64, 64)).abs().max()) == 0


@pytest.mark.parametrize("size", [(1, 1), (7, 200), (17, 33)])
def test_any_size_has_a_flow_of_that_size(size: tuple[int, int]) -> None:
    one, other = torch.rand(2, 1, 1, *size, generator=torch.Generator().manual_seed(0))
    flow = follow(one, other)
    assert flow.shape == (1, 2, *size) and bool(torch.isfinite(flow).all())


def test_pictures_do_not_influence_each_other_and_wrong_shapes_are_refused() -> None:
    alpha = scenes.soft_disc(3, (64, 64)).alpha
    torch.testing.assert_close(follow(alpha[1:], alpha[:2])[:1], follow(alpha[1:2], alpha[:1]))
    with pytest.raises(InputError, match=r"alpha must have shape \(N, 1, H, W\); got \(1, 4, 4\)"):
        follow(torch.zeros(1, 4, 4), torch.zeros(1, 4, 4))
    with pytest.raises(InputError, match="alpha and previous must have one size"):
        follow(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 5))
