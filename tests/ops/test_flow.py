"""Dense motion both ways: known shifts, the way back, small pictures."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.ops import gaussian_blur
from mattekit.ops.flow import METHODS, find_flow


def textured(height: int = 96, width: int = 128, *, seed: int = 0) -> Tensor:
    """Return a smooth random picture (3, H, W)."""
    noise = torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))
    return (gaussian_blur(noise, 2.0) * 4 - 1.5).clamp(0, 1)


@pytest.mark.parametrize("method", METHODS)
def test_a_shifted_picture_is_found_again_both_ways(method: str) -> None:
    wide = textured(width=140)
    one, other = wide[..., 6:134], wide[..., 2:130]  # what one shows at x, the other shows at x + 4
    flow = find_flow(one, other, method=method)
    inside = flow[..., 20:-20, 20:-20]
    assert flow.shape == (2, 2, 96, 128)
    torch.testing.assert_close(inside.mean((-2, -1)), torch.tensor([[4.0, 0.0], [-4.0, 0.0]]), atol=0.1, rtol=0)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_moves_between_a_picture_and_itself_and_the_order_only_swaps_the_ways(method: str) -> None:
    one, other = textured(), textured().roll(2, -1)
    assert float(find_flow(one, one, method=method).abs().max()) < 0.05
    assert bool((find_flow(one, other, method=method).flip(0) == find_flow(other, one, method=method)).all())


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (17, 13)])
def test_pictures_smaller_than_the_search_have_a_flow_too(size: tuple[int, int]) -> None:
    for method in METHODS:
        flow = find_flow(textured(*size), textured(*size, seed=1), method=method)
        assert flow.shape == (2, 2, *size) and bool(flow.isfinite().all())


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match=r"one and other must have one size .*\(8, 8\) and \(8, 9\)"):
        find_flow(torch.zeros(3, 8, 8), torch.zeros(3, 8, 9))
    with pytest.raises(InputError, match="method must be one of dis, farneback, lucas-kanade; got 'raft'"):
        find_flow(torch.zeros(3, 8, 8), torch.zeros(3, 8, 8), method="raft")
