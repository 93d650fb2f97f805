"""Opens what was written again and counts, before it gets its name."""

from __future__ import annotations

import os
import shutil
from array import array
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av

from mattekit.checks import MediaError
from mattekit.media.opening import open_media, packets_of, video_stream
from mattekit.media.paths import reason, show_path
from mattekit.media.video import decode

PNG_HEAD, PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
MILLISECOND = Fraction(1, 1000)


def verify_video(
    path: Path, name: str, *, times: array[int], time_base: Fraction, size: tuple[int, int], sounds: int, exact: bool
) -> None:
    """Raise unless a written file holds the frames, at their times, and the sound that were put into it.

    Args:
        path: The file under its temporary name.
        name: How to name it in a message.
        times: Ticks of each frame in order.
        time_base: Seconds a tick.
        size: (height, width).
        sounds: Number of sound packets.
        exact: Whether times must agree exactly, or to a millisecond.
    """
    found: list[Fraction] = []
    heard = 0
    try:
        with open_media(path) as container:
            stream = video_stream(container, path)
            for packet in packets_of(container, stream, *container.streams.audio):
                if packet.size and packet.stream_index == stream.index and packet.pts is not None:
                    found.append(packet.pts * packet.time_base)
                elif packet.size:
                    heard += 1
        first = next(decode(path))
    except (MediaError, av.FFmpegError, OSError, StopIteration) as error:
        raise _failed(name, reason(error)) from error
    if len(found) != len(times):
        raise _failed(name, f"{len(times)} frames were written and {len(found)} are there")
    allowed = 0 if exact else MILLISECOND
    for index, (got, ticks) in enumerate(zip(sorted(found), times, strict=True)):
        if abs(got - ticks * time_base) > allowed:
            raise _failed(
                name, f"frame {index} belongs at {float(ticks * time_base):.6f} s and is at {float(got):.6f} s"
            )
    if (first.height, first.width) != size:
        raise _failed(name, f"size {size} was written and {(first.height, first.width)} is there")
    if heard != sounds:
        raise _failed(name, f"{sounds} packets of sound were written and {heard} are there")


def verify_png(path: Path, name: str, *, size: tuple[int, int], bits: int) -> None:
    """Raise unless a written PNG file is complete and has the size (height, width) and depth that it should have."""
    with path.open("rb") as file:
        head = file.read(25)
        file.seek(-min(8, path.stat().st_size), os.SEEK_END)
        end = file.read()
    got = (int.from_bytes(head[20:24], "big"), int.from_bytes(head[16:20], "big"))
    if not head.startswith(PNG_HEAD) or end != PNG_END or got != size or head[24] != bits:
        raise _failed(name, f"{path.name} is not a whole picture of size {size} with {bits} bits")


def sync(path: Path) -> None:
    """Have a file or a folder written to the disk itself, where the system can."""
    flags = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) if path.is_dir() else os.O_RDWR
    try:
        handle = os.open(path, flags)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if not path.is_dir():
            raise MediaError(f"{show_path(path)} must reach the disk; {reason(error)}; check the disk") from error
    finally:
        os.close(handle)


def remove(temporary: Path) -> None:
    """Take away what was written under a temporary name."""
    with suppress(OSError):
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
            shutil.rmtree(temporary, ignore_errors=True)  # what a passing fault has left
        else:
            temporary.unlink(missing_ok=True)


def _failed(name: str, what: str) -> MediaError:
    """Return the error for an output that is not what was written."""
    return MediaError(f"{name} must hold what was written; {what}; check the disk and try again")
