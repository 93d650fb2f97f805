"""What RVM's training does to colours and sharpness over time: jitter, grain, grey, sharpening, blur, pauses."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.data.compose_paper import turn_hue
from mattekit.data.easing import random_progress
from mattekit.ops.filters import separable
from mattekit.ops.luma import luma

GRAINS = (1.0, 4.0)
"""Range of the size of a grain in px."""
LOUDEST = 0.2
"""Largest amplitude of the noise of grains of 1 px."""
SHARPEST = 8.0
WIDEST = 10.0
"""Largest standard deviation of a blur in px."""
NARROW = 0.1
"""Standard deviation in px below which a blur is left out."""


def jitter(frames: Tensor, amounts: Tensor) -> Tensor:
    """Return frames of other brightness, contrast, saturation and hue.

    Args:
        frames: (T, 3, H, W) in [0, 1].
        amounts: (4, T): shares by which the first three grow, and what the hue is turned by, as a share of a full turn.
    """
    brightness, contrast, saturation, hue = amounts.to(frames.device, frames.dtype)[:, :, None, None, None]
    bright = frames * (1 + brightness).clamp_min(0)
    toned = torch.lerp(luma(bright).mean(dim=(2, 3), keepdim=True), bright, (1 + contrast).clamp_min(0))
    grey = luma(toned)
    changed: Tensor = grey + (1 + saturation).clamp_min(0) * turn_hue(toned - grey, 2 * math.pi * hue)
    return changed.clamp(0, 1)


def moving_jitter(length: int, generator: torch.Generator) -> Tensor:
    """Return amounts (4, T) for `jitter` that go from one draw to another along an easing curve.

    The ends are normal with deviation 0.1, times a strength from 0 to 2; of the hue a tenth of that.

    Source: Lin et al., WACV 2022, supplement; the saturation has its own ends, which the authors' code takes from the
    brightness. The strength they draw is up to 0.2; it is read as a multiple of 0.1, for
    colours would hardly change else.
    """
    ends = 0.1 * torch.randn(4, 2, 1, generator=generator, dtype=torch.float64)
    strength = 2 * torch.rand((), generator=generator).item()
    way = ends[:, 0] + random_progress(length, generator) * (ends[:, 1] - ends[:, 0])
    way[3] *= 0.1
    return strength * way


def even_jitter(length: int, reach: tuple[float, float, float, float], generator: torch.Generator) -> Tensor:
    """Return amounts (4, T) for `jitter` that stay the same, each within its reach either way."""
    drawn = 2 * torch.rand(4, 1, generator=generator) - 1
    return (drawn * torch.tensor(reach)[:, None]).expand(4, length)


def grain(frames: Tensor, generator: torch.Generator, *, size: float, monochrome: bool, amplitude: float) -> Tensor:
    """Return frames with grains of noise that change from each to the next.

    Args:
        frames: (T, 3, H, W) in [0, 1].
        generator: CPU generator; seeds the noise.
        size: Of a grain in px, 1 or more.
        monochrome: Whether noise is the same in all channels.
        amplitude: Standard deviation of the noise before it is enlarged.
    """
    length, _, height, width = frames.shape
    coarse = (max(1, round(height / size)), max(1, round(width / size)))
    noise = torch.randn(length, 1 if monochrome else 3, *coarse, generator=generator).to(frames.device)
    if coarse != (height, width):
        noise = functional.interpolate(noise, size=(height, width), mode="bicubic", align_corners=False)
    return (frames + amplitude * noise).clamp(0, 1)


def random_grain(pictures: list[Tensor], generator: torch.Generator) -> list[Tensor]:
    """Return clips (T, 3, H, W) with grains of one size, each as strong as it draws."""
    size = GRAINS[0] + (GRAINS[1] - GRAINS[0]) * torch.rand((), generator=generator).item()
    monochrome = torch.rand((), generator=generator).item() < 0.5
    amplitudes = (LOUDEST / size * torch.rand(len(pictures), generator=generator)).tolist()
    return [
        grain(clip, generator, size=size, monochrome=monochrome, amplitude=amplitude)
        for clip, amplitude in zip(pictures, amplitudes, strict=True)
    ]


def grey(frames: Tensor) -> Tensor:
    """Return frames (T, 3, H, W) without colour."""
    return luma(frames).expand_as(frames).clone()


def sharpen(picture: Tensor, factor: float) -> Tensor:
    """Return (T, C, H, W) with the difference to its blur over 3 x 3 px multiplied by a factor; 1 changes nothing."""
    taps = picture.new_tensor([1.0, 3.0, 1.0]) / 5
    soft = separable(picture, taps)
    return (soft + factor * (picture - soft)).clamp(0, 1)


def random_sharpen(pictures: list[Tensor], generator: torch.Generator) -> list[Tensor]:
    """Return clips sharpened alike by a factor from 0, which blurs, to 8."""
    factor = SHARPEST * torch.rand((), generator=generator).item()
    return [sharpen(picture, factor) for picture in pictures]


def moving_blur(length: int, generator: torch.Generator) -> Tensor:
    """Return standard deviations (T,) in px that go from one draw to another along an easing curve."""
    first, last = (WIDEST * torch.rand(2, generator=generator)).tolist()
    widths: Tensor = first + random_progress(length, generator) * (last - first)
    return widths.clamp(0, WIDEST)


def blur(picture: Tensor, widths: Tensor) -> Tensor:
    """Return (T, C, H, W), each frame blurred by a Gaussian of its own standard deviation (T,) in px."""
    frames = []
    for frame, width in zip(picture, widths.tolist(), strict=True):
        reach = min(math.ceil(3 * width), min(frame.shape[-2:]) - 1)
        if width < NARROW or reach < 1:
            frames.append(frame)
            continue
        at = torch.arange(-reach, reach + 1, device=frame.device, dtype=frame.dtype)
        taps = torch.exp(-0.5 * (at / width).square())
        frames.append(separable(frame[None], taps / taps.sum())[0])
    return torch.stack(frames)


def pause(length: int, generator: torch.Generator) -> Tensor:
    """Return which of T frames (T,) is seen when one of them stands still for a while."""
    start, longest = (torch.rand(2, generator=generator) * torch.tensor([length, length])).long().tolist()
    order = torch.arange(length)
    order[start : start + longest + 1] = start
    return order
