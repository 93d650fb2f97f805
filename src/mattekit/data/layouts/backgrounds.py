"""Footage to lay behind: every picture is a still, every video and every folder of pictures a clip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mattekit.data.layouts.listing import clips, footage, pictures, splits
from mattekit.data.manifest import Entry

LOOKS_FOR = "pictures, videos or folders of pictures; chosen only by name"


def matches(folder: Path) -> bool:
    """Return whether there is any footage."""
    return any(pictures(place) or clips(place) for _, place in splits(folder))


def entries(folder: Path) -> Iterator[Entry]:
    """Yield the backgrounds."""
    for split, place in splits(folder):
        prefix = f"{split}/" if place != folder else ""
        yield from footage(place, prefix=prefix, split=split)
