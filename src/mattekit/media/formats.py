"""What mattekit reads and writes: containers, encoders, pixel formats, and FFmpeg's names of colours."""

from __future__ import annotations

from dataclasses import dataclass, field

from mattekit.checks import InputError, check_choice

READABLE = (
    "mov,mp4,m4a,3gp,3g2,mj2",
    "matroska,webm",
    "avi",
    "mpegts",
    "mpeg",
    "mxf",
    "asf",
    "flv",
    "ogg",
    "nut",
    "ivf",
    "dv",
    "gif",
    "apng",
    "yuv4mpegpipe",
)
"""FFmpeg's demuxers that open no other file than the one they are given; playlists and patterns are not among them."""

MOV, MATROSKA = "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"

IMAGES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp")
"""Suffixes of still pictures, in lower case."""

CONTENTS = {"alpha": 1, "foreground": 3, "cutout": 4, "composite": 3}
"""What an output shows, and its number of channels."""

UNSPECIFIED = 2
BT709 = 1
GBR = 0
LIMITED, FULL = 1, 2

SPACES = {
    0: "gbr",
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020c",
}
PRIMARIES = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "film",
    9: "bt2020",
    10: "smpte428",
    11: "smpte431",
    12: "smpte432",
    22: "ebu3213",
}
TRANSFERS = {
    1: "bt709",
    4: "gamma22",
    5: "gamma28",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    9: "log100",
    10: "log316",
    11: "iec61966-2-4",
    12: "bt1361e",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    17: "smpte428",
    18: "arib-std-b67",
}
RANGES = {LIMITED: "tv", FULL: "pc"}


def colour_code(names: dict[int, str], name: str | None, default: int) -> int:
    """Return FFmpeg's number of a colour name, or a default for None and names that are not in the table."""
    return next((code for code, known in names.items() if known == name), default)


@dataclass(frozen=True)
class VideoFormat:
    """How one kind of video file is written.

    Attributes:
        container: FFmpeg's muxer.
        encoder: FFmpeg's encoder.
        bits: Bits a channel to choose from, the default first.
        pixels: Pixel format by (channels, bits).
        options: For the encoder.
        quality: Quantiser for encoders that take it outside their options, or None.
        exact_time: Whether the container keeps any time base; else it rounds to a millisecond.
    """

    container: str
    encoder: str
    bits: tuple[int, ...]
    pixels: dict[tuple[int, int], str]
    options: dict[str, str] = field(default_factory=dict)
    quality: int | None = None
    exact_time: bool = True


VIDEOS = {
    ".mov": VideoFormat(
        container="mov",
        encoder="prores_ks",
        bits=(10,),
        pixels={(1, 10): "yuv444p10le", (3, 10): "yuv444p10le", (4, 10): "yuva444p10le"},
        options={"profile": "4", "alpha_bits": "16"},
        # A fixed quantiser of 1 gives the quality of the encoder's own search in a quarter of its time.
        quality=1,
    ),
    ".webm": VideoFormat(
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
        exact_time=False,
    ),
    ".mkv": VideoFormat(
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
        exact_time=False,
    ),
    ".mp4": VideoFormat(
        container="mp4",
        encoder="libx264",
        bits=(8,),
        pixels={(1, 8): "yuv420p", (3, 8): "yuv420p"},
        options={"crf": "14", "preset": "veryfast", "bf": "0"},
    ),
}

SMALLEST_SLICED = 64
"""Shorter side in px from which FFV1 takes the slices that are asked for."""

SEQUENCE_BITS = (16, 8)
SEQUENCE_PIXELS = {
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


def pixel_format(video: VideoFormat, *, channels: int, bits: int, size: tuple[int, int]) -> str:
    """Return the pixel format to encode; H.264 halves the colour planes of even sizes only."""
    name = video.pixels[channels, bits]
    odd = size[0] % 2 or size[1] % 2
    return "yuv444p" if video.encoder == "libx264" and odd else name


def encoder_options(video: VideoFormat, size: tuple[int, int]) -> dict[str, str]:
    """Return the encoder's options for pictures of a size; those too small to be cut into slices are left whole."""
    whole = min(size) < SMALLEST_SLICED
    return {name: value for name, value in video.options.items() if not (whole and name == "slices")}
