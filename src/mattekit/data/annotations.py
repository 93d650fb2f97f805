"""People in annotation files: COCO instances and panoptic segments, YouTubeVIS tracks."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mattekit.checks import InputError, one_line
from mattekit.media import show_path
from mattekit.media.images import RATE
from mattekit.media.stills import load_image
from mattekit.types import ClipInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray

PERSON = "person"
WORN = ("backpack", "tie")
"""Further categories that count as part of a person, as in the segmentation passes of RVM's training."""


@dataclass(frozen=True)
class Annotated:
    """One picture or clip of an annotation file.

    Attributes:
        kind: "instances", "panoptic" or "clips".
        files: Its pictures as the file names them, in order.
        size: (height, width) in px.
        shapes: For each picture, what covers people: outlines or run lengths; segment numbers for panoptic files.
        masks: File of segment numbers, for panoptic files.
        licence: Of a picture, as the file states it; empty where it does not.
    """

    kind: str
    files: tuple[str, ...]
    size: tuple[int, int]
    shapes: tuple[tuple[Any, ...], ...]
    masks: str = ""
    licence: str = ""


def people(path: Path) -> dict[str, Annotated]:
    """Return what an annotation file says of pictures or clips that show a person, by the name of file or clip.

    Raises:
        InputError: It cannot be read, or is no such file.
    """
    try:
        status = os.stat(path)
    except OSError as error:
        raise InputError(
            f"{show_path(path)} must be a file of annotations; {error.strerror}; check the name"
        ) from error
    return _people(path, status.st_mtime_ns, status.st_size)


def find_people(path: Path, name: str) -> Annotated:
    """Return what an annotation file says of one picture or clip.

    Raises:
        InputError: The file cannot be read or does not know the name.
    """
    found = people(path)
    if name not in found:
        raise InputError(f"{show_path(path)} must say where people are in {name}; it does not; choose another source")
    return found[name]


def annotated_clip(path: Path, folder: Path) -> ClipInfo:
    """Return a folder of annotated pictures as a clip, which need not be numbered without gaps.

    Args:
        path: The file of annotations.
        folder: Where the clip's pictures are; its name is the clip's.

    Raises:
        InputError: The file does not know the clip.
    """
    found = find_people(path, folder.name)
    files = tuple(folder / Path(name).name for name in found.files)
    return ClipInfo(folder, "images", found.size, len(files), RATE, 1 / RATE, files=files)


def person_mask(path: Path, name: str, index: int) -> NDArray[np.uint8]:
    """Return (1, H, W), 255 where a picture shows people and 0 elsewhere.

    Args:
        path: The file of annotations.
        name: Of the picture or of the clip, as `people` gives it.
        index: Number of the picture in its clip.

    Raises:
        InputError: The file does not know the name, what it says there makes no sense, or an outline needs pycocotools
            and it is not installed.
    """
    found = find_people(path, name)
    try:
        mask = _covered(path, found, index)
    except (ValueError, KeyError, TypeError, IndexError, OverflowError, MemoryError) as error:
        raise InputError(
            f"{show_path(path)} must tell where people are in {show_path(name)}; {type(error).__name__}: "
            f"{one_line(error)}; copy it again or choose another source"
        ) from error
    return np.where(mask, np.uint8(255), np.uint8(0))[None]


def _covered(path: Path, found: Annotated, index: int) -> NDArray[np.bool_]:
    """Return what people cover of a picture, (H, W)."""
    if found.kind == "panoptic":
        codes = load_image(_segments(path, found.masks)).astype(np.uint32)
        numbers = codes[..., 0] + (codes[..., 1] << 8) + (codes[..., 2] << 16)
        return np.isin(numbers, np.asarray(found.shapes[index], np.uint32))
    mask = np.zeros(found.size, bool)
    for shape in found.shapes[index]:
        mask |= _draw(shape, found.size)
    return mask


@lru_cache(maxsize=2)
def _people(path: Path, changed: int, size: int) -> dict[str, Annotated]:
    """Read a file of annotations; the last two are kept, as they are large."""
    try:
        content = json.loads(path.read_bytes())
        names = {row["id"]: row["name"] for row in content["categories"]}
        kinds = {number for number, name in names.items() if name in (PERSON, *WORN)}
        certain = {number for number, name in names.items() if name == PERSON}
        if "videos" in content:
            return _clips(content, kinds, certain)
        if content["annotations"] and "segments_info" in content["annotations"][0]:
            return _panoptic(content, kinds, certain)
        return _instances(content, kinds, certain)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{show_path(path)} must be annotations as COCO or YouTubeVIS has them; {type(error).__name__}: {error}; "
            "name another file"
        ) from error


def _instances(content: dict[str, Any], kinds: set[int], certain: set[int]) -> dict[str, Annotated]:
    shapes: dict[int, list[Any]] = {}
    shown = {row["image_id"] for row in content["annotations"] if row["category_id"] in certain}
    for row in content["annotations"]:
        if row["category_id"] in kinds and row["image_id"] in shown:
            shapes.setdefault(row["image_id"], []).append(row["segmentation"])
    found = {}
    for row in content["images"]:
        if row["id"] in shapes:
            name, size = Path(row["file_name"]).name, (row["height"], row["width"])
            drawn, licence = (tuple(shapes[row["id"]]),), _licence(content, row)
            found[name] = Annotated("instances", (name,), size, drawn, licence=licence)
    return found


def _panoptic(content: dict[str, Any], kinds: set[int], certain: set[int]) -> dict[str, Annotated]:
    pictures = {row["id"]: row for row in content["images"]}
    found = {}
    for row in content["annotations"]:
        segments = row["segments_info"]
        if not any(segment["category_id"] in certain for segment in segments):
            continue
        picture = pictures[row["image_id"]]
        numbers = tuple(segment["id"] for segment in segments if segment["category_id"] in kinds)
        name, size = Path(picture["file_name"]).name, (picture["height"], picture["width"])
        licence = _licence(content, picture)
        found[name] = Annotated("panoptic", (name,), size, (numbers,), masks=row["file_name"], licence=licence)
    return found


def _clips(content: dict[str, Any], kinds: set[int], certain: set[int]) -> dict[str, Annotated]:
    tracks: dict[int, list[list[Any]]] = {}
    shown = {row["video_id"] for row in content["annotations"] or () if row["category_id"] in certain}
    for row in content["annotations"] or ():
        if row["category_id"] in kinds and row["video_id"] in shown:
            tracks.setdefault(row["video_id"], []).append(row["segmentations"])
    found = {}
    for row in content["videos"]:
        if row["id"] in tracks:
            files = tuple(row["file_names"])
            shapes = tuple(tuple(shape for shape in frame if shape) for frame in zip(*tracks[row["id"]], strict=True))
            found[Path(files[0]).parent.name] = Annotated("clips", files, (row["height"], row["width"]), shapes)
    return found


def _licence(content: dict[str, Any], picture: dict[str, Any]) -> str:
    """Return the name of the licence that a file states for a picture."""
    return next((row["name"] for row in content.get("licenses", ()) if row["id"] == picture.get("license")), "")


def _segments(path: Path, name: str) -> Path:
    """Return a picture of segment numbers, in a folder beside its annotations or one above."""
    places = (path.with_suffix(""), path.parent.parent / path.stem)
    return next((place for place in places if place.is_dir()), places[0]) / name


def _draw(shape: Any, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return what outlines or run lengths cover, (H, W)."""
    if isinstance(shape, dict) and isinstance(shape["counts"], list):
        return _runs(shape["counts"], size)
    try:
        mask = import_module("pycocotools.mask")
    except ImportError as error:
        raise InputError(
            "outlines of people need pycocotools; it is not installed: pip install 'mattekit[coco]'"
        ) from error
    if isinstance(shape, dict) and tuple(shape["size"]) != size:
        raise ValueError(f"a mask must have the picture's size {size}; it has {shape['size']}")
    coded = mask.merge(mask.frPyObjects(shape, *size)) if isinstance(shape, list) else shape
    covered: NDArray[np.bool_] = mask.decode(coded).astype(bool)
    return covered


def _runs(counts: list[int], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the mask of run lengths, column by column, the first of them outside."""
    if sum(counts) != size[0] * size[1] or min(counts) < 0:
        raise ValueError(f"run lengths must cover {size[0] * size[1]} px; they cover {sum(counts)}")
    values = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return values.reshape(size, order="F")
