"""Makers of odd pictures, trimaps and folders of them for the torture corpus."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from footage import picture

Maker = Callable[[Path], None]
SIZE = (24, 32)
ORIENTATION = 0x0112


def trimap_values(size: tuple[int, int]) -> np.ndarray:
    """Return a trimap (H, W): background at the rim, foreground in the middle, unknown between."""
    values = np.full(size, 128, np.uint8)
    rim, middle = (max(1, min(size) // 8), min(size) // 3)
    if min(size) > 4:
        values[:rim], values[-rim:], values[:, :rim], values[:, -rim:] = 0, 0, 0, 0
        values[middle:-middle, middle:-middle] = 255
    return values


def trimap(size: tuple[int, int] = SIZE) -> Maker:
    """Return a maker of a trimap."""
    return lambda path: Image.fromarray(trimap_values(size)).save(path, format="PNG")


def flat(value: Any, *, size: tuple[int, int] = SIZE, mode: str = "L", form: str = "PNG") -> Maker:
    """Return a maker of a picture of one value."""
    return lambda path: Image.new(mode, size[::-1], value).save(path, format=form)


def still(form: str, *, mode: str = "RGB", orientation: int = 1, **options: Any) -> Maker:
    """Return a maker of a picture in some format, mode and orientation."""

    def make(path: Path) -> None:
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        image = Image.fromarray(picture(0, height=SIZE[0], width=SIZE[1])).convert(mode)
        image.save(path, format=form, **({"exif": exif} if orientation > 1 else {}), **options)

    return make


def deep(codec: str, pixels: str) -> Maker:
    """Return a maker of a picture of 16 bits a channel."""

    def make(path: Path) -> None:
        channels = {"gray16be": 1, "gray16le": 1, "rgb48be": 3, "rgb48le": 3, "rgba64be": 4}[pixels]
        values = np.random.default_rng(0).integers(0, 65536, (*SIZE, channels)).astype(np.uint16)
        encoder = av.CodecContext.create(codec, "w")
        encoder.height, encoder.width, encoder.pix_fmt, encoder.time_base = *SIZE, pixels, Fraction(1, 24)
        packets = encoder.encode(av.VideoFrame.from_ndarray(values, pixels)) + encoder.encode(None)
        path.write_bytes(b"".join(bytes(packet) for packet in packets))

    return make


def folder(names: Sequence[str], *, odd: dict[str, bytes | tuple[int, int]] | None = None) -> Maker:
    """Return a maker of a folder of pictures; odd ones have bytes or a size of their own."""

    def make(path: Path) -> None:
        path.mkdir()
        for index, name in enumerate(names):
            given = (odd or {}).get(name, SIZE)
            if isinstance(given, bytes):
                (path / name).write_bytes(given)
            else:
                Image.fromarray(picture(index, height=given[0], width=given[1])).save(path / name)

    return make


def cut(maker: Maker, share: float) -> Maker:
    """Return a maker of what another makes, cut off after a share of its bytes."""

    def make(path: Path) -> None:
        maker(path)
        data = path.read_bytes()
        path.write_bytes(data[: round(len(data) * share)])

    return make


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a PNG chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(size: tuple[int, int], *, depth: int = 8, colour: int = 0, before: bytes = b"", rows: bytes = b"") -> bytes:
    """Return a PNG that states a size, whatever its rows hold."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", size[1], size[0], depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + before + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def inflating(kind: bytes) -> bytes:
    """Return a small PNG with a chunk of a megabyte that unpacks to a gigabyte."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(1024)) + packer.flush()
    rows = b"".join(b"\0" + bytes(SIZE[1]) for _ in range(SIZE[0]))
    return png(SIZE, before=chunk(kind, b"name\0\0" + packed), rows=rows)


def tiff(size: tuple[int, int], *, bits: int = 8, loop: bool = False) -> bytes:
    """Return a grey TIFF that states a size; with a loop its list of pictures leads back to itself."""
    data = bytes(size[0] * size[1] % 100_000)
    tags = [(256, size[1]), (257, size[0]), (258, bits), (259, 1), (262, 1), (273, 8), (277, 1), (278, size[0])]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in [*tags, (279, len(data))])
    start = 8 + len(data)
    listed = struct.pack("<H", len(tags) + 1) + entries + struct.pack("<I", start if loop else 0)
    return struct.pack("<2sHI", b"II", 42, start) + data + listed


def jpeg(size: tuple[int, int]) -> Maker:
    """Return a maker of a JPEG whose head states another size than its data have."""

    def make(path: Path) -> None:
        still("JPEG")(path)
        data = bytearray(path.read_bytes())
        place = data.index(b"\xff\xc0") + 5
        data[place : place + 4] = struct.pack(">HH", *size)
        path.write_bytes(data)

    return make


def bmp(size: tuple[int, int]) -> bytes:
    """Return the head of a BMP that states a size."""
    return struct.pack("<2sIIIIiiHHIIiiII", b"BM", 5000, 0, 54, 40, size[1], size[0], 1, 24, 0, 0, 0, 0, 0, 0) + bytes(
        4946
    )


def webp(size: tuple[int, int]) -> bytes:
    """Return a WebP whose extended head states a size."""
    head = b"VP8X" + struct.pack("<I", 10) + bytes(4)
    head += (size[1] - 1).to_bytes(3, "little") + (size[0] - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", len(head) + 4) + b"WEBP" + head
