"""The loss terms, against values computed in the head."""

from __future__ import annotations

import math

import pytest
import torch

from mattekit.checks import InputError
from mattekit.ops.losses import (
    alpha_loss,
    coherence_loss,
    composition_loss,
    divergence_loss,
    flow_coherence_loss,
    gradient_loss,
    laplacian_loss,
    paper_alpha_loss,
    paper_gradient_loss,
    sobel_magnitude,
)

ONES = torch.ones(1, 2, 1, 8, 8)
TRUE = torch.rand(2, 3, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def test_a_constant_error_is_itself_over_unknown_pixels_and_half_over_known_ones() -> None:
    assert float(alpha_loss(0.25 * ONES, 0 * ONES, ONES)) == pytest.approx(0.25 * 128 / 129)
    assert float(alpha_loss(0.25 * ONES, 0 * ONES, 0 * ONES)) == pytest.approx(0.5 * 0.25 * 128 / 129, abs=1e-5)


def test_as_printed_a_known_error_counts_squared_and_an_unknown_one_as_it_is() -> None:
    assert float(paper_alpha_loss(0.25 * ONES, 0 * ONES, ONES)) == pytest.approx(0.25)
    assert float(paper_alpha_loss(0.25 * ONES, 0 * ONES, 0 * ONES)) == pytest.approx(0.0625)


def test_as_printed_the_gradient_error_is_a_factor_of_the_alpha_error() -> None:
    assert float(paper_gradient_loss(0.25 * ONES, 0 * ONES, ONES)) == pytest.approx(0)
    ramp = torch.arange(8.0).expand(1, 1, 1, 8, 8) / 8
    error, slope = ramp[..., 1:7, 1:7].mean(), math.sqrt(1 / 64 + 1e-6) - 1e-3
    found = paper_gradient_loss(ramp, torch.zeros_like(ramp), torch.ones_like(ramp))
    assert float(found) == pytest.approx(float(error) * slope, rel=0.2)  # the borders are flatter


def test_the_composition_error_is_the_alpha_error_times_the_contrast() -> None:
    fore, back = torch.ones(1, 2, 3, 8, 8), torch.full((1, 2, 3, 8, 8), 0.5)
    frames = 0.5 * fore + 0.5 * back
    assert float(composition_loss(0.7 * ONES, fore, back, frames, ONES)) == pytest.approx(0.1 * 384 / 385, rel=1e-4)


def test_the_gradient_weighs_edges_only() -> None:
    ramp = torch.arange(8.0).expand(1, 1, 1, 8, 8) / 8
    assert float(sobel_magnitude(ramp)[0, 0, 0, 4, 4]) == pytest.approx(math.sqrt(1 / 64 + 1e-6))
    assert float(gradient_loss(ramp + 0.1, ramp, torch.ones_like(ramp))) == pytest.approx(0, abs=1e-4)
    assert float(gradient_loss(1 - ramp, torch.zeros_like(ramp), torch.ones_like(ramp))) > 0.1


def test_the_divergence_ignores_scale() -> None:
    assert float(divergence_loss(0.5 * TRUE, TRUE)) == pytest.approx(0, abs=1e-5)
    assert float(divergence_loss(TRUE.flip(-1), TRUE)) > 0.1


def test_a_still_error_is_coherent_and_a_flash_is_not() -> None:
    assert float(coherence_loss(TRUE + 0.2, TRUE)) == pytest.approx(0, abs=1e-10)
    flash = TRUE.clone()
    flash[:, 1] += 0.2
    assert float(coherence_loss(flash, TRUE)) == pytest.approx(0.04, rel=1e-4)
    assert float(coherence_loss(flash, TRUE, torch.ones_like(TRUE))) == pytest.approx(0.04, rel=1e-2)
    assert float(coherence_loss(TRUE[:, :1], 0 * TRUE[:, :1])) == 0


def test_the_laplacian_term_sees_detail_and_not_a_constant() -> None:
    everywhere = torch.ones_like(TRUE)
    assert float(laplacian_loss(TRUE + 0.2, TRUE, everywhere)) == pytest.approx(0, abs=1e-6)
    checker = (torch.arange(16)[:, None] + torch.arange(16)) % 2 * 0.2
    assert float(laplacian_loss(TRUE + checker, TRUE, everywhere)) == pytest.approx(0.1, rel=1e-2)


@pytest.mark.parametrize("empty", [True, False])
def test_every_term_is_finite_and_has_a_finite_gradient(empty: bool) -> None:
    alpha = torch.rand(1, 2, 1, 9, 9).requires_grad_()
    true = torch.zeros(1, 2, 1, 9, 9)
    unknown = torch.zeros_like(true) if empty else torch.ones_like(true)
    total = (
        alpha_loss(alpha, true, unknown)
        + gradient_loss(alpha, true, unknown)
        + divergence_loss(alpha, true)
        + coherence_loss(alpha, true, unknown)
        + laplacian_loss(alpha, true, unknown)
        + paper_alpha_loss(alpha, true, unknown)
        + paper_gradient_loss(alpha, true, unknown)
    )
    total.backward()
    assert alpha.grad is not None
    assert bool(torch.isfinite(total)) and bool(torch.isfinite(alpha.grad).all())


def test_an_error_that_moves_with_the_subject_is_coherent_and_one_that_stands_still_is_not() -> None:
    true = torch.zeros(1, 2, 1, 4, 8)
    flow = torch.tensor([2.0, 0.0]).view(1, 1, 2, 1, 1).expand(1, 1, 2, 4, 8)
    valid = torch.ones(1, 1, 1, 4, 8)
    valid[..., 6:] = 0  # leads outside
    moving = true.clone()
    moving[0, 0, :, :, 1] = moving[0, 1, :, :, 3] = 0.5
    assert float(flow_coherence_loss(moving, true, flow, valid)) == pytest.approx(0, abs=1e-6)
    standing = true.clone()
    standing[..., 3] = 0.5
    assert float(flow_coherence_loss(standing, true, flow, valid)) == pytest.approx(2 * 0.5 / 6)
    assert float(flow_coherence_loss(standing + 0.1, true + 0.1, flow, valid)) == pytest.approx(2 * 0.5 / 6)


def test_where_no_flow_is_exact_or_nothing_moves_there_is_no_coherence_to_lose() -> None:
    flow, valid = torch.zeros(2, 2, 2, 16, 16), torch.zeros(2, 2, 1, 16, 16)
    assert float(flow_coherence_loss(TRUE.flip(-1), TRUE, flow, valid)) == 0
    assert float(flow_coherence_loss(TRUE[:, :1], TRUE[:, :1], flow[:, :0], valid[:, :0])) == 0
    with pytest.raises(InputError, match="flow and valid must have one frame fewer than alpha"):
        flow_coherence_loss(TRUE, TRUE, flow[:, :1], valid)
