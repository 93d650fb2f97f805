"""The demo clip: a subject with known alpha that walks and sways over a moving landscape."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from mattekit.data.procedural.subject import hairy_subject

Floats = NDArray[np.floating[Any]]


def texture(random: np.random.Generator, size: tuple[int, int]) -> Tensor:
    """Draw a cloudy background, (3, H, W) in [0, 1]."""
    colours = random.uniform(0, 1, (2, 3))[:, :, None, None]
    mix = np.clip(1.6 * _clouds(random, size, octaves=int(random.integers(2, 8))) - 0.3, 0, 1)[None]
    return torch.from_numpy(colours[0] * mix + colours[1] * (1 - mix)).float()


def render_demo(
    *, frames: int = 48, size: tuple[int, int] = (288, 512), seed: int = 2
) -> tuple[Tensor, Tensor, Tensor]:
    """Render a short clip of a hairy subject that walks and sways over a moving background.

    Args:
        frames: Length of the clip.
        size: (height, width) in px.
        seed: Chooses subject and background.

    Returns:
        Frames (T, 3, H, W), true alpha (T, 1, H, W) and true straight foreground (T, 3, H, W), in [0, 1].
    """
    random = np.random.default_rng(seed)
    subject = hairy_subject(random, strands=2600, fineness=1.2)
    height, width = size
    wide = _scene(random, (height + 40, width + 2 * frames + 40))
    composites, alphas, colours = [], [], []
    for index in range(frames):
        time = index / 24
        shift = (0.22 * np.sin(0.9 * time), 0.06 * np.sin(1.7 * time))
        layer = subject.draw(size, time=time, shift=shift)
        left, top = 2 * index, 20 + round(12 * np.sin(0.8 * time))
        background = wide[:, top : top + height, left : left + width]
        colour, alpha = layer[:3], layer[3:]
        composites.append(alpha * colour + (1 - alpha) * background)
        alphas.append(alpha)
        colours.append(colour)
    return torch.stack(composites), torch.stack(alphas), torch.stack(colours)


def _scene(random: np.random.Generator, size: tuple[int, int]) -> Tensor:
    """Return a background (3, H, W): sky, hills and blurred lights over cloudy texture."""
    height, width = size
    y = np.linspace(0, 1, height)[None, :, None]
    sky = np.array([0.55, 0.68, 0.85])[:, None, None] * (1 - 0.4 * y) + 0.12 * _clouds(random, size, octaves=6)
    scene = np.broadcast_to(sky, (3, height, width)).copy()
    x = np.arange(width)
    for depth, tint in ((0.45, (0.36, 0.45, 0.35)), (0.62, (0.26, 0.36, 0.2)), (0.8, (0.4, 0.33, 0.24))):
        ridge = np.full(width, depth)
        for wave in (1, 2, 3, 7):
            ridge += 0.05 / wave * np.sin(x * wave * 2 * np.pi / 400 + random.uniform(0, 6))
        below = y[0] > ridge[None]
        shade = np.array(tint)[:, None, None] * (0.6 + 0.8 * _clouds(random, size, octaves=7))
        scene = np.where(below[None], shade, scene)
    return torch.from_numpy(np.clip(scene, 0, 1)).float()


def _clouds(random: np.random.Generator, size: tuple[int, int], *, octaves: int) -> Floats:
    """Return smooth noise in [0, 1], (H, W): random grids of growing fineness, summed."""
    total = np.zeros(size)
    for octave in range(octaves):
        cells = 2 ** (octave + 1)
        grid = random.uniform(0, 1, (min(cells, size[0]) + 1, min(cells, size[1]) + 1)).astype(np.float32)
        smooth = Image.fromarray(grid).resize((size[1], size[0]), Image.Resampling.BICUBIC)
        total += np.asarray(smooth) / 2**octave
    low, high = total.min(), total.max()
    return np.asarray((total - low) / max(high - low, 1e-9))
