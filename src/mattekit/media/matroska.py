"""Checks the skeleton of a Matroska or WebM file, which FFmpeg mends silently when it is broken."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import BinaryIO

SEGMENT, CLUSTER = 0x18538067, 0x1F43B675
CRC = 0xBF
LEVEL_ONE = {
    0x1A45DFA3,  # EBML header
    0x114D9B74,  # SeekHead
    0x1549A966,  # Info
    0x1654AE6B,  # Tracks
    0x1C53BB6B,  # Cues
    0x1043A770,  # Chapters
    0x1941A469,  # Attachments
    0x1254C367,  # Tags
    0xEC,  # Void
    CRC,
}
IN_CLUSTER = {0xE7, 0xA3, 0xA0, 0xAB, 0xA7, 0x5854, 0xAF}
KNOWN = LEVEL_ONE | IN_CLUSTER
STEP = 1 << 20


def find_damage(path: Path) -> int | None:
    """Return the byte where a Matroska file stops being sound, or None for a sound one.

    The chain of elements is walked down to the blocks: every size must lead to another known element or to the end of
    the file, and every cluster that carries a checksum must agree with it.

    Source: RFC 8794 (EBML), RFC 9559 (Matroska).
    """
    end = path.stat().st_size
    with path.open("rb") as file:
        position = 0
        while position < end:
            header = _read_header(file, position)
            if header is None:
                return position
            identity, size, start = header
            if identity in (SEGMENT, CLUSTER):
                known_end = end if size is None else start + size
                if known_end > end:
                    return end if identity == SEGMENT else position
                if identity == CLUSTER and size is not None and not _checksum_holds(file, start, known_end):
                    return position
                position = start
                continue
            if identity not in KNOWN or size is None or start + size > end:
                return position
            position = start + size
    return None


def _read_header(file: BinaryIO, position: int) -> tuple[int, int | None, int] | None:
    """Return an element's identity, size (None when unknown) and where its content starts."""
    file.seek(position)
    data = file.read(12)
    identity_length = _length(data, 0)
    if identity_length is None or identity_length > 4:
        return None
    size_length = _length(data, identity_length)
    if size_length is None or identity_length + size_length > len(data):
        return None
    identity = int.from_bytes(data[:identity_length], "big")
    mask = (1 << (7 * size_length)) - 1
    size = int.from_bytes(data[identity_length : identity_length + size_length], "big") & mask
    return identity, None if size == mask else size, position + identity_length + size_length


def _length(data: bytes, index: int) -> int | None:
    """Return how many bytes a variable-length number takes, from the leading zero bits of its first byte."""
    if index >= len(data) or data[index] == 0:
        return None
    return 9 - data[index].bit_length()


def _checksum_holds(file: BinaryIO, start: int, end: int) -> bool:
    """Return whether a cluster's checksum, where it has one as first child, agrees with the rest of it."""
    file.seek(start)
    head = file.read(6)
    if len(head) < 6 or head[0] != CRC or head[1] != 0x84:
        return True
    left, checksum = end - start - 6, 0
    while left > 0:
        data = file.read(min(STEP, left))
        if not data:
            return False
        checksum = zlib.crc32(data, checksum)
        left -= len(data)
    return checksum == int.from_bytes(head[2:6], "little")
