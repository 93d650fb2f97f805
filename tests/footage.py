"""Tiny video files and pictures for the tests of media, made on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray


def picture(index: int, *, height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """Return RGB (H, W, 3): smooth ramps with a bright block at the top left, changing with the frame number."""
    rows, columns = np.mgrid[0:height, 0:width]
    red, green = columns * 200 // width, rows * 200 // height
    colour = np.stack([red, green, np.full_like(rows, 20 + index * 9 % 200)], axis=-1).astype(np.uint8)
    colour[: height // 4, : width // 4] = (230, 40, 60)
    return colour


def make_video(
    path: Path,
    *,
    pts: Sequence[int] | int = 8,
    time_base: Fraction = Fraction(1, 30000),
    step: int = 1001,
    size: tuple[int, int] = (48, 64),
    container: str | None = None,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    sound: str | None = None,
    sound_start: int = 0,
    bframes: int = 0,
    turn: tuple[float, bool, bool] | None = None,
    aspect: Fraction = Fraction(1),
    colour: tuple[int, int] | None = None,
    frames: Sequence[av.VideoFrame] | None = None,
    options: dict[str, str] | None = None,
) -> list[int]:
    """Write a video file and return its frames' times in ticks.

    Args:
        pts: Times in ticks, or how many frames at ``step`` ticks.
        sound: FFmpeg's name of an audio encoder.
        turn: Degrees counter-clockwise, and flips, for the display matrix.
        colour: Matrix and range as FFmpeg's numbers.
        frames: Used in place of ``picture``.
    """
    times = [index * step for index in range(pts)] if isinstance(pts, int) else list(pts)
    ticks = str(time_base.denominator)
    suffix = {".mkv": "matroska", ".webm": "webm", ".mov": "mov", ".avi": "avi", ".ts": "mpegts"}
    form = container or suffix.get(path.suffix, "mp4")
    timed = {"video_track_timescale": ticks, "movie_timescale": ticks} if form in ("mp4", "mov") else {}
    with av.open(f"file:{path.absolute()}", "w", format=form, container_options=timed) as output:
        stream = output.add_stream(codec, rate=1 / (step * time_base), options=options or {})
        stream.height, stream.width = size
        stream.pix_fmt = pixels
        stream.time_base = stream.codec_context.time_base = time_base
        stream.codec_context.sample_aspect_ratio = aspect
        if codec in ("libx264", "mpeg4"):
            stream.codec_context.max_b_frames = bframes
        if turn is not None:
            stream.set_display_rotation(turn[0], hflip=turn[1], vflip=turn[2])
        if colour is not None:
            stream.codec_context.colorspace, stream.codec_context.color_range = colour
        voice = output.add_stream(sound, rate=48000, layout="stereo") if sound else None
        for packet in _video_packets(stream, times, time_base, size, frames, step):
            output.mux(packet)
        if voice is not None:
            seconds = Fraction(times[-1] + step) * time_base
            for packet in _sound_packets(voice, seconds, sound_start):
                output.mux(packet)
    return times


def _video_packets(stream, times, time_base, size, frames, step):
    """Yield encoded packets; without B-frames the last one keeps its duration."""
    for index, time in enumerate(times):
        if frames is None:
            frame = av.VideoFrame.from_ndarray(picture(index, height=size[0], width=size[1]), "rgb24")
        else:
            frame = frames[index]
        frame.pts, frame.time_base = time, time_base
        yield from _with_duration(stream.encode(frame), step)
    yield from _with_duration(stream.encode(None), step)


def _with_duration(packets, step):
    """Yield packets that last one step."""
    for packet in packets:
        packet.duration = step
        yield packet


def _sound_packets(stream, seconds, start):
    """Yield packets of a tone as long as the picture."""
    total, time = int(seconds * 48000), 0
    while time < total:
        size = stream.codec_context.frame_size or 1024
        tone = np.sin(np.arange(time, time + size) * 0.05) * 0.3
        form = stream.codec_context.format.name
        if form == "fltp":
            samples = np.stack([tone, tone]).astype(np.float32)
        elif form == "flt":
            samples = np.repeat(tone, 2).astype(np.float32)[None]
        else:
            samples = np.repeat(tone * 32767, 2).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(samples, format=form, layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, time + start, Fraction(1, 48000)
        yield from stream.encode(frame)
        time += size
    yield from stream.encode(None)


def video_times(path: Path) -> list[Fraction]:
    """Return the times of a file's frames in seconds, as FFmpeg decodes them."""
    with av.open(f"file:{path.absolute()}") as container:
        stream = container.streams.video[0]
        return [frame.pts * stream.time_base for frame in container.decode(stream)]


def sound_packets(path: Path) -> list[tuple[Fraction, bytes]]:
    """Return times in seconds and bytes of a file's sound packets."""
    with av.open(f"file:{path.absolute()}") as container:
        stream = container.streams.audio[0]
        return [(packet.pts * packet.time_base, bytes(packet)) for packet in container.demux(stream) if packet.size]
