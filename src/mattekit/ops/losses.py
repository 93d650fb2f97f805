"""Loss terms of video matting, each a pure function of predicted and true clips."""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.checks import InputError
from mattekit.ops.warp import warp

_TINY = 1e-12


def _distance(one: Tensor, other: Tensor) -> Tensor:
    """Return a smooth absolute difference, sqrt(x^2 + 1e-12)."""
    return ((one - other).square() + _TINY).sqrt()


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    """Return sum(values * weight) / (sum(weight) + 1)."""
    return (values * weight).sum() / (weight.sum() + 1)


def alpha_loss(alpha: Tensor, alpha_true: Tensor, unknown: Tensor, *, known_weight: float = 0.5) -> Tensor:
    """Return the absolute alpha error: mean over unknown pixels, plus the weighted mean over known ones.

    Args:
        alpha: (B, T, 1, H, W) in [0, 1].
        alpha_true: Same shape.
        unknown: Same shape, 0 where the trimap is known, else 1 or any positive weight.
        known_weight: Weight of the known pixels' mean.

    Source: DVM, L_a; L1 on both regions as in its training code.
    """
    error = _distance(alpha, alpha_true)
    return _mean(error, unknown) + known_weight * _mean(error, (unknown == 0).to(error.dtype))


def paper_alpha_loss(alpha: Tensor, alpha_true: Tensor, unknown: Tensor) -> Tensor:
    """Return the mean over all pixels of the absolute error where the trimap is unknown and its square elsewhere.

    Shapes as `alpha_loss`.

    Source: DVM, L_a as printed; the cases are told by the trimap, where the paper writes the prediction.
    """
    return _paper_error(alpha, alpha_true, unknown).mean()


def paper_gradient_loss(alpha: Tensor, alpha_true: Tensor, unknown: Tensor) -> Tensor:
    """Return the mean over all pixels of the error of `paper_alpha_loss` times the error of the Sobel magnitude.

    The latter is a weight and carries no gradient. Shapes as `alpha_loss`.

    Source: DVM, L_g as printed.
    """
    weight = (sobel_magnitude(alpha_true) - sobel_magnitude(alpha.detach())).abs()
    return (_paper_error(alpha, alpha_true, unknown) * weight).mean()


def _paper_error(alpha: Tensor, alpha_true: Tensor, unknown: Tensor) -> Tensor:
    return torch.where(unknown > 0, _distance(alpha, alpha_true), (alpha - alpha_true).square())


def composition_loss(
    alpha: Tensor, foreground_true: Tensor, background_true: Tensor, frames: Tensor, unknown: Tensor
) -> Tensor:
    """Return the mean absolute error over unknown pixels of the true colours composed with the predicted alpha.

    Args:
        alpha, unknown: (B, T, 1, H, W).
        foreground_true, background_true, frames: (B, T, 3, H, W) straight colours in [0, 1].

    Source: DVM, L_c; colours in [0, 1] instead of standardised, and straight instead of premultiplied.
    """
    composite = alpha * foreground_true + (1 - alpha) * background_true
    return _mean(_distance(composite, frames), unknown.expand_as(frames))


def gradient_loss(alpha: Tensor, alpha_true: Tensor, unknown: Tensor) -> Tensor:
    """Return the absolute alpha error of unknown pixels, weighted by the error of the Sobel magnitude.

    The weight carries no gradient. Shapes as `alpha_loss`.

    Source: DVM, L_g, weight 2 |S(true) - S(alpha)| as in its training code.
    """
    weight = 2 * unknown * (sobel_magnitude(alpha_true) - sobel_magnitude(alpha.detach())).abs()
    return (_distance(alpha, alpha_true) * weight).sum() / (weight.sum() + 1)


def sobel_magnitude(alpha: Tensor) -> Tensor:
    """Return the length of the Sobel gradient, kernels divided by 8, borders replicated; (..., H, W) to the same."""
    shape = alpha.shape
    padded = functional.pad(alpha.reshape(-1, 1, *shape[-2:]), (1, 1, 1, 1), mode="replicate")
    across = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], device=alpha.device, dtype=alpha.dtype) / 8
    kernels = torch.stack((across, across.T))[:, None]
    return functional.conv2d(padded, kernels).square().sum(1).add(1e-6).sqrt().view(shape)


def divergence_loss(alpha: Tensor, alpha_true: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence of the alphas as distributions over all pixels of each clip.

    Shapes as `alpha_loss`; the mean over clips.

    Source: DVM, L_kl; sums over one clip, where its training code sums over the batch (of one clip).
    """
    found, true = alpha.flatten(1) + 1e-10, alpha_true.flatten(1) + 1e-10
    found = found / (alpha.flatten(1).sum(1, keepdim=True) + 1e-5)
    true = true / (alpha_true.flatten(1).sum(1, keepdim=True) + 1e-5)
    return (true * (true.log() - found.log())).sum(1).mean()


def coherence_loss(alpha: Tensor, alpha_true: Tensor, unknown: Tensor | None = None) -> Tensor:
    """Return the mean squared error of the change of alpha from each frame to the next.

    Args:
        alpha: (B, T, 1, H, W); a still has no change and loses nothing.
        alpha_true: Same shape.
        unknown: If given, the mean is over unknown pixels of the earlier frame instead of all pixels.

    Source: DVM, L_tc.
    """
    if alpha.shape[1] < 2:
        return alpha.sum() * 0
    change = (alpha[:, 1:] - alpha[:, :-1]) - (alpha_true[:, 1:] - alpha_true[:, :-1])
    if unknown is None:
        return change.square().mean()
    return _mean(change.square(), unknown[:, :-1])


def flow_coherence_loss(alpha: Tensor, alpha_true: Tensor, flow: Tensor, valid: Tensor) -> Tensor:
    """Return how much the error of alpha changes along the true motion: mean |e_t(p) - e_t+1(p + v)|, e = alpha - true.

    Args:
        alpha: (B, T, 1, H, W); a still has no motion and loses nothing.
        alpha_true: Same shape.
        flow: (B, T-1, 2, H, W) in px, x then y, from each frame to the next.
        valid: (B, T-1, 1, H, W), 1 where the flow is exact, else 0; the mean is over these pixels.

    Raises:
        InputError: There is not one flow a pair of frames.

    Source: the twin in training of MESSDdt, which compares errors along the motion and not at a fixed pixel.
    """
    if flow.shape[:2] != (len(alpha), alpha.shape[1] - 1) or valid.shape[:2] != flow.shape[:2]:
        shapes = f"{tuple(alpha.shape)}, {tuple(flow.shape)} and {tuple(valid.shape)}"
        raise InputError(f"flow and valid must have one frame fewer than alpha; got shapes {shapes}")
    if alpha.shape[1] < 2:
        return alpha.sum() * 0
    error = alpha - alpha_true
    moved, _ = warp(error[:, 1:].flatten(0, 1), flow.flatten(0, 1))
    gap = (error[:, :-1].flatten(0, 1) - moved).abs()
    return (gap * valid.flatten(0, 1)).sum() / valid.sum().clamp_min(1)


def laplacian_loss(alpha: Tensor, alpha_true: Tensor, unknown: Tensor, *, levels: int = 4) -> Tensor:
    """Return the absolute error of a Laplacian pyramid of averages, each level weighted by its pixel's area.

    Shapes as `alpha_loss`. Bands are differences of successive 2 x 2 averages, so that no border is special.

    Source: Hou and Liu, Context-aware image matting, ICCV 2019 (level weights 2^level); averages instead of a Gaussian.
    """
    error, weight = (alpha - alpha_true).flatten(0, 1), unknown.flatten(0, 1)
    total = error.new_zeros(())
    for level in range(levels):
        if min(error.shape[-2:]) < 2:
            break
        error = error[..., : error.shape[-2] // 2 * 2, : error.shape[-1] // 2 * 2]
        weight = weight[..., : error.shape[-2], : error.shape[-1]]
        coarse = functional.avg_pool2d(error, 2)
        band = error - functional.interpolate(coarse, scale_factor=2.0, mode="nearest")
        total = total + 2**level * _mean(band.abs(), weight)
        error, weight = coarse, functional.avg_pool2d(weight, 2)
    return total
