"""How outputs are written: containers, encoders and pixel formats."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from av.codec import Codec
from av.codec.codec import UnknownCodecError

from mattekit.checks import InputError, check_choice

if TYPE_CHECKING:
    from mattekit.media.style import Style

CONTENTS = {"alpha": 1, "foreground": 3, "cutout": 4, "composite": 3, "preview": 3}
"""What an output shows, and its number of channels."""

STILLS = {".png": "png", ".exr": "exr", ".jpg": "jpg", ".jpeg": "jpg"}
"""Format by suffix of pictures and sequences of them."""

STILL_BITS = {"png": (16, 8), "exr": (16, 32), "jpg": (8,)}
"""Bits a channel to choose from, the default first; those of EXR are half and full floats."""


@dataclass(frozen=True)
class VideoFormat:
    """How one kind of video file is written.

    Attributes:
        name: What a user calls the encoder.
        container: FFmpeg's muxer.
        encoder: FFmpeg's encoder.
        bits: Bits a channel to choose from, the default first.
        pixels: Pixel format by (channels, bits).
        options: For the encoder.
        small: A side in px, and options that come in place of some where a picture is shorter or narrower than that;
            those without a value are left out.
        quality: Quantiser for encoders that take it outside their options, or None.
        largest_crf: Highest rate factor, the worst quality, or None where there is none to choose.
        exact_time: Whether the container keeps any time base; else it rounds to a millisecond.
        tag: Four letters that say in the file how it is encoded, where FFmpeg's own are not what players expect.
        halved: Whether colour planes have half the size, which only even pictures allow.
        smallest: Least height and width in px.
        even_width: Whether the width must be even.
        deep_alpha: Whether alpha is put in at 16 bits after encoding, for the encoder takes fewer.
    """

    name: str
    container: str
    encoder: str
    bits: tuple[int, ...]
    pixels: dict[tuple[int, int], str]
    options: dict[str, str] = field(default_factory=dict)
    small: tuple[int, dict[str, str]] = (0, {})
    quality: int | None = None
    largest_crf: int | None = None
    exact_time: bool = True
    tag: str | None = None
    halved: bool = False
    smallest: int = 1
    even_width: bool = False
    deep_alpha: bool = False


HEVC = "log-level=none:bframes=0"
PRORES_PIXELS = {(1, 10): "yuv444p10le", (3, 10): "yuv444p10le", (4, 10): "yuva444p10le"}
VIDEOS = {
    ".mov": (
        VideoFormat(
            name="prores_ks",
            container="mov",
            encoder="prores_ks",
            bits=(10,),
            pixels=PRORES_PIXELS,
            options={"profile": "4", "alpha_bits": "16"},
            # A fixed quantiser of 1 gives the quality of the encoder's own search in a quarter of its time.
            quality=1,
            deep_alpha=True,
        ),
        VideoFormat(
            name="prores_aw",
            container="mov",
            encoder="prores_aw",
            bits=(10,),
            pixels=PRORES_PIXELS,
            options={"profile": "4"},
            quality=1,
            even_width=True,
            deep_alpha=True,
        ),
    ),
    ".webm": (
        VideoFormat(
            name="vp9",
            container="webm",
            encoder="libvpx-vp9",
            bits=(8,),
            pixels={(1, 8): "yuv420p", (3, 8): "yuv420p", (4, 8): "yuva420p"},
            options={
                "crf": "12",
                "b": "0",
                "deadline": "realtime",
                "cpu-used": "7",
                "row-mt": "1",
                "lag-in-frames": "0",
                "auto-alt-ref": "0",
            },
            largest_crf=63,
            exact_time=False,
        ),
    ),
    ".mkv": (
        VideoFormat(
            name="ffv1",
            container="matroska",
            encoder="ffv1",
            bits=(16, 8),
            pixels={
                (1, 16): "gray16le",
                (3, 16): "gbrp16le",
                (4, 16): "gbrap16le",
                (1, 8): "gray",
                (3, 8): "bgr0",
                (4, 8): "bgra",
            },
            # As many slices on any machine, so that the bytes are the same.
            options={"level": "3", "slicecrc": "1", "g": "1", "slices": "4"},
            small=(64, {"slices": ""}),
            exact_time=False,
        ),
    ),
    ".mp4": (
        VideoFormat(
            name="h264",
            container="mp4",
            encoder="libx264",
            bits=(8,),
            pixels={(1, 8): "yuv420p", (3, 8): "yuv420p"},
            options={"crf": "14", "preset": "veryfast", "bf": "0"},
            largest_crf=51,
            halved=True,
        ),
        VideoFormat(
            name="hevc",
            container="mp4",
            encoder="libx265",
            bits=(10, 8),
            pixels={(1, 10): "yuv420p10le", (3, 10): "yuv420p10le", (1, 8): "yuv420p", (3, 8): "yuv420p"},
            options={"crf": "16", "preset": "fast", "x265-params": HEVC},
            # In narrow pictures the search for what later frames are made of writes beyond its memory, and its threads
            # were once seen to wait for each other without end.
            small=(128, {"x265-params": f"{HEVC}:no-cutree=1:pools=none"}),
            largest_crf=51,
            tag="hvc1",
            halved=True,
            smallest=16,
        ),
    ),
}
"""Formats by suffix, the default first."""

ENCODERS = tuple(video.name for offered in VIDEOS.values() for video in offered)

PNG_PIXELS = {
    (1, 16): "gray16be",
    (3, 16): "rgb48be",
    (4, 16): "rgba64be",
    (1, 8): "gray",
    (3, 8): "rgb24",
    (4, 8): "rgba",
}


def channels_of(content: str) -> int:
    """Return the number of channels of a kind of output.

    Raises:
        InputError: The kind is not known.
    """
    check_choice("content", content, tuple(CONTENTS))
    return CONTENTS[content]


def choose_bits(name: str, offered: tuple[int, ...], wanted: int | None) -> int:
    """Return the bits a channel to write: those wanted, or the format's default.

    Raises:
        InputError: The format does not have them.
    """
    if wanted is None:
        return offered[0]
    if wanted not in offered:
        listed = " or ".join(str(bits) for bits in offered)
        raise InputError(f"{name} must have {listed} bits a channel; got {wanted}; leave bits out for the default")
    return wanted


def choose_video(suffix: str, style: Style) -> VideoFormat:
    """Return how a video file is written: by the encoder that was named and its format offers, else by the default.

    Raises:
        InputError: Several of its encoders were named, this FFmpeg lacks it, or it has no such rate factor.
    """
    offered = VIDEOS[suffix]
    named = [video for video in offered if video.name in style.encoders]
    if len(named) > 1:
        names = " and ".join(video.name for video in named)
        raise InputError(f"{suffix} must have one encoder; got {names}; leave one")
    video = named[0] if named else offered[0]
    check_encoder(video.encoder, suffix)
    if style.crf is not None and video.largest_crf is not None and style.crf > video.largest_crf:
        raise InputError(f"the rate factor of {video.name} must be 0 (best) to {video.largest_crf}; got {style.crf}")
    return video


def check_encoder(encoder: str, suffix: str) -> None:
    """Raise unless the FFmpeg at hand has an encoder.

    Raises:
        InputError: It has not.
    """
    try:
        Codec(encoder, "w")
    except UnknownCodecError as error:
        raise InputError(
            f"{suffix} needs the encoder {encoder}; this build of FFmpeg has none; take another format or encoder, "
            "or PyAV's own wheels"
        ) from error


def check_size(video: VideoFormat, size: tuple[int, int], name: str) -> None:
    """Raise unless an encoder takes pictures of a size (height, width).

    Raises:
        InputError: They are too small, or their width is odd where it must not be.
    """
    if min(size) < video.smallest:
        raise InputError(
            f"{name} by {video.name} must have {video.smallest} px or more a side; got {size} (height, width); "
            "take another encoder"
        )
    if video.even_width and size[1] % 2:
        raise InputError(f"{name} by {video.name} must have an even width; got {size[1]} px; take another encoder")


def pixel_format(video: VideoFormat, *, channels: int, bits: int, size: tuple[int, int]) -> str:
    """Return the pixel format to encode; colour planes are halved for even sizes only."""
    name = video.pixels[channels, bits]
    odd = size[0] % 2 or size[1] % 2
    return name.replace("420", "444") if video.halved and odd else name


def encoder_options(video: VideoFormat, size: tuple[int, int], crf: int | None = None) -> dict[str, str]:
    """Return the encoder's options for pictures of a size (height, width), and a rate factor where it has one."""
    side, instead = video.small
    options = {**video.options, **(instead if min(size) < side else {})}
    if crf is not None and video.largest_crf is not None:
        options["crf"] = str(crf)
    if "slices" in options and size[1] == 1:
        options["slices"] = "1"  # FFmpeg's own choice fails at a width of 1
    return {name: value for name, value in options.items() if value}
