"""What a lens and a sensor do to a clip: noise that grows with light, colour blur, vignetting, drift, few levels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

TILE = 128
"""Noise is drawn on a square of this side and laid over each frame from another corner: drawing it costs most."""


@dataclass(frozen=True)
class Noise:
    """The noise of one sensor; variances are in linear light, of which display levels are taken as the square root.

    Attributes:
        shot: Variance a unit of light.
        read: Variance in the dark.
        grain: Width of the correlation in px, 0 for none, as demosaicking and denoising leave it.
        grey: Share of the variance that the three channels have in common, in [0, 1].
        gains: Factor by channel: white balance amplifies red and blue.
    """

    shot: float
    read: float
    grain: float = 0.0
    grey: float = 0.0
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)


def random_noise(generator: torch.Generator, *, strength: float = 1.0) -> Noise:
    """Draw a sensor: from a good one in daylight to a telephone's at night.

    At strength 1 the standard deviation of mid-grey is 0.0006 to 0.06, in half of the clips below 0.008.
    """
    draw = torch.rand(6, generator=generator).tolist()
    level = strength * 0.002 * 40 ** (draw[0] ** 1.3)
    grain = 0.0 if draw[2] < 0.5 else 0.4 + 1.0 * draw[2]
    return Noise(
        2 * (level * (0.4 + 0.6 * draw[1])) ** 2,
        (0.03 * level) ** 2,
        grain,
        0.7 * draw[3],
        (1 + 0.8 * draw[4], 1.0, 1 + 0.8 * draw[5]),
    )


def add_noise(frames: Tensor, noise: Noise, generator: torch.Generator, *, fixed: bool = False) -> Tensor:
    """Return frames with sensor noise.

    Args:
        frames: (T, 3, H, W) in [0, 1].
        noise: The sensor.
        generator: CPU generator; seeds the noise.
        fixed: Whether the same pattern lies over all frames, as a denoiser leaves it.

    Returns:
        (T, 3, H, W) in [0, 1]; its mean in linear light is that of the frames but for what is cut off at black.
    """
    height, width = frames.shape[-2:]
    pattern = _pattern(noise, generator).to(frames.device)
    copies = (1, -(-height // TILE) + 1, -(-width // TILE) + 1)
    wide = pattern.repeat(copies)
    light = frames * frames
    spread = (light * noise.shot).add_(noise.read).sqrt_()
    corners = torch.randint(TILE, (len(frames), 2), generator=generator).tolist()
    for index, (top, left) in enumerate(corners):
        top, left = corners[0] if fixed else (top, left)
        light[index].addcmul_(spread[index], wide[:, top : top + height, left : left + width])
    return light.clamp_(0, 1).sqrt_()


def _pattern(noise: Noise, generator: torch.Generator) -> Tensor:
    """Return noise of unit variance times the gains, (3, TILE, TILE), that goes on at its opposite border."""
    tile = torch.randn(4, TILE, TILE, generator=generator)
    if noise.grain > 0:
        frequency = torch.fft.fftfreq(TILE)[:, None] ** 2 + torch.fft.rfftfreq(TILE) ** 2
        soft = torch.exp(-2 * (math.pi * noise.grain) ** 2 * frequency)
        tile = torch.fft.irfft2(torch.fft.rfft2(tile) * soft, s=(TILE, TILE))
        tile = tile / tile.std()
    mixed = tile[:3] * math.sqrt(1 - noise.grey) + tile[3:] * math.sqrt(noise.grey)
    return mixed * torch.tensor(noise.gains)[:, None, None]


def blur_colours(frames: Tensor, *, amount: float) -> Tensor:
    """Return frames whose red and blue are blurred, as by a lens that focuses green best.

    Args:
        frames: (T, 3, H, W).
        amount: Weight of each neighbour in a row and in a column, in [0, 0.3].
    """
    result = frames.clone()
    outer = result[:, ::2]
    for lines in (outer, outer.mT):
        step = lines.diff(dim=-1).mul_(amount)
        lines[..., :-1] += step
        lines[..., 1:] -= step
    return result


def reduce_levels(frames: Tensor, levels: int) -> Tensor:
    """Return frames (T, 3, H, W) in [0, 1] rounded to so many steps from black to white; few make bands."""
    return (frames * levels).round_().clamp_(0, levels).div_(levels)


def drifting_gain(length: int, generator: torch.Generator, *, depth: float, tint: float) -> Tensor:
    """Return factors (T, 3, 1, 1) for exposure and white balance that change smoothly, around 1.

    Args:
        length: Frames.
        generator: CPU generator.
        depth: Largest change of exposure either way over a swing, in units of log 2.
        tint: Largest change of red and blue against green, in the same units.
    """
    draw = torch.rand(9, generator=generator)
    pace, start = 0.05 + 0.7 * draw[:3] ** 2, 2 * math.pi * draw[3:6]
    swing = torch.sin(torch.arange(length)[:, None] * pace + start) * (2 * draw[6:] - 1)
    exposure, red, blue = depth * swing[:, 0], tint * swing[:, 1], tint * swing[:, 2]
    stops = torch.stack((exposure + red, exposure, exposure + blue), dim=1)
    return torch.exp2(stops)[:, :, None, None]


def vignette(size: tuple[int, int], *, depth: float) -> Tensor:
    """Return factors (1, 1, H, W): 1 in the middle, darker by ``depth`` in the corners, with the square of distance."""
    height, width = size
    y, x = torch.linspace(-1, 1, height)[:, None] ** 2, torch.linspace(-1, 1, width) ** 2
    return (1 - depth / 2 * (x + y))[None, None]
