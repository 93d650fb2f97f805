"""Opens video files: one ordinary file at a time, no playlists, no network, nothing too large."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from av.stream import Discard, Disposition

from mattekit.checks import MediaError
from mattekit.media.formats import READABLE
from mattekit.media.limits import check_pixels, most_pixels
from mattekit.media.paths import check_regular_file, file_url, reason, show_path

if TYPE_CHECKING:
    from av.container import InputContainer
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


def _stated_size(path: Path, index: int) -> tuple[int, int]:
    """Return the size (height, width) that a container states of frames which FFmpeg would not make room for."""
    try:
        with _open(path, {"codec_whitelist": "none"}) as container:
            return next((stream.height, stream.width) for stream in container.streams.video if stream.index == index)
    except (av.FFmpegError, OSError, ValueError, StopIteration):
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
        check_pixels(path, (stream.height, stream.width) if stream.width else _stated_size(path, stream.index))
        return stream
    raise MediaError(f"{show_path(path)} must have a video stream; it has none; name another file")


def skip_other_streams(container: InputContainer, wanted: Any) -> None:
    """Tell the demuxer to leave out every other stream."""
    for stream in container.streams:
        if stream.index != wanted.index:
            stream.discard = Discard.all
