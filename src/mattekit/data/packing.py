"""Makes packs: sources read from their files, shrunk, and written to the one file that training reads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mattekit.checks import InputError, check_choice
from mattekit.data.check import ON_BAD, Problem, empty_alpha, problem_of, usable
from mattekit.data.frames import alpha_frames, colour_frames, foreground_frames, source_info, window
from mattekit.data.manifest import Entry
from mattekit.data.pack import BACKGROUND, SEGMENTATION, Source, shrink, write_pack
from mattekit.data.procedural import procedural_clips, procedural_grounds

KINDS = {"artist-cutout": "cutout", "drawn-effect": "effect"}
"""Kinds of packed stills by how their alpha came about; any other is a photo."""


SMALLEST = 64
"""Long side in px below which a picture is not made smaller to fit into a pack."""
NAMED = 192
"""Bytes that a source takes in the head of a pack, beside thrice its name."""


@dataclass(frozen=True)
class PackPlan:
    """How sources are made small.

    Attributes:
        longest: Foregrounds are shrunk to this long side in px.
        every: Every so many frames of a foreground clip are kept.
        background_longest: Backgrounds are shrunk to this.
        background_frames: Consecutive frames kept from the middle of a background clip.
        rendered: Height and width in px of rendered foregrounds.
        rendered_frames: Frames of each.
    """

    longest: int = 448
    every: int = 8
    background_longest: int = 400
    background_frames: int = 7
    rendered: int = 320
    rendered_frames: int = 5


@dataclass
class PackReport:
    """What went into a pack.

    Attributes:
        foregrounds: From files.
        backgrounds: From files.
        procedural: Rendered foregrounds.
        grounds: Rendered backgrounds.
        segmentation: Pictures and clips with masks of people, from files.
        skipped: Bad sources that were left out.
    """

    foregrounds: int = 0
    backgrounds: int = 0
    procedural: int = 0
    grounds: int = 0
    segmentation: int = 0
    skipped: list[Problem] = field(default_factory=list)


def make_pack(
    path: Path,
    entries: Sequence[Entry],
    *,
    procedural: int = 0,
    grounds: int = 0,
    seed: int = 0,
    on_bad: str = "refuse",
    plan: PackPlan | None = None,
    most_mib: float | None = None,
) -> PackReport:
    """Write a pack, which takes its name when it is whole; one that stands there is replaced.

    Args:
        path: The file to write.
        entries: Foregrounds, backgrounds and segmentation sources.
        procedural: How many rendered foregrounds to add.
        grounds: How many rendered backgrounds to add.
        seed: Chooses the rendered ones.
        on_bad: "refuse" raises for the first bad source and writes nothing; "skip" leaves bad ones out.
        plan: How sources are made small.
        most_mib: If given, all pictures are made smaller by one factor so that the file has at most this many MiB.

    Raises:
        InputError: A source is bad and ``on_bad`` is "refuse", nothing is left to pack, or the file cannot be written.
    """
    check_choice("on_bad", on_bad, ON_BAD)
    good, bad = usable(entries, on_bad=on_bad) if entries else ([], [])
    report = PackReport(procedural=procedural, grounds=grounds, skipped=bad)
    plan = plan or PackPlan()
    sources = _read(good, plan, on_bad, report)
    moving = procedural_clips(count=procedural, seed=seed, side=plan.rendered, frames=plan.rendered_frames)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        everything = chain(sources, moving, procedural_grounds(count=grounds, seed=seed))
        write_pack(temporary, everything if most_mib is None else iter(fitted(list(everything), most_mib)))
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path} must be writable; {error.strerror}; choose another place") from error
    finally:
        temporary.unlink(missing_ok=True)
    return report


def fitted(sources: Sequence[Source], most_mib: float) -> list[Source]:
    """Return sources made smaller by one factor until their pixels and names take at most so many MiB.

    Args:
        sources: What is to be packed.
        most_mib: Above 0.

    Raises:
        InputError: Not even pictures of `SMALLEST` px fit.
    """
    room = most_mib * 2**20 - sum(NAMED + 3 * len(source.name.encode()) for source in sources)
    factor = 1.0
    while True:
        kept = [replace(source, pixels=shrink(source.pixels, _side(source, factor))) for source in sources]
        size = sum(source.pixels.numel() for source in kept)
        if size <= room:
            return kept
        if all(_side(source, factor) == SMALLEST for source in sources):
            raise InputError(
                f"a pack of {len(sources)} sources must have room for pictures of {SMALLEST} px; {most_mib:g} MiB have "
                "not; allow more, or pack fewer"
            )
        factor *= min(0.98, (max(room, 1) / size) ** 0.5)


def _side(source: Source, factor: float) -> int:
    """Return the long side of a source made smaller by a factor."""
    longest = max(source.pixels.shape[-2:])
    return max(min(longest, SMALLEST), int(longest * factor))


def _read(entries: Sequence[Entry], plan: PackPlan, on_bad: str, report: PackReport) -> Iterator[Source]:
    """Yield the packed form of each source, and count it."""
    for entry in entries:
        try:
            source = _pack(entry, plan)
        except InputError as error:
            if on_bad == "refuse":
                raise
            report.skipped.append(problem_of(entry, error))
            continue
        if entry.role == "foreground" and int(source.pixels[:, 3].max()) <= 1:
            problem = empty_alpha(entry)
            if on_bad == "refuse":
                raise InputError(problem.message)
            report.skipped.append(problem)
            continue
        report.foregrounds += entry.role == "foreground"
        report.backgrounds += entry.role == "background"
        report.segmentation += entry.role == "segmentation"
        yield source


def _pack(entry: Entry, plan: PackPlan) -> Source:
    """Return one source, shrunk frame by frame so that no clip is held at full size."""
    name = os.fsencode(entry.name).decode("utf-8", "backslashreplace")  # packs hold no other bytes
    if entry.role == "background":
        frames = source_info(entry).frames
        kept = min(plan.background_frames, frames)
        indices = window(entry, (frames - kept) // 2, kept, 1)
        return Source(name, BACKGROUND, _shrunk(colour_frames(entry, indices), plan.background_longest))
    if entry.role == "segmentation":
        return Source(name, SEGMENTATION, _shrunk(_masked_frames(entry), plan.longest))
    pixels = _shrunk(foreground_frames(entry, window(entry, 0, None, plan.every)), plan.longest)
    return Source(name, KINDS.get(entry.alpha_kind, "photo") if entry.still else "clip", pixels)


def _masked_frames(entry: Entry) -> Iterator[Tensor]:
    """Yield frames of a segmentation source as (4, H, W) uint8: colour, then 255 on people."""
    indices = window(entry, 0, None, 1)
    for colour, mask in zip(colour_frames(entry, indices), alpha_frames(entry, indices), strict=True):
        whole = mask * 255 if mask.max() == 1 else mask  # some sets store people as 1
        yield torch.from_numpy(np.concatenate((colour, whole)))


def _shrunk(frames: Iterator[object], longest: int) -> Tensor:
    """Return (T, C, H, W) uint8 of frames (C, H, W)."""
    return torch.cat([shrink(torch.as_tensor(frame)[None], longest) for frame in frames])
