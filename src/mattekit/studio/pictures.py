"""Pictures as bytes and back: PNG and JPEG for the page, with heads checked before any pixel is decoded."""

from __future__ import annotations

import io
import warnings
import zlib
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from mattekit.checks import InputError

MOST_PIXELS = 1 << 26
"""Pixels of a picture that a page may send."""

QUALITY = 92
BROKEN = (OSError, ValueError, SyntaxError, EOFError, ArithmeticError, MemoryError, zlib.error, UnidentifiedImageError)
"""What Pillow raises for a picture that breaks off or makes no sense."""

Levels = NDArray[np.uint8]


def encode_png(picture: Levels) -> bytes:
    """Return a picture as PNG.

    Args:
        picture: (H, W) grey, (H, W, 3) RGB, or (H, W, 4) RGB and straight alpha, in levels of 8 bits.
    """
    return _encode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])


def encode_jpeg(picture: Levels, *, quality: int = QUALITY) -> bytes:
    """Return a picture, (H, W) grey or (H, W, 3) RGB in levels of 8 bits, as JPEG."""
    return _encode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])


def _encode(suffix: str, picture: Levels, options: list[int]) -> bytes:
    channels = 1 if picture.ndim == 2 else picture.shape[2]
    order = {1: None, 3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}[channels]
    done, data = cv2.imencode(suffix, picture if order is None else cv2.cvtColor(picture, order), options)
    if not done:
        raise InputError(f"a picture must have pixels; got {picture.shape}")
    return data.tobytes()


def decode_grey(data: bytes, size: tuple[int, int]) -> Levels:
    """Return a grey picture that came as PNG, (H, W) in levels of 8 bits.

    Args:
        data: The file's bytes.
        size: (height, width) that it must have.

    Raises:
        InputError: It is no PNG, has colours or another size, or breaks off.
    """
    try:
        with _opened(data, ("PNG",)) as image:
            if (image.height, image.width) != size:
                raise InputError(
                    f"the picture must have the clip's size (height, width) {size}; got {(image.height, image.width)}"
                )
            pixels = np.asarray(image.convert("RGB") if image.mode in ("P", "RGBA", "LA", "1") else image)
    except BROKEN as error:
        raise InputError("the picture must be a whole PNG file; it breaks off or makes no sense") from error
    if pixels.ndim == 3:
        if (pixels != pixels[..., :1]).any():
            raise InputError("the picture must be grey; it has colours: save it as a grey picture")
        pixels = pixels[..., 0]
    if pixels.dtype != np.uint8:
        pixels = (np.clip(pixels.astype(np.int64), 0, 65535) + 128) // 257
    return np.ascontiguousarray(pixels, dtype=np.uint8)


def decode_colour(data: bytes) -> Levels:
    """Return a picture that came as PNG or JPEG, (H, W, 3) RGB in levels of 8 bits.

    Raises:
        InputError: It is neither, too large, or breaks off.
    """
    try:
        with _opened(data, ("PNG", "JPEG")) as image:
            return np.array(image.convert("RGB"))
    except BROKEN as error:
        raise InputError("the picture must be a whole PNG or JPEG file; it breaks off or makes no sense") from error


def _opened(data: bytes, formats: tuple[str, ...]) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pixels by the million, which are counted below
        try:
            image = Image.open(io.BytesIO(data), formats=formats)
        except Image.DecompressionBombError as error:
            raise InputError(f"the picture must have at most {MOST_PIXELS} pixels; it states far more") from error
    if image.width * image.height > MOST_PIXELS:
        raise InputError(f"the picture must have at most {MOST_PIXELS} pixels; got {image.width} x {image.height}")
    return image


@dataclass(frozen=True)
class Packed:
    """A picture (H, W) in levels of 8 bits, made small.

    Attributes:
        data: Its bytes, deflated.
        crc: Checksum of the bytes as they were.
    """

    data: bytes
    crc: int

    def open(self, size: tuple[int, int]) -> Levels:
        """Return the picture of a size (height, width)."""
        return np.frombuffer(zlib.decompress(self.data), dtype=np.uint8).reshape(size)


def pack(picture: NDArray[Any]) -> Packed:
    """Return a picture (H, W) in levels of 8 bits, made small quickly."""
    data = np.ascontiguousarray(picture, dtype=np.uint8).tobytes()
    return Packed(zlib.compress(data, 1), zlib.crc32(data))
