"""Writes a clip as numbered PNG files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.codec.context import ThreadType

from mattekit.media.encoders import CONTENTS, PNG_PIXELS
from mattekit.media.formats import UNSPECIFIED
from mattekit.media.paths import show_path
from mattekit.media.pixels import FrameMaker
from mattekit.media.verify import publish_file, publish_files, publish_folder, remove, sync, verify_png

if TYPE_CHECKING:
    import numpy as np
    from av.packet import Packet
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

    from mattekit.media.outputs import Plan
    from mattekit.types import ClipInfo

FAST = {"compression_level": "1", "pred": "up"}
"""Eight times as fast as the default, and no larger on pictures from a camera."""

THREADS = 4


class ImageSequence:
    """PNG files that are being written to a temporary folder; the number in a name is the frame's in the clip.

    Args:
        temporary: The folder.
        plan: What is written, and where it goes.
        clip: What it is made of.
        start: Frame number of the first frame.
    """

    def __init__(self, temporary: Path, plan: Plan, *, clip: ClipInfo, start: int) -> None:
        self.notes: list[str] = []
        self._temporary, self._plan, self._clip = temporary, plan, clip
        self._next = start
        self._files: list[str] = []
        if clip.has_audio:
            self.notes.append("sound left out: pictures carry none")
        pixels = PNG_PIXELS[CONTENTS[plan.content], plan.bits]
        self._maker = FrameMaker(pixels, primaries=UNSPECIFIED, transfer=UNSPECIFIED)
        self._encoder = av.CodecContext.create("png", "w")
        self._encoder.height, self._encoder.width = clip.size
        self._encoder.pix_fmt, self._encoder.time_base = pixels, clip.time_base
        self._encoder.sample_aspect_ratio = clip.pixel_aspect
        self._encoder.options = dict(FAST)
        self._encoder.thread_type, self._encoder.thread_count = ThreadType.FRAME, min(THREADS, os.cpu_count() or 1)
        temporary.mkdir()

    def add(self, image: NDArray[np.float32] | NDArray[np.uint8], pts: int) -> None:
        """Encode one frame (C, H, W); a sequence keeps no times."""
        frame = self._maker.make(image)
        frame.pts, frame.time_base = pts, self._clip.time_base
        self._store(self._encoder.encode(frame))

    def close(self) -> None:
        """Write what is left."""
        if self._encoder.is_open:
            self._store(self._encoder.encode(None))

    def verify(self) -> None:
        """Raise unless every file is there and whole."""
        for name in self._files:
            verify_png(self._temporary / name, show_path(self._plan.path), size=self._clip.size, bits=self._plan.bits)
        sync(self._temporary)

    def publish(self, *, overwrite: bool) -> None:
        """Give the files their names."""
        if self._plan.kind == "folder":
            publish_folder(self._temporary, self._plan.path)
        elif self._plan.kind == "still":
            publish_file(self._temporary / self._files[0], self._plan.path, overwrite=overwrite)
            remove(self._temporary)
        else:
            publish_files(self._temporary, self._plan, overwrite=overwrite)

    def discard(self) -> None:
        """Take the files away."""
        remove(self._temporary)

    def _store(self, packets: list[Packet[VideoStream]]) -> None:
        """Write packets, each a whole PNG file, under their frames' names."""
        for packet in packets:
            name = self._plan.name(self._next)
            with (self._temporary / name).open("xb") as file:
                file.write(bytes(packet))
                file.flush()
                os.fsync(file.fileno())
            self._files.append(name)
            self._next += 1
