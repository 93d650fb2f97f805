"""Tiny clips whose alpha, colours and motion are known exactly, as tensors and as video files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from PIL import Image
from torch import Tensor


@dataclass(frozen=True)
class Scene:
    """One composed clip.

    Attributes:
        frames: (T, 3, H, W) composites in 8-bit steps of [0, 1].
        alpha: (T, 1, H, W) true alpha in [0, 1].
        foreground: (T, 3, H, W) true straight colour.
        background: (T, 3, H, W).
        flow: (T - 1, 2, H, W) motion of the foreground to the next frame, x then y, px.
    """

    frames: Tensor
    alpha: Tensor
    foreground: Tensor
    background: Tensor
    flow: Tensor

    def trimap(self, reach: float = 0.0) -> Tensor:
        """Return (T, 1, H, W): 0 where alpha is 0, 1 where it is 1, 0.5 between."""
        known = torch.where(self.alpha >= 1 - reach, 1.0, 0.5)
        return torch.where(self.alpha <= reach, 0.0, known)


def soft_disc(
    frames: int = 5, size: tuple[int, int] = (48, 64), *, speed: tuple[int, int] = (2, 1), softness: float = 6.0
) -> Scene:
    """A disc whose edge fades over ``softness`` px and which moves by whole pixels (x, y) a frame."""
    height, width = size
    y, x = _grid(size)
    alphas = []
    for index in range(frames):
        centre_x, centre_y = width * 0.4 + speed[0] * index, height * 0.45 + speed[1] * index
        distance = ((x - centre_x) ** 2 + (y - centre_y) ** 2).sqrt()
        alphas.append(((height * 0.25 + softness / 2 - distance) / softness).clamp(0, 1))
    return _compose(torch.stack(alphas)[:, None], speed)


def stripes(frames: int = 5, size: tuple[int, int] = (48, 64), *, speed: int = 1) -> Scene:
    """Hair-like upright stripes, each one pixel of alpha 1/4, 1/2 or 3/4, which move to the right."""
    height, width = size
    levels = torch.tensor([0.0, 0.25, 0.0, 0.5, 0.0, 0.0, 0.75, 0.0])
    columns = torch.arange(width)
    rows = [levels[(columns - speed * index) % len(levels)].expand(height, width) for index in range(frames)]
    return _compose(torch.stack(rows)[:, None].clone(), (speed, 0))


def write_video(
    path: Path, frames: Tensor, *, rate: Fraction = Fraction(25), codec: str = "ffv1", layout: str = "bgr0"
) -> Path:
    """Write frames (T, 3, H, W) in [0, 1] as a video; FFV1 in RGB keeps every byte."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = frames.shape[-2:]
        stream.pix_fmt = layout
        for picture in to_bytes(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def write_picture(path: Path, picture: Tensor) -> Path:
    """Write a picture (1, H, W) or (3, H, W) in [0, 1] as an 8-bit PNG; a trimap's 0.5 becomes 128."""
    values = to_bytes(picture[None])[0]
    Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values).save(path)
    return path


def to_bytes(frames: Tensor) -> np.ndarray:
    """Return frames (T, C, H, W) in [0, 1] as (T, H, W, C) uint8, halves rounded up."""
    return np.ascontiguousarray((frames * 255 + 0.5).floor().to(torch.uint8).permute(0, 2, 3, 1).numpy())


def _compose(alpha: Tensor, speed: Sequence[int]) -> Scene:
    """Put a shaded foreground over a checked background and round the result to 8 bits."""
    count, _, height, width = alpha.shape
    y, x = _grid((height, width))
    foreground = torch.stack((0.9 - 0.2 * x / width, 0.3 + 0.2 * y / height, torch.full_like(x, 0.15)))
    check = ((x // 8 + y // 8) % 2) * 0.3
    background = torch.stack((0.1 + check, 0.4 + check, 0.6 + check))
    foreground, background = (layer.expand(count, 3, height, width) for layer in (foreground, background))
    frames = ((alpha * foreground + (1 - alpha) * background) * 255).round() / 255
    flow = torch.tensor(speed, dtype=torch.float32)[None, :, None, None].expand(max(count - 1, 0), 2, height, width)
    return Scene(frames, alpha, foreground, background, flow)


def _grid(size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    y, x = torch.meshgrid(*(torch.arange(side, dtype=torch.float32) for side in size), indexing="ij")
    return y, x
