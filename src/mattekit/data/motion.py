"""Random motion of a layer: smooth shift, turn and zoom, and a bending that changes over time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor


@dataclass(frozen=True)
class Path:
    """The motion of one layer over T frames.

    Attributes:
        shift: (T, 2) x, y in px of the output.
        turn: (T,) radians.
        zoom: (T,) output px a source px.
        flip: Whether the layer is mirrored left to right.
        bend: (T, 2, h, w) coarse displacement in px of the output, or None.
    """

    shift: Tensor
    turn: Tensor
    zoom: Tensor
    flip: bool
    bend: Tensor | None


def random_path(
    length: int, generator: torch.Generator, *, gap: int, zoom: tuple[float, float], bend: float = 5.0
) -> Path:
    """Draw a motion.

    Args:
        length: Frames.
        generator: CPU generator.
        gap: Steps of motion between successive frames.
        zoom: Range of the starting zoom.
        bend: Largest amplitude of the bending in px.

    Returns:
        A path whose speed is drawn once and drifts.
    """

    def uniform(low: float, high: float) -> float:
        return low + (high - low) * torch.rand((), generator=generator).item()

    calm = uniform(0, 1) ** 1.5 * math.sqrt(gap)
    time = torch.arange(length, dtype=torch.float32) - length // 2
    heading, speed = uniform(0, 2 * math.pi), 7 * calm
    drift = torch.randn(length, 2, generator=generator).cumsum(0) * 0.8 * calm
    shift = time[:, None] * torch.tensor([math.cos(heading), math.sin(heading)]) * speed + drift
    shift += torch.tensor([uniform(-40, 40), uniform(-40, 40)])
    turn = uniform(-0.6, 0.6) + time * uniform(-0.035, 0.035) * calm
    start = math.exp(uniform(math.log(zoom[0]), math.log(zoom[1])))
    scale = start * torch.exp(time * uniform(-0.02, 0.02) * calm)
    field: Tensor | None = None
    if bend > 0 and uniform(0, 1) < 0.6:
        cells = int(uniform(3, 9))
        amplitude, phase = torch.randn(2, 1, 2, cells, cells, generator=generator)
        pace = uniform(0.05, 0.5) * math.sqrt(gap)
        field = amplitude * bend * uniform(0.1, 0.6) * torch.sin(3 * phase + pace * time[:, None, None, None])
    return Path(shift, turn, scale, uniform(0, 1) < 0.5, field)


def sample_layer(
    pixels: Tensor, path: Path, size: tuple[int, int], *, centre: tuple[float, float], reflect: bool = False
) -> Tensor:
    """Return a layer as it moves along a path, in one resampling.

    Args:
        pixels: (C, H, W), or (T, C, H, W) with a picture a frame, in [0, 1].
        path: The motion.
        size: (height, width) of the output.
        centre: (x, y) in the source that stands in the middle of the output before the shift.
        reflect: Mirror the source beyond its border; else the last channel is 0 there, as alpha is.

    Returns:
        (T, C, height, width).
    """
    pictures = pixels if pixels.ndim == 4 else pixels[None]
    shrunk = max(1, math.floor(1 / float(path.zoom.min()) + 0.35))
    if shrunk > 1:
        pictures = functional.avg_pool2d(pictures, shrunk, ceil_mode=True, count_include_pad=False)
    pictures = pictures.expand(len(path.turn), -1, -1, -1)
    x, y = _source_places(path, size, pixels.device)
    height, width = pictures.shape[-2:]
    across = ((x + centre[0] + 0.5) / shrunk) * 2 / width - 1
    down = ((y + centre[1] + 0.5) / shrunk) * 2 / height - 1
    grid = torch.stack((across, down), dim=-1)
    mode = "reflection" if reflect else "border"
    layer = functional.grid_sample(pictures, grid, mode="bilinear", padding_mode=mode, align_corners=False)
    if not reflect:
        inside = ((across.abs() <= 1) & (down.abs() <= 1)).to(layer.dtype)
        layer = torch.cat((layer[:, :-1], layer[:, -1:] * inside[:, None]), dim=1)
    return layer.clamp(0, 1)


def _source_places(path: Path, size: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return x and y, (T, height, width), in source px from the centre, of every output pixel."""
    height, width = size
    y, x = torch.meshgrid(
        torch.arange(height, dtype=torch.float32) - (height - 1) / 2,
        torch.arange(width, dtype=torch.float32) - (width - 1) / 2,
        indexing="ij",
    )
    x, y, shift = x.to(device), y.to(device), path.shift.to(device)
    across, down = x - shift[:, 0, None, None], y - shift[:, 1, None, None]
    if path.bend is not None:
        bend = functional.interpolate(path.bend.to(device), size=size, mode="bicubic", align_corners=False)
        across, down = across + bend[:, 0], down + bend[:, 1]
    turn, zoom = path.turn.to(device)[:, None, None], path.zoom.to(device)[:, None, None]
    cosine, sine = torch.cos(turn) / zoom, torch.sin(turn) / zoom
    across, down = cosine * across + sine * down, cosine * down - sine * across
    return (-across if path.flip else across), down
