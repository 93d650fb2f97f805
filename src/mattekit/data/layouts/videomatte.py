"""VideoMatte240K and what is laid out like it: ``fgr`` and ``pha`` with a folder, a video or a picture a name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mattekit.data.layouts.listing import matted, splits, subfolder
from mattekit.data.manifest import Entry

LOOKS_FOR = "fgr and pha, in the folder or in its train, valid or test"
COLOUR, ALPHA = ("fgr",), ("pha",)

HELD_BACK = ("0000", "0100", "0200", "0300")
"""Training clips that Robust Video Matting validates on; so is done where all are there and none is set apart."""


def matches(folder: Path) -> bool:
    """Return whether a folder is laid out so."""
    return any(subfolder(place, COLOUR) and subfolder(place, ALPHA) for _, place in splits(folder))


def entries(folder: Path) -> Iterator[Entry]:
    """Yield the foregrounds, named SPLIT/NAME."""
    found: list[Entry] = []
    for split, place in splits(folder):
        colour, alpha = subfolder(place, COLOUR), subfolder(place, ALPHA)
        if colour is None or alpha is None:
            continue
        found += matted(colour, alpha, prefix=f"{split}/", split=split, alpha_kind="chroma-keyed")
    held = {f"train/{name}" for name in HELD_BACK}
    apart = held <= {entry.name for entry in found} and all(entry.split != "validation" for entry in found)
    for entry in found:
        yield replace(entry, split="validation") if apart and entry.name in held else entry
