import math

import pytest
import torch

from mattekit.checks import InputError
from mattekit.ops import affine_flow, affine_matrix, consistent, invert_affine, pixel_grid, warp


def constant_flow(x: float, y: float, size: tuple[int, int], *, batch: int = 1) -> torch.Tensor:
    return torch.tensor([float(x), float(y)]).view(1, 2, 1, 1).expand(batch, 2, *size).clone()


def test_a_pixel_to_the_right_is_fetched():
    x = torch.arange(12.0).view(1, 1, 3, 4)
    warped, valid = warp(x, constant_flow(1, 0, (3, 4)))
    torch.testing.assert_close(warped[0, 0], torch.tensor([[1.0, 2, 3, 3], [5, 6, 7, 7], [9, 10, 11, 11]]))
    assert valid[0, 0].tolist() == [[1, 1, 1, 0]] * 3


def test_half_a_pixel_down_is_the_mean_of_two_rows():
    x = torch.arange(3.0).view(1, 1, 3, 1)
    warped, valid = warp(x, constant_flow(0, 0.5, (3, 1)))
    torch.testing.assert_close(warped.flatten(), torch.tensor([0.5, 1.5, 2.0]))
    assert valid.flatten().tolist() == [1, 1, 0]


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "nearest"])
@pytest.mark.parametrize("size", [(1, 1), (5, 7), (270, 480)])
def test_no_flow_changes_nothing(mode, size):
    x = torch.rand(2, 3, *size)
    warped, valid = warp(x, constant_flow(0, 0, size, batch=2), mode=mode)
    torch.testing.assert_close(warped, x, rtol=0, atol=1e-4)
    assert bool((valid == 1).all())


def test_the_result_may_have_another_size_than_the_source():
    x = torch.rand(1, 3, 8, 8)
    warped, _ = warp(x, constant_flow(2, 3, (4, 5)))
    torch.testing.assert_close(warped, x[..., 3:7, 2:7])


def test_warping_passes_gradients_to_picture_and_flow():
    x = torch.rand(1, 2, 5, 6, dtype=torch.float64, requires_grad=True)
    flow = (torch.rand(1, 2, 5, 6, dtype=torch.float64) * 0.8 + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: warp(a, b)[0][..., 1:-1, 1:-1], (x, flow))


def test_there_and_back_is_consistent_and_a_wrong_way_is_not():
    there, back = constant_flow(2, -1, (9, 12)), constant_flow(-2, 1, (9, 12))
    inside = consistent(there, back)[0, 0]
    assert torch.equal(inside[1:, :-2], torch.ones(8, 10))
    assert not bool(inside[:, -2:].any()) and not bool(inside[0].any())
    assert not bool(consistent(there, there).any())


def test_a_quarter_turn_takes_right_to_below():
    matrix = affine_matrix(angle=torch.tensor([math.pi / 2]), scale=torch.ones(1), shift=torch.zeros(1, 2), size=(5, 5))
    moved = matrix[0] @ torch.tensor([4.0, 2.0, 1.0])
    torch.testing.assert_close(moved, torch.tensor([2.0, 4.0]), rtol=0, atol=1e-5)


def test_turning_by_a_quarter_equals_rot90():
    x = torch.rand(1, 3, 6, 6)
    matrix = affine_matrix(angle=torch.tensor([math.pi / 2]), scale=torch.ones(1), shift=torch.zeros(1, 2), size=(6, 6))
    warped, _ = warp(x, affine_flow(invert_affine(matrix), (6, 6)))
    torch.testing.assert_close(warped, torch.rot90(x, -1, (-2, -1)), rtol=0, atol=1e-5)


def test_an_inverted_matrix_undoes_the_first():
    matrix = affine_matrix(
        angle=torch.tensor([0.3, -1.0]),
        scale=torch.tensor([0.5, 1.7]),
        shift=torch.tensor([[3.0, -2.0], [10.0, 4.0]]),
        size=(20, 31),
    )
    points = torch.cat((torch.rand(2, 8) * 30, torch.ones(1, 8)))
    moved = matrix @ points
    back = invert_affine(matrix) @ torch.cat((moved, torch.ones(2, 1, 8)), dim=1)
    torch.testing.assert_close(back, points[:2].expand(2, 2, 8), rtol=0, atol=1e-4)


def test_a_grid_names_x_then_y():
    grid = pixel_grid((2, 3), like=torch.zeros(1))
    assert grid[0, 0].tolist() == [[0, 1, 2], [0, 1, 2]]
    assert grid[0, 1].tolist() == [[0, 0, 0], [1, 1, 1]]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: warp(torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)), r"flow must have shape \(B, 2, H, W\)"),
        (lambda: warp(torch.zeros(2, 3, 4, 4), torch.zeros(1, 2, 4, 4)), "one batch size; got 2 and 1"),
        (lambda: affine_flow(torch.eye(3)[None], (4, 4)), r"matrix must have shape \(B, 2, 3\)"),
    ],
)
def test_flows_that_do_not_fit_are_refused(call, text):
    with pytest.raises(InputError, match=text):
        call()
