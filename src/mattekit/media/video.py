"""Opens video files and decodes their frames one after another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import av
import numpy as np
from av.codec.context import ThreadType
from av.stream import Discard, Disposition

from mattekit.checks import MediaError
from mattekit.media.formats import READABLE
from mattekit.media.orientation import turn
from mattekit.media.paths import check_regular_file, file_url, reason, show_path
from mattekit.media.pixels import Picture, PictureReader

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

    from mattekit.types import ClipInfo

SAFE = {"format_whitelist": ",".join(READABLE), "protocol_whitelist": "file"}
"""Options that keep FFmpeg from following a playlist to other files or to the network."""

ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


@dataclass(frozen=True)
class Numbered:
    """One picture of a clip in its place.

    Attributes:
        index: Frame number in the clip.
        pts: Ticks of the clip's time base.
        picture: The planes, turned as they should be seen.
    """

    index: int
    pts: int
    picture: Picture


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """Open a media file for reading.

    Raises:
        MediaError: It is missing, not an ordinary file, empty, a playlist, or of no known format.
    """
    check_regular_file(path)
    try:
        container = av.open(file_url(path), mode="r", container_options=SAFE, metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MediaError(
            f"{show_path(path)} must be a whole video file, not a playlist; FFmpeg says {reason(error)}; "
            "copy it again from its source, or convert it to mp4, mov, mkv or webm"
        ) from error
    try:
        yield container
    finally:
        container.close()


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """Return the first stream of moving pictures; a cover picture is none.

    Raises:
        MediaError: There is none, or FFmpeg has no decoder for it.
    """
    for stream in container.streams.video:
        if stream.disposition & Disposition.attached_pic:
            continue
        if stream.codec_context is None:
            raise MediaError(
                f"{show_path(path)} must have a known codec; this one cannot be decoded; convert it to mp4"
            )
        return stream
    raise MediaError(f"{show_path(path)} must have a video stream; it has none; name another file")


def skip_other_streams(container: InputContainer, wanted: Any) -> None:
    """Tell the demuxer to leave out every other stream."""
    for stream in container.streams:
        if stream.index != wanted.index:
            stream.discard = Discard.all


def decode(path: Path, *, alpha: bool = False) -> Iterator[VideoFrame]:
    """Yield the frames of a video file in order of showing, none of them damaged.

    Args:
        path: The file.
        alpha: Whether to decode the alpha of VP8 and VP9, which the usual decoders drop.

    Raises:
        MediaError: The file cannot be opened, or a frame is damaged; the message names it.
    """
    with open_media(path) as container:
        stream = video_stream(container, path)
        skip_other_streams(container, stream)
        decoder = _decoder(stream, alpha)
        index = 0
        try:
            for packet in container.demux(stream):
                for frame in _frames_of(decoder, packet):
                    if frame.is_corrupt:
                        raise MediaError(_damage(path, index, "its data do not decode"))
                    yield frame
                    index += 1
        except (av.FFmpegError, OSError) as error:
            raise MediaError(_damage(path, index, f"FFmpeg says {reason(error)}")) from error


def decode_pictures(
    clip: ClipInfo, *, start: int = 0, end: int | None = None, alpha: bool = False, only: frozenset[int] | None = None
) -> Iterator[Numbered]:
    """Yield the pictures of a video clip, turned, at the depth of their source.

    Args:
        clip: Of kind "video".
        start: First frame number.
        end: One past the last frame number, or None for all.
        alpha: Whether alpha is wanted.
        only: Frame numbers to convert, or None for all; the others are decoded and left out.

    Raises:
        MediaError: A frame is damaged or of another size, fewer or more frames decode than were counted, or time does
            not rise from one frame to the next.
    """
    last = clip.frames if end is None else end
    reader = PictureReader()
    pts, count = None, 0
    for index, frame in enumerate(decode(clip.path, alpha=alpha)):
        if index >= last < clip.frames:
            return
        if index >= clip.frames:
            raise MediaError(_damage(clip.path, index, f"{clip.frames} frames were counted and more decode"))
        pts = frame_time(clip, frame, index, pts)
        count = index + 1
        if index < start or (only is not None and index not in only):
            continue
        picture = turn_picture(reader.read(frame), clip.rotation, clip.mirrored)
        if picture.planes[0].shape != clip.size:
            raise MediaError(_damage(clip.path, index, f"its size is {picture.planes[0].shape}, not {clip.size}"))
        yield Numbered(index, pts, picture)
    if count < last:
        raise MediaError(_damage(clip.path, count, f"{clip.frames} frames were counted and {count} decode"))


def frame_time(clip: ClipInfo, frame: VideoFrame, index: int, previous: int | None) -> int:
    """Return a frame's time in ticks; a frame without one follows the last by the mean rate.

    Raises:
        MediaError: It does not come after the frame before.
    """
    pts = frame.pts if frame.pts is not None else frame.dts
    if pts is None:
        step = max(1, round(1 / (clip.rate * clip.time_base)))
        pts = 0 if previous is None else previous + step
    if previous is not None and pts <= previous:
        raise MediaError(_damage(clip.path, index, f"its time {pts} does not come after {previous}"))
    return pts


def turn_picture(picture: Picture, rotation: int, mirrored: bool) -> Picture:
    """Return a picture's planes in memory of their own, turned as they should be seen."""

    def settle(plane: NDArray[Any]) -> NDArray[Any]:
        return np.ascontiguousarray(turn(plane, rotation, mirrored), dtype=plane.dtype.newbyteorder("="))

    alpha = None if picture.alpha is None else settle(picture.alpha)
    return Picture(tuple(settle(plane) for plane in picture.planes), picture.white, alpha, picture.alpha_white)


def stream_rate(stream: VideoStream, frames: int, seconds: Fraction) -> Fraction:
    """Return the mean frames a second: what the container says, else the frames over their time."""
    rate = stream.average_rate or stream.guessed_rate
    if rate:
        return Fraction(rate)
    return Fraction(frames) / seconds if seconds > 0 else Fraction(24)


def _decoder(stream: VideoStream, alpha: bool) -> VideoCodecContext:
    """Return the decoder to use, with as many threads as FFmpeg finds right."""
    context = stream.codec_context
    name = context.codec.canonical_name
    if alpha and stream.metadata.get("alpha_mode") == "1" and name in ALPHA_DECODERS:
        return cast("VideoCodecContext", av.VideoCodecContext.create(ALPHA_DECODERS[name], "r"))
    context.thread_type = ThreadType.AUTO
    return context


def _frames_of(decoder: VideoCodecContext, packet: Packet[VideoStream]) -> list[VideoFrame]:
    """Return the frames that a packet completes; the empty packet at the end brings the rest."""
    if packet.size == 0 and packet.dts is not None:
        return []
    return decoder.decode(packet if packet.size else None)


def _damage(path: Path, index: int, what: str) -> str:
    """Return the message for a damaged frame."""
    return f"{show_path(path)} must be whole; it is damaged at frame {index}: {what}; copy it again from its source"
