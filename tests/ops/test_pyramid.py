import pytest
import torch

from mattekit.checks import InputError
from mattekit.ops import collapse, gaussian_pyramid, grow, laplacian_pyramid, shrink


def test_shrinking_a_dot_leaves_the_square_of_the_middle_tap():
    dot = torch.zeros(1, 9, 9)
    dot[0, 4, 4] = 1
    small = shrink(dot)
    assert small.shape == (1, 5, 5)
    assert float(small[0, 2, 2]) == pytest.approx((6 / 16) ** 2)
    assert float(small[0, 2, 3]) == pytest.approx(6 / 16 / 16)


def test_growing_a_row_weighs_neighbours_1_6_1_and_1_1():
    row = torch.tensor([[0.0, 8.0, 0.0]])
    assert grow(row, (1, 6)).tolist() == [[1.0, 4.0, 6.0, 4.0, 1.0, 0.0]]


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (5, 8), (33, 47), (64, 64)])
def test_a_pyramid_collapses_to_the_picture(size):
    x = torch.rand(2, 3, *size, dtype=torch.float64)
    pyramid = laplacian_pyramid(x, 5)
    assert len(pyramid) == 5
    torch.testing.assert_close(collapse(pyramid), x, rtol=0, atol=1e-14)


def test_a_constant_has_no_detail_up_to_the_border():
    *bands, rest = laplacian_pyramid(torch.full((1, 21, 14), 0.6), 4)
    assert all(float(band.abs().max()) < 1e-6 for band in bands)
    torch.testing.assert_close(rest, torch.full((1, 3, 2), 0.6))


def test_sizes_are_halved_and_rounded_up():
    assert [tuple(x.shape) for x in gaussian_pyramid(torch.zeros(3, 9, 6), 4)] == [
        (3, 9, 6),
        (3, 5, 3),
        (3, 3, 2),
        (3, 2, 1),
    ]


def test_a_pyramid_turns_with_the_picture():
    x = torch.rand(1, 12, 17)
    for band, turned in zip(laplacian_pyramid(x, 3), laplacian_pyramid(x.mT, 3), strict=True):
        torch.testing.assert_close(turned, band.mT)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: gaussian_pyramid(torch.zeros(4, 4), 0), "levels must be 1 or more; got 0"),
        (lambda: grow(torch.zeros(4, 4), (9, 8)), r"size must be twice \(4, 4\) or one less; got \(9, 8\)"),
        (lambda: collapse([]), "at least one level; got none"),
    ],
)
def test_impossible_pyramids_are_refused(call, text):
    with pytest.raises(InputError, match=text):
        call()
