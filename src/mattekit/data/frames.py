"""Frames of a source one at a time as 8-bit arrays, without torch: checked against each other and against the list."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mattekit.checks import InputError
from mattekit.data.annotations import annotated_clip, find_people, person_mask
from mattekit.data.manifest import Entry
from mattekit.media import probe, show_path
from mattekit.media.images import image_pictures
from mattekit.media.pixels import Picture, to_levels
from mattekit.media.video import decode_pictures
from mattekit.types import ClipInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray

GREY_TOLERANCE = 8
"""Mean difference of red, green and blue, in levels, up to which a picture is taken as grey."""


@dataclass(frozen=True)
class SourceInfo:
    """What is known of a source before its frames are read.

    Attributes:
        size: (height, width) in px.
        frames: How many.
    """

    size: tuple[int, int]
    frames: int


def source_info(entry: Entry) -> SourceInfo:
    """Return the size and the length of a source from the heads of its files.

    Raises:
        InputError: A file is missing or no media, alpha has another size or length than colour, or a still has
            several frames; the message begins with the entry's name.
    """
    colour = _clip(entry, entry.path)
    if entry.still and colour.frames != 1:
        raise _fault(
            entry, f"a still must have one frame; {show_path(entry.path)} has {colour.frames}; list it as a clip"
        )
    if entry.alpha is None or is_annotated(entry):
        return SourceInfo(colour.size, colour.frames)
    alpha = _clip(entry, entry.alpha)
    if alpha.size != colour.size:
        raise _fault(
            entry, f"alpha must have the colour's size (height, width) {colour.size}; got {alpha.size}; replace it"
        )
    if alpha.frames != colour.frames:
        raise _fault(entry, f"alpha must have the colour's {colour.frames} frames; got {alpha.frames}; replace it")
    return SourceInfo(colour.size, colour.frames)


def is_annotated(entry: Entry) -> bool:
    """Return whether an entry's alpha is a file of annotations, not a picture or a clip."""
    return entry.alpha is not None and entry.alpha.suffix.lower() == ".json"


def check_annotated(entry: Entry) -> None:
    """Raise unless the annotations that an entry lists, if any, tell where people are in it.

    Raises:
        InputError: They cannot be read, or do not know it.
    """
    try:
        if entry.alpha is not None and is_annotated(entry):
            find_people(entry.alpha, entry.path.name)
    except InputError as error:
        raise _named(entry, error) from error


def entry_files(entry: Entry) -> tuple[Path, ...]:
    """Return the files that hold an entry's colour, in order."""
    return _clip(entry, entry.path).files or (entry.path,)


def window(entry: Entry, start: int, count: int | None, step: int) -> range:
    """Return the frame numbers start, start + step, ... of a window.

    Raises:
        InputError: It is empty or leaves the clip, or the entry's files do not fit each other.
    """
    frames = source_info(entry).frames
    if step < 1:
        raise InputError(f"step must be 1 or more; got {step}")
    indices = range(start, frames if count is None else start + count * step, step)
    if start < 0 or len(indices) == 0 or indices[-1] >= frames:
        raise _fault(
            entry,
            f"frames must be chosen from its {frames}, at least one; got start {start}, count {count} and step {step}",
        )
    return indices


def foreground_frames(entry: Entry, indices: range) -> Iterator[NDArray[np.uint8]]:
    """Yield frames of a foreground as (4, H, W): straight colour, then alpha.

    Raises:
        InputError: The entry is no foreground, a frame has no alpha, or the alpha has colours.
        MediaError: A frame is damaged.
    """
    if entry.role != "foreground":
        raise _fault(entry, f"it must be a foreground; it is listed as {entry.role}; choose another")
    colours = _pictures(entry, entry.path, indices)
    if entry.alpha is not None:
        for picture, alpha in zip(colours, alpha_frames(entry, indices), strict=True):
            yield np.concatenate((_colour(picture), alpha))
        return
    for index, picture in zip(indices, colours, strict=True):
        if picture.alpha is None:
            raise _fault(
                entry, f"frame {index} of {show_path(entry.path)} must carry alpha; it has none; list a file of alpha"
            )
        yield np.concatenate((_colour(picture), to_levels(picture.alpha, picture.alpha_white, 255)[None]))


def colour_frames(entry: Entry, indices: range) -> Iterator[NDArray[np.uint8]]:
    """Yield the colour of frames of any source, (3, H, W) each."""
    for picture in _pictures(entry, entry.path, indices):
        yield _colour(picture)


def alpha_frames(entry: Entry, indices: range) -> Iterator[NDArray[np.uint8]]:
    """Yield alpha, or masks of people, from the file that an entry lists for it, (1, H, W) each.

    A picture that is partly transparent counts by its alpha channel; an opaque one that is grey by its grey; an opaque
    one with an alpha channel and colours is a frame that the subject fills.

    Raises:
        InputError: A picture has colours and no alpha channel, or annotations do not fit the picture.
    """
    if entry.alpha is None:
        raise _fault(entry, "it must have a file of alpha; none is listed; name one")
    if is_annotated(entry):
        yield from _annotated_masks(entry, entry.alpha, indices)
        return
    for index, picture in zip(indices, _pictures(entry, entry.alpha, indices, as_matte=True), strict=True):
        grey = _is_grey(picture)
        if picture.alpha is not None:
            alpha = to_levels(picture.alpha, picture.alpha_white, 255)
            if alpha.min() < 255 or not grey:
                yield alpha[None]
                continue
        if not grey:
            raise _fault(
                entry, f"alpha must be grey; frame {index} of {show_path(entry.alpha)} has colours; save it as grey"
            )
        yield to_levels(picture.planes[len(picture.planes) // 2], picture.white, 255)[None]


def _annotated_masks(entry: Entry, annotations: Path, indices: range) -> Iterator[NDArray[np.uint8]]:
    """Yield masks of people that annotations draw, held against the size of the picture."""
    size = source_info(entry).size
    for index in indices:
        try:
            mask = person_mask(annotations, entry.path.name, index)
        except InputError as error:
            raise _named(entry, error) from error
        if mask.shape[1:] != size:
            raise _fault(entry, f"annotations must have the picture's size {size}; got {mask.shape[1:]}; replace them")
        yield mask


def _pictures(entry: Entry, path: Path, indices: range, *, as_matte: bool = False) -> Iterator[Picture]:
    """Yield the pictures of one file of an entry; errors name the entry."""
    clip = _clip(entry, path)
    try:
        if clip.kind == "images":
            yield from (picture for _, picture in image_pictures(clip, indices, as_matte=as_matte))
            return
        wanted = frozenset(indices)
        for numbered in decode_pictures(clip, start=indices[0], end=indices[-1] + 1, alpha=True, only=wanted):
            yield numbered.picture
    except InputError as error:
        raise _named(entry, error) from error


def _clip(entry: Entry, path: Path) -> ClipInfo:
    """Return what is known of one file of an entry; errors name the entry."""
    try:
        status = os.stat(path)
        if entry.alpha is not None and is_annotated(entry) and path.is_dir():
            return annotated_clip(entry.alpha, path)
        return _probed(path, status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise _fault(entry, f"{show_path(path)} must be there; {error.strerror}; check the list") from error
    except InputError as error:
        raise _named(entry, error) from error


@lru_cache(maxsize=1024)
def _probed(path: Path, changed: int, size: int) -> ClipInfo:
    """Return what a file's head tells; kept until the file changes."""
    return probe(path)


def _colour(picture: Picture) -> NDArray[np.uint8]:
    """Return a picture's colour (3, H, W); grey fills all three."""
    planes = [to_levels(plane, picture.white, 255) for plane in picture.planes]
    return np.stack(planes if len(planes) == 3 else planes * 3)


def _is_grey(picture: Picture) -> bool:
    """Return whether the colours of a picture differ by no more than what compression does to grey."""
    if len(picture.planes) == 1:
        return True
    red, green, blue = (np.asarray(plane, np.float32) * np.float32(255 / picture.white) for plane in picture.planes)
    worst: Any = max(np.abs(red - green).mean(), np.abs(blue - green).mean())
    return bool(worst <= GREY_TOLERANCE)


def _fault(entry: Entry, what: str) -> InputError:
    return InputError(f"{entry.name}: {what}")


def _named(entry: Entry, error: InputError) -> InputError:
    """Return an error of the same kind whose message begins with the entry's name."""
    text = str(error)
    return error if text.startswith(f"{entry.name}: ") else type(error)(f"{entry.name}: {text}")
