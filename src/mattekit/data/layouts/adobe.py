"""Photographs with alpha as Adobe's set and Distinctions-646 have them: ``fg`` and ``alpha`` with the same names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mattekit.data.layouts.listing import SPLIT_WORDS, children, matted, subfolder
from mattekit.data.manifest import Entry

LOOKS_FOR = "fg and alpha (or GT), in the folder or at most three folders down"
COLOUR, ALPHA = ("fg", "foreground"), ("alpha", "alphas", "gt")
DEPTH = 3


def matches(folder: Path) -> bool:
    """Return whether a folder is laid out so."""
    return next(_places(folder, DEPTH), None) is not None


def entries(folder: Path) -> Iterator[Entry]:
    """Yield the foregrounds, named as the folder that holds them and their file; a folder's name tells the split."""
    for place, colour, alpha in _places(folder, DEPTH):
        parts = place.relative_to(folder).parts
        words = [SPLIT_WORDS[part.lower()] for part in parts if part.lower() in SPLIT_WORDS]
        prefix = "".join(f"{part}/" for part in parts)
        yield from matted(
            colour, alpha, prefix=prefix, split=words[-1] if words else "train", alpha_kind="ground-truth"
        )


def _places(folder: Path, depth: int) -> Iterator[tuple[Path, Path, Path]]:
    """Yield the folders that hold both colour and alpha, and those two."""
    colour, alpha = subfolder(folder, COLOUR), subfolder(folder, ALPHA)
    if colour is not None and alpha is not None:
        yield folder, colour, alpha
    elif depth > 0:
        for place in children(folder):
            if place.is_dir():
                yield from _places(place, depth - 1)
