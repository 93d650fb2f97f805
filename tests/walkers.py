"""A textured disc that walks over a textured ground, its true matte, and ways to damage a matte on purpose."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mattekit.ops import gaussian_blur

SIZE = (96, 160)


def walking_disc(frames: int = 45, *, size: tuple[int, int] = SIZE, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Return frames (T, 3, H, W), true alpha (T, 1, H, W) and true foreground (T, 3, H, W), in [0, 1].

    The disc goes to and fro by up to 2 px a frame with its texture on it; the ground stands still.
    """
    generator = torch.Generator().manual_seed(seed)
    height, width = size
    ground, coat = (
        (gaussian_blur(torch.rand(3, height, 2 * width, generator=generator), 1.5) * 3 - 1).clamp(0, 1)
        for _ in range(2)
    )
    ground = 0.5 * ground[..., :width] * torch.tensor([0.4, 1.0, 0.5]).view(3, 1, 1)
    coat = 0.4 + 0.6 * coat
    y, x = torch.meshgrid(*(torch.arange(side, dtype=torch.float32) for side in size), indexing="ij")
    pictures, alphas, colours = [], [], []
    for index in range(frames):
        shift = round(24 * math.sin(index / 12))
        distance = torch.hypot(y - height / 2, x - width / 2 - shift)
        alpha = ((0.3 * height + 1.5 - distance) / 3).clamp(0, 1)[None]
        colour = coat[..., width // 2 - shift : width // 2 - shift + width]
        pictures.append(alpha * colour + (1 - alpha) * ground)
        alphas.append(alpha)
        colours.append(colour)
    return torch.stack(pictures), torch.stack(alphas), torch.stack(colours)


def punch(alpha: Tensor, frame: int, *, centre: tuple[int, int] | None = None, radius: int = 5) -> Tensor:
    """Return a matte (T, 1, H, W) with a round hole in one frame, in the middle of the subject unless told."""
    damaged = alpha.clone()
    height, width = alpha.shape[-2:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    solid = (alpha[frame, 0] > 0.5).nonzero().float().mean(0)
    row, column = solid.tolist() if centre is None else centre
    damaged[frame, 0][(y - row) ** 2 + (x - column) ** 2 <= radius**2] = 0
    return damaged


def shake(alpha: Tensor, first: int, end: int, *, seed: int = 0) -> Tensor:
    """Return a matte that is thinned by another share of up to 30 % in each of some frames."""
    damaged = alpha.clone()
    share = 0.7 + 0.3 * torch.rand(end - first, generator=torch.Generator().manual_seed(seed))
    damaged[first:end] *= share.view(-1, 1, 1, 1)
    return damaged


def freeze(alpha: Tensor, first: int, end: int) -> Tensor:
    """Return a matte that stands still in some frames as it was before them."""
    damaged = alpha.clone()
    damaged[first:end] = alpha[first - 1]
    return damaged
