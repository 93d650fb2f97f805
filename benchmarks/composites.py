"""The validation clips: a foreground with exact alpha moved over a background clip.

Rendered once and kept as uint8 arrays, so that every run scores the same bytes. Which there are is in
:mod:`quality_sets`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mattekit.ops import affine_flow, affine_matrix, composite, invert_affine, premultiply, resize, unpremultiply, warp

SIZE = (360, 640)
PACE = 48
"""Frames in which a foreground goes through its whole motion; a shorter clip has the beginning of it."""
HAZE = 0.03
"""Source alpha this close to 0 or 1 is noise of its maker and is stretched away, or nothing would be known."""


@dataclass(frozen=True)
class Placement:
    """Which foreground goes over which background, and where.

    Attributes:
        foreground: Path without suffix inside the data folder, ``fg/NAME`` or ``fgv/NAME``.
        background: Path without suffix of the background clip.
        height: Height in px that the foreground picture is scaled to at rest.
        centre: (x, y) in px of the foreground picture's middle at rest. The cut edges of a subject lie outside.
    """

    foreground: str
    background: str
    height: float
    centre: tuple[float, float]

    @property
    def name(self) -> str:
        return self.foreground.split("/")[1]


@dataclass(frozen=True)
class Collection:
    """Clips that are scored together.

    Attributes:
        name: What the record calls it.
        version: Raised when a clip is rendered in another way.
        frames: Of each clip.
        seed: Of the first clip's motion; the next clip has the next.
        placements: One a clip.
    """

    name: str
    version: int
    frames: int
    seed: int
    placements: tuple[Placement, ...]


@dataclass(frozen=True)
class Clip:
    """One rendered clip.

    Attributes:
        name: The foreground's name.
        frames: (T, 3, H, W) uint8.
        alpha_true: (T, 1, H, W) uint8, exactly what the frames were blended with.
    """

    name: str
    frames: Tensor
    alpha_true: Tensor


def clips(
    collection: Collection, *, foregrounds: Path, backgrounds: Path, cache: Path, limit: int | None = None
) -> Iterator[Clip]:
    """Yield a collection's clips, rendering those that are not in the cache yet.

    Args:
        collection: Which clips.
        foregrounds: The data folder with ``fg`` and ``fgv``.
        backgrounds: The data folder with ``bgv``.
        cache: Where rendered clips are kept.
        limit: First so many only.
    """
    for number, placement in enumerate(collection.placements[:limit]):
        folder = clip_folder(cache, collection) / placement.name
        if not (folder / "alpha.npy").exists():
            folder.mkdir(parents=True, exist_ok=True)
            generator = torch.Generator().manual_seed(collection.seed + number)
            clip = render(placement, foregrounds, backgrounds, generator, frames=collection.frames)
            np.save(folder / "frames.npy", clip.frames.numpy())
            np.save(folder / "alpha.npy", clip.alpha_true.numpy())
        frames, alpha = (torch.from_numpy(np.load(folder / f"{part}.npy")) for part in ("frames", "alpha"))
        yield Clip(placement.name, frames, alpha)


def clip_folder(cache: Path, collection: Collection) -> Path:
    """Return where a collection's rendered clips are kept."""
    return cache / f"composites-{collection.name}-{collection.version}"


def render(
    placement: Placement, foregrounds: Path, backgrounds: Path, generator: torch.Generator, *, frames: int
) -> Clip:
    """Move a foreground over a background; alpha is rounded to 8 bits before it is used, so the truth is exact."""
    source = _foreground_source(foregrounds, placement.foreground)
    background = _ping_pong(_background(backgrounds / f"{placement.background}.mp4", frames), frames)
    first, _ = source(0)
    matrices = _motion(placement, (first.shape[-2], first.shape[-1]), generator, frames)
    pictures, alphas = [], []
    for index in range(frames):
        colour, alpha = _place(*source(index), matrices[index : index + 1])
        alpha = _byte(alpha)
        frame = composite(colour, alpha.float() / 255, background[index].float() / 255)
        pictures.append(_byte(frame))
        alphas.append(alpha)
    return Clip(placement.name, torch.stack(pictures), torch.stack(alphas))


def _motion(placement: Placement, source_size: tuple[int, int], generator: torch.Generator, frames: int) -> Tensor:
    """Return the matrix of every frame, (T, 2, 3), from source to frame pixels: a drift and slow swings."""
    draws = torch.rand(8, generator=generator) * 2 - 1
    swing = 0.5 if placement.foreground.startswith("fgv/") else 1.0
    time = torch.arange(frames) / (PACE - 1)

    def wave(phase: Tensor, cycles: float) -> Tensor:
        return torch.sin(2 * math.pi * (cycles * time + phase))

    shift_x = placement.centre[0] + 26 * draws[0].sign() * (time - 0.5) + swing * 20 * wave(draws[1], 1.0)
    shift_y = placement.centre[1] + swing * 13 * wave(draws[2], 0.8)
    angle = math.radians(4) * swing * wave(draws[3], 0.7)
    scale = placement.height / source_size[0] * (1 + 0.05 * swing * wave(draws[4], 0.6))
    middle = torch.tensor([(source_size[1] - 1) / 2, (source_size[0] - 1) / 2])
    shift = torch.stack((shift_x, shift_y), dim=-1) - middle
    return affine_matrix(angle=angle, scale=scale, shift=shift, size=source_size)


def _place(colour: Tensor, alpha: Tensor, matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Sample a picture once, bicubic and premultiplied, at twice the frame's size, and average two by two."""
    double = (SIZE[0] * 2, SIZE[1] * 2)
    fine = torch.tensor([[[2.0, 0.0, 0.5], [0.0, 2.0, 0.5]]])  # frame pixel to fine pixel
    to_fine = torch.cat((fine[..., :2] @ matrix[..., :2], fine[..., :2] @ matrix[..., 2:] + fine[..., 2:]), dim=-1)
    flow = affine_flow(invert_affine(to_fine), double)
    layers = torch.cat((premultiply(colour, alpha), alpha)).unsqueeze(0)
    fetched, _ = warp(layers, flow, mode="bicubic")
    placed = resize(fetched.clamp(0, 1), SIZE)[0]
    alpha = placed[3:]
    return unpremultiply(placed[:3], alpha), alpha


def _foreground_source(data: Path, foreground: str) -> Callable[[int], tuple[Tensor, Tensor]]:
    """Return a function that gives straight colour (3, H, W) and alpha (1, H, W) of a frame."""
    stem = data / foreground
    if foreground.startswith("fg/"):
        with Image.open(f"{stem}_fg.jpg") as colour, Image.open(f"{stem}_alpha.png") as alpha:
            pair = _planes(np.asarray(colour.convert("RGB"))), _cleared(np.asarray(alpha.convert("L")))
        return lambda index: pair
    colours = _decode(Path(f"{stem}_fg.mp4"), "rgb24")
    alphas = _decode(Path(f"{stem}_alpha.mkv"), "gray")
    return lambda index: (_planes(colours[index]), _cleared(alphas[index]))


def _background(path: Path, most: int) -> Tensor:
    """Return the first so many frames scaled and cropped about their middle to cover the frame, (T, 3, H, W) uint8."""
    covered = []
    for picture in _decode(path, "rgb24", most):
        planes = _planes(picture)
        scale = max(SIZE[0] / planes.shape[-2], SIZE[1] / planes.shape[-1])
        size = (math.ceil(planes.shape[-2] * scale - 1e-6), math.ceil(planes.shape[-1] * scale - 1e-6))
        top, left = (size[0] - SIZE[0]) // 2, (size[1] - SIZE[1]) // 2
        covered.append(_byte(resize(planes, size, "bicubic")[:, top : top + SIZE[0], left : left + SIZE[1]]))
    return torch.stack(covered)


def _ping_pong(frames: Tensor, length: int) -> Tensor:
    """Play a clip forwards and backwards until it is long enough."""
    period = max(2 * (len(frames) - 1), 1)
    positions = torch.arange(length) % period
    return frames[torch.minimum(positions, period - positions)]


def _decode(path: Path, layout: str, most: int | None = None) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format=layout) for frame in islice(container.decode(video=0), most)]


def _planes(picture: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255


def _cleared(alpha: np.ndarray) -> Tensor:
    return ((_planes(alpha[..., None]) - HAZE) / (1 - 2 * HAZE)).clamp(0, 1)


def _byte(x: Tensor) -> Tensor:
    return (x.clamp(0, 1) * 255).round().to(torch.uint8)
