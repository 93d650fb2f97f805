"""Float planes on disk, to the bit and small where they are 0 or 1, as mattes and trimaps are nearly everywhere."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from mattekit.checks import MediaError

if TYPE_CHECKING:
    from numpy.typing import NDArray

ONE = np.float32(1).view(np.uint32)
HEAD = struct.Struct("<B3II")
FASTEST = 1
"""Of zlib; what lies between 0 and 1 hardly shrinks at any level."""


def write_planes_to(file: BinaryIO, planes: Mapping[str, NDArray[np.float32]]) -> None:
    """Write one frame: how many arrays there are, then each with its name.

    Args:
        file: Open for writing.
        planes: Arrays (C, H, W) of float32 by name.
    """
    file.write(bytes((len(planes),)))
    for name, values in planes.items():
        body = _pack(values)
        label = name.encode()
        file.write(HEAD.pack(len(label), *values.shape, len(body)) + label)
        file.write(body)


def read_planes_from(file: BinaryIO) -> dict[str, NDArray[np.float32]]:
    """Return the next frame of a file.

    Raises:
        MediaError: The file ends too early, or its bytes are no frame.
    """
    try:
        planes = {}
        for _ in range(file.read(1)[0]):
            label, *shape, size = HEAD.unpack(file.read(HEAD.size))
            name = file.read(label).decode()
            planes[name] = _unpack(file.read(size), (shape[0], shape[1], shape[2]))
    except (IndexError, ValueError, struct.error, zlib.error) as error:
        raise MediaError(
            f"kept frames must be read as they were written; {error}; delete them to begin anew"
        ) from error
    return planes


def _pack(values: NDArray[np.float32]) -> bytes:
    """Return a bit a value for 1, a bit a value for neither 0 nor 1, and those values themselves."""
    bits = np.ascontiguousarray(values).view(np.uint32).ravel()
    between = (bits != 0) & (bits != ONE)
    return zlib.compress(
        np.packbits(bits == ONE).tobytes() + np.packbits(between).tobytes() + bits[between].astype("<u4").tobytes(),
        FASTEST,
    )


def _unpack(body: bytes, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    count = int(np.prod(shape))
    size = (count + 7) // 8
    whole = zlib.decompress(body)
    ones, between = (
        np.unpackbits(np.frombuffer(whole, np.uint8, size, offset), count=count).astype(bool) for offset in (0, size)
    )
    bits = np.zeros(count, np.uint32)
    bits[ones] = ONE
    bits[between] = np.frombuffer(whole, "<u4", offset=2 * size)
    return bits.view(np.float32).reshape(shape)
