"""Pictures with a mask of the people in each, as the Supervisely set: ``img`` and ``seg`` with the same names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mattekit.data.layouts.listing import pair, pictures, splits, subfolder
from mattekit.data.manifest import Entry

LOOKS_FOR = "img (or image, images) and seg (or mask, masks)"
COLOUR, MASKS = ("img", "image", "images"), ("seg", "mask", "masks")


def matches(folder: Path) -> bool:
    """Return whether a folder is laid out so."""
    return any(subfolder(place, COLOUR) and subfolder(place, MASKS) for _, place in splits(folder))


def entries(folder: Path) -> Iterator[Entry]:
    """Yield a still segmentation source for every picture."""
    for split, place in splits(folder):
        colour, masks = subfolder(place, COLOUR), subfolder(place, MASKS)
        if colour is None or masks is None:
            continue
        prefix = f"{split}/" if place != folder else ""
        for name, path, mask in pair(pictures(colour), pictures(masks), (colour, masks)):
            yield Entry(prefix + name, "segmentation", path, mask, True, split, use="research")
