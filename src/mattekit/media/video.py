"""Opens video files and decodes their frames one after another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import av
import numpy as np
from av.codec.context import ThreadType

from mattekit.checks import MediaError
from mattekit.media.limits import most_pixels
from mattekit.media.opening import open_media, packets_of, skip_other_streams, video_stream
from mattekit.media.orientation import turn
from mattekit.media.paths import reason, show_path
from mattekit.media.pixels import Picture, PictureReader

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

    from mattekit.types import ClipInfo

MOST_FAILURES = 50
"""Errors in a row after which the rest of a damaged file is given up."""

STRICT = {"err_detect": "aggressive"}
"""For H.264, which has no checksums: bits left over at the end of a slice are damage; a sound slice leaves none."""

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


def decode(path: Path, *, alpha: bool = False, entry: int | None = None) -> Iterator[VideoFrame]:
    """Yield the frames of a video file in order of showing, none of them damaged.

    Args:
        path: The file.
        alpha: Whether to decode the alpha of VP8 and VP9, which the usual decoders drop.
        entry: Time in ticks of the key frame that is begun with; None begins with the first frame.

    Raises:
        MediaError: The file cannot be opened, or a frame is damaged; the message names it.
    """
    with open_media(path) as container:
        stream = video_stream(container, path)
        skip_other_streams(container, stream)
        decoder = _decoder(stream, alpha)
        index = 0
        try:
            if entry is not None:
                container.seek(entry, stream=stream)
            for packet in packets_of(container, stream):
                for frame in _frames_of(decoder, packet):
                    if frame.is_corrupt:
                        raise MediaError(_damage(path, index, "its data do not decode"))
                    yield frame
                    index += 1
        except (av.FFmpegError, OSError) as error:
            raise MediaError(_damage(path, index, f"FFmpeg says {reason(error)}")) from error


def decode_clip(clip: ClipInfo, *, alpha: bool = False) -> Iterator[VideoFrame]:
    """Yield the frames of a video clip in order of showing; of a damaged one those that are kept.

    Raises:
        MediaError: The file cannot be opened, or a frame of a clip that should be whole is damaged.
    """
    if clip.kept is None:
        yield from decode(clip.path, alpha=alpha)
        return
    wanted = frozenset(clip.kept.places)
    frames = (frame for step in decode_steps(clip.path, alpha=alpha) for frame in step.frames)
    for place, frame in enumerate(frames):
        if place in wanted:
            yield frame


@dataclass(frozen=True)
class Step:
    """One packet on its way through the decoder.

    Attributes:
        packet: The packet; None at the end, when the decoder gives back what it held.
        frames: What came out, whole or damaged.
        failed: Whether the decoder refused the packet.
    """

    packet: Packet[VideoStream] | None
    frames: list[VideoFrame]
    failed: bool


def decode_steps(path: Path, *, alpha: bool = False) -> Iterator[Step]:
    """Yield what decoding gives for each packet of a damaged video, passing over what cannot be read.

    One thread decodes, so that the same frames come out each time.

    Raises:
        MediaError: The file cannot be opened.
    """
    with open_media(path) as container:
        stream = video_stream(container, path)
        skip_other_streams(container, stream)
        decoder = _decoder(stream, alpha)
        decoder.thread_type, decoder.thread_count = ThreadType.NONE, 1
        for packet in _packets_left(container, stream):
            try:
                yield Step(packet, decoder.decode(packet), False)
            except (av.FFmpegError, OSError):
                yield Step(packet, [], True)
        try:
            yield Step(None, decoder.decode(None), False)
        except (av.FFmpegError, OSError):
            yield Step(None, [], True)


def _packets_left(container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
    """Yield the packets that can still be read; reading goes on behind what cannot, for a while."""
    failures = 0
    while failures < MOST_FAILURES:
        try:
            for packet in packets_of(container, stream):
                if packet.size:
                    failures = 0
                    yield packet
            return
        except (av.FFmpegError, OSError):
            failures += 1


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
    for index, frame in enumerate(decode_clip(clip, alpha=alpha)):
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
    if not clip.timed or pts is None:
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
        context = cast("VideoCodecContext", av.VideoCodecContext.create(ALPHA_DECODERS[name], "r"))
    else:
        context.thread_type = ThreadType.AUTO
    context.options = {"max_pixels": str(most_pixels())}
    if name == "h264":
        context.options |= STRICT
    return context


def _frames_of(decoder: VideoCodecContext, packet: Packet[VideoStream]) -> list[VideoFrame]:
    """Return the frames that a packet completes; the empty packet at the end brings the rest."""
    if packet.size == 0 and packet.dts is not None:
        return []
    return decoder.decode(packet if packet.size else None)


def _damage(path: Path, index: int, what: str) -> str:
    """Return the message for a damaged frame."""
    return (
        f"{show_path(path)} must be whole; it is damaged at frame {index}: {what}; "
        "copy it again from its source, or salvage what is whole"
    )
