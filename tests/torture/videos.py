"""Makers of odd but sound videos for the torture corpus, each a function of the path that it writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from footage import make_video, picture

Maker = Callable[[Path], None]
SIZE = (24, 32)
COUNT = 3
RATE = Fraction(1, 25)


def video(**options: Any) -> Maker:
    """Return a maker of a video of three frames; options are those of `footage.make_video`."""
    settled = {"pts": COUNT, "size": SIZE, "time_base": RATE, "step": 1, **options}
    return lambda path: make_video(path, **settled) and None


def stream(
    container: str,
    codec: str,
    *,
    pixels: str = "yuv420p",
    size: tuple[int, int] = SIZE,
    options: dict[str, str] | None = None,
) -> Maker:
    """Return a maker of a container or bare stream without times of its own in the encoder."""

    def make(path: Path) -> None:
        with av.open(f"file:{path.absolute()}", "w", format=container) as output:
            added = output.add_stream(codec, rate=25, options=options or {})
            added.height, added.width, added.pix_fmt = *size, pixels
            for index in range(COUNT):
                frame = av.VideoFrame.from_ndarray(picture(index, height=size[0], width=size[1]), "rgb24")
                output.mux(added.encode(frame.reformat(format=pixels)))
            output.mux(added.encode(None))

    return make


def grey(size: tuple[int, int], *, pixels: str = "gray", count: int = COUNT) -> Maker:
    """Return a maker of a lossless grey video of any size."""

    def make(path: Path) -> None:
        frames = []
        for index in range(count):
            deep = np.uint16 if "16" in pixels else np.uint8
            values = (np.arange(size[0] * size[1]).reshape(size) * 37 + index).astype(deep)
            frames.append(av.VideoFrame.from_ndarray(values, pixels))
        make_video(path, pts=count, size=size, codec="ffv1", pixels=pixels, frames=frames, time_base=RATE, step=1)

    return make


def see_through(codec: str, pixels: str) -> Maker:
    """Return a maker of a video that has an alpha of its own."""

    def make(path: Path) -> None:
        frames = []
        for index in range(COUNT):
            colour = picture(index, height=SIZE[0], width=SIZE[1])
            values = np.dstack([colour, np.full(SIZE, 90, np.uint8)])
            frames.append(av.VideoFrame.from_ndarray(values, "rgba").reformat(format=pixels))
        make_video(path, pts=COUNT, size=SIZE, codec=codec, pixels=pixels, frames=frames, time_base=RATE, step=1)

    return make


def remuxed(source: Maker, *, shift: int = 0, options: dict[str, str] | None = None) -> Maker:
    """Return a maker that copies another's packets, with all times moved by some ticks."""

    def make(path: Path) -> None:
        whole = path.with_name(f"whole-{path.name}")
        source(whole)
        with (
            av.open(f"file:{whole}") as given,
            av.open(f"file:{path.absolute()}", "w", options=options or {}) as output,
        ):
            added = output.add_stream_from_template(given.streams.video[0])
            for packet in given.demux(video=0):
                if packet.size:
                    packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, added
                    output.mux(packet)
        whole.unlink()

    return make


def changing_size(path: Path) -> None:
    """Write bare JPEGs of two sizes one behind the other."""
    parts = []
    for size in (SIZE, (32, 48)):
        part = path.with_name("part")
        stream("mjpeg", "mjpeg", pixels="yuvj420p", size=size)(part)
        parts.append(part.read_bytes())
        part.unlink()
    path.write_bytes(b"".join(parts))


def gif(path: Path) -> None:
    """Write a GIF of three frames with times of their own."""
    pictures = [Image.fromarray(picture(index, height=SIZE[0], width=SIZE[1])) for index in range(COUNT)]
    pictures[0].save(path, format="GIF", save_all=True, append_images=pictures[1:], duration=[100, 50, 200])


def animated_png(path: Path) -> None:
    """Write an animated PNG of three frames."""
    pictures = [Image.fromarray(picture(index, height=SIZE[0], width=SIZE[1])) for index in range(COUNT)]
    pictures[0].save(path, format="PNG", save_all=True, append_images=pictures[1:], duration=100)


def with_cover(path: Path) -> None:
    """Write a video whose first stream is a cover picture."""
    with av.open(f"file:{path.absolute()}", "w", format="mp4") as output:
        cover = output.add_stream("mjpeg", rate=25)
        cover.height, cover.width, cover.pix_fmt = 16, 16, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        moving = output.add_stream("libx264", rate=25)
        moving.height, moving.width, moving.pix_fmt = *SIZE, "yuv420p"
        output.mux(cover.encode(av.VideoFrame(16, 16, "yuvj420p")))
        for index in range(COUNT):
            frame = av.VideoFrame.from_ndarray(picture(index, height=SIZE[0], width=SIZE[1]), "rgb24")
            output.mux(moving.encode(frame))
        output.mux(moving.encode(None))


def sound_alone(path: Path) -> None:
    """Write a file with sound and no picture."""
    with av.open(f"file:{path.absolute()}", "w", format="mp4") as output:
        voice = output.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
        frame.sample_rate = 48000
        output.mux(voice.encode(frame))
        output.mux(voice.encode(None))


def noise(suffix: str, *, keys: int = 1, count: int = 6, sound: str | None = None) -> Maker:
    """Return a maker of a video of pure noise, whose packets are large enough to be spoilt."""

    def make(path: Path) -> None:
        generator = np.random.default_rng(0)
        frames: Sequence[av.VideoFrame] = [
            av.VideoFrame.from_ndarray(generator.integers(0, 256, (48, 64, 3)).astype(np.uint8), "rgb24")
            for _ in range(count)
        ]
        options = {"g": str(keys), "preset": "ultrafast", "sc_threshold": "0", "slices": "1"}
        container = {".mp4": "mp4", ".mkv": "matroska", ".ts": "mpegts"}[suffix]
        make_video(
            path,
            pts=count,
            size=(48, 64),
            frames=[frame.reformat(format="yuv420p") for frame in frames],
            time_base=RATE,
            step=1,
            container=container,
            options=options,
            sound=sound,
        )

    return make
