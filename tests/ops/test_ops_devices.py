import pytest
import torch

from mattekit import ops

CALLS = {
    "composite": lambda x, a: ops.composite(x, a, 1 - x),
    "estimate_foreground": lambda x, a: ops.estimate_foreground(x, a),
    "trimap_from_alpha": lambda x, a: ops.trimap_from_alpha((a * 3 - 1).clamp(0, 1), band=2),
    "trimap_from_alpha_iterated": lambda x, a: ops.trimap_from_alpha_iterated(a.round(), side=4, iterations=2),
    "trimap_from_mask": lambda x, a: ops.trimap_from_mask(a > 0.5, band=1),
    "box_filter": lambda x, a: ops.box_filter(x, 3),
    "gaussian_blur": lambda x, a: ops.gaussian_blur(x, 1.5),
    "sobel": lambda x, a: torch.cat(ops.sobel(x)),
    "dilate": lambda x, a: ops.dilate(x, 3),
    "choke": lambda x, a: ops.choke(a, 1.7),
    "finish": lambda x, a: ops.feather(ops.soften(ops.sharpen(ops.stretch(a, black=0.1, gamma=1.5), 0.3), 1.0), 2.0),
    "components": lambda x, a: ops.drop_islands(ops.fill_holes(a, 9), 9),
    "despill": lambda x, a: ops.despill(x, a, torch.tensor([0.0, 0.7, 0.25]).to(x).view(1, 3, 1, 1)),
    "steadiness": lambda x, a: ops.steadiness(a, ops.warp(a, ops.follow(a, a.flip(0)))[0]),
    "recomposition_error": lambda x, a: ops.recomposition_error(x, 1 - x, a),
    "pyramid": lambda x, a: ops.collapse(ops.laplacian_pyramid(x, 3)[1:]),
    "pad_to_stride": lambda x, a: ops.pad_to_stride(x, 16)[0],
    "resize": lambda x, a: ops.resize(x, (11, 40), "bicubic"),
    "warp": lambda x, a: ops.warp(x, 5 * x[:, :2])[0],
    "affine": lambda x, a: ops.affine_flow(
        ops.affine_matrix(angle=x[:, 0, 0, 0], scale=1 + x[:, 0, 0, 1], shift=x[:, 0, 0, :2], size=(9, 9)), (9, 9)
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_gpu_gives_what_the_processor_gives(name):
    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    generator = torch.Generator().manual_seed(0)
    picture, alpha = torch.rand(2, 3, 21, 30, generator=generator), torch.rand(2, 1, 21, 30, generator=generator)
    result = CALLS[name](picture.cuda(), alpha.cuda())
    assert result.is_cuda
    torch.testing.assert_close(result.cpu(), CALLS[name](picture, alpha), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", CALLS)
def test_double_precision_stays_double_and_agrees(name):
    generator = torch.Generator().manual_seed(0)
    picture, alpha = torch.rand(2, 3, 21, 30, generator=generator), torch.rand(2, 1, 21, 30, generator=generator)
    result = CALLS[name](picture.double(), alpha.double())
    if name != "trimap_from_mask":
        assert result.dtype == torch.float64
    torch.testing.assert_close(result.float(), CALLS[name](picture, alpha), rtol=0, atol=1e-4)
