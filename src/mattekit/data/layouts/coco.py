"""People in the pictures of COCO and in the clips of YouTubeVIS, from their annotation files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mattekit.checks import InputError
from mattekit.data.annotations import people
from mattekit.data.layouts.listing import SPLIT_WORDS
from mattekit.data.manifest import Entry
from mattekit.media import show_path

LOOKS_FOR = "annotations/panoptic_SET.json or instances_SET.json; or SET/instances.json beside SET/JPEGImages"
KINDS = ("panoptic", "instances")
"""The first that a set has is taken: panoptic segments leave no holes between people."""


def matches(folder: Path) -> bool:
    """Return whether a folder has such annotations."""
    return bool(_pictures(folder) or _clips(folder))


def entries(folder: Path) -> Iterator[Entry]:
    """Yield a segmentation source for every picture and every clip that shows a person, named SET/NAME.

    The licence of a picture is what the annotation file states; that of the annotations may differ.

    Raises:
        InputError: The folder of a set's pictures is missing, or its annotations cannot be read.
    """
    for name, path in _pictures(folder).items():
        place = next((place for place in (folder / name, folder / "images" / name) if place.is_dir()), None)
        if place is None:
            raise InputError(f"pictures of {show_path(path)} must be in {show_path(folder / name)}; it is missing")
        yield from _entries(path, place, name, still=True)
    for name, path in _clips(folder).items():
        yield from _entries(path, folder / name / "JPEGImages", name, still=False)


def _entries(path: Path, place: Path, name: str, *, still: bool) -> Iterator[Entry]:
    for source, found in people(path).items():
        yield Entry(
            name=f"{name}/{source.rsplit('.', 1)[0] if still else source}",
            role="segmentation",
            path=place / source,
            alpha=path,
            still=still,
            split=SPLIT_WORDS.get(name.lower(), "train"),
            licence=found.licence,
            use="research",
        )


def _pictures(folder: Path) -> dict[str, Path]:
    """Return the annotation file of each set of pictures."""
    found: dict[str, Path] = {}
    for kind in KINDS:
        for path in sorted((folder / "annotations").glob(f"{kind}_*.json")):
            found.setdefault(path.stem.removeprefix(f"{kind}_"), path)
    return found


def _clips(folder: Path) -> dict[str, Path]:
    """Return the annotation file of each set of clips."""
    found: dict[str, Path] = {}
    for place in sorted(folder.glob("*/JPEGImages")):
        name = place.parent.name
        choices = (place.parent / "instances.json", folder / f"{name}.json", folder / "annotations" / f"{name}.json")
        found.update((name, path) for path in choices[::-1] if path.is_file())
    return found
