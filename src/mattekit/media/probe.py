"""Finds out what a clip is before its frames are read."""

from __future__ import annotations

import os
from array import array
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av

from mattekit.checks import MediaError
from mattekit.media.exr_reader import exr_remarks
from mattekit.media.formats import IMAGES, MATROSKA, MOV, PRIMARIES, RANGES, SPACES, TRANSFERS
from mattekit.media.images import probe_images
from mattekit.media.matroska import find_damage
from mattekit.media.opening import Shortened, open_media, packets_of, skip_other_streams, video_stream
from mattekit.media.orientation import UPRIGHT, parse_display_matrix, turned_size
from mattekit.media.paths import check_regular_file, reason, show_path
from mattekit.media.video import decode, stream_rate
from mattekit.types import ClipInfo

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

MATROSKA_HEAD = b"\x1aE\xdf\xa3"
ONE_FRAME_A_PACKET = (MOV, MATROSKA)
"""Containers in which a packet is a frame; in the others frames are counted by decoding."""


@dataclass(frozen=True)
class Scan:
    """What walking through a file's packets tells.

    Attributes:
        frames: Frames that will be shown.
        times: Their times in ticks, in order; shorter where packets carry none.
        last_duration: Ticks that the last frame is shown.
        rate: Mean frames a second.
        timed: Whether the frames come with times, each after the one before.
    """

    frames: int
    times: array[int]
    last_duration: int
    rate: Fraction
    timed: bool = True


def probe(path: Path | str) -> ClipInfo:
    """Return what is known of a clip: a video file, a folder of images, or one image.

    The number of frames is exact: declared counts are not trusted, packets are counted or frames decoded.

    Raises:
        MediaError: It is missing, empty, not media, without pictures, cut short, or a pipe, device or playlist.
    """
    path = Path(path)
    if os.path.isdir(path) or path.suffix.lower() in IMAGES:
        return probe_images(path)
    _check_skeleton(path)
    first = _first_frame(path)
    with open_media(path) as container:
        stream = video_stream(container, path)
        return describe(path, container, stream, first=first, found=scan(container, stream, path))


def describe(path: Path, container: InputContainer, stream: VideoStream, *, first: VideoFrame, found: Scan) -> ClipInfo:
    """Return what a video's head, its first frame and its packets tell.

    Raises:
        MediaError: It does not say how time is counted, or is turned by an odd angle.
    """
    aspect = stream.sample_aspect_ratio or Fraction(1)
    time_base = stream.time_base
    if time_base is None or time_base <= 0:
        raise MediaError(f"{show_path(path)} must say how time is counted; it does not; convert it to mp4")
    rotation, mirrored = _turn_of(first)
    deepest = max(component.bits for component in first.format.components)
    return ClipInfo(
        path=path,
        kind="video",
        size=turned_size((first.height, first.width), rotation),
        frames=found.frames,
        rate=found.rate,
        time_base=time_base,
        bits=8 if first.format.has_palette else deepest,
        rotation=rotation,
        mirrored=mirrored,
        pixel_aspect=1 / aspect if rotation % 180 else aspect,
        has_audio=bool(container.streams.audio),
        colour_space=None if first.format.is_rgb else SPACES.get(first.colorspace),
        colour_range=RANGES.get(first.color_range),
        colour_primaries=PRIMARIES.get(first.color_primaries),
        colour_transfer=TRANSFERS.get(first.color_trc),
        last_duration=found.last_duration,
        has_alpha=stream.metadata.get("alpha_mode") == "1" or _is_transparent(first),
        interlaced=bool(first.interlaced_frame),
        timed=found.timed,
    )


def remarks(clip: ClipInfo) -> list[str]:
    """Return one line each on what of a clip is not seen, or seen otherwise than a user may expect."""
    lines = []
    if clip.has_alpha:
        lines.append("the clip's own alpha is not looked at; matting makes a new one from its colours")
    if clip.interlaced:
        lines.append(
            "the clip is interlaced; its frames are matted as they are, both fields at once; "
            "deinterlace it first for clean edges in motion"
        )
    if not clip.timed:
        lines.append(f"the clip states no usable times; its frames follow each other at {float(clip.rate):g} a second")
    return [*lines, *exr_remarks(clip.files)]


def scan(container: InputContainer, stream: VideoStream, path: Path) -> Scan:
    """Walk through a stream's packets and return what they tell.

    Raises:
        MediaError: The file is cut short or its structure is broken.
    """
    skip_other_streams(container, stream)
    indexed = len(stream.index_entries)
    times = array("q")
    packets, last, duration = 0, None, 0
    try:
        for packet in packets_of(container, stream):
            if packet.size == 0:
                continue
            packets += 1
            if packet.is_corrupt:
                raise MediaError(_cut(path, packets - 1, "its data are not all there"))
            if packet.is_discard:
                continue
            if packet.pts is not None:
                times.append(packet.pts)
                if last is None or packet.pts > last:
                    last, duration = packet.pts, packet.duration or 0
    except (av.FFmpegError, OSError) as error:
        raise MediaError(_cut(path, packets, f"FFmpeg says {reason(error)}")) from error
    if container.format.name == MOV and packets < indexed:
        raise MediaError(_cut(path, packets, f"{indexed} frames are listed and {packets} are there"))
    frames, timed = len(times), True
    if container.format.name not in ONE_FRAME_A_PACKET or not times:
        frames, timed = _count(path)
    if frames == 0:
        raise MediaError(f"{show_path(path)} must hold frames; it has none; copy it again from its source")
    times = array("q", sorted(times))
    time_base = stream.time_base or Fraction(1)
    span = (times[-1] - times[0] + duration if times else 0) * time_base
    rate = stream_rate(stream, frames, Fraction(span))
    return Scan(frames, times, duration or max(1, round(1 / (rate * time_base))), rate, timed)


def _count(path: Path) -> tuple[int, bool]:
    """Decode a video and return its number of frames, and whether each has a time after that of the one before."""
    frames, previous, timed = 0, None, True
    for frame in decode(path):
        frames += 1
        time = frame.pts if frame.pts is not None else frame.dts
        timed = timed and time is not None and (previous is None or time > previous)
        previous = time
    return frames, timed


def duration_before(clip: ClipInfo, end: int) -> int:
    """Return how many ticks the last frame of a span is shown, where ``end`` is one past it."""
    if clip.kind == "images" or end == clip.frames or clip.kept is not None:
        return clip.last_duration
    with open_media(clip.path) as container:
        times = scan(container, video_stream(container, clip.path), clip.path).times
    return times[end] - times[end - 1] if len(times) == clip.frames else clip.last_duration


def _check_skeleton(path: Path) -> None:
    """Raise where the structure of a Matroska file breaks; the frames before that are counted.

    FFmpeg looks for a sound place behind the break byte by byte, for minutes in a large file; so this comes before it
    sees the file, and it sees it only up to there.
    """
    check_regular_file(path)
    with path.open("rb") as file:
        is_matroska = file.read(len(MATROSKA_HEAD)) == MATROSKA_HEAD
    broken = find_damage(path) if is_matroska else None
    if broken is None:
        return
    packets = 0
    with (
        suppress(av.FFmpegError, OSError, ValueError),
        path.open("rb") as file,
        av.open(Shortened(file, broken), mode="r", format="matroska", metadata_errors="replace") as container,
    ):
        packets = sum(1 for packet in packets_of(container, video_stream(container, path)) if packet.size)
    raise MediaError(_cut(path, packets, f"its structure breaks at byte {broken}"))


def _is_transparent(frame: VideoFrame) -> bool:
    """Return whether a frame has an alpha of its own; a GIF's counts only where a pixel is not opaque."""
    if frame.format.has_palette or not any(component.is_alpha for component in frame.format.components):
        return False
    return frame.format.name != "bgra" or int(frame.to_ndarray()[..., 3].min()) < 255


def _first_frame(path: Path) -> VideoFrame:
    """Return a video's first frame, decoded."""
    frames = decode(path)
    try:
        for frame in frames:
            return frame
    finally:
        frames.close()  # type: ignore[attr-defined]
    raise MediaError(f"{show_path(path)} must hold frames; none decodes; copy it again from its source")


def _turn_of(frame: VideoFrame) -> tuple[int, bool]:
    """Return the turn that a frame's display matrix asks for."""
    for data in frame.side_data:
        if getattr(data, "type", None) is not None and data.type.name == "DISPLAYMATRIX":  # type: ignore[attr-defined]
            return parse_display_matrix(bytes(data))  # type: ignore[arg-type]
    return UPRIGHT


def _cut(path: Path, frame: int, what: str) -> str:
    """Return the message for a file whose data end or break too early."""
    return (
        f"{show_path(path)} must be whole; it is cut short or damaged near frame {frame}: {what}; "
        "copy it again from its source, or salvage what is whole"
    )
