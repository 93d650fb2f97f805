import pytest
import torch

from mattekit.checks import InputError
from mattekit.ops import pad_to_stride, resize, unpad


def test_padding_mirrors_without_repeating_the_border():
    padded, crop = pad_to_stride(torch.tensor([[1.0, 2.0, 3.0]]), 8)
    assert padded[0].tolist() == [1, 2, 3, 2, 1, 2, 3, 2]
    assert crop == (1, 3)


def test_padding_can_repeat_the_border():
    padded, _ = pad_to_stride(torch.tensor([[1.0, 2.0, 3.0]]), 8, mode="replicate")
    assert padded[0].tolist() == [1, 2, 3, 3, 3, 3, 3, 3]


@pytest.mark.parametrize("mode", ["reflect", "replicate"])
@pytest.mark.parametrize("size", [(1, 1), (2, 1), (31, 33), (32, 64)])
def test_unpad_gives_back_what_was_padded(size, mode):
    x = torch.rand(2, 3, *size)
    padded, crop = pad_to_stride(x, 32, mode=mode)
    assert padded.shape[-2] % 32 == 0 and padded.shape[-1] % 32 == 0
    assert torch.equal(unpad(padded, crop), x)


def test_what_fits_already_is_not_copied():
    x = torch.rand(3, 64, 32)
    assert pad_to_stride(x, 32)[0] is x


def test_area_averages_the_covered_pixels():
    assert resize(torch.tensor([[[1.0, 3.0], [5.0, 7.0]]]), (1, 1)).tolist() == [[[4.0]]]


@pytest.mark.parametrize("mode", ["area", "bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (40, 61)])
def test_resizing_keeps_a_constant_and_the_leading_dimensions(mode, size):
    result = resize(torch.full((2, 4, 3, 17, 20), 0.3), size, mode)
    torch.testing.assert_close(result, torch.full((2, 4, 3, *size), 0.3))


def test_bicubic_stays_within_each_planes_own_range():
    step = torch.zeros(2, 1, 4, 8)
    step[0, ..., 4:], step[1, ..., 4:] = 1.0, 5.0
    result = resize(step, (9, 31), "bicubic")
    assert result[0].min() == 0 and result[0].max() == 1 and result[1].max() == 5


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_shrinking_a_fine_pattern_gives_its_mean_not_an_alias(mode):
    stripes = (torch.arange(64) % 2).float().expand(64, 64)[None]
    inner = resize(stripes, (10, 10), mode)[..., 2:-2, 2:-2]
    assert float((inner - 0.5).abs().max()) < 0.05


@pytest.mark.parametrize("mode", ["area", "bilinear", "bicubic"])
def test_resizing_commutes_with_a_flip(mode):
    x = torch.rand(1, 3, 20, 26)
    torch.testing.assert_close(resize(x.flip(-1), (11, 39), mode), resize(x, (11, 39), mode).flip(-1))


def test_the_same_size_is_the_same_tensor():
    x = torch.rand(3, 4, 5)
    assert resize(x, (4, 5), "bicubic") is x


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: pad_to_stride(x, 0), "stride must be 1 or more; got 0"),
        (lambda x: pad_to_stride(x, 4, mode="wrap"), "mode must be one of reflect, replicate; got 'wrap'"),
        (lambda x: pad_to_stride(x[:, :0], 4), "a picture must have pixels; got height 0 and width 4"),
        (lambda x: unpad(x, (5, 4)), r"crop must fit in \(height, width\) \(4, 4\); got \(5, 4\)"),
        (lambda x: resize(x, (0, 4)), "size must be at least 1x1; got 0x4"),
        (lambda x: resize(x, (2, 2), "lanczos"), "mode must be one of area, bilinear, bicubic; got 'lanczos'"),
    ],
)
def test_impossible_sizes_are_refused(call, text):
    with pytest.raises(InputError, match=text):
        call(torch.zeros(1, 4, 4))
