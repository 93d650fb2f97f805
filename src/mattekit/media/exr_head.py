"""The head of an OpenEXR file: what it holds and how large it is, read before any memory is taken for its pixels.

Source: OpenEXR File Layout, Academy Software Foundation.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from mattekit.checks import MediaError
from mattekit.media.formats import IMAGES
from mattekit.media.limits import check_pixels
from mattekit.media.paths import check_regular_file, reason, show_path

MAGIC = b"v/1\x01"
TILED, DEEP, PARTS = 0x200, 0x800, 0x1000
MOST_HEAD, MOST_CHUNK = 1 << 20, 1 << 29
"""Bytes of a head, and of the largest piece that is unpacked at once."""

ENTRY, LEAST_CHUNK = 8, 9
"""Bytes of a chunk's entry in the table of chunks, and the fewest of a chunk itself."""

SAMPLE_BYTES = {0: 4, 1: 2, 2: 4}
"""Bytes of whole numbers, half floats and full floats, by OpenEXR's numbers of them."""

LINES = {0: 1, 1: 1, 2: 1, 3: 16, 4: 32, 5: 16, 6: 32, 7: 32, 8: 32, 9: 256, 10: 256, 11: 32}
"""Lines of a chunk by the number of the compression: none, RLE, ZIPS, ZIP, PIZ, PXR24, B44, B44A, DWAA, DWAB, HTJ2K."""

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class ExrHead:
    """What the head of an OpenEXR file tells of its first part.

    Attributes:
        shown: Left, top, right and bottom of the picture, the last two included.
        stored: The same of what is stored of it, which may be less or more.
        channels: Kind of number (0 whole, 1 half, 2 float) and whether it is stored for every pixel, by name.
        aspect: Width by height of a pixel.
        primaries: x and y of red, green, blue and white, or None.
        comments: What the program that wrote it says.
    """

    shown: Box
    stored: Box
    channels: Mapping[str, tuple[int, bool]]
    aspect: Fraction
    primaries: tuple[float, ...] | None
    comments: str

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the picture."""
        return box_size(self.shown)


def box_size(box: Box) -> tuple[int, int]:
    """Return (height, width) of a box whose right and bottom are included.

    Example:
        >>> box_size((-1, 0, 2, 0))
        (1, 4)
    """
    return box[3] - box[1] + 1, box[2] - box[0] + 1


def read_exr_head(path: Path) -> ExrHead:
    """Return what the head of an OpenEXR file tells.

    Raises:
        MediaError: It is no such file, is deep, is larger than allowed, or cannot hold what it states.
    """
    check_regular_file(path)
    try:
        with path.open("rb") as file:
            data, length = file.read(MOST_HEAD), os.fstat(file.fileno()).st_size
    except OSError as error:
        raise _not_whole(path, reason(error)) from error
    if not data.startswith(MAGIC):
        raise MediaError(
            f"{show_path(path)} must be an image ({', '.join(IMAGES)}); it is not one; save it again as png"
        )
    try:
        flags = struct.unpack_from("<I", data, 4)[0]
        attributes, end = _attributes(data)
        head = _describe(attributes)
        compression, tile = attributes["compression"][0], attributes.get("tiles")
        tile_size = struct.unpack("<IIB", tile)[1::-1] if tile is not None and flags & (TILED | PARTS) else None
    except (struct.error, IndexError, KeyError, ValueError, ArithmeticError) as error:
        raise _not_whole(path, "its head makes no sense") from error
    if flags & DEEP or b"deep" in attributes.get("type", b""):
        raise MediaError(
            f"{show_path(path)} must have one value a pixel; it is deep, with several behind each other; flatten it"
        )
    _check_sizes(path, head, tile_size)
    _check_chunks(path, head, compression=compression, tile=tile_size, left=length - end)
    return head


def _attributes(data: bytes) -> tuple[dict[str, bytes], int]:
    """Return the attributes of the first part by name, and where they end.

    Raises:
        ValueError: They break off, or one is there twice.
    """
    found: dict[str, bytes] = {}
    place = 8
    while data[place] != 0:
        name, place = _word(data, place)
        _, place = _word(data, place)
        size = struct.unpack_from("<i", data, place)[0]
        place += 4
        if size < 0 or place + size > len(data) or name in found:
            raise ValueError(name)
        found[name] = data[place : place + size]
        place += size
    return found, place + 1


def _word(data: bytes, place: int) -> tuple[str, int]:
    """Return a name that ends with a zero, and the place behind it."""
    end = data.index(b"\0", place, place + 256)
    return data[place:end].decode("utf-8", "replace"), end + 1


def _describe(attributes: Mapping[str, bytes]) -> ExrHead:
    """Return what attributes tell."""
    shown, stored = (struct.unpack("<4i", attributes[name]) for name in ("displayWindow", "dataWindow"))
    (aspect,) = struct.unpack("<f", attributes["pixelAspectRatio"])
    primaries = attributes.get("chromaticities")
    if min(*box_size(shown), *box_size(stored)) < 1:
        raise ValueError("no pixels")
    return ExrHead(
        shown,
        stored,
        dict(_channels(attributes["channels"])),
        Fraction(aspect).limit_denominator(1000) if math.isfinite(aspect) and 0.01 < aspect < 100 else Fraction(1),
        None if primaries is None else struct.unpack("<8f", primaries),
        attributes.get("comments", b"").decode("utf-8", "replace"),
    )


def _channels(data: bytes) -> Iterator[tuple[str, tuple[int, bool]]]:
    """Yield the name of each channel, its kind of number, and whether it is stored for every pixel."""
    place = 0
    while data[place] != 0:
        name, place = _word(data, place)
        kind, across, down = struct.unpack_from("<i4xii", data, place)
        if kind not in SAMPLE_BYTES or min(across, down) < 1:
            raise ValueError(name)
        yield name, (kind, across == down == 1)
        place += 16


def _check_sizes(path: Path, head: ExrHead, tile: tuple[int, ...] | None) -> None:
    """Raise if the picture, what is stored of it, or a tile is too large."""
    check_pixels(path, head.size)
    check_pixels(path, box_size(head.stored))
    if tile is not None:
        check_pixels(path, (tile[0], tile[1]))


def _check_chunks(path: Path, head: ExrHead, *, compression: int, tile: tuple[int, ...] | None, left: int) -> None:
    """Raise if a file is too short for the chunks that it must have, or one of them is too large to be unpacked."""
    height, width = box_size(head.stored)
    if compression not in LINES:
        raise MediaError(f"{show_path(path)} must be compressed in a known way; it is not; save it again with ZIP")
    down, across = (min(height, LINES[compression]), width) if tile is None else (tile[0], tile[1])
    if min(down, across) < 1:
        raise _not_whole(path, "its head makes no sense")
    pixel = sum(SAMPLE_BYTES[kind] for kind, _ in head.channels.values())
    if down * across * pixel > MOST_CHUNK:
        raise MediaError(
            f"{show_path(path)} must unpack in pieces of at most {MOST_CHUNK} bytes; they have "
            f"{down * across * pixel}; save it again with fewer channels"
        )
    chunks = -(-height // down) * -(-width // across)
    if chunks * (ENTRY + LEAST_CHUNK) > left:
        raise _not_whole(path, f"it must have {chunks} chunks and ends before they can be there")


def _not_whole(path: Path, what: str) -> MediaError:
    """Return the error for a file that breaks off or makes no sense."""
    return MediaError(f"{show_path(path)} must be a whole image; {what}; save it again")
