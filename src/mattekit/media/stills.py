"""Still pictures, one file each: head, pixels at full depth, and the turn that EXIF asks for."""

from __future__ import annotations

import struct
import warnings
import zlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from mattekit.checks import MediaError
from mattekit.media.exr_head import read_exr_head
from mattekit.media.exr_reader import known_primaries, load_exr, read_layout
from mattekit.media.formats import IMAGES
from mattekit.media.limits import check_pixels, most_pixels
from mattekit.media.orientation import exif_turn, turn, turned_size
from mattekit.media.paths import check_regular_file, file_url, reason, show_path
from mattekit.media.pixels import view_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

PILLOW_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")  # a JPEG that is an MPO is opened as one
DEEP_DEMUXERS = {"PNG": "png_pipe", "TIFF": "tiff_pipe"}
ORIENTATION = 0x0112
TIFF_WIDTH, TIFF_HEIGHT, TIFF_BITS = 256, 257, 258
ONE_PICTURE = ("PNG", "TIFF", "WEBP")
BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    struct.error,
    zlib.error,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    MemoryError,
)
"""What Pillow raises for a file that breaks off or makes no sense."""


@dataclass(frozen=True)
class Header:
    """What the head of an image file tells.

    Attributes:
        kind: Pillow's name of the format.
        size: (height, width) as seen, after the EXIF turn.
        bits: Bits a channel.
        rotation: Clockwise turn in degrees.
        mirrored: Whether a left-right flip comes before the turn.
        has_alpha: Whether it states a transparency of its own.
        pixel_aspect: Width by height of a pixel; only OpenEXR files are asked for it.
        primaries: FFmpeg's name of the primaries that an OpenEXR file states, or None.
        transfer: Likewise of the curve by which its light was made.
    """

    kind: str
    size: tuple[int, int]
    bits: int
    rotation: int
    mirrored: bool
    has_alpha: bool
    pixel_aspect: Fraction = Fraction(1)
    primaries: str | None = None
    transfer: str | None = None


def read_header(path: Path) -> Header:
    """Return what the head of an image file tells.

    Raises:
        MediaError: It is not an image that can be read, holds several pictures, or is too large.
    """
    if is_exr(path):
        head = read_exr_head(path)
        layout = read_layout(path, head)
        bits = max(32 if head.channels[name][0] == 2 else 16 for name in layout.colours)
        has_alpha, primaries = layout.alpha is not None, known_primaries(head)
        return Header("EXR", head.size, bits, 0, False, has_alpha, head.aspect, primaries, layout.transfer)
    with _opened(path) as image:
        kind = image.format or ""
        try:
            several = kind in ONE_PICTURE and getattr(image, "n_frames", 1) > 1
            rotation, mirrored = exif_turn(image.getexif().get(ORIENTATION))
            stored, bits = (image.height, image.width), _bits(path, image)
            if isinstance(image, TiffImageFile):  # whose size is given after the turn
                stored = (int(image.tag_v2[TIFF_HEIGHT]), int(image.tag_v2[TIFF_WIDTH]))
        except BROKEN as error:
            raise _not_whole(path, error) from error
        if several:
            raise MediaError(f"{show_path(path)} must hold one picture; it holds several; save one file a frame")
        return Header(kind, turned_size(stored, rotation), bits, rotation, mirrored, _is_transparent(image))


def is_exr(path: Path) -> bool:
    """Return whether a path is named as an OpenEXR file."""
    return path.suffix.lower() == ".exr"


def white_of(pixels: NDArray[Any]) -> int:
    """Return the number that stands for 1 in the pixels of an image."""
    return 1 if pixels.dtype.kind == "f" else int(np.iinfo(pixels.dtype).max)


def load_image(path: Path, *, as_matte: bool = True) -> NDArray[Any]:
    """Return an image as seen, (H, W, C), with C = 1 (grey), 3 (RGB) or 4 (straight RGB and alpha).

    The array is uint8 or uint16, and for OpenEXR files float32 in [0, 1].

    Args:
        path: The file.
        as_matte: Whether the numbers of an OpenEXR file are taken as they are, not as light to be displayed.

    Raises:
        MediaError: It is not an image that can be read, or its data are cut short.
    """
    if is_exr(path):
        return load_exr(path, as_matte=as_matte)
    header = read_header(path)
    if header.bits > 8:
        return np.ascontiguousarray(turn(_load_deep(path, header), header.rotation, header.mirrored))
    with _opened(path) as image:
        try:
            upright = ImageOps.exif_transpose(image)
        except BROKEN as error:
            raise _not_whole(path, error) from error
        return _to_array(upright)


def read_still(path: Path | str) -> NDArray[np.float32]:
    """Return an image as RGB, (H, W, 3) float32 in [0, 1], turned as EXIF says, at its full depth; alpha is left out.

    Raises:
        MediaError: It is not an image that can be read.
    """
    pixels = load_image(Path(path), as_matte=False)
    colour = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels[..., :3]
    still: NDArray[np.float32] = np.divide(colour, white_of(pixels), dtype=np.float32)
    return still


def _opened(path: Path) -> Image.Image:
    """Return an image that Pillow has opened but not yet decoded."""
    check_regular_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(path, formats=PILLOW_FORMATS)
    except Image.DecompressionBombError as error:  # beyond what can be allowed at all
        raise MediaError(
            f"a picture must have at most {most_pixels()} pixels; {show_path(path)} states far more; make it smaller"
        ) from error
    except BROKEN as error:
        cause = "it is not one" if isinstance(error, UnidentifiedImageError) else reason(error)
        raise MediaError(
            f"{show_path(path)} must be an image ({', '.join(IMAGES)}); {cause}; save it again as png"
        ) from error
    try:
        check_pixels(path, (image.height, image.width))
    except MediaError:
        image.close()
        raise
    return image


def _bits(path: Path, image: Image.Image) -> int:
    """Return the bits a channel of an opened image: Pillow shows deep colour as 8 bits."""
    if image.format == "PNG":
        with path.open("rb") as file:
            head = file.read(25)
        return 16 if len(head) == 25 and head[24] == 16 else 8
    if isinstance(image, TiffImageFile):
        return max(8, *(int(bits) for bits in image.tag_v2.get(TIFF_BITS, (1,))))
    return 8


def _is_transparent(image: Image.Image) -> bool:
    return image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info


def _load_deep(path: Path, header: Header) -> NDArray[Any]:
    """Return an image of more than 8 bits a channel through FFmpeg, unturned, uint16."""
    try:
        limit = {"max_pixels": str(most_pixels())}
        with av.open(file_url(path), mode="r", format=DEEP_DEMUXERS[header.kind], options=limit) as container:
            frame = next(container.decode(video=0))
            name = frame.format.name
            if name.startswith("ya16"):
                rows = view_rows(frame.planes[0], np.dtype(">u2" if frame.format.is_big_endian else "<u2"))
                pairs = rows[:, : 2 * frame.width].reshape(frame.height, frame.width, 2)
                return np.take(pairs, (0, 0, 0, 1), axis=2).astype(np.uint16)
            pixels: NDArray[Any] = frame.to_ndarray()
    except (av.FFmpegError, OSError, ValueError, StopIteration) as error:
        raise _not_whole(path, error) from error
    if pixels.dtype != np.uint16:
        raise MediaError(f"{show_path(path)} must have 8 or 16 bits a channel; got {name}; save it again as png")
    return pixels if pixels.ndim == 3 else pixels[..., None]


def _to_array(image: Image.Image) -> NDArray[Any]:
    """Return an 8-bit Pillow image as (H, W, C)."""
    mode = "RGBA" if _is_transparent(image) else "L" if image.mode in ("1", "L") else "RGB"
    pixels = np.array(image if image.mode == mode else image.convert(mode))
    return pixels if pixels.ndim == 3 else pixels[..., None]


def _not_whole(path: Path, error: BaseException) -> MediaError:
    """Return the error for an image whose data break off."""
    return MediaError(f"{show_path(path)} must be a whole image; {reason(error)}; save it again")
