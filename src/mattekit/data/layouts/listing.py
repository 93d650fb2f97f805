"""What lies in a folder: pictures, videos and folders of pictures by name, and colour paired with alpha."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from mattekit.checks import InputError
from mattekit.data.manifest import Entry
from mattekit.media import show_path
from mattekit.media.formats import IMAGES
from mattekit.media.images import natural_key

VIDEOS = (".mp4", ".mov", ".mkv", ".webm", ".m4v", ".avi", ".mpg", ".mpeg", ".ts", ".mxf", ".nut")
"""Suffixes of video files, in lower case."""

SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "training_set": "train",
    "train2017": "train",
    "valid": "validation",
    "val": "validation",
    "validation": "validation",
    "validation_set": "validation",
    "val2017": "validation",
    "test": "test",
    "testing": "test",
    "test_set": "test",
}
"""Folder names, in lower case, and the split they stand for."""


def children(folder: Path) -> list[Path]:
    """Return what lies in a folder, as a person counts, without hidden files; nothing where it is no folder.

    Raises:
        InputError: It cannot be read.
    """
    try:
        found = [path for path in folder.iterdir() if not path.name.startswith(".")] if folder.is_dir() else []
    except OSError as error:
        raise InputError(
            f"{show_path(folder)} must be a folder that can be read; {error.strerror}; check its permissions"
        ) from error
    return sorted(found, key=lambda path: (natural_key(path.name), path.name))


def pictures(folder: Path) -> dict[str, Path]:
    """Return the pictures right in a folder by their names without suffix."""
    return _by_name(path for path in children(folder) if path.suffix.lower() in IMAGES)


def clips(folder: Path) -> dict[str, Path]:
    """Return the video files and the folders of pictures right in a folder by their names without suffix."""
    return _by_name(
        path for path in children(folder) if path.suffix.lower() in VIDEOS or (path.is_dir() and _films(path))
    )


def subfolder(folder: Path, names: Iterable[str]) -> Path | None:
    """Return the first folder right in another whose name, in lower case, is one of those given, in their order."""
    found = {path.name.lower(): path for path in reversed(children(folder)) if path.is_dir()}
    return next((found[name] for name in names if name in found), None)


def splits(folder: Path) -> list[tuple[str, Path]]:
    """Return the folders of splits right in a folder, or the folder itself as "train" where there are none."""
    found = [(SPLIT_WORDS[path.name.lower()], path) for path in children(folder) if path.name.lower() in SPLIT_WORDS]
    return [(split, path) for split, path in found if path.is_dir()] or [("train", folder)]


def is_clip(path: Path) -> bool:
    """Return whether a source is a clip, not a picture."""
    return path.suffix.lower() not in IMAGES


def pair(
    colours: Mapping[str, Path], alphas: Mapping[str, Path], places: tuple[Path, Path]
) -> Iterator[tuple[str, Path, Path]]:
    """Yield name, colour and alpha of all that has either; what has no partner gets the path where it should lie.

    So that checking names the file that is missing.

    Args:
        colours: By name.
        alphas: By name.
        places: The folders of both.
    """
    for name in [*colours, *(name for name in alphas if name not in colours)]:
        colour = colours[name] if name in colours else places[0] / alphas[name].name
        alpha = alphas[name] if name in alphas else places[1] / colours[name].name
        yield name, colour, alpha


def matted(
    colour: Path, alpha: Path, *, prefix: str, split: str, licence: str = "", alpha_kind: str = ""
) -> Iterator[Entry]:
    """Yield a foreground for every picture and every clip in a folder of colour and one of alpha.

    Args:
        colour: Folder.
        alpha: Folder with the same names in it.
        prefix: What the names begin with; ends in "/" or is empty.
        split: Of all of them.
        licence: As its owner states it; empty where unknown.
        alpha_kind: How alpha came about.
    """
    for listed in (pictures, clips):
        for name, path, alpha_path in pair(listed(colour), listed(alpha), (colour, alpha)):
            yield Entry(
                name=prefix + name,
                role="foreground",
                path=path,
                alpha=alpha_path,
                still=listed is pictures,
                split=split,
                licence=licence,
                use="research",
                alpha_kind=alpha_kind,
            )


def footage(folder: Path, *, prefix: str, split: str, licence: str = "") -> Iterator[Entry]:
    """Yield a background for every picture, video and folder of pictures right in a folder."""
    for listed in (pictures, clips):
        for name, path in listed(folder).items():
            still = listed is pictures
            yield Entry(prefix + name, "background", path, None, still, split=split, licence=licence, use="research")


def _films(folder: Path) -> bool:
    """Return whether pictures lie right in a folder."""
    return any(path.suffix.lower() in IMAGES for path in folder.iterdir() if not path.name.startswith("."))


def _by_name(paths: Iterable[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in paths:
        name = path.name if path.is_dir() else path.stem
        if name in found:
            raise InputError(
                f"names in {show_path(path.parent)} must differ without their suffixes; {show_path(found[name].name)} "
                f"and {show_path(path.name)} do not; rename one"
            )
        found[name] = path
    return found
