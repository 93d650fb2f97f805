"""Training clips of person matting, drawn as training draws them, made once and kept in one file with their maps."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from person_sets import BEHIND, TRAINING, sources
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from mattekit.data.compose_person import PersonComposer
from mattekit.data.pack import Source, read_pack
from mattekit.data.packing import PackPlan, make_pack
from mattekit.data.procedural import render
from mattekit.models.person.segmenter import Segmenter
from mattekit.models.person.segmenter_recipe import recoloured
from mattekit.models.person.training_maps import with_maps
from mattekit.types import Sample, Stage

SIDE, LENGTH = 192, 10
"""Height and width of a training clip in px, and its frames."""
DRAWN = {"hair": 0.6, "limbs": 0.4}
"""Kinds of procedural people, and how much of each."""
PEOPLE, RENDERED = 120, 384
"""How many procedural people there are, and their height and width in px."""
SEED = 71
OVERLAP = 0.3
"""Share of map and truth together that both have, of clips that are used: from maps that hardly find anybody a network
learns to doubt all maps. With it they are about as good as on people that the segmenter never saw."""


@dataclass(frozen=True)
class Training:
    """Clips for training, on disk.

    Attributes:
        path: Of the file.
        kept: Numbers of those that are used.
    """

    path: Path
    kept: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.kept)

    def sample(self, number: int, generator: torch.Generator, *, side: int, length: int = LENGTH) -> Sample:
        """Return a random part of a clip as a batch of one with its maps, (1, length, ., side, side), half mirrored."""
        with safe_open(str(self.path), framework="pt") as file:
            planes, flow = (file.get_tensor(f"{what}/{self.kept[number]}") for what in ("planes", "flow"))
        first = int(torch.randint(LENGTH - length + 1, (), generator=generator))
        planes, flow = planes[first : first + length], flow[first : first + length - 1]
        top, left = (int(torch.randint(SIDE - side + 1, (), generator=generator)) for _ in range(2))
        window = (..., slice(top, top + side), slice(left, left + side))
        pixels, motion = planes[window].float() / 255, flow[window].float()
        if torch.rand((), generator=generator).item() < 0.5:
            pixels, motion = pixels.flip(-1), motion.flip(-1) * torch.tensor([-1.0, 1, 1]).view(3, 1, 1)
        *colours, alpha, maps = (part[None] for part in pixels.split((3, 3, 3, 1, 1), dim=1))
        noise = colours[0] - torch.lerp(colours[2], colours[1], alpha)
        foreground, background = (other_colours(part, generator) for part in colours[1:])
        frames = (torch.lerp(background, foreground, alpha) + noise).clamp(0, 1)
        trimap = torch.where((alpha > 0) & (alpha < 1), 0.5, alpha)
        flow, valid = motion[None, :, :2], _inside(motion)[None]
        return Sample(frames, trimap, alpha, foreground, background, flow, valid, prior=maps)


def other_colours(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Return pictures (1, T, 3, H, W) with channels mixed, in another order and some inverted.

    So few people would teach a network the colours of their clothes.
    """
    order = torch.randperm(3, generator=generator)
    inverted = torch.randint(2, (3, 1, 1), generator=generator).bool()
    mixed = recoloured(pictures, generator)[:, :, order]
    return torch.where(inverted, 1 - mixed, mixed)


def training_clips(data: Path, folder: Path, segmenter: Segmenter, *, count: int) -> Training:
    """Return so many training clips, made in a folder where they are not there yet.

    Args:
        data: Where the folders of sources lie.
        folder: Keeps them.
        segmenter: Makes the maps, which are made steady; half of them are roughened first.
        count: Clips.
    """
    path = folder / f"clips-{count}.safetensors"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        pack = folder / "pack.safetensors"
        make_pack(
            pack, sources(data, (*TRAINING, *BEHIND)), plan=PackPlan(longest=448, every=5, background_longest=320)
        )
        people, grounds = read_pack(pack)
        draw = with_maps(PersonComposer([*people, *procedural_people()], grounds).sample, segmenter)
        stage = Stage("clips", count, 1, LENGTH, (SIDE, SIDE), (0.0, 0.0))
        tensors: dict[str, Tensor] = {}
        for number in range(count):
            sample = draw(stage, torch.Generator().manual_seed(SEED * 1_000_003 + number), number)
            tensors[f"planes/{number}"], tensors[f"flow/{number}"] = _stored(sample)
        partial = path.with_suffix(f".{os.getpid()}.part")
        save_file(tensors, str(partial))
        os.replace(partial, path)
    return Training(path, _fair(path, count))


def _fair(path: Path, count: int) -> tuple[int, ...]:
    """Return the numbers of the clips whose maps overlap with the truth at least somewhat."""
    kept = []
    with safe_open(str(path), framework="pt") as file:
        for number in range(count):
            alpha, maps = file.get_tensor(f"planes/{number}")[::3, 9:].float().unbind(dim=1)
            if float(torch.minimum(alpha, maps).sum()) >= OVERLAP * float(torch.maximum(alpha, maps).sum()):
                kept.append(number)
    return tuple(kept)


def procedural_people() -> Iterator[Source]:
    """Render people, one picture of each."""
    for number in range(PEOPLE):
        random = np.random.default_rng((SEED, number))
        kind = str(random.choice(list(DRAWN), p=list(DRAWN.values())))
        layer = render(kind, random, size=(RENDERED, RENDERED), frames=1)
        pixels = (torch.cat((layer.colour, layer.alpha), dim=1) * 255).round().to(torch.uint8)
        yield Source(f"procedural/{kind}-{number}", "procedural", pixels)


def _stored(sample: Sample) -> tuple[Tensor, Tensor]:
    """Return a clip's planes (T, 11, H, W) uint8: frame, foreground, background, alpha and map; and (T-1, 3, H, W)
    float16, its flow and where that is exact.
    """
    pictures = sample.frames, sample.foreground_true, sample.background_true, sample.alpha_true, sample.prior
    planes = torch.cat([picture[0] for picture in pictures if picture is not None], dim=1)
    motion = [each[0] for each in (sample.flow_true, sample.flow_valid) if each is not None]
    return (planes * 255).round().to(torch.uint8), torch.cat(motion, dim=1).half()


def _inside(motion: Tensor) -> Tensor:
    """Return where the flow of a part of a clip (T-1, 3, h, w) is exact and ends inside the part."""
    height, width = motion.shape[-2:]
    x = torch.arange(width) + motion[:, :1]
    y = torch.arange(height)[:, None] + motion[:, 1:2]
    return motion[:, 2:] * ((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)).float()
