"""What FFmpeg leaves out in Matroska and WebM files: a check of their skeleton, and the shape of a pixel."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import BinaryIO

SEGMENT, CLUSTER, TRACKS, TRACK, VIDEO = 0x18538067, 0x1F43B675, 0x1654AE6B, 0xAE, 0xE0
CRC = 0xBF
DISPLAY_WIDTH = b"\x54\xb0\x82"
LEVEL_ONE = {
    0x1A45DFA3,  # EBML header
    0x114D9B74,  # SeekHead
    0x1549A966,  # Info
    TRACKS,
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


def set_display_width(path: Path, width: int) -> bool:
    """Have a file that FFmpeg has written say how wide its first picture is to be shown, in px.

    FFmpeg's muxer takes the shape of a pixel from a place that PyAV cannot reach. The five bytes of the new element are
    gained by writing the size of the track, which FFmpeg gives eight bytes, in three; nothing else moves.

    Args:
        path: The file.
        width: At most 65535.

    Returns:
        False where the file does not look as FFmpeg writes it; it is then left as it is.
    """
    with path.open("r+b") as file:
        tracks = _find(file, TRACKS, 0, path.stat().st_size)
        track = tracks and _find(file, TRACK, tracks[0], tracks[1])
        video = track and _find(file, VIDEO, track[0], track[1])
        if not tracks or not track or not video or width > 0xFFFF:
            return False
        file.seek(track[0] - 9)
        entry = file.read(9 + track[1] - track[0])
        inner = bytearray(entry[9 : 9 + video[0] - track[0]])
        content = entry[9 + video[0] - track[0] :]
        shown = (video[1] - video[0]) + 5
        if entry[:2] != b"\xae\x01" or inner[-1] & 0x80 == 0 or shown > 0x7E or track[1] - track[0] + 5 > 0x1FFFFE:
            return False
        inner[-1] = 0x80 | shown
        length = (track[1] - track[0] + 5) | 0x200000
        element = DISPLAY_WIDTH + width.to_bytes(2, "big")
        content = content.replace(b"\x54\xb2\x81\x04", b"\x54\xb2\x81\x00", 1)  # unit: px, not unknown
        file.seek(track[0] - 9)
        file.write(b"\xae" + length.to_bytes(3, "big") + bytes(inner) + element + content)
        _renew_checksum(file, tracks[0], tracks[1])
    return True


def _find(file: BinaryIO, wanted: int, position: int, end: int) -> tuple[int, int] | None:
    """Return where the first element of a kind starts and ends, inside, on one level; a segment is gone into."""
    while position < end:
        header = _read_header(file, position)
        if header is None:
            return None
        identity, size, start = header
        if identity == wanted and size is not None:
            return start, start + size
        if identity == SEGMENT:
            position = start
        elif size is None:
            return None
        else:
            position = start + size
    return None


def _renew_checksum(file: BinaryIO, start: int, end: int) -> None:
    """Write the checksum of an element anew, where it has one as first child."""
    file.seek(start)
    data = file.read(end - start)
    if data[:2] == b"\xbf\x84":
        file.seek(start + 2)
        file.write(zlib.crc32(data[6:]).to_bytes(4, "little"))


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
