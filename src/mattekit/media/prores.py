"""Puts an alpha of 16 bits into encoded ProRes 4444 frames, without loss.

FFmpeg's encoders take alpha at 10 bits only, and one of them writes 65472 of 65535 for white. The format itself codes
alpha apart from colour, without loss and at 16 bits, so each slice's alpha is replaced after its colour is encoded.

Source: SMPTE RDD 36, sections 5.1 to 5.3 (frame, picture and slice syntax) and 7.1.2 (scanned alpha).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mattekit.checks import MattekitError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MARK = b"icpf"
SIXTEEN = 2
"""The number that stands for an alpha of 16 bits in a frame's head."""

BLOCK = 16
"""Side of a macroblock in px."""

WHITE = 65535
NEAR = 64
"""Largest difference that is coded in 8 bits; others take 17."""

SHORT, LONG = 5, 16
"""Bits of a run of 1 to 15 px, and of a longer one."""

LANES = 5
"""Bytes that a difference and a run, 33 bits at most, can touch."""


@dataclass(frozen=True)
class Layout:
    """Where the slices of a frame are.

    Attributes:
        head: Bytes before the sizes of the slices.
        picture: Where the head of the picture begins.
        sizes: Bytes of each slice, in order.
        widths: Width in macroblocks of the slices of one row.
        rows: Rows of macroblocks.
    """

    head: int
    picture: int
    sizes: tuple[int, ...]
    widths: tuple[int, ...]
    rows: int


def replace_alpha(frame: bytes, alpha: NDArray[np.uint16]) -> bytes:
    """Return an encoded frame with another alpha.

    Args:
        frame: A progressive ProRes 4444 frame with an alpha of 16 bits.
        alpha: (H, W) in 0 to 65535.

    Raises:
        MattekitError: The frame is not one.
    """
    layout = read_layout(frame, alpha.shape)
    coded = _code_rows(alpha, layout)
    start = layout.head + 2 * len(layout.sizes)
    slices, sizes = [], []
    for size, new in zip(layout.sizes, coded, strict=True):
        length = frame[start] >> 3
        colours = sum(int.from_bytes(frame[start + place : start + place + 2], "big") for place in (2, 4, 6))
        slices.append(frame[start : start + length + colours] + new)
        sizes.append(len(slices[-1]))
        start += size
    if max(sizes) > WHITE:
        raise MattekitError(f"a slice of ProRes must have {WHITE} bytes at most; got {max(sizes)}")
    table = np.array(sizes, ">u2").tobytes()
    picture = bytearray(frame[layout.picture : layout.head])
    body = table + b"".join(slices)
    picture[1:5] = (len(picture) + len(body)).to_bytes(4, "big")
    whole = frame[4 : layout.picture] + bytes(picture) + body
    return (len(whole) + 4).to_bytes(4, "big") + whole


def read_layout(frame: bytes, size: tuple[int, ...]) -> Layout:
    """Return where the slices of an encoded frame are, and check that it is one whose alpha can be replaced.

    Raises:
        MattekitError: It is not.
    """
    height, width = size
    picture = 8 + int.from_bytes(frame[8:10], "big")
    found = int.from_bytes(frame[18:20], "big"), int.from_bytes(frame[16:18], "big")
    if frame[4:8] != MARK or found != (height, width) or frame[20] & 0x0C or frame[25] & 0x0F != SIXTEEN:
        raise MattekitError(f"a frame must be progressive ProRes 4444 of size {(height, width)} with alpha of 16 bits")
    head = picture + (frame[picture] >> 3)
    across, rows = -(-width // BLOCK), -(-height // BLOCK)
    largest = 1 << (frame[picture + 7] >> 4 & 3)
    widths = [largest] * (across // largest)
    widths += [1 << bit for bit in reversed(range(largest.bit_length() - 1)) if across % largest & 1 << bit]
    count = len(widths) * rows
    sizes = np.frombuffer(frame, ">u2", count, head)
    if head + 2 * count + int(sizes.sum()) > len(frame):
        raise MattekitError("a frame of ProRes must hold all its slices; it is cut short")
    return Layout(head, picture, tuple(sizes.tolist()), tuple(widths), rows)


def _code_rows(alpha: NDArray[np.uint16], layout: Layout) -> Iterator[bytes]:
    """Yield the coded alpha of each slice in order; pixels beyond the frame repeat its last ones."""
    below, beside = layout.rows * BLOCK - alpha.shape[0], sum(layout.widths) * BLOCK - alpha.shape[1]
    padded = np.pad(alpha, ((0, below), (0, beside)), mode="edge").astype(np.int64)
    coded: dict[int, list[bytes]] = {}
    left = 0
    for place, width in enumerate(layout.widths):
        end = left + width * BLOCK
        coded[place] = code_slices(padded[:, left:end].reshape(layout.rows, -1))
        left = end
    for row in range(layout.rows):
        for place in range(len(layout.widths)):
            yield coded[place][row]


def code_slices(values: NDArray[Any]) -> list[bytes]:
    """Return the coded alpha of slices of one size.

    Each run of equal values is one word: the difference to the value before, and how often it is repeated.

    Args:
        values: (S, N) in 0 to 65535, a slice a row, in the order of its pixels.
    """
    count, length = values.shape
    changes = np.ones(values.shape, bool)
    np.not_equal(values[:, 1:], values[:, :-1], out=changes[:, 1:])
    places = np.flatnonzero(changes)
    flat = values.reshape(-1)
    before = np.where(places % length == 0, WHITE, flat[places - 1])
    step = flat[places] - before
    step -= np.where(step > WHITE // 2, WHITE + 1, 0)
    step += np.where(step < -(WHITE // 2) - 1, WHITE + 1, 0)
    near = (np.abs(step) <= NEAR) & (step != 0)
    size = np.where(near, 8, 17)
    word = np.where(near, (np.abs(step) - 1) * 2 + (step < 0), (1 << 16) + (step & WHITE))
    run = np.diff(places, append=count * length) - 1
    run_size = np.where(run == 0, 1, np.where(run < 1 << SHORT - 1, SHORT, LONG))
    word = (word << run_size) | np.where(run == 0, 1, run)
    return _pack(
        word, size + run_size, np.bincount(places // length, size + run_size).astype(np.int64), places // length
    )


def _pack(words: NDArray[Any], sizes: NDArray[Any], bits: NDArray[Any], owners: NDArray[Any]) -> list[bytes]:
    """Return words of so many bits one after another, each slice from a byte of its own.

    Args:
        words: Numbers, the highest bit first.
        sizes: Bits of each.
        bits: Of each slice in all.
        owners: Slice of each word; these rise.
    """
    ends = np.cumsum(-(-bits // 8))
    gaps = 8 * np.concatenate(([0], ends[:-1])) - np.concatenate(([0], np.cumsum(bits)[:-1]))
    starts = np.cumsum(sizes) - sizes + gaps[owners]
    windows = words.astype(np.uint64) << (8 * LANES - starts % 8 - sizes).astype(np.uint64)
    packed = np.zeros(int(ends[-1]) + LANES, np.float64)
    for lane in range(LANES):
        values = (windows >> np.uint64(8 * (LANES - 1 - lane))) & np.uint64(255)
        packed += np.bincount(starts // 8 + lane, values, len(packed))
    whole = packed.astype(np.uint8).tobytes()
    return [whole[start:end] for start, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)]
