"""A folder of numbered pictures, or one picture, as a clip."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from mattekit.checks import MediaError
from mattekit.media.formats import IMAGES
from mattekit.media.paths import reason, show_path
from mattekit.media.pixels import Picture
from mattekit.media.stills import Header, load_image, read_header, white_of
from mattekit.types import ClipInfo

RATE = Fraction(24)


def probe_images(path: Path) -> ClipInfo:
    """Return what is known of a folder of images, or of one image, as a clip of 24 frames a second.

    Raises:
        MediaError: There are no images, they differ in size, or a number is missing or twice there.
    """
    files = list_images(path) if os.path.isdir(path) else (path,)
    return describe_images(path, files, [read_header(file) for file in files])


def describe_images(path: Path, files: tuple[Path, ...], headers: Sequence[Header]) -> ClipInfo:
    """Return what the heads of image files tell of the clip that they make.

    Raises:
        MediaError: They differ in size.
    """
    for file, header in zip(files, headers, strict=True):
        if header.size != headers[0].size:
            raise MediaError(
                f"all images of {show_path(path)} must have one size (height, width); {files[0].name} has "
                f"{headers[0].size} and {show_path(file.name)} has {header.size}; resize or move the odd ones"
            )
    return ClipInfo(
        path=path,
        kind="images",
        size=headers[0].size,
        frames=len(files),
        rate=RATE,
        time_base=1 / RATE,
        bits=max(header.bits for header in headers),
        files=files,
        has_alpha=any(header.has_alpha for header in headers),
        pixel_aspect=headers[0].pixel_aspect,
        colour_primaries=headers[0].primaries,
        colour_transfer=headers[0].transfer,
    )


def list_images(folder: Path) -> tuple[Path, ...]:
    """Return the images of a folder in the order of their numbers, as a person counts: 2 before 10.

    Raises:
        MediaError: The folder cannot be read or holds none, or a number is missing or twice there.
    """
    found = find_images(folder)
    numbers = numbers_of(found)
    if numbers is not None and len(found) > 1:
        check_numbers(folder, found, numbers)
        _check_gaps(folder, numbers)
    return found


def find_images(folder: Path) -> tuple[Path, ...]:
    """Return the images of a folder in the order of their numbers, whatever numbers they are.

    Raises:
        MediaError: The folder cannot be read or holds none.
    """
    shown = show_path(folder)
    try:
        found = [file for file in folder.iterdir() if file.suffix.lower() in IMAGES and not file.name.startswith(".")]
    except OSError as error:
        raise MediaError(
            f"{shown} must be a folder that can be read; {reason(error)}; check its permissions"
        ) from error
    if not found:
        raise MediaError(f"{shown} must hold images ({', '.join(IMAGES)}); it holds none; name another folder")
    found.sort(key=lambda file: (natural_key(file.stem), file.suffix))
    return tuple(found)


def numbers_of(files: Sequence[Path]) -> list[int] | None:
    """Return the last number in each file's name, or None where one has none."""
    numbers = [last_number(file) for file in files]
    return None if None in numbers else [number for number in numbers if number is not None]


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """Return a sorting key in which runs of digits count as numbers."""
    parts = re.split(r"(\d+)", text, flags=re.ASCII)
    return [(0, int(part), part) if part.isdigit() else (1, 0, part.lower()) for part in parts if part]


def last_number(file: Path) -> int | None:
    """Return the last whole number in a file's name without its suffix, or None.

    Example:
        >>> last_number(Path("take2_frame_0012.png"))
        12
    """
    found = re.findall(r"\d+", file.stem, flags=re.ASCII)
    return int(found[-1]) if found else None


def check_numbers(folder: Path, files: Sequence[Path], numbers: Sequence[int]) -> None:
    """Raise if two files of a folder have one number.

    Raises:
        MediaError: Two have.
    """
    owners: dict[int, Path] = {}
    for file, number in zip(files, numbers, strict=True):
        if number in owners:
            raise MediaError(
                f"every frame of {show_path(folder)} must have one file; {show_path(owners[number].name)} and "
                f"{show_path(file.name)} both have number {number}; move one away"
            )
        owners[number] = file


def _check_gaps(folder: Path, numbers: Sequence[int]) -> None:
    """Raise unless the numbers of a folder's files rise by one."""
    missing = sorted(set(range(min(numbers), max(numbers) + 1)) - set(numbers)) if _near(numbers) else []
    if missing or not _near(numbers):
        named = ", ".join(str(number) for number in missing[:5]) + (" and more" if len(missing) > 5 else "")
        raise MediaError(
            f"the images of {show_path(folder)} must be numbered without gaps from {min(numbers)} to {max(numbers)}; "
            f"missing: {named or 'most of them'}; add them, or renumber the files"
        )


def _near(numbers: Sequence[int]) -> bool:
    """Return whether the numbers span so little that the missing ones can be listed."""
    return max(numbers) - min(numbers) < 10 * len(numbers) + 1000


def image_pictures(
    clip: ClipInfo, indices: Iterator[int] | range, *, as_matte: bool = False
) -> Iterator[tuple[int, Picture]]:
    """Yield frame numbers of an image clip and their pictures.

    Args:
        clip: Of kind "images".
        indices: Which frames.
        as_matte: Whether the numbers of OpenEXR files are taken as they are, and not as light that is to be displayed.

    Raises:
        MediaError: A file is gone, broken, or of another size than when the clip was probed.
    """
    for index in indices:
        file = clip.files[index]
        pixels = load_image(file, as_matte=as_matte)
        if pixels.shape[:2] != clip.size:
            raise MediaError(
                f"{show_path(file)} must have size {clip.size} (height, width) as frame {index} of the clip; "
                f"got {pixels.shape[:2]}; it changed while the clip was read"
            )
        white = white_of(pixels)
        colours = 1 if pixels.shape[2] == 1 else 3
        alpha = pixels[..., 3] if pixels.shape[2] == 4 else None
        yield index, Picture(tuple(pixels[..., c] for c in range(colours)), white, alpha, white)
