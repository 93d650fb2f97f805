"""The matting Laplacian and alpha solved from it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mattekit.checks import InputError
from mattekit.ops.laplacian import affinities, carry_alpha, closed_form_alpha, unknown_system


def disc(height: int = 48, width: int = 64) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return a two-coloured composite of a soft disc, its alpha and a trimap."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    distance = ((y - height / 2) ** 2 + (x - width / 2) ** 2).sqrt()
    alpha = ((16 - distance) / 8 + 0.5).clamp(0, 1)[None, None]
    fore, back = torch.tensor([0.9, 0.3, 0.2])[:, None, None], torch.tensor([0.1, 0.4, 0.7])[:, None, None]
    frame = alpha * fore + (1 - alpha) * back
    trimap = torch.where(distance < 9, 1.0, torch.where(distance > 23, 0.0, 0.5))[None, None]
    return frame, alpha, trimap


def test_affinities_of_an_even_picture_are_a_ninth_each_window() -> None:
    planes = affinities(torch.full((1, 3, 7, 7), 0.5))
    assert float(planes[0, 0, 3, 3]) == pytest.approx(6 / 81)  # six windows hold both (3, 3) and (3, 4)
    assert float(planes[0, 1, 3, 3]) == pytest.approx(3 / 81)  # two px apart: three windows


def test_the_system_is_the_matting_laplacian_of_the_reference() -> None:
    reference = pytest.importorskip("scipy.sparse", reason="SciPy is in the dev extra")
    assert reference
    frame = torch.rand(1, 3, 6, 7, generator=torch.Generator().manual_seed(0))
    planes = affinities(frame, epsilon=1e-4)[0].double().numpy()
    picture = frame[0].permute(1, 2, 0).double().numpy()
    dense = np.zeros((42, 42))
    for y in range(1, 5):  # Levin et al., equation 12, window by window
        for x in range(1, 6):
            window = picture[y - 1 : y + 2, x - 1 : x + 2].reshape(9, 3)
            centred = window - window.mean(0)
            covariance = centred.T @ centred / 9 + np.eye(3) * 1e-4 / 9
            tie = (1 + centred @ np.linalg.solve(covariance, centred.T)) / 9
            places = [(y + dy) * 7 + x + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
            dense[np.ix_(places, places)] += tie / 9
    offsets = [(0, 1), (0, 2), *[(dy, dx) for dy in (1, 2) for dx in range(-2, 3)]]
    for index, (dy, dx) in enumerate(offsets):
        for y in range(6 - dy):
            for x in range(max(0, -dx), 7 - max(0, dx)):
                assert planes[index, y, x] == pytest.approx(dense[y * 7 + x, (y + dy) * 7 + x + dx], abs=2e-4)


def test_a_composite_of_two_colours_is_solved_exactly() -> None:
    frame, alpha, trimap = disc()
    found = closed_form_alpha(frame, trimap, torch.full_like(trimap, 0.5))
    assert float((found - alpha).abs().mean()) < 2e-3
    assert bool((found[trimap != 0.5] == trimap[trimap != 0.5]).all())


def test_pictures_of_a_batch_are_solved_apart() -> None:
    frame, _, trimap = disc()
    other = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(1))
    start = torch.full_like(trimap, 0.5)
    both = closed_form_alpha(torch.cat((frame, other)), torch.cat((trimap, trimap)), torch.cat((start, start)))
    torch.testing.assert_close(both[:1], closed_form_alpha(frame, trimap, start), atol=2e-4, rtol=0)


def test_both_forms_of_the_product_agree() -> None:
    frame, _, trimap = disc()
    system = unknown_system(frame, trimap == 0.5, trimap == 1)
    vector = torch.rand(len(system.pixels))
    torch.testing.assert_close(system._product()(vector), system._gather(vector), atol=1e-5, rtol=0)


def test_no_unknown_pixel_and_tiny_pictures_give_what_is_known() -> None:
    frame, _, trimap = disc()
    sure = trimap.round()
    assert bool((closed_form_alpha(frame, sure, sure) == sure).all())
    tiny = torch.full((1, 1, 1, 1), 0.5)
    assert float(closed_form_alpha(torch.rand(1, 3, 1, 1), tiny, tiny)) == 0.5


def test_carrying_follows_the_edges_of_the_larger_picture() -> None:
    alpha = torch.zeros(1, 1, 16, 16)
    alpha[..., 8:] = 1
    frame = alpha.repeat_interleave(2, -1).repeat_interleave(2, -2).expand(1, 3, 32, 32)
    small = torch.nn.functional.avg_pool2d(frame, 2)
    carried = carry_alpha(small, alpha, frame)
    stretched = torch.nn.functional.interpolate(alpha, scale_factor=2.0, mode="bilinear")
    assert float((stretched - frame[:, :1]).abs().max()) == pytest.approx(0.25)
    assert float((carried - frame[:, :1]).abs().max()) < 0.07


def test_a_picture_smaller_than_a_window_is_refused() -> None:
    with pytest.raises(InputError, match="at least 3 x 3 px"):
        affinities(torch.rand(1, 3, 2, 5))
