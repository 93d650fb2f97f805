"""Turns frames into the bytes of PNG and JPEG files, and looks at the files once they are written."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import av
import numpy as np
from av.codec.context import ThreadType
from PIL import Image, JpegImagePlugin

from mattekit.checks import MediaError
from mattekit.media.encoders import CONTENTS, PNG_PIXELS
from mattekit.media.formats import BT709, PRIMARIES, TRANSFERS, UNSPECIFIED, colour_code
from mattekit.media.paths import reason, show_path
from mattekit.media.pixels import FrameMaker, quantise
from mattekit.media.verify import verify_png

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mattekit.media.outputs import Plan
    from mattekit.types import ClipInfo

    Levels = NDArray[np.float32] | NDArray[np.uint8]

FAST = {"compression_level": "1", "pred": "up"}
"""Eight times as fast as the default, and no larger on pictures from a camera."""

THREADS = 4
PLAIN_PRIMARIES = (None, "bt709", "smpte170m", "bt470bg")
HIGH_RANGE = ("smpte2084", "arib-std-b67")
JPEG_QUALITY, FULL_COLOUR = 92, 90
"""The default, and the quality from which colour planes have the full size."""


class Coder(Protocol):
    """Makes picture files of one format."""

    notes: list[str]

    def add(self, image: Levels, pts: int) -> list[bytes]:
        """Take a frame (C, H, W) in [0, 1] or in 8-bit levels; return the files that are done, in order."""

    def finish(self) -> list[bytes]:
        """Return the files of the frames that still wait."""

    def verify(self, path: Path) -> None:
        """Raise unless a written file is whole and what it should be."""


def needs_tags(clip: ClipInfo) -> bool:
    """Return whether a clip's colours would be taken for others where a picture does not say which they are."""
    return clip.colour_primaries not in PLAIN_PRIMARIES or clip.colour_transfer in HIGH_RANGE


class PngCoder:
    """Turns frames into PNG files of 8 or 16 bits.

    Colours of wide gamut and high range are named in the file (chunk cICP); the others are left without a name, since
    viewers take that for what it is, and many change the picture where gamma is named.

    Args:
        plan: What is written.
        clip: What it is made of.
    """

    def __init__(self, plan: Plan, clip: ClipInfo) -> None:
        self.notes: list[str] = []
        self._plan, self._clip = plan, clip
        pixels = PNG_PIXELS[CONTENTS[plan.content], plan.bits]
        primaries = transfer = UNSPECIFIED
        if plan.content != "alpha" and needs_tags(clip):
            primaries = colour_code(PRIMARIES, clip.colour_primaries, BT709)
            transfer = colour_code(TRANSFERS, clip.colour_transfer, BT709)
        if plan.premultiplied:
            self.notes.append(
                "colour in PNG is premultiplied, as asked for; the standard and most readers say straight"
            )
        self._maker = FrameMaker(pixels, primaries=primaries, transfer=transfer, premultiplied=plan.premultiplied)
        self._encoder = av.CodecContext.create("png", "w")
        self._encoder.height, self._encoder.width = clip.size
        self._encoder.pix_fmt, self._encoder.time_base = pixels, clip.time_base
        self._encoder.sample_aspect_ratio = clip.pixel_aspect
        self._encoder.options = dict(FAST)
        self._encoder.thread_type, self._encoder.thread_count = ThreadType.FRAME, min(THREADS, os.cpu_count() or 1)

    def add(self, image: Levels, pts: int) -> list[bytes]:
        """Take a frame and return the files that are done."""
        frame = self._maker.make(image)
        frame.pts, frame.time_base = pts, self._clip.time_base
        return [bytes(packet) for packet in self._encoder.encode(frame)]

    def finish(self) -> list[bytes]:
        """Return the files of the frames that still wait."""
        return [bytes(packet) for packet in self._encoder.encode(None)] if self._encoder.is_open else []

    def verify(self, path: Path) -> None:
        """Raise unless a file is whole and has the size and depth that were written."""
        verify_png(path, show_path(self._plan.path), size=self._clip.size, bits=self._plan.bits)


class JpegCoder:
    """Turns frames into JPEG files, grey or in colour.

    Args:
        plan: What is written.
        clip: What it is made of.
    """

    def __init__(self, plan: Plan, clip: ClipInfo) -> None:
        self.notes: list[str] = []
        self._plan, self._clip = plan, clip
        if clip.pixel_aspect != 1:
            self.notes.append("pixel aspect left out: readers of JPEG do not agree on how it is written")
        if plan.content != "alpha" and needs_tags(clip):
            named = f"{clip.colour_primaries or 'bt709'} and {clip.colour_transfer or 'bt709'}"
            self.notes.append(f"JPEG cannot say that its colours are of {named}; viewers take them for sRGB")

    def add(self, image: Levels, pts: int) -> list[bytes]:
        """Return the file of a frame."""
        whole = image if image.dtype == np.uint8 else quantise(image, 255)  # type: ignore[arg-type]
        picture = Image.fromarray(whole[0] if len(whole) == 1 else np.ascontiguousarray(whole.transpose(1, 2, 0)))
        quality, file = self._plan.style.jpeg_quality or JPEG_QUALITY, io.BytesIO()
        picture.save(file, "JPEG", quality=quality, subsampling="4:4:4" if quality >= FULL_COLOUR else "4:2:0")
        return [file.getvalue()]

    def finish(self) -> list[bytes]:
        """Return what is left: nothing, for each frame is done at once."""
        return []

    def verify(self, path: Path) -> None:
        """Raise unless a file decodes to its end and has the size that was written."""
        shown = show_path(self._plan.path)
        try:
            with JpegImagePlugin.JpegImageFile(path) as image:
                image.load()
                size = (image.height, image.width)
        except (OSError, ValueError, SyntaxError) as error:
            raise MediaError(
                f"{shown} must hold what was written; {path.name}: {reason(error)}; check the disk and try again"
            ) from error
        if size != self._clip.size:
            raise MediaError(
                f"{shown} must hold what was written; {path.name} has size {size}, not {self._clip.size}; "
                "check the disk and try again"
            )
