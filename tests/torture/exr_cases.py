"""Cases of OpenEXR files: whole ones of every build, and such as are cut, spoilt, deep, too large or no pictures."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR

from torture.broken import data, pipe
from torture.case import Case, Maker
from torture.pictures import cut, trimap
from torture.refused_cases import refused, salvaged
from torture.sound_cases import matted
from torture.videos import SIZE

HUGE = (100_000, 100_000)
LIGHT, BEYOND = "light in EXR files is read as display values", "values of EXR files beyond 0 and 1"


def planes(names: tuple[str, ...] | str = "RGB", *, kind: type = np.float16) -> dict[str, Any]:
    """Return noise by name of channel."""
    generator = np.random.default_rng(0)
    return {name: generator.random(SIZE).astype(kind) for name in names}


def exr_bytes(channels: dict[str, Any] | None = None, **header: Any) -> bytes:
    """Return an OpenEXR file."""
    out = io.BytesIO()
    head = {"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION, **header}
    OpenEXR.File(head, planes() if channels is None else channels).write(out)
    return out.getvalue()


def exr(channels: dict[str, Any] | None = None, **header: Any) -> Maker:
    """Return a maker of an OpenEXR file."""
    return lambda path: path.write_bytes(exr_bytes(channels, **header)) and None


def folder(count: int, change: Callable[[int, bytes], bytes] = lambda number, content: content) -> Maker:
    """Return a maker of a folder of OpenEXR files."""

    def make(path: Path) -> None:
        path.mkdir()
        for number in range(count):
            (path / f"f_{number:05d}.exr").write_bytes(change(number, exr_bytes()))

    return make


def gapped(path: Path) -> None:
    """Make a folder of OpenEXR files in which one is missing."""
    folder(3)(path)
    (path / "f_00001.exr").unlink()


def stating(size: tuple[int, int]) -> bytes:
    """Return a file that states another size (height, width) than it has."""
    old, new = (struct.pack("<4i", 0, 0, width - 1, height - 1) for height, width in (SIZE, size))
    return exr_bytes().replace(old, new)


def deep() -> bytes:
    """Return a file with several values a pixel."""
    samples = np.empty(SIZE, dtype=object)
    for row, column in np.ndindex(SIZE):
        samples[row, column] = np.full((row + column) % 3 + 1, 0.5, np.float16)
    return exr_bytes({"Y": samples}, type=OpenEXR.deepscanline, compression=OpenEXR.ZIPS_COMPRESSION)


def of_parts() -> bytes:
    """Return a file of two parts."""
    out = io.BytesIO()
    parts = [OpenEXR.Part({"type": OpenEXR.scanlineimage, "name": name}, planes()) for name in ("one", "two")]
    OpenEXR.File(parts).write(out)
    return out.getvalue()


def spoilt(content: bytes) -> bytes:
    """Return a file with zeros in the place of its last bytes."""
    return content[:-200] + bytes(200)


def with_nan() -> dict[str, Any]:
    """Return channels of which one holds a value that is no number."""
    found = planes()
    found["G"][3, 5] = np.nan
    return found


WHOLE = "must be a whole image"
ODD = {name: np.full(SIZE, 0.5, np.float16) for name in ("Z", "normal.X")}

EXR = {
    "exr of light": matted("c.exr", exr(), frames=1, says=LIGHT),
    "exr of full floats and alpha": matted("c.exr", exr(planes("RGBA", kind=np.float32)), frames=1, says="own alpha"),
    "exr of values as displayed": matted("c.exr", exr(comments="values as displayed"), frames=1, says=BEYOND),
    "exr of one grey": matted("c.exr", exr(planes("Y")), frames=1),
    "exr of one layer": matted("c.exr", exr(planes(("beauty.R", "beauty.G", "beauty.B"))), frames=1),
    "exr in tiles": matted("c.exr", exr(type=OpenEXR.tiledimage, tiles=OpenEXR.TileDescription()), frames=1),
    "exr of two parts": matted("c.exr", data(of_parts()), frames=1),
    "exr by DWAB": matted("c.exr", exr(compression=OpenEXR.DWAB_COMPRESSION), frames=1),
    "exr of values beyond white": matted("c.exr", exr({name: plane * 9 for name, plane in planes().items()}), frames=1),
    "folder of exr": matted("c", folder(3)),
    "folder of exr with one missing": refused("c", gapped, "missing: 1", promise=11),
    "exr cut in its head": refused("c.exr", cut(exr(), 0.03), WHOLE, promise=4),
    "exr cut in its table": refused(
        "c.exr", lambda path: path.write_bytes(exr_bytes()[:400]) and None, WHOLE, promise=4
    ),
    "exr cut in its pixels": refused("c.exr", cut(exr(), 0.7), WHOLE, promise=4),
    "exr with spoilt pixels": refused("c.exr", data(spoilt(exr_bytes())), WHOLE, promise=4),
    "exr of 100000 x 100000": refused("c.exr", data(stating(HUGE)), "at most 67108864 pixels", promise=17),
    "exr of 8000 x 8000 with no pixels": refused("c.exr", data(stating((8000, 8000))), WHOLE, promise=17),
    "exr of a size below nothing": refused("c.exr", data(stating((-5, 10))), WHOLE, promise=17),
    "exr that is deep": refused("c.exr", data(deep()), "must have one value a pixel"),
    "exr without a picture": refused("c.exr", exr(ODD), "must have channels R, G, B, or Y, or A"),
    "exr of whole numbers": refused("c.exr", exr(planes("RGB", kind=np.uint32)), "must hold floats"),
    "exr with a value that is no number": refused(
        "c.exr", exr(with_nan()), "channel G has none (NaN) at row 3, column 5", promise=6
    ),
    "exr that is text": refused("c.exr", data(b"hello"), "it is not one"),
    "exr that is a pipe": refused("c.exr", pipe, "pipe or a device", promise=17),
    "folder of exr with a cut one": refused(
        "c", folder(3, lambda number, content: content[: len(content) // (1 + (number == 1))]), WHOLE, promise=4
    ),
    "folder of exr with a cut one, salvaged": salvaged(
        "c",
        folder(4, lambda number, content: content[: len(content) // (1 + (number == 2))]),
        3,
        "of 4 frames 1 are lost (2)",
        size=SIZE,
    ),
    "trimap in exr": Case(
        11,
        {"c.exr": exr(), "k.exr": exr({"Y": (np.indices(SIZE)[1] * 3 // SIZE[1] / 2).astype(np.float16)})},
        ("matte", "c.exr", "--trimap", "0=k.exr", "--alpha", "a.exr", "--threads", "1"),
        0,
        "wrote a.exr",
        {"a.exr": (1, SIZE)},
    ),
    "trimap in exr with other values": Case(
        11,
        {"c.exr": exr(), "k.exr": exr(planes("Y"))},
        ("matte", "c.exr", "--trimap", "0=k.exr", "--alpha", "a.exr"),
        2,
        "must hold only 0",
    ),
    "exr onto itself": Case(
        10,
        {"c.exr": exr(), "t.png": trimap()},
        ("matte", "c.exr", "--trimap", "0=t.png", "--alpha", "c.exr", "--overwrite"),
        2,
        "must not be the input",
    ),
}
