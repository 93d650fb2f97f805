"""Composed clips read back from where `mattekit compose` wrote them, small enough to be looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.data.faked import faked_flow
from mattekit.data.flow import seen_in_both
from mattekit.data.materialise import FORMAT, RECORD
from mattekit.data.walk import walk_flow
from mattekit.media import probe, read, read_alpha, show_path
from mattekit.ops.resize import resize, size_within


def find_stored(folder: Path) -> list[Path]:
    """Return the composites in a folder: itself, those in it, or those in the folders of its splits, by name."""
    levels = (RECORD, f"*/{RECORD}", f"*/*/{RECORD}")
    return sorted(
        record.parent for level in levels for record in folder.glob(level) if not record.parent.name.startswith(".")
    )


def read_stored(home: Path, *, length: int, longest: int) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    """Return the beginning of a composite, made small.

    Args:
        home: Folder of the composite.
        length: Most frames.
        longest: Long side in px that frames are shrunk to.

    Returns:
        Frames (T, 3, h, w) and alpha (T, 1, h, w) in [0, 1], flow (T-1, 2, h, w) in px of the small frames and its
        validity (T-1, 1, h, w); the last two are None where the foreground is a clip.

    Raises:
        InputError: The record cannot be read, or the composite or alpha stream is not there.
        MediaError: A stream is damaged.
    """
    record = _record(home)
    height, width = record["size"]
    size = size_within((height, width), longest)
    frames = torch.cat([resize(chunk.frames, size) for chunk in islice(_chunks(home), length)])
    planes = (torch.from_numpy(plane)[None] for plane in read_alpha(probe(_stream(home, "alpha"))))
    alpha = torch.stack([resize(plane, size) for plane in islice(planes, length)])
    pairs = [_flow(record, slice(time, time + 2)) for time in range(len(alpha) - 1)]
    known = [pair for pair in pairs if pair is not None]
    if record["places"] is None and record["motion"] is None:
        return frames, alpha, None, None
    factors = torch.tensor([size[1] / width, size[0] / height]).view(1, 2, 1, 1)
    small = [(resize(flow, size) * factors, resize(solved, size) == 1) for flow, solved in known]
    if not small:
        return frames, alpha, alpha.new_zeros(0, 2, *size), alpha.new_zeros(0, 1, *size)
    flow, solved = (torch.cat(parts) for parts in zip(*small, strict=True))
    return frames, alpha, flow, seen_in_both(flow, alpha) * solved


def true_flow(home: Path, alpha_true: Tensor, start: int = 0) -> Tensor:
    """Return the exact motion of a composite's foreground, found again from its record.

    Args:
        home: Folder of the composite.
        alpha_true: (T, 1, H, W) of consecutive frames, in [0, 1] or uint8.
        start: The first of them.

    Returns:
        (T-1, 2, H, W) in px, x then y, from each frame to the next; NaN where nothing of the foreground is seen in
        both frames, or where its motion is not solved.

    Raises:
        InputError: The record cannot be read, is of a composite whose motion is not known, or of another size.
    """
    record = _record(home)
    size, frames = tuple(record["size"]), record["frames"]
    if size != tuple(alpha_true.shape[-2:]) or start + len(alpha_true) > frames:
        raise InputError(
            f"alpha must be that of {show_path(home)}, {frames} frames of {size} (height, width); got frames to "
            f"{start + len(alpha_true)} of {tuple(alpha_true.shape[-2:])}: take both from one set"
        )
    found = _flow(record, slice(start, start + len(alpha_true)))
    if found is None:
        raise InputError(
            f"the foreground's motion must be known, as that of a picture is; {show_path(home)} has a clip: compose "
            "the set with --preset fake-motion"
        )
    flow, solved = found
    return torch.where(seen_in_both(flow, alpha_true.float()) * solved > 0, flow, torch.nan)


def _flow(record: dict[str, Any], part: slice) -> tuple[Tensor, Tensor] | None:
    """Return the exact flow of some frames of a composite and where it is solved, or None where it is not known."""
    size = record["size"][0], record["size"][1]
    if record["motion"] is not None:
        seed = record["composite"]["seed"]
        return faked_flow(seed, record["motion"], size, length=record["frames"], part=part)
    if record["places"] is None:
        return None
    flow = walk_flow(torch.tensor(record["places"], dtype=torch.float64)[part], size)
    return flow, torch.ones_like(flow[:, :1])


def _record(home: Path) -> dict[str, Any]:
    """Return the record of a composite.

    Raises:
        InputError: It is not one.
    """
    try:
        record = json.loads((home / RECORD).read_text(encoding="utf-8"))
        if record["format"] != FORMAT:
            raise ValueError(f"its format is {record['format']!r}")
        told = {key: record[key] for key in ("size", "places", "frames", "composite")}
        return {**told, "motion": record.get("motion")}  # records of earlier versions have none
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{show_path(home / RECORD)} must be the record of a composite; {error}: make it anew"
        ) from error


def _chunks(home: Path) -> Iterator[Any]:
    return read(probe(_stream(home, "composite")), chunk=1)


def _stream(home: Path, name: str) -> Path:
    """Return where a stream of a composite is, a file or a folder of pictures."""
    for path in (home / f"{name}.mkv", home / name):
        if path.exists():
            return path
    raise InputError(f"a composite must have its {name} to be shown; {show_path(home)} has not: compose it with {name}")
