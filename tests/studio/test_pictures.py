"""Pictures as bytes: exact both ways, and refused before they are decoded where they do not fit."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from mattekit.checks import InputError
from mattekit.studio.pictures import decode_colour, decode_grey, encode_jpeg, encode_png, pack


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


def as_png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4)])
def test_png_keeps_every_value_and_the_order_of_channels(shape: tuple[int, ...]) -> None:
    picture = draw(*shape)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(encode_png(picture)))), picture)


def test_grey_png_comes_back_as_it_went() -> None:
    picture = draw(5, 7)
    assert np.array_equal(decode_grey(encode_png(picture), (5, 7)), picture)
    assert np.array_equal(decode_grey(as_png(Image.fromarray(picture).convert("RGB")), (5, 7)), picture)
    deep = Image.fromarray(picture.astype(np.uint16) * 257)
    assert np.array_equal(decode_grey(as_png(deep), (5, 7)), picture)
    two = Image.fromarray(picture > 99)
    assert np.array_equal(decode_grey(as_png(two), (5, 7)), np.where(picture > 99, 255, 0))


def test_jpeg_is_near_and_decoded_in_colour() -> None:
    picture = np.full((16, 16, 3), (200, 90, 30), dtype=np.uint8)
    found = decode_colour(encode_jpeg(picture)).astype(int)
    assert found.shape == picture.shape and np.abs(found - picture).max() < 6


def huge() -> bytes:
    """Return a small PNG file that states 100000 x 100000 pixels."""
    head = (100_000).to_bytes(4, "big") * 2 + bytes((8, 0, 0, 0, 0))
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    written = [
        len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big") for name, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "whole PNG"),
        (b"hello", "whole PNG"),
        (encode_png(draw(5, 7))[:60], "whole PNG"),
        (encode_png(draw(7, 5)), r"size \(height, width\) \(5, 7\); got \(7, 5\)"),
        (encode_png(draw(5, 7, 3)), "must be grey; it has colours"),
        (encode_jpeg(draw(5, 7)), "whole PNG"),
        (huge(), "at most 67108864 pixels; "),
    ],
)
def test_what_is_no_grey_png_of_the_size_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        decode_grey(data, (5, 7))


def test_colour_that_breaks_off_or_is_too_large_is_refused() -> None:
    with pytest.raises(InputError, match="whole PNG or JPEG"):
        decode_colour(encode_png(draw(50, 70, 3))[:99])
    with pytest.raises(InputError, match="at most 67108864 pixels"):
        decode_colour(huge())


def test_what_is_packed_comes_back_and_equal_pictures_are_equal() -> None:
    picture = draw(5, 7)
    assert np.array_equal(pack(picture).open((5, 7)), picture)
    assert pack(picture) == pack(picture.copy()) and pack(picture).crc == zlib.crc32(picture.tobytes())
