"""Samples to look at, from a pack, a list or folder of sources, a composed set, or procedural foregrounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mattekit.checks import InputError, check_choice
from mattekit.data.degrade import degrade, degrade_layer, expose
from mattekit.data.fake_motion import fake_motion
from mattekit.data.figure import Figure
from mattekit.data.flow import seen_in_both
from mattekit.data.frames import source_info
from mattekit.data.layer import Layer, over
from mattekit.data.layouts import read_sources
from mattekit.data.manifest import Entry
from mattekit.data.pack import Source, read_pack, shrink
from mattekit.data.procedural import KINDS as RENDERED
from mattekit.data.procedural import render, texture
from mattekit.data.scene import paste, shrunk_layer
from mattekit.data.sources import read_background, read_foreground
from mattekit.data.stored import find_stored, read_stored
from mattekit.data.trimaps import random_trimap
from mattekit.data.walk import random_walk, walk_flow
from mattekit.media import show_path
from mattekit.ops.resize import resize

KINDS = ("walk", "fake-motion", "procedural", "stored")
"""What can be shown; "stored" is a composed set as it lies on the disk."""

SIZE = (288, 384)
"""(height, width) in px of samples that are made here."""

ROOM = 0.85
"""Largest share of a side that a walking foreground takes."""

Pixels = Callable[[], Tensor]
"""Reads (T, C, H, W) uint8 when it is called."""


@dataclass(frozen=True)
class Shown:
    """One sample.

    Attributes:
        name: What it is made of.
        frames: (T, 3, H, W) composites in [0, 1].
        alpha: (T, 1, H, W) in [0, 1].
        trimap: (T, 1, H, W) in {0, 0.5, 1}.
        flow: (T-1, 2, H, W) in px, or None.
        valid: (T-1, 1, H, W), or None with no flow.
    """

    name: str
    frames: Tensor
    alpha: Tensor
    trimap: Tensor
    flow: Tensor | None
    valid: Tensor | None


def choose_kind(source: Path | None, kind: str | None) -> str:
    """Return what is shown of a source: the kind asked for, or the one that suits it.

    Raises:
        InputError: There is no such kind, or it does not go with the source.
    """
    stored = source is not None and source.is_dir() and bool(find_stored(source))
    chosen = kind or ("procedural" if source is None else "stored" if stored else "walk")
    check_choice("--kind", chosen, KINDS)
    if source is None and chosen != "procedural":
        raise InputError(f"kind {chosen} must have a source; none was given: name a pack, a list or a folder")
    if chosen == "stored" and not stored:
        raise InputError(f"kind stored must have a composed set; {show_path(str(source))} holds no sample.json")
    if source is not None and not source.exists():
        raise InputError(f"a source must exist; {show_path(source)} does not: check the name")
    return chosen


def show_samples(
    source: Path | None, *, kind: str, count: int, seed: int, length: int, degraded: bool = False
) -> Iterator[Shown]:
    """Make or read samples.

    Args:
        source: A pack (.safetensors), a list (.csv, .jsonl) or folder of sources, a folder of composed clips, or None.
        kind: One of `KINDS`.
        count: How many; of a stored set, and of fewer foregrounds, no more than there are.
        seed: All that is drawn follows from it; sample number i does not depend on how many there are.
        length: Frames of each; stored clips may be shorter.
        degraded: Whether light, lens, sensor and codec do their work on what is made here.

    Raises:
        InputError: The source is none of these, holds no foreground, or is damaged.
    """
    if kind == "stored" and source is not None:
        found = find_stored(source)
        order = torch.randperm(len(found), generator=torch.Generator().manual_seed(seed)).tolist()
        for number, place in enumerate(order[:count]):
            frames, alpha, flow, valid = read_stored(found[place], length=length, longest=max(SIZE))
            trimap = random_trimap(alpha, torch.Generator().manual_seed(seed * 1009 + number))
            yield Shown(found[place].name, frames, alpha, trimap, flow, valid)
        return
    foregrounds, backgrounds = _material(source, length)
    if not foregrounds and kind != "procedural":
        raise InputError(f"kind {kind} must have foregrounds; {show_path(str(source))} holds none: name another source")
    for number in range(count):
        generator = torch.Generator().manual_seed(seed * 1009 + number)
        random = np.random.default_rng((seed, number))
        behind = _plates(_chosen(backgrounds, generator), random, length)
        if kind == "procedural":
            name = list(RENDERED)[(seed + number) % len(RENDERED)]
            layer = render(name, random, size=SIZE, frames=length)
        else:
            name, read = foregrounds[int(torch.randint(len(foregrounds), (1,), generator=generator))]
            make = _walking if kind == "walk" else _faked
            layer = make(read(), generator, length)
        yield _shown(name, layer, behind, generator, degraded=degraded)


def _shown(name: str, layer: Layer, behind: Tensor, generator: torch.Generator, *, degraded: bool) -> Shown:
    """Return the composite of a layer with a trimap drawn for it."""
    if degraded:
        layer = degrade_layer(layer, behind, generator)
        layer, behind = expose(layer, behind, generator)
    frames = over(layer, behind)
    trimap = random_trimap(layer.alpha, generator)
    frames = degrade(frames, generator) if degraded else frames
    return Shown(name, frames, layer.alpha, trimap, layer.flow, layer.valid)


def _material(source: Path | None, length: int) -> tuple[list[tuple[str, Pixels]], list[Pixels]]:
    """Return foregrounds with their names, and backgrounds, none of them read yet."""
    if source is None:
        return [], []
    if source.suffix == ".safetensors":
        packed, behind = read_pack(source)
        return [(each.name, partial(_packed, each)) for each in packed], [partial(_packed, each) for each in behind]
    entries = read_sources(source)
    foregrounds: list[tuple[str, Pixels]] = [
        (entry.name, partial(_beginning, entry, length)) for entry in entries if entry.role == "foreground"
    ]
    return foregrounds, [partial(_beginning, entry, length) for entry in entries if entry.role == "background"]


def _packed(source: Source) -> Tensor:
    return source.pixels


def _beginning(entry: Entry, length: int) -> Tensor:
    """Return up to so many frames of a source, no larger than is shown."""
    count = 1 if entry.still else min(length, source_info(entry).frames)
    read = read_foreground if entry.role == "foreground" else read_background
    return shrink(read(entry, count=count), 2 * max(SIZE))


def _chosen(backgrounds: Sequence[Pixels], generator: torch.Generator) -> Tensor | None:
    """Return one background, or None where there is none."""
    place = int(torch.randint(max(1, len(backgrounds)), (1,), generator=generator))
    return backgrounds[place]() if backgrounds else None


def _plates(pixels: Tensor | None, random: np.random.Generator, length: int) -> Tensor:
    """Return a background as (length, 3, *SIZE): covering the frame, cut in the middle, forth and back in time."""
    if pixels is None:
        return texture(random, SIZE).expand(length, -1, -1, -1)
    turn = max(1, 2 * len(pixels) - 2)
    order = [min(time % turn, turn - time % turn) if len(pixels) > 1 else 0 for time in range(length)]
    scale = max(side / own for side, own in zip(SIZE, pixels.shape[-2:], strict=True))
    size = tuple(max(side, round(own * scale)) for side, own in zip(SIZE, pixels.shape[-2:], strict=True))
    top, left = (size[0] - SIZE[0]) // 2, (size[1] - SIZE[1]) // 2
    covering = resize(pixels[:length].float() / 255, (size[0], size[1]), mode="bilinear")
    return covering[order, :, top : top + SIZE[0], left : left + SIZE[1]]


def _walking(pixels: Tensor, generator: torch.Generator, length: int) -> Layer:
    """Return a still on its random walk, or a clip in the middle of the frame as it is."""
    height, width = pixels.shape[-2:]
    scale = min(1.0, ROOM * SIZE[0] / height, ROOM * SIZE[1] / width)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    plate = torch.zeros(3, *SIZE, dtype=torch.uint8)
    if len(pixels) > 1:
        order = [min(time, len(pixels) - 1) for time in range(length)]
        placed = [paste(shrunk_layer(pixels[time], size), plate) for time in order]
        flow = valid = None
    else:
        figure = Figure(shrunk_layer(pixels[0], size))
        places = random_walk(length, SIZE, generator).places(figure.size)
        placed = [figure.place(place, plate) for place in places]
        flow = walk_flow(places, SIZE)
    alpha = torch.stack([each.alpha for each in placed]).float() / 255
    colour = torch.stack([each.foreground for each in placed]).float() / 255
    if flow is not None:
        valid = seen_in_both(flow, alpha)
    return Layer(colour, alpha, flow, valid)


def _faked(pixels: Tensor, generator: torch.Generator, length: int) -> Layer:
    """Return a still, or a frame of a clip, in fake motion."""
    return fake_motion(pixels[0].float() / 255, generator, length=length, size=SIZE)
