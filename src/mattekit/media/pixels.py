"""Decoded frames to arrays, and arrays to frames for an encoder: the right matrix, range and depth, rounded.

FFmpeg's scaler takes 65280, not 65535, for white where one side is RGB of 16 bits and the other is limited range; and
it dithers on the way from more bits to 8. The scales below follow the first and the 8-bit paths avoid the second; the
tests check both against the matrices of the standards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from mattekit.media.formats import BT709, BT2020, FULL, GBR, LIMITED, SMPTE170M, SPACES, UNSPECIFIED

if TYPE_CHECKING:
    from av.video.plane import VideoPlane
    from numpy.typing import NDArray

SCALER = (
    Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)
DEEP_WHITE = 65280
HIGH_DEFINITION = 720
MATRICES = {BT709: Colorspace.ITU709, BT2020: Colorspace.BT2020}
"""The scaler's names of matrices that are not BT.601's."""


@dataclass(frozen=True)
class Picture:
    """One frame as planes.

    Attributes:
        planes: Red, green, blue, or one grey; each (H, W), uint8 or uint16.
        white: The number that stands for 1.
        alpha: (H, W), or None.
        alpha_white: The number that stands for an alpha of 1.
    """

    planes: tuple[NDArray[Any], ...]
    white: int
    alpha: NDArray[Any] | None = None
    alpha_white: int = 1


def view_plane(plane: VideoPlane, bits: int, *, big_endian: bool = False) -> NDArray[Any]:
    """Return a plane of one component as an array (H, W) over the frame's own memory."""
    dtype: np.dtype[Any] = np.dtype(np.uint8 if bits <= 8 else ">u2" if big_endian else "<u2")
    return view_rows(plane, dtype)[: plane.height, : plane.width]


def view_rows(plane: VideoPlane, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return a plane's rows with their padding as an array over the frame's own memory."""
    values: NDArray[Any] = np.frombuffer(plane, dtype)  # type: ignore[call-overload]
    return values.reshape(-1, plane.line_size // dtype.itemsize)


def complete_colour(frame: VideoFrame) -> None:
    """Fill in the colour matrix and range that a frame does not state, as players do.

    BT.709 from 720 lines up, else SMPTE 170M; limited range. The ``yuvj`` formats and RGB are full range.
    """
    if frame.format.is_rgb:
        return
    if frame.colorspace not in SPACES or frame.colorspace == GBR:
        frame.colorspace = BT709 if frame.height >= HIGH_DEFINITION else SMPTE170M
    if frame.color_range not in (LIMITED, FULL):
        frame.color_range = FULL if frame.format.name.startswith(("yuvj", "gray", "ya")) else LIMITED


class PictureReader:
    """Turns decoded frames into pictures; keeps one scaler for all frames of a clip."""

    def __init__(self) -> None:
        self._scaler = VideoReformatter()

    def read(self, frame: VideoFrame) -> Picture:
        """Return a frame as RGB or grey planes at its own depth, and its alpha where it has one."""
        components = frame.format.components
        bits = max(component.bits for component in components)
        alpha, alpha_white = self._alpha(frame)
        separate = len(frame.planes) == len(components) and not frame.format.has_palette
        if len(components) == 1 and frame.format.name.startswith("gray") and bits <= 16:
            grey = view_plane(frame.planes[0], bits, big_endian=frame.format.is_big_endian)
            return Picture((grey,), (1 << bits) - 1, alpha, alpha_white)
        if separate and frame.format.name.startswith("gbr") and bits <= 16:
            green, blue, red = (
                view_plane(plane, bits, big_endian=frame.format.is_big_endian) for plane in frame.planes[:3]
            )
            return Picture((red, green, blue), (1 << bits) - 1, alpha, alpha_white)
        return self._convert(frame, min(bits, 16), alpha, alpha_white)

    def _convert(self, frame: VideoFrame, bits: int, alpha: NDArray[Any] | None, alpha_white: int) -> Picture:
        """Return a frame through the scaler: 8 bits to 8, more to 16."""
        complete_colour(frame)
        deep = bits > 8
        target = self._scaler.reformat(
            frame, format="gbrp16le" if deep else "gbrp", interpolation=SCALER, threads=1, dst_color_range=FULL
        )
        green, blue, red = (view_plane(plane, 16 if deep else 8) for plane in target.planes)
        limited = not frame.format.is_rgb and frame.color_range == LIMITED
        white = (DEEP_WHITE if limited else ((1 << bits) - 1) << (16 - bits)) if deep else 255
        return Picture((red, green, blue), white, alpha, alpha_white)

    def _alpha(self, frame: VideoFrame) -> tuple[NDArray[Any] | None, int]:
        """Return a frame's alpha plane and the number that stands for 1."""
        components = frame.format.components
        if frame.format.has_palette or not any(component.is_alpha for component in components):
            return None, 1
        if len(frame.planes) != len(components):
            bits = 8 if components[-1].bits <= 8 else 16
            separate = "gbrap" if bits == 8 else "gbrap16le"
            frame = self._scaler.reformat(frame, format=separate, interpolation=SCALER, threads=1)
            return view_plane(frame.planes[3], bits), (1 << bits) - 1
        bits = components[-1].bits
        return view_plane(frame.planes[-1], bits, big_endian=frame.format.is_big_endian), (1 << bits) - 1


def to_levels(values: NDArray[Any], white: int, levels: int) -> NDArray[Any]:
    """Return whole numbers on another scale, rounded to the nearest and held within it.

    Args:
        values: Numbers of which ``white`` stands for 1.
        white: As above.
        levels: What 1 becomes, 255 or 65535.
    """
    dtype = np.uint8 if levels <= 255 else np.uint16
    if white == levels:
        return values.astype(dtype)
    return np.minimum(np.rint(values * np.float64(levels / white)), levels).astype(dtype)


def quantise(values: NDArray[np.float32], levels: int) -> NDArray[Any]:
    """Return values in [0, 1] as whole numbers up to ``levels``, rounded to the nearest; others go to the ends."""
    scaled = values * np.float32(levels)
    np.rint(scaled, out=scaled)
    np.clip(scaled, 0, levels, out=scaled)
    return scaled.astype(np.uint8 if levels <= 255 else np.uint16)


class FrameMaker:
    """Turns float planes into frames of one pixel format; keeps one scaler for all frames of a clip.

    Args:
        pixels: FFmpeg's name of the pixel format.
        primaries: FFmpeg's number for the tag; pixel values are not changed by it.
        transfer: Likewise.
        matrix: FFmpeg's number of the YUV matrix that values are made with: BT.709, BT.2020, or another for BT.601.
        premultiplied: Whether colour is multiplied by alpha where there is one.
    """

    def __init__(
        self, pixels: str, *, primaries: int, transfer: int, matrix: int = BT709, premultiplied: bool = False
    ) -> None:
        self.pixels, self.matrix, self.premultiplied = pixels, matrix, premultiplied
        self.is_yuv = pixels.startswith("yuv")
        self.primaries, self.transfer = primaries, transfer
        self._scaler = VideoReformatter()

    def make(self, image: NDArray[np.float32] | NDArray[np.uint8]) -> VideoFrame:
        """Return a frame of an image (C, H, W) in [0, 1], or in 8-bit levels, with C = 1, 3 or 4."""
        premultiply = self.premultiplied and len(image) == 4
        if (self.is_yuv or premultiply) and image.dtype == np.uint8:
            image = image.astype(np.float32) / np.float32(255)
        if premultiply:
            image = np.concatenate((np.clip(image[:3], 0, 1) * np.clip(image[3:], 0, 1), image[3:]))
        if not self.is_yuv:
            frame = self._store(image)
        elif len(image) == 1:
            frame = self._grey(image[0])
        else:
            frame = self._colour(image)
        frame.colorspace = self.matrix if self.is_yuv else UNSPECIFIED if len(image) == 1 else 0
        frame.color_range = LIMITED if self.is_yuv else FULL
        frame.color_primaries, frame.color_trc = self.primaries, self.transfer
        return frame

    def _store(self, image: NDArray[Any]) -> VideoFrame:
        """Return RGB or grey frames: numbers are stored as they are."""
        channels, height, width = image.shape
        frame = VideoFrame(width, height, self.pixels)
        bits = frame.format.components[0].bits
        whole = image if image.dtype == np.uint8 else quantise(image, (1 << bits) - 1)
        if self.pixels.startswith("gbr"):
            for plane, channel in zip(frame.planes, (1, 2, 0, 3)[:channels], strict=True):
                view_plane(plane, bits)[:] = whole[channel]
            return frame
        order = (2, 1, 0, 3) if self.pixels.startswith("bgr") else (0, 1, 2, 3)
        plane = frame.planes[0]
        dtype: np.dtype[Any] = np.dtype(np.uint8 if bits <= 8 else ">u2" if frame.format.is_big_endian else "<u2")
        places = 4 if self.pixels == "bgr0" else channels
        packed = view_rows(plane, dtype)[:height, : width * places].reshape(height, width, places)
        for place, channel in enumerate(order[:channels]):
            packed[..., place] = whole[channel]
        if places > channels:
            packed[..., channels:] = 255
        return frame

    def _grey(self, image: NDArray[Any]) -> VideoFrame:
        """Return a limited-range picture without colour."""
        frame = VideoFrame(image.shape[1], image.shape[0], self.pixels)
        bits = frame.format.components[0].bits
        step = 1 << (bits - 8)
        scaled = np.clip(image, 0, 1) * np.float32(219 * step) + np.float32(16 * step)
        view_plane(frame.planes[0], bits)[:] = np.rint(scaled)
        for plane in frame.planes[1:3]:
            view_plane(plane, bits)[:] = 128 * step
        return frame

    def _colour(self, image: NDArray[Any]) -> VideoFrame:
        """Return a limited-range picture, with alpha as a plane of its own scale."""
        _, height, width = image.shape
        deep = "10" in self.pixels
        source = VideoFrame(width, height, "gbrp16le" if deep else "gbrp")
        whole = quantise(image[:3], DEEP_WHITE if deep else 255)
        for plane, channel in zip(source.planes, (1, 2, 0), strict=True):
            view_plane(plane, 16 if deep else 8)[:] = whole[channel]
        source.colorspace = BT709
        frame = self._scaler.reformat(
            source,
            format=self.pixels,
            dst_colorspace=MATRICES.get(self.matrix, Colorspace.ITU601),
            dst_color_range=ColorRange.MPEG,
            interpolation=SCALER,
            threads=1,
        )
        if len(image) == 4:
            bits = frame.format.components[3].bits
            view_plane(frame.planes[3], bits)[:] = quantise(image[3], (1 << bits) - 1)
        return frame
