"""Photographs of people with a matte each, as AISegment's portraits: a tree of photos and a like tree of mattes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mattekit.data.layouts.listing import pair, splits, subfolder
from mattekit.data.manifest import Entry
from mattekit.media.formats import IMAGES
from mattekit.media.images import natural_key

LOOKS_FOR = "clip_img (or image, images, img, photo, original) and matting (or matte, mattes, alpha, alphas)"
COLOUR = ("clip_img", "image", "images", "img", "photo", "photos", "original", "blurred_image")
ALPHA = ("matting", "matte", "mattes", "alpha", "alphas", "pha")
PREFIXES = ("clip_", "matting_")
"""What AISegment puts before the number of a folder on either side."""


def matches(folder: Path) -> bool:
    """Return whether a folder is laid out so."""
    return any(subfolder(place, COLOUR) and subfolder(place, ALPHA) for _, place in splits(folder))


def entries(folder: Path) -> Iterator[Entry]:
    """Yield a still foreground for every photo.

    The colour is the photo's: where alpha is partial it still holds some of the old background, unlike the colour of
    the other layouts.
    """
    places = splits(folder)
    for split, place in places:
        colour, alpha = subfolder(place, COLOUR), subfolder(place, ALPHA)
        if colour is None or alpha is None:
            continue
        prefix = f"{split}/" if place != folder else ""
        for name, path, alpha_path in pair(_tree(colour), _tree(alpha), (colour, alpha)):
            yield Entry(
                prefix + name,
                "foreground",
                path,
                alpha_path,
                still=True,
                split=split,
                use="research",
                alpha_kind="machine-made",
            )


def _tree(folder: Path) -> dict[str, Path]:
    """Return the pictures at any depth by their place without suffix and without the sides' prefixes."""
    found = {}
    for path in sorted(folder.rglob("*"), key=lambda path: natural_key(path.as_posix())):
        parts = path.relative_to(folder).parts
        if path.suffix.lower() in IMAGES and not any(part.startswith(".") for part in parts):
            found["/".join([*(_plain(part) for part in parts[:-1]), path.stem])] = path
    return found


def _plain(part: str) -> str:
    return next((part.removeprefix(prefix) for prefix in PREFIXES if part.startswith(prefix)), part)
