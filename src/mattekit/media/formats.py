"""What mattekit reads, and FFmpeg's names of colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mattekit.types import ClipInfo

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
    "h264",
    "hevc",
    "mpegvideo",
    "m4v",
    "obu",
    "mjpeg",
)
"""FFmpeg's demuxers that open no other file than the one they are given; playlists and patterns are not among them."""

MOV, MATROSKA = "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"

IMAGES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".exr")
"""Suffixes of still pictures, in lower case."""

UNSPECIFIED = 2
BT709 = 1
GBR = 0
BT470BG, SMPTE170M, BT2020 = 5, 6, 9
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


def matrix_code(clip: ClipInfo) -> int:
    """Return FFmpeg's number of the YUV matrix to write a clip in: its own where it is common, else that of BT.709."""
    own = clip.colour_space or ("bt2020nc" if clip.colour_primaries == "bt2020" else "bt709")
    return {"bt2020nc": BT2020, "bt2020c": BT2020, "smpte170m": SMPTE170M, "bt470bg": BT470BG}.get(own, BT709)
