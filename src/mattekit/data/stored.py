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
    if record["places"] is None:
        return frames, alpha, None, None
    places = torch.tensor(record["places"], dtype=torch.float64)[: len(alpha)]
    factors = torch.tensor([size[1] / width, size[0] / height]).view(1, 2, 1, 1)
    pairs = [walk_flow(places[time : time + 2], (height, width)) for time in range(len(alpha) - 1)]
    flow = torch.cat([resize(pair, size) * factors for pair in pairs]) if pairs else alpha.new_zeros(0, 2, *size)
    return frames, alpha, flow, seen_in_both(flow, alpha)


def _record(home: Path) -> dict[str, Any]:
    """Return the record of a composite.

    Raises:
        InputError: It is not one.
    """
    try:
        record = json.loads((home / RECORD).read_text(encoding="utf-8"))
        if record["format"] != FORMAT:
            raise ValueError(f"its format is {record['format']!r}")
        return {key: record[key] for key in ("size", "places")}
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
