"""Exact flow: of displaced places, and of paths."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.data.flow import flow_between, path_flow, seen_in_both
from mattekit.data.motion import Path, random_path, sample_layer
from mattekit.ops.warp import pixel_grid, warp

SIZE = (48, 64)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def smooth_picture(height: int, width: int) -> Tensor:
    """Return (4, H, W): waves no shorter than 32 px, and alpha 1."""
    x, y = pixel_grid((height, width), like=torch.zeros(1))[0]
    waves = [
        0.5 + 0.4 * torch.sin(x * 2 * math.pi / a + y * 2 * math.pi / b) for a, b in ((32, 90), (50, 40), (80, 36))
    ]
    return torch.stack((*waves, torch.ones_like(x)))


def path(shift: list[list[float]], *, turn: float = 0.0, zoom: float = 1.0, bend: Tensor | None = None) -> Path:
    steps = torch.arange(len(shift), dtype=torch.float32)
    return Path(torch.tensor(shift).float(), turn * steps, zoom**steps, False, bend)


def test_a_shift_is_its_own_flow() -> None:
    flow, exact = path_flow(path([[0, 0], [3, -2]]), SIZE)
    torch.testing.assert_close(flow, torch.tensor([3.0, -2.0]).view(1, 2, 1, 1).expand(1, 2, *SIZE))
    assert bool((exact == 1).all())


def test_a_zoom_of_two_moves_each_pixel_as_far_again_from_the_middle() -> None:
    flow, _ = path_flow(path([[0, 0], [0, 0]], zoom=2.0), (5, 7))
    assert flow[0, :, 2, 3].abs().max() < 1e-5
    torch.testing.assert_close(flow[0, :, 0, 0], torch.tensor([-3.0, -2.0]))


def test_a_quarter_turn_takes_the_right_of_the_picture_to_where_sampling_draws_it() -> None:
    turning = path([[0, 0], [0, 0]], turn=math.pi / 2)
    picture = torch.zeros(4, 9, 9)
    picture[:, 4, 8] = 1
    drawn = sample_layer(picture, turning, (9, 9), centre=(4.0, 4.0))[1, 3]
    flow, _ = path_flow(turning, (9, 9))
    x, y = (flow[0, :, 4, 8] + torch.tensor([8.0, 4.0])).round().int().tolist()
    assert float(drawn[y, x]) > 0.99


@pytest.mark.parametrize("seed", range(6))
def test_the_next_frame_fetched_along_the_flow_is_this_frame(seed: int) -> None:
    # both frames are bilinear samples of waves of 32 px and more, and the fetch is a third: each may miss by
    # 0.4 (2 pi / 32)^2 / 8 = 0.002 a side, more where the layer is zoomed out
    moving = random_path(4, generator(seed), gap=1, zoom=(0.9, 1.3), bend=5.0)
    layer = sample_layer(smooth_picture(300, 300), moving, (120, 160), centre=(150.0, 150.0))
    flow, exact = path_flow(moving, (120, 160))
    valid = exact * seen_in_both(flow, layer[:, 3:])
    there, _ = warp(layer[1:, :3], flow)
    eroded = warp(layer[1:, 3:], flow)[0] * layer[:-1, 3:] > 0.999
    assert float(valid.mean()) > 0.4
    assert float(((there - layer[:-1, :3]).abs() * valid * eroded).max()) < 0.02


def test_a_flow_of_displaced_places_is_solved_to_a_thousandth_of_a_pixel() -> None:
    x, y = pixel_grid(SIZE, like=torch.zeros(1)).double()[0]
    here = torch.stack((x, y))[None]
    displacement = torch.stack((3 * torch.sin(x / 9), 2 * torch.cos(y / 7)))[None]
    flow, exact = flow_between(here + 0.5, displacement)
    reached = here + flow + warp(displacement, flow)[0]
    assert bool((exact == 1).all()) and float((reached - here - 0.5).abs().max()) < 1e-3


def test_a_displacement_that_folds_is_marked_where_it_has_no_flow() -> None:
    x, _ = pixel_grid(SIZE, like=torch.zeros(1))[0]
    folding = torch.stack((8 * torch.sin(x), torch.zeros_like(x)))[None]
    _, exact = flow_between(pixel_grid(SIZE, like=x), folding)
    assert 0 < float(exact.mean()) < 1


def test_only_what_is_seen_in_both_frames_and_stays_inside_is_valid() -> None:
    alpha = torch.zeros(2, 1, 1, 6)
    alpha[0, ..., 1:6], alpha[1, ..., 0:5] = 1, 1
    alpha[1, ..., 3] = 0
    flow = torch.zeros(1, 2, 1, 6)
    flow[:, 0] = 1
    assert seen_in_both(flow, alpha).flatten().tolist() == [0, 1, 0, 1, 0, 0]


def test_one_frame_has_no_flow() -> None:
    still = random_path(1, generator(), gap=1, zoom=(1, 1))
    assert path_flow(still, (5, 7))[0].shape == (0, 2, 5, 7)


def test_flow_of_another_length_or_shape_is_refused() -> None:
    with pytest.raises(InputError, match="one frame fewer than alpha's 3; got 3"):
        seen_in_both(torch.zeros(3, 2, 4, 4), torch.zeros(3, 1, 4, 4))
    with pytest.raises(InputError, match="must have one shape"):
        flow_between(torch.zeros(1, 2, 4, 4), torch.zeros(1, 2, 4, 5))
