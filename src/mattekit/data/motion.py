"""Random motion of a layer: smooth shift, turn and zoom, and a bending that changes over time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.ops.filters import box_filter


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
    pixels: Tensor,
    path: Path,
    size: tuple[int, int],
    *,
    centre: tuple[float, float],
    reflect: bool = False,
    soften: int = 1,
) -> Tensor:
    """Return a layer as it moves along a path, in one resampling.

    Args:
        pixels: (C, H, W), or (T, C, H, W) with a picture a frame, in [0, 1].
        path: The motion.
        size: (height, width) of the output.
        centre: (x, y) in the source that stands in the middle of the output before the shift.
        reflect: Mirror the source beyond its border; else the last channel is 0 there, as alpha is.
        soften: Side in source px of the squares whose means are drawn, as a lens out of focus does; 1 is sharp.

    Returns:
        (T, C, height, width).
    """
    pictures = pixels if pixels.ndim == 4 else pixels[None]
    shrunk = max(1, math.floor(1 / float(path.zoom.min()) + 0.35), soften)
    if shrunk > 1:
        pictures = functional.avg_pool2d(pictures, shrunk, ceil_mode=True, count_include_pad=False)
    if soften > 1:
        pictures = box_filter(pictures, 1)
    rim = 0 if reflect else 1
    if rim:
        pictures = functional.pad(pictures, (1, 1, 1, 1), mode="replicate")
        for line in (pictures[:, -1], pictures[:, -1].mT):
            line[..., 0], line[..., -1] = 0, 0
    height, width = pictures.shape[-2:]
    scale = complex(2 / (shrunk * width), 2 / (shrunk * height))
    start = complex(
        (centre[0] + 0.5) * scale.real + 2 * rim / width - 1, (centre[1] + 0.5) * scale.imag + 2 * rim / height - 1
    )
    grid = _places(path, size, scale, start, pixels.device)
    mode = "reflection" if reflect else "border"
    pictures = pictures.expand(len(grid), -1, -1, -1)
    return functional.grid_sample(pictures, grid, mode="bilinear", padding_mode=mode, align_corners=False)


def _places(path: Path, size: tuple[int, int], scale: complex, start: complex, device: torch.device) -> Tensor:
    """Return where the source is read for every pixel, (T, height, width, 2): start + scale x px from its centre.

    x and y go as the parts of complex numbers. What adds up along rows and columns, the bend included, is a product of
    two thin matrices.
    """
    height, width = size
    frames = len(path.turn)
    across = torch.arange(width, dtype=torch.float64) - (width - 1) / 2
    down = torch.arange(height, dtype=torch.float64) - (height - 1) / 2
    turn, zoom = path.turn.double(), path.zoom.double()
    cosine, sine = torch.cos(turn) / zoom, torch.sin(turn) / zoom
    sign = -1 if path.flip else 1
    along = torch.complex(sign * scale.real * cosine, -scale.imag * sine)[:, None]  # a px to the right
    upright = torch.complex(sign * scale.real * sine, scale.imag * cosine)[:, None]  # a px down
    shift = path.shift.double()
    rows = [
        (upright * (down - shift[:, 1:]) + start)[:, :, None],
        torch.ones(frames, height, 1, dtype=torch.complex128),
    ]
    columns = [torch.ones(frames, 1, width, dtype=torch.complex128), (along * (across - shift[:, :1]))[:, None]]
    if path.bend is not None:
        bend = path.bend.double()
        coarse = along[..., None] * bend[:, 0] + upright[..., None] * bend[:, 1]
        rows.append(_cubic_weights(coarse.shape[1], height).to(torch.complex128) @ coarse)
        columns.append(_cubic_weights(coarse.shape[2], width).to(torch.complex128).T.expand(frames, -1, -1))
    left, right = (torch.cat(parts, dim).to(device, torch.complex64) for parts, dim in ((rows, 2), (columns, 1)))
    return torch.view_as_real(left @ right)


@lru_cache(maxsize=64)
def _cubic_weights(cells: int, size: int) -> Tensor:
    """Return the matrix (size, cells) that enlarges a line as bicubic interpolation does."""
    eye = torch.eye(cells, dtype=torch.float64)[None, None]
    return functional.interpolate(eye, size=(size, cells), mode="bicubic", align_corners=False)[0, 0]
