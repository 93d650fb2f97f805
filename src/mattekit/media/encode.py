"""Encodes float frames into a video file."""

from __future__ import annotations

from array import array
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import av
from av.codec.context import ThreadType

from mattekit.media.audio import SoundCopy
from mattekit.media.encoders import CONTENTS, VideoFormat, encoder_options, pixel_format
from mattekit.media.formats import (
    BT709,
    FULL,
    GBR,
    LIMITED,
    PRIMARIES,
    TRANSFERS,
    UNSPECIFIED,
    colour_code,
    matrix_code,
)
from mattekit.media.matroska import set_display_width
from mattekit.media.paths import file_url, show_path
from mattekit.media.pixels import FrameMaker, quantise, view_plane
from mattekit.media.prores import replace_alpha
from mattekit.media.publish import Publication, publish_file
from mattekit.media.verify import remove, sync, verify_video

if TYPE_CHECKING:
    import numpy as np
    from av.packet import Packet
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

    from mattekit.media.outputs import Plan
    from mattekit.types import ClipInfo

LARGEST = 2**31 - 1
DEEP = 65535
"""White of an alpha that is put in after encoding."""
STRAIGHT, PREMULTIPLIED = "straight colour, not multiplied by alpha", "colour premultiplied by alpha"
"""What a file of colour and alpha says of itself."""


class VideoFile:
    """A video file that is being written under a temporary name.

    Args:
        temporary: The temporary name.
        plan: What is written, and where it goes.
        video: The format, from the plan.
        clip: What it is made of: size, rate, time base, colours and sound are its.
        span: First frame number, and one past the last.
        last_duration: Ticks that the last frame is shown.
    """

    def __init__(
        self,
        temporary: Path,
        plan: Plan,
        *,
        video: VideoFormat,
        clip: ClipInfo,
        span: tuple[int, int],
        last_duration: int,
    ) -> None:
        self.notes: list[str] = []
        self.temporary = temporary
        self._temporary, self._plan, self._video, self._clip = temporary, plan, video, clip
        self._span, self._last_duration = span, last_duration
        self._times = array("q")
        self._alphas: dict[int, NDArray[np.uint16]] = {}
        self._held: Packet[VideoStream] | None = None
        self._sound: SoundCopy | None = None
        self._first: int | None = None
        self._container = av.open(
            file_url(temporary), mode="w", format=video.container, container_options=_container_options(video, clip)
        )
        try:
            self._open_streams()
        except BaseException:
            self.discard()
            raise

    def add(self, image: NDArray[np.float32] | NDArray[np.uint8], pts: int) -> None:
        """Encode one frame (C, H, W) at a time in ticks of the clip's time base."""
        if self._first is None:
            self._first = pts if self._span[0] > 0 else 0
        frame = self._maker.make(image)
        frame.pts, frame.time_base = pts - self._first, self._clip.time_base
        if self._video.deep_alpha and len(image) == len("RGBA"):
            self._alphas[frame.pts] = quantise(image[3], DEEP)
            alpha = view_plane(frame.planes[3], self._plan.bits)
            alpha[:] = (1 << self._plan.bits) - 1
        self._times.append(frame.pts)
        self._copy_sound(pts)
        self._mux(self._stream.encode(frame))

    def close(self) -> None:
        """Write what is left and the end of the file."""
        self._mux(self._stream.encode(None))
        if self._held is not None:
            self._held.duration = self._last_duration
            self._container.mux(self._held)
        if self._times and self._first is not None:
            end = self._times[-1] + self._first + self._last_duration
            self._copy_sound(None if self._span[1] == self._clip.frames else end)
        self._container.close()
        self._close_sound()
        if self._clip.pixel_aspect != 1 and not self._video.exact_time:
            self._shape_pixels()

    def verify(self) -> None:
        """Raise unless the file holds what was written."""
        verify_video(
            self._temporary,
            show_path(self._plan.path),
            times=self._times,
            time_base=self._clip.time_base,
            size=self._clip.size,
            sounds=self._sound.copied if self._sound else 0,
            exact=self._video.exact_time,
        )
        sync(self._temporary)

    def publish(self, *, overwrite: bool) -> Publication:
        """Give the file its name."""
        return publish_file(self._temporary, self._plan.path, overwrite=overwrite)

    def discard(self) -> None:
        """Take the file away."""
        try:
            self._container.close()
        except (av.FFmpegError, OSError, ValueError):
            pass
        finally:
            self._close_sound()
            remove(self._temporary)

    def _open_streams(self) -> None:
        """Set up the encoder, and the sound where the output has a picture in colour."""
        clip, video = self._clip, self._video
        channels = CONTENTS[self._plan.content]
        pixels = pixel_format(video, channels=channels, bits=self._plan.bits, size=clip.size)
        primaries = colour_code(PRIMARIES, clip.colour_primaries, BT709)
        transfer = colour_code(TRANSFERS, clip.colour_transfer, BT709)
        matrix = matrix_code(clip)
        premultiplied = self._plan.premultiplied
        self._maker = FrameMaker(
            pixels, primaries=primaries, transfer=transfer, matrix=matrix, premultiplied=premultiplied
        )
        rate = clip.rate if max(clip.rate.as_integer_ratio()) <= LARGEST else clip.rate.limit_denominator(1000)
        options = encoder_options(video, clip.size, self._plan.style.crf)
        added = self._container.add_stream(video.encoder, rate=rate, options=options)
        self._stream = cast("VideoStream", added)
        self._stream.time_base = clip.time_base
        context = self._stream.codec_context
        context.height, context.width = clip.size
        context.pix_fmt, context.time_base = pixels, clip.time_base
        context.sample_aspect_ratio = clip.pixel_aspect
        context.thread_type = ThreadType.AUTO
        context.color_primaries, context.color_trc = primaries, transfer
        context.color_range = LIMITED if self._maker.is_yuv else FULL
        context.colorspace = matrix if self._maker.is_yuv else GBR if channels > 1 else UNSPECIFIED
        if video.tag is not None:
            context.codec_tag = video.tag
        if video.quality is not None:
            context.qscale, context.global_quality = True, video.quality
        if self._plan.content == "cutout":
            self._container.metadata["comment"] = PREMULTIPLIED if premultiplied else STRAIGHT
        if premultiplied:
            self.notes.append(
                f"colour is premultiplied, which {video.container} says in its comment alone: tell the reader"
            )
        if clip.has_audio and self._plan.content == "alpha":
            self.notes.append("sound left out: an alpha carries none")
        elif clip.has_audio:
            self._sound = SoundCopy(clip, self._container, video.container)
            self.notes += self._sound.notes

    def _mux(self, packets: list[Packet[VideoStream]]) -> None:
        """Write packets one behind, each with the time until the next as its duration."""
        for packet in map(self._deepen, packets):
            if self._held is not None and packet.pts is not None and self._held.pts is not None:
                self._held.duration = packet.pts - self._held.pts
                self._container.mux(self._held)
            self._held = packet

    def _deepen(self, packet: Packet[VideoStream]) -> Packet[VideoStream]:
        """Return a packet with the alpha of its frame at full depth, where the format has it."""
        alpha = self._alphas.pop(packet.pts, None) if packet.pts is not None else None
        if alpha is None:
            return packet
        deep = cast("Packet[VideoStream]", av.Packet(replace_alpha(bytes(packet), alpha)))
        deep.pts, deep.dts, deep.duration = packet.pts, packet.dts, packet.duration
        deep.time_base, deep.stream, deep.is_keyframe = packet.time_base, packet.stream, packet.is_keyframe
        return deep

    def _copy_sound(self, end: int | None) -> None:
        """Copy sound up to a time in ticks of the clip; what a span leaves out before its start is skipped."""
        if self._sound is None:
            return
        time_base = self._clip.time_base
        start = self._first * time_base if self._span[0] > 0 and self._first is not None else None
        self._sound.copy_until(None if end is None else Fraction(end) * time_base, start=start)

    def _shape_pixels(self) -> None:
        """Write the shape of a pixel into a Matroska file."""
        width = round(self._clip.size[1] * self._clip.pixel_aspect)
        if not set_display_width(self._temporary, width):
            self.notes.append("pixel aspect left out: the container has no room for it")

    def _close_sound(self) -> None:
        """Close the clip that the sound came from."""
        if self._sound is not None:
            self._sound.close()


def _container_options(video: VideoFormat, clip: ClipInfo) -> dict[str, str]:
    """Return options that keep times as they are.

    QuickTime files count in the clip's own ticks; Matroska leaves sound that begins before 0 there, since moving it
    would move the picture too, and is not to draw random names for its segments: one input gives the same bytes again.
    """
    if video.exact_time:
        ticks = str(min(clip.time_base.denominator, LARGEST))
        return {"video_track_timescale": ticks, "movie_timescale": ticks}
    return {"avoid_negative_ts": "disabled", "fflags": "+bitexact"}
