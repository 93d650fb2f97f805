"""What cameras and codecs do to a picture: colour, noise, block compression."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as functional
from torch import Tensor


def jitter_colour(frames: Tensor, generator: torch.Generator, *, tint: bool = False) -> Tensor:
    """Change exposure, gamma, saturation and white balance, the same for all frames.

    Args:
        frames: (T, 3, H, W) in [0, 1].
        generator: CPU generator.
        tint: Also multiply by a random colour, for layers that have none of their own.

    Returns:
        (T, 3, H, W) in [0, 1].
    """
    draw = torch.rand(10, generator=generator).tolist()
    gain, gamma = 0.65 + 0.7 * draw[0], math.exp((draw[1] - 0.5) * 0.8)
    saturation = 0.2 + 1.2 * draw[2] if draw[3] < 0.7 else 1.0
    balance = torch.tensor(draw[4:7]) * 0.24 + 0.88
    if tint:
        balance = balance * (0.15 + 0.85 * torch.tensor(draw[7:10]))
    grey = frames.mean(dim=1, keepdim=True)
    toned = (grey + saturation * (frames - grey)).clamp(1e-4, 1).pow(gamma)
    lit: Tensor = gain * toned * balance.to(frames.device)[:, None, None]
    return lit.clamp(0, 1)


def degrade(frames: Tensor, generator: torch.Generator) -> Tensor:
    """Add sensor noise and block compression at random strength, at times neither.

    Args:
        frames: (T, 3, H, W) in [0, 1].
        generator: CPU generator; also seeds the noise.
    """
    draw = torch.rand(4, generator=generator).tolist()
    if draw[0] < 0.5:
        noise = torch.randn(frames.shape, generator=generator).to(frames.device)
        frames = frames + noise * (0.02 * draw[1])
    if draw[2] < 0.35:
        frames = block_compress(frames.clamp(0, 1), strength=0.004 + 0.03 * draw[3] ** 2)
    return frames.clamp(0, 1)


def block_compress(frames: Tensor, *, strength: float) -> Tensor:
    """Quantise the cosine transform of 8 x 8 blocks, luma finer than chroma, high frequencies coarser.

    Args:
        frames: (T, 3, H, W) in [0, 1].
        strength: Step of the lowest luma frequency.

    Returns:
        (T, 3, H, W), blocks cut at the borders repeat the last row or column.
    """
    height, width = frames.shape[-2:]
    matrix = frames.new_tensor([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]])
    picture = torch.einsum("ij,tjhw->tihw", matrix, frames)
    picture = functional.pad(picture, (0, -width % 8, 0, -height % 8), mode="replicate")
    rows, columns = picture.shape[-2] // 8, picture.shape[-1] // 8
    blocks = picture.reshape(*picture.shape[:2], rows, 8, columns, 8).transpose(3, 4)
    place = torch.arange(8, device=frames.device, dtype=frames.dtype)
    cosine = torch.cos((2 * place + 1) * place[:, None] * math.pi / 16) * 0.5
    cosine[0] /= math.sqrt(2)
    step = strength * (1 + 0.5 * (place[:, None] + place[None])) * 4
    step = step * frames.new_tensor([1.0, 2.0, 2.0])[:, None, None, None, None]
    coded = (cosine @ blocks @ cosine.T / step).round() * step
    decoded = (cosine.T @ coded @ cosine).transpose(3, 4).reshape(picture.shape)[..., :height, :width]
    return torch.einsum("ij,tjhw->tihw", torch.linalg.inv(matrix), decoded)
