"""Opens video files: one ordinary file at a time, no playlists, no network, nothing too large."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import av
from av.stream import Discard, Disposition

from mattekit.checks import MediaError
from mattekit.media.formats import READABLE
from mattekit.media.limits import check_pixels, most_pixels
from mattekit.media.paths import check_regular_file, file_url, reason, show_path

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

SAFE = {"format_whitelist": ",".join(READABLE), "protocol_whitelist": "file"}
"""Options that keep FFmpeg from following a playlist to other files or to the network."""


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """Open a media file for reading.

    Raises:
        MediaError: It is missing, not an ordinary file, empty, a playlist, or of no known format.
    """
    check_regular_file(path)
    try:
        container = _open(path, {"max_pixels": str(most_pixels())})
    except (av.FFmpegError, OSError, ValueError) as error:
        check_pixels(path, _stated_size(path))
        raise MediaError(
            f"{show_path(path)} must be a whole video file, not a playlist; FFmpeg says {reason(error)}; "
            "copy it again from its source, or convert it to mp4, mov, mkv or webm"
        ) from error
    try:
        yield container
    finally:
        container.close()


def _open(path: Path, options: dict[str, str]) -> InputContainer:
    return av.open(file_url(path), mode="r", container_options=SAFE, options=options, metadata_errors="replace")


def _stated_size(path: Path) -> tuple[int, int]:
    """Return the largest size (height, width) that a container states; FFmpeg makes no room for a frame of it."""
    try:
        with _open(path, {"codec_whitelist": "none"}) as container:
            sizes = ((stream.height, stream.width) for stream in container.streams.video)
            return max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))
    except (av.FFmpegError, OSError, ValueError):
        return 0, 0


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """Return the first stream of moving pictures; a cover picture is none.

    Raises:
        MediaError: There is none, FFmpeg has no decoder for it, or its frames are too large.
    """
    for stream in container.streams.video:
        if stream.disposition & Disposition.attached_pic:
            continue
        if stream.codec_context is None:
            raise MediaError(
                f"{show_path(path)} must have a known codec; this one cannot be decoded; convert it to mp4"
            )
        check_pixels(path, (stream.height, stream.width) if stream.width else _stated_size(path))
        return stream
    raise MediaError(f"{show_path(path)} must have a video stream; it has none; name another file")


def skip_other_streams(container: InputContainer, wanted: Any) -> None:
    """Tell the demuxer to leave out every other stream."""
    for stream in container.streams:
        if stream.index != wanted.index:
            stream.discard = Discard.all


def packets_of(container: InputContainer, *streams: Any) -> Iterator[Packet[Any]]:
    """Yield the packets of some streams, an empty one for each of them last.

    A stream may begin after the head was read, which PyAV has no entry for; its packets are passed over.
    """
    ended = False
    while not ended:
        try:
            for packet in container.demux(*streams):
                ended = ended or (packet.size == 0 and packet.dts is None)
                yield packet
            return
        except IndexError:
            continue


class Shortened:
    """The first bytes of an open file, as a file of its own.

    Args:
        file: Stays open, and its owner's.
        size: Bytes that there seem to be.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size

    def read(self, count: int = -1) -> bytes:
        """Return the next bytes, fewer at the end."""
        left = max(0, self._size - self._file.tell())
        return self._file.read(left if count < 0 else min(count, left))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place and return it."""
        return self._file.seek(self._size + offset) if whence == os.SEEK_END else self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._file.tell()
