"""The tree of the deep video matting set: foreground pictures and clips, background clips, each in train and test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mattekit.data.layouts.listing import VIDEOS, children, footage, matted, splits
from mattekit.data.manifest import Entry

LOOKS_FOR = "fg/image or fg/video, with train and test in it, and bg"
COLOUR_FILES, ALPHA_FILES = ("f", "fg", "foreground"), ("a", "alpha")


def matches(folder: Path) -> bool:
    """Return whether a folder is such a tree."""
    return (folder / "fg/image").is_dir() or (folder / "fg/video").is_dir()


def entries(folder: Path) -> Iterator[Entry]:
    """Yield the foregrounds and backgrounds; trimaps in the tree are left aside, as they are made from alpha.

    A clip of ``fg/video/train`` is a folder that holds ``f.mp4`` and ``a.mp4``, or lies under its name in ``fg`` and in
    ``alpha``. Names are image/train/NAME, video/train/NAME and bg/train/NAME.
    """
    for kind, alpha_kind in (("image", "ground-truth"), ("video", "chroma-keyed")):
        for split, place in splits(folder / "fg" / kind):
            prefix = f"{kind}/{split}/"
            yield from matted(place / "fg", place / "alpha", prefix=prefix, split=split, alpha_kind=alpha_kind)
            if kind == "video":
                yield from _clip_folders(place, prefix, split)
    for split, place in splits(folder / "bg"):
        yield from footage(place, prefix=f"bg/{split}/", split=split)


def _clip_folders(folder: Path, prefix: str, split: str) -> Iterator[Entry]:
    """Yield the clips that have a folder of their own."""
    for place in children(folder):
        if not place.is_dir() or place.name in ("fg", "alpha", "trimap"):
            continue
        held = {path.stem.lower(): path for path in children(place) if path.suffix.lower() in VIDEOS or path.is_dir()}
        colour = next((held[name] for name in COLOUR_FILES if name in held), place / "f.mp4")
        alpha = next((held[name] for name in ALPHA_FILES if name in held), place / "a.mp4")
        yield Entry(
            prefix + place.name,
            "foreground",
            colour,
            alpha,
            still=False,
            split=split,
            use="research",
            alpha_kind="chroma-keyed",
        )
