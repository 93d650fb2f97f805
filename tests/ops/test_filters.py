import pytest
import torch

from mattekit.checks import InputError
from mattekit.ops import box_filter, dilate, erode, gaussian_blur, separable, sobel


def test_a_box_averages_what_lies_inside_the_picture():
    row = torch.tensor([[3.0, 6.0, 9.0]])
    assert box_filter(row, 1).tolist() == [[4.5, 6.0, 7.5]]


@pytest.mark.parametrize("blur", [lambda x: box_filter(x, 4), lambda x: gaussian_blur(x, 2.0)])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 4)])
def test_blurring_keeps_a_constant_up_to_the_border(blur, size):
    torch.testing.assert_close(blur(torch.full((2, 3, *size), 0.7)), torch.full((2, 3, *size), 0.7))


def test_a_gaussian_keeps_the_sum_and_the_variance():
    dot = torch.zeros(1, 41, dtype=torch.float64)
    dot[0, 20] = 1
    blurred = gaussian_blur(dot.expand(41, 41) * dot.mT.expand(41, 41), 2.0)
    axis = torch.arange(41) - 20
    assert float(blurred.sum()) == pytest.approx(1)
    assert float((blurred.sum(0) * axis**2).sum()) == pytest.approx(4, rel=0.03)


def test_no_sigma_no_blur():
    x = torch.rand(3, 5, 5)
    assert gaussian_blur(x, 0) is x


def test_sobel_of_a_ramp_is_its_slope():
    ramp = 0.5 * torch.arange(6.0).expand(5, 6) - 2 * torch.arange(5.0)[:, None]
    across, down = sobel(ramp)
    assert torch.equal(across[1:-1, 1:-1], torch.full((3, 4), 0.5))
    assert torch.equal(down[1:-1, 1:-1], torch.full((3, 4), -2.0))


def test_sobel_turns_with_the_picture():
    x = torch.rand(2, 3, 7, 9)
    across, down = sobel(x)
    down_turned, across_turned = sobel(x.mT)[::-1][0], sobel(x.mT)[0]
    torch.testing.assert_close(down_turned, across.mT)
    torch.testing.assert_close(across_turned, down.mT)


def brute_dilate(x, radius, element):
    height, width = x.shape
    result = torch.empty_like(x)
    for i in range(height):
        for j in range(width):
            rows, columns = torch.arange(height) - i, torch.arange(width) - j
            if element == "round":
                near = rows[:, None] ** 2 + columns[None] ** 2 <= radius**2
            else:
                near = (rows.abs()[:, None] <= radius) & (columns.abs()[None] <= radius)
            result[i, j] = x[near].max()
    return result


@pytest.mark.parametrize("element", ["round", "square"])
@pytest.mark.parametrize("radius", [1, 2, 3, 5, 20])
def test_dilation_takes_the_largest_value_of_its_element(element, radius):
    x = torch.randn(11, 14)
    assert torch.equal(dilate(x, radius, element=element), brute_dilate(x, radius, element))


def test_erosion_is_dilation_of_the_negative():
    x = torch.randn(2, 1, 8, 9)
    assert torch.equal(erode(x, 2), -dilate(-x, 2))
    assert torch.equal(erode(x, 0), x)


def test_separable_weighs_rows_and_columns():
    dot = torch.zeros(3, 3)
    dot[1, 1] = 1
    expected = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]])
    assert torch.equal(separable(dot, torch.tensor([1.0, 2.0, 1.0])), expected)


@pytest.mark.parametrize("function", [lambda x: dilate(x, 2), lambda x: gaussian_blur(x, 1.0), lambda x: sobel(x)])
def test_filters_pass_gradients(function):
    assert torch.autograd.gradcheck(function, [torch.rand(1, 5, 6, dtype=torch.float64, requires_grad=True)])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: box_filter(x, -1), "radius must be 0 or more; got -1"),
        (lambda x: dilate(x, -2), "radius must be 0 or more; got -2"),
        (lambda x: dilate(x, 1, element="star"), "element must be one of round, square; got 'star'"),
        (lambda x: gaussian_blur(x, float("nan")), "sigma must be 0 or more; got nan"),
        (lambda x: separable(x, torch.ones(4)), "taps must be an odd number of values"),
    ],
)
def test_impossible_filters_are_refused(call, text):
    with pytest.raises(InputError, match=text):
        call(torch.zeros(1, 4, 4))
