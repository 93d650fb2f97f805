"""Cases of clips that are odd and sound: each is matted, with as many frames, at their times, of their size."""

from __future__ import annotations

from fractions import Fraction

from torture.case import Case, Maker
from torture.pictures import deep, flat, folder, still, trimap
from torture.videos import (
    SIZE,
    animated_png,
    gif,
    grey,
    noise,
    remuxed,
    see_through,
    stream,
    video,
    with_cover,
)

MILLISECOND = Fraction(1, 1000)


def matted(
    name: str,
    maker: Maker,
    *,
    promise: int = 1,
    frames: int = 3,
    size: tuple[int, int] = SIZE,
    says: str = "wrote a.",
    output: str = "a.mkv",
    timed: bool = False,
    further: tuple[str, ...] = (),
) -> Case:
    """Return a case of a clip that is matted from a trimap of its first frame."""
    return Case(
        promise,
        {name: maker, "t.png": trimap(size)},
        ("matte", "--trimap", "0=t.png", "--alpha", output, "--threads", "1", "--across-cuts", *further, "--", name),
        0,
        says,
        {output: (frames, size)},
        same_times=(output, name) if timed else None,
    )


VP9 = {"codec": "libvpx-vp9", "time_base": MILLISECOND, "step": 40}
UNTIMED = "states no usable times"
INTERLACED = "is interlaced"
OWN_ALPHA = "own alpha is not looked at"

FORMATS = {
    "mp4": matted("c.mp4", video(), output="a.mov", timed=True),
    "mov of prores": matted("c.mov", video(codec="prores_ks", pixels="yuv422p10le"), output="a.mov", timed=True),
    "mkv": matted("c.mkv", video()),
    "webm": matted("c.webm", video(**VP9)),
    "avi": matted("c.avi", video(codec="mpeg4")),
    "avi with frames out of order": matted("c.avi", stream("avi", "libx264", options={"bf": "2"}), says=UNTIMED),
    "transport stream": matted("c.ts", video(pts=12), frames=12),
    "program stream": matted("c.mpg", stream("mpeg", "mpeg2video")),
    "mxf": matted("c.mxf", stream("mxf", "mpeg2video")),
    "flv": matted("c.flv", stream("flv", "flv")),
    "wmv": matted("c.wmv", stream("asf", "wmv2")),
    "nut": matted("c.nut", stream("nut", "ffv1")),
    "gif": matted("c.gif", gif, output="a.mov", timed=True),
    "animated png as a video": matted("c.apng", animated_png, output="a.mov", timed=True),
    "y4m": matted("c.y4m", stream("yuv4mpegpipe", "wrapped_avframe")),
    "ivf": matted("c.ivf", stream("ivf", "libvpx-vp9")),
    "bare h264": matted("c.h264", stream("h264", "libx264"), says=UNTIMED),
    "bare hevc": matted("c.h265", stream("hevc", "libx265", options={"x265-params": "log-level=none"}), says=UNTIMED),
    "bare mpeg-2": matted("c.m2v", stream("mpeg2video", "mpeg2video")),
    "bare mpeg-4": matted("c.m4v", stream("m4v", "mpeg4")),
    "bare jpegs": matted("c.mjpeg", stream("mjpeg", "mjpeg", pixels="yuvj420p")),
    "no suffix": matted("clip", video(container="mp4")),
    "a suffix that lies": matted("c.mkv", video(container="mp4")),
    "a cover picture before the video": matted("c.mp4", with_cover),
    "hevc": matted("c.mp4", video(codec="libx265", options={"x265-params": "log-level=none"})),
}

TIMES = {
    "variable frame rate": matted(
        "c.mp4", video(pts=[0, 40, 45, 300], time_base=MILLISECOND), frames=4, output="a.mov", timed=True
    ),
    "a rate of 30000/1001": matted("c.mp4", video(time_base=Fraction(1, 30000), step=1001), output="a.mov", timed=True),
    "240 frames a second": matted("c.mp4", video(time_base=Fraction(1, 240)), output="a.mov", timed=True),
    "one frame in ten seconds": matted("c.mp4", video(time_base=Fraction(10, 1)), output="a.mov"),
    "a start before zero": matted("c.mkv", remuxed(video(container="matroska"), shift=-40)),
    "a late start": matted("c.mp4", video(pts=[250, 251, 252]), output="a.mov"),
    "an edit list": matted("c.mp4", remuxed(noise(".mp4", count=5), shift=-2), frames=3, size=(48, 64)),
    "a gap of an hour": matted("c.mkv", video(pts=[0, 1, 90000])),
    "one frame": matted("c.mp4", video(pts=1), frames=1, output="a.mov", timed=True),
    "two frames": matted("c.mp4", video(pts=2), frames=2, output="a.mov", timed=True),
    "frames out of order": matted("c.mp4", video(pts=6, bframes=2), frames=6, output="a.mov", timed=True),
}

SIZES = {
    "1x1": matted("c.mkv", grey((1, 1)), size=(1, 1)),
    "2x2": matted("c.mp4", video(size=(2, 2)), size=(2, 2)),
    "17x13": matted("c.mkv", grey((13, 17)), size=(13, 17)),
    "2048x8": matted("c.mkv", grey((8, 2048), count=1), frames=1, size=(8, 2048)),
    "8x2048": matted("c.mkv", grey((2048, 8), count=1), frames=1, size=(2048, 8)),
    "1x64": matted("c.png", flat(90, size=(64, 1)), frames=1, size=(64, 1)),
    "64x1": matted("c.png", flat(90, size=(1, 64)), frames=1, size=(1, 64)),
}

LOOKS = {
    "turned": matted("c.mp4", video(turn=(90, False, False)), promise=8, size=(32, 24)),
    "mirrored": matted("c.mp4", video(turn=(0, True, False)), promise=8),
    "turned and mirrored": matted("c.mp4", video(turn=(270, False, True)), promise=8, size=(32, 24)),
    "wide pixels": matted("c.mp4", video(aspect=Fraction(2, 1)), promise=8),
    "full range": matted("c.mp4", video(colour=(1, 2)), promise=8),
    "ten bits": matted("c.mkv", video(pixels="yuv420p10le"), promise=9),
    "sixteen bits of grey": matted("c.mkv", grey(SIZE, pixels="gray16le"), promise=9),
    "colour at every pixel": matted("c.mp4", video(pixels="yuv444p"), promise=9),
    "alpha in prores": matted("c.mov", see_through("prores_ks", "yuva444p10le"), promise=9, says=OWN_ALPHA),
    "alpha in vp9": matted("c.webm", see_through("libvpx-vp9", "yuva420p"), promise=9, says=OWN_ALPHA),
    "interlaced": matted(
        "c.mp4", video(size=(32, 32), options={"x264-params": "tff=1"}), promise=8, size=(32, 32), says=INTERLACED
    ),
}

STILLS = {
    "png of 16 bits": matted("c.png", deep("png", "rgb48be"), promise=9, frames=1),
    "grey png of 16 bits": matted("c.png", deep("png", "gray16be"), promise=9, frames=1),
    "tiff of 16 bits": matted("c.tif", deep("tiff", "rgb48le"), promise=9, frames=1),
    "png with alpha": matted("c.png", deep("png", "rgba64be"), promise=9, frames=1, says=OWN_ALPHA),
    "palette": matted("c.png", still("PNG", mode="P"), promise=9, frames=1),
    "black and white": matted("c.png", still("PNG", mode="1"), promise=9, frames=1),
    "cmyk jpeg": matted("c.jpg", still("JPEG", mode="CMYK"), promise=9, frames=1),
    "progressive jpeg": matted("c.jpg", still("JPEG", progressive=True), promise=9, frames=1),
    "webp": matted("c.webp", still("WEBP", lossless=True), promise=9, frames=1),
    "bmp": matted("c.bmp", still("BMP"), promise=9, frames=1),
    "exif: on its side": matted("c.jpg", still("JPEG", orientation=6), promise=8, frames=1, size=(32, 24)),
    "exif: mirrored on its side": matted("c.tif", still("TIFF", orientation=5), promise=8, frames=1, size=(32, 24)),
    "exif: no such turn": matted("c.jpg", still("JPEG", orientation=99), promise=8, frames=1),
    "folder from 1001": matted("shots", folder(["s.1001.png", "s.1002.png"]), frames=2),
    "folder without numbers": matted("shots", folder(["a.png", "b.png"]), frames=2),
    "folder of one": matted("shots", folder(["9.png"]), frames=1),
}

NAMES = {
    f"name: {name!r}": matted(name, video(container="mp4"), promise=16)
    for name in (
        "two words.mp4",
        'it\'s "so".mp4',
        "-dash.mp4",
        "--alpha",
        "50%d_%05d.mp4",
        "http:clip.mp4",
        "file:clip.mp4",
        "concat:a|b.mp4",
        "pipe:0",
        "two\nlines.mp4",
        "tab\tand\x1b[31mred.mp4",
        "Übung été.mp4",
        b"latin-\xe9.mp4".decode("utf-8", "surrogateescape"),
        "a=b.mp4",
        "*?[x].mp4",
        "n" * 240 + ".mp4",
    )
}

SOUND = {**FORMATS, **TIMES, **SIZES, **LOOKS, **STILLS, **NAMES}
