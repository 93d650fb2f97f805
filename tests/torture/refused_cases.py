"""Cases of clips and pictures that are refused in one line, or whose whole part is kept when that is asked for."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType

from PIL import Image

from torture.broken import (
    cut_at,
    data,
    door,
    empty_folder,
    folder_with_pipe,
    link,
    pipe,
    replaced,
    sparse,
    spoilt,
    y4m,
)
from torture.case import Case, Maker
from torture.pictures import (
    bmp,
    cut,
    deep,
    folder,
    inflating,
    jpeg,
    png,
    still,
    tiff,
    trimap,
    webp,
)
from torture.sound_cases import matted
from torture.videos import SIZE, animated_png, changing_size, noise, remuxed, sound_alone, video

HUGE = (100_000, 100_000)
NOISE = (48, 64)
TOO_LARGE = "a frame must have at most 67108864 pixels"
TAIL = ("--trimap", "0=t.png", "--alpha", "a.mkv", "--threads", "1", "--across-cuts")


def refused(
    name: str,
    maker: Maker | None,
    says: str,
    *,
    promise: int = 3,
    size: tuple[int, int] = SIZE,
    further: tuple[str, ...] = (),
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Case:
    """Return a case of a clip that is refused."""
    makes = {"t.png": trimap(size)} | ({name: maker} if maker is not None else {})
    return Case(promise, makes, ("matte", *TAIL, *further, "--", name), 2, says, environment=environment)


def salvaged(name: str, maker: Maker, frames: int, says: str, *, size: tuple[int, int] = NOISE) -> Case:
    """Return a case of a damaged clip whose whole frames are matted."""
    return Case(
        4,
        {"t.png": trimap(size), name: maker},
        ("matte", *TAIL, "--salvage", "--", name),
        0,
        says,
        {"a.salvaged.mkv": (frames, size)},
    )


FASTSTART = remuxed(noise(".mp4"), options={"movflags": "faststart"})
NUMBERS = [f"{number}.png" for number in range(4)]
STATED = replaced(
    video(codec="ffv1", pixels="gray", size=(300, 301)),
    b"\xb0\x82\x01\x2d\xba\x82\x01\x2c",
    b"\xb0\x82\xff\xff\xba\x82\xff\xff",
)
STATED_AVI = replaced(video(codec="ffv1", pixels="gray"), struct.pack("<ii", 32, 24), struct.pack("<ii", *HUGE))

LARGE = {
    "png of 100000 x 100000": refused("c.png", data(png(HUGE)), "at most 67108864 pixels", promise=17),
    "png of 9000 x 9000": refused("c.png", data(png((9000, 9000))), TOO_LARGE, promise=17),
    "jpeg of 65500 x 65500": refused("c.jpg", jpeg((65500, 65500)), "at most 67108864 pixels", promise=17),
    "jpeg of 10000 x 10000": refused("c.jpg", jpeg((10000, 10000)), TOO_LARGE, promise=17),
    "tiff of 100000 x 100000": refused("c.tif", data(tiff(HUGE)), "at most 67108864 pixels", promise=17),
    "tiff of 16 bits and 9000 x 9000": refused("c.tif", data(tiff((9000, 9000), bits=16)), TOO_LARGE, promise=17),
    "bmp of 50000 x 50000": refused("c.bmp", data(bmp((50_000, 50_000))), "at most 67108864 pixels", promise=17),
    "webp of 16000 x 16000": refused("c.webp", data(webp((16000, 16000))), "c.webp", promise=17),
    "png whose text unpacks to a gigabyte": refused("c.png", data(inflating(b"zTXt")), "too large", promise=17),
    "png whose profile unpacks to a gigabyte": refused("c.png", data(inflating(b"iCCP")), "too large", promise=17),
    "matroska that states 65535 x 65535": refused("c.mkv", STATED, TOO_LARGE, promise=17),
    "avi that states 100000 x 100000": refused("c.avi", STATED_AVI, TOO_LARGE, promise=17),
    "y4m that states 100000 x 100000": refused("c.y4m", data(y4m(HUGE)), "c.y4m", promise=17),
    "y4m that states 20000 x 20000": refused("c.y4m", data(y4m((20000, 20000))), "c.y4m", promise=17),
    "gif that states 65535 x 65535": refused(
        "c.gif",
        data(b"GIF89a\xff\xff\xff\xff\x80\x00\x00" + bytes(6) + b",\0\0\0\0\1\0\1\0\0\2\2D\1\0;"),
        "c.gif",
        promise=17,
    ),
    "a lower limit": refused(
        "c.mp4", video(), "at most 700 pixels", promise=17, environment={"MATTEKIT_MOST_PIXELS": "700"}
    ),
    "a limit that is none": refused(
        "c.mp4", video(), "must be a whole number of pixels", promise=17, environment={"MATTEKIT_MOST_PIXELS": "many"}
    ),
    "zeros in matroska": refused("c.mkv", sparse(noise(".mkv")), "cut short or damaged", promise=17),
    "zeros in mp4": refused("c.mp4", sparse(), "must be a whole video file", promise=17),
    "zeros in a transport stream": refused("c.ts", sparse(noise(".ts", count=24)), "c.ts", promise=17),
    "zeros as a picture": refused("c.png", sparse(), "must be an image", promise=17),
}

OTHER = {
    "missing": refused("none.mp4", None, "no such file"),
    "empty file": refused("c.mp4", data(b""), "is empty"),
    "empty folder": refused("shots", empty_folder, "must hold images"),
    "text": refused("c.mp4", data(b"hello\n" * 1000), "must be a whole video file"),
    "text as a picture": refused("c.png", data(b"hello\n" * 1000), "it is not one"),
    "sound alone": refused("c.mp4", sound_alone, "must have a video stream"),
    "pipe": refused("c.mp4", pipe, "pipe or a device", promise=17),
    "pipe as a picture": refused("c.png", pipe, "pipe or a device", promise=17),
    "pipe among pictures": refused("shots", folder_with_pipe, "2.png must be an ordinary file", promise=17),
    "socket": refused("c.mp4", door, "pipe or a device", promise=17),
    "device": refused("/dev/zero", None, "pipe or a device", promise=17),
    "link to itself": refused("c.mp4", link("c.mp4"), "c.mp4 must be a file", promise=17),
    "link to nothing": refused("c.mp4", link("none"), "no such file"),
    "standard input": refused("-", None, "- must be a file", promise=15),
    "address": refused("http://127.0.0.1:9/c.mp4", None, "no such file", promise=15),
    "rtsp": refused("rtsp://127.0.0.1:9/c", None, "no such file", promise=15),
    "a name too long": refused("n" * 300, None, "name too long", promise=16),
    "ffconcat": refused("c.mp4", data(b"ffconcat version 1.0\nfile t.png\n"), "not a playlist", promise=15),
    "hls": refused(
        "c.mp4",
        data(b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nt.ts\n#EXT-X-ENDLIST\n"),
        "not a playlist",
        promise=15,
    ),
    "dash": refused(
        "c.mp4",
        data(b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"/>'),
        "not a playlist",
        promise=15,
    ),
    "sdp": refused(
        "c.mp4", data(b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n"), "not a playlist", promise=15
    ),
    "svg": refused(
        "c.png",
        data(b'<svg xmlns="http://www.w3.org/2000/svg"><image href="t.png"/></svg>'),
        "it is not one",
        promise=15,
    ),
    "pattern": refused("%05d.png", None, "no such file", promise=15),
}

PICTURES = {
    "picture cut short": refused("c.png", cut(still("PNG"), 0.6), "must be a whole image", promise=4),
    "jpeg cut short": refused("c.jpg", cut(still("JPEG"), 0.8), "truncated", promise=4),
    "16-bit picture cut short": refused("c.png", cut(deep("png", "rgb48be"), 0.6), "must be a whole image", promise=4),
    "list of pictures that leads back to itself": matted("c.tif", data(tiff(SIZE, loop=True)), promise=17, frames=1),
    "several pages": refused(
        "c.tif", still("TIFF", save_all=True, append_images=[Image.new("RGB", (32, 24))]), "several"
    ),
    "animated png as a picture": refused("c.png", animated_png, "several"),
    "gap": refused("shots", folder(["1.png", "2.png", "5.png"]), "missing: 3, 4", promise=11),
    "number twice": refused("shots", folder(["a1.png", "b1.png"]), "both have number 1", promise=11),
    "sizes that differ": refused("shots", folder(NUMBERS, odd={"2.png": (20, 20)}), "must have one size", promise=11),
    "a broken picture among whole ones": refused(
        "shots", folder(NUMBERS, odd={"2.png": png(SIZE)}), "2.png", promise=4
    ),
}

DAMAGE = {
    "mp4 without its table": refused("c.mp4", cut(noise(".mp4"), 0.5), "must be a whole video file", promise=4),
    "mp4 cut short": refused("c.mp4", cut_at(FASTSTART, 4), "damaged near frame 4", promise=4),
    "mkv cut short": refused("c.mkv", cut_at(noise(".mkv"), 4), "damaged near frame 4", promise=4),
    "transport stream cut short": refused("c.ts", cut_at(noise(".ts", count=24), 20), "damaged", promise=4),
    "mp4 spoilt": refused("c.mp4", spoilt(".mp4", 3), "damaged at frame 3", promise=4, size=NOISE),
    "mkv spoilt": refused("c.mkv", spoilt(".mkv", 3), "damaged near frame", promise=4),
    "size changes on the way": refused("c.mjpeg", changing_size, "damaged at frame 3: its size is (32, 48)", promise=4),
    "nothing whole": refused("c.mp4", cut_at(FASTSTART, 0), "must hold", promise=4, further=("--salvage",)),
    "nothing to salvage": refused(
        "c.mp4", cut(noise(".mp4"), 0.5), "must be a whole", promise=4, further=("--salvage",)
    ),
}

SALVAGE = {
    "salvage: mp4 cut short": salvaged("c.mp4", cut_at(FASTSTART, 4), 4, "of 6 frames 2 are lost (4 to 5)"),
    "salvage: mkv cut short": salvaged("c.mkv", cut_at(noise(".mkv"), 4), 4, "what followed its last frame is lost"),
    "salvage: mp4 spoilt": salvaged("c.mp4", spoilt(".mp4", 3), 5, "of 6 frames 1 are lost (3)"),
    "salvage: mp4 spoilt, frames that lean on it": salvaged(
        "c.mp4", spoilt(".mp4", 3, keys=6, seed=3), 3, "3 are lost (3 to 5)"
    ),
    "salvage: mkv spoilt": salvaged("c.mkv", spoilt(".mkv", 3), 5, "of 6 frames 1 are lost (3)"),
    "salvage: sound": salvaged("c.mp4", spoilt(".mp4", 3, sound="aac"), 5, "of 6 frames 1 are lost (3)"),
    "salvage: a gap in a folder": salvaged(
        "shots", folder(["1.png", "2.png", "5.png"]), 3, "of 5 frames 2 are lost (2 to 3)", size=SIZE
    ),
    "salvage: a broken picture": salvaged(
        "shots", folder(NUMBERS, odd={"2.png": png(SIZE)}), 3, "1 are lost (2)", size=SIZE
    ),
    "salvage: another size": salvaged("c.mjpeg", changing_size, 3, "of 6 frames 3 are lost (3 to 5)", size=SIZE),
    "salvage: a whole clip keeps its name": Case(
        4,
        {"t.png": trimap(), "c.mp4": video()},
        ("matte", *TAIL, "--salvage", "c.mp4"),
        0,
        "wrote a.mkv: ",
        {"a.mkv": (3, SIZE)},
    ),
    "salvage: the trimap's frame is lost": Case(
        4,
        {"t.png": trimap(NOISE), "c.mp4": spoilt(".mp4", 3)},
        ("matte", "c.mp4", "--trimap", "3=t.png", "--alpha", "a.mkv", "--salvage"),
        2,
        "those given are lost (3)",
    ),
    "salvage: propagate": Case(
        4,
        {"t.png": trimap(NOISE), "c.mp4": spoilt(".mp4", 3)},
        ("propagate", "c.mp4", "--trimap", "0=t.png", "-o", "t", "--salvage", "--across-cuts", "--threads", "1"),
        0,
        "1 are lost (3)",
        {"t-salvaged": (5, NOISE)},
    ),
}

REFUSED = {**LARGE, **OTHER, **PICTURES, **DAMAGE, **SALVAGE}
