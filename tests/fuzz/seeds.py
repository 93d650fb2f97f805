"""Small whole files of every kind that is read, which the fuzz damages."""

from __future__ import annotations

import io
import json
import re
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import OpenEXR
import torch
from PIL import Image
from safetensors.torch import save

import footage
from mattekit.engine.snapshot import write_state
from mattekit.media.segments import Segments

SIZE = (24, 32)
VIDEOS = {
    "h264.mp4": {"sound": "aac", "bframes": 1, "pts": 4},
    "turned.mp4": {"codec": "mpeg4", "turn": (90.0, True, False)},
    "ffv1.mkv": {"codec": "ffv1", "pixels": "bgr0", "sound": "libopus"},
    "deep.mkv": {"codec": "ffv1", "pixels": "gray16le"},
    "prores.mov": {"codec": "prores_ks", "pixels": "yuva444p10le", "sound": "pcm_s16le"},
    "vp9.webm": {"codec": "libvpx-vp9", "pixels": "yuva420p", "time_base": Fraction(1, 1000), "step": 33},
    "mpeg2.ts": {"codec": "mpeg2video", "time_base": Fraction(1, 25), "step": 1, "sound": "mp2"},
    "mjpeg.avi": {"codec": "mjpeg", "pixels": "yuvj420p", "time_base": Fraction(1, 25), "step": 1},
    "hevc.mp4": {"codec": "libx265", "options": {"x265-params": "log-level=none:pools=1"}},
    "moving.gif": {
        "codec": "gif",
        "pixels": "rgb8",
        "container": "gif",
        "time_base": Fraction(1, 100),
        "step": 4,
    },
    "plain.nut": {"codec": "rawvideo", "container": "nut", "time_base": Fraction(1, 25), "step": 1},
    "plain.y4m": {"codec": "wrapped_avframe", "container": "yuv4mpegpipe", "time_base": Fraction(1, 25), "step": 1},
    "flash.flv": {"codec": "flv", "container": "flv", "time_base": Fraction(1, 1000), "step": 40},
    "windows.asf": {"codec": "wmv2", "container": "asf", "time_base": Fraction(1, 1000), "step": 40},
}


def videos(folder: Path) -> dict[str, bytes]:
    """Return one small video of every container and of the codecs people have."""
    found = {}
    for name, how in VIDEOS.items():
        path = folder / name
        footage.make_video(path, **{"size": SIZE, "pts": 3, **how})  # type: ignore[arg-type]
        found[name] = path.read_bytes()
    return found


def _saved(image: Image.Image, form: str, **how: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **how)
    return out.getvalue()


def _deep(codec: str, pixels: str) -> bytes:
    """Return a picture of more than 8 bits, which Pillow cannot write."""
    encoder = av.CodecContext.create(codec, "w")
    encoder.height, encoder.width = SIZE
    encoder.pix_fmt, encoder.time_base = pixels, Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(footage.picture(1, height=SIZE[0], width=SIZE[1]), "rgb24").reformat(
        format=pixels
    )
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


def pictures(folder: Path) -> dict[str, bytes]:
    """Return one small picture of every kind that Pillow or FFmpeg opens for us; trimaps among them."""
    trimap = np.full(SIZE, 128, np.uint8)
    trimap[:8], trimap[16:] = 0, 255
    grey = Image.fromarray(trimap)
    colour = Image.fromarray(footage.picture(1, height=SIZE[0], width=SIZE[1]))
    turned = Image.Exif()
    turned[0x0112] = 6
    clear = colour.copy()
    clear.putalpha(grey)
    return {
        "grey.png": _saved(grey, "PNG"),
        "palette.png": _saved(grey.convert("P"), "PNG"),
        "bilevel.png": _saved(grey.convert("1"), "PNG"),
        "clear.png": _saved(clear, "PNG"),
        "deep.png": _deep("png", "gray16be"),
        "deep-colour.png": _deep("png", "rgba64be"),
        "turned.jpg": _saved(colour, "JPEG", exif=turned),
        "progressive.jpg": _saved(colour, "JPEG", progressive=True),
        "grey.tif": _saved(grey, "TIFF"),
        "packed.tiff": _saved(colour, "TIFF", compression="tiff_lzw"),
        "deep.tif": _deep("tiff", "rgb48le"),
        "lossless.webp": _saved(clear, "WEBP", lossless=True),
        "lossy.webp": _saved(colour, "WEBP"),
        "plain.bmp": _saved(colour, "BMP"),
    }


def exrs(folder: Path) -> dict[str, bytes]:
    """Return one small OpenEXR file of every compression, of tiles, of two parts and of a trimap."""
    noise = np.random.default_rng(1).random((4, *SIZE)).astype(np.float16)
    trimap = {"Y": np.round(noise[0] * 2) / 2}
    planes = dict(zip("RGBA", noise, strict=True))

    def made(channels: dict[str, np.ndarray], **header: object) -> bytes:
        out = io.BytesIO()
        OpenEXR.File({"type": OpenEXR.scanlineimage, "comments": "R, G, B straight", **header}, channels).write(out)
        return out.getvalue()

    parts = io.BytesIO()
    OpenEXR.File([OpenEXR.Part({"name": name, "type": OpenEXR.scanlineimage}, dict(planes)) for name in "ab"]).write(
        parts
    )
    kinds = ("NO", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "B44", "B44A", "DWAA", "DWAB")
    return {
        **{f"{kind}.exr": made(planes, compression=getattr(OpenEXR, f"{kind}_COMPRESSION")) for kind in kinds},
        "tiles.exr": made(planes, type=OpenEXR.tiledimage, tiles=OpenEXR.TileDescription()),
        "parts.exr": parts.getvalue(),
        "trimap.exr": made(trimap),
    }


def mend_png(data: bytes) -> bytes:
    """Return a damaged PNG whose checksums hold again, so that damage gets past them."""
    out, place = bytearray(data[:8]), 8
    while place + 12 <= len(data):
        length = min(int.from_bytes(data[place : place + 4], "big"), len(data) - place - 12)
        body = data[place + 4 : place + 8 + length]
        out += data[place : place + 4] + body + zlib.crc32(body).to_bytes(4, "big")
        place += 12 + length
    return bytes(out) + data[place:]


def _layers() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {"net.weight": torch.rand(3, 4, generator=generator), "net.bias": torch.rand(3, generator=generator)}


def weights(folder: Path) -> dict[str, bytes]:
    """Return a weights file of a tiny network."""
    return {"small.safetensors": save(_layers(), metadata={"family": "fuzz", "data": "none"})}


def weights_heads(folder: Path) -> dict[str, bytes]:
    """Return the header alone of weights and of packs; `with_body` makes files of them."""
    found = {**weights(folder), **packs(folder)}
    return {name: data[8 : 8 + int.from_bytes(data[:8], "little")] for name, data in found.items()}


def with_body(head: bytes) -> bytes:
    """Return a safetensors file with a header, its length told truly, and as much data as the header asks for."""
    ends = [int(end) for end in re.findall(rb"\[\d+,(\d{1,5})\]", head)]
    return len(head).to_bytes(8, "little") + head + bytes(max(ends, default=0))


def packs(folder: Path) -> dict[str, bytes]:
    """Return a pack of two training sources."""
    sources = {"one": torch.full((1, 4, 6, 5), 7, dtype=torch.uint8), "two": torch.zeros(2, 3, 4, 4, dtype=torch.uint8)}
    return {"two.pack": save(sources, metadata={"kinds": json.dumps({"one": "photo", "two": "background"})})}


JOB = {"clip": "c.mkv", "frames": 2}


def kept(folder: Path) -> dict[str, bytes]:
    """Return the files of a job of two frames, kept so that another run can go on."""
    home = folder / "job"
    with Segments(home, JOB, start=0) as segments:
        for value in (0.25, 1.0):
            segments.add({"alpha": np.full((1, 4, 5), value, np.float32)})
        segments.commit({"reached": 2, "told": []}, lambda path: write_state(path, {"state": torch.ones(2, 3)}))
    return {path.name: path.read_bytes() for path in home.iterdir() if path.stat().st_size}


def _stored(state: object, **how: object) -> bytes:
    out = io.BytesIO()
    torch.save(state, out, **how)
    return out.getvalue()


def published(folder: Path) -> dict[str, bytes]:
    """Return PyTorch files of a tiny network: as now, as before 1.6, and inside a wrapper."""
    return {
        "plain.pth": _stored(_layers()),
        "legacy.pth": _stored(_layers(), _use_new_zipfile_serialization=False),
        "wrapped.pth": _stored({"state_dict": {f"module.{key}": value for key, value in _layers().items()}, "step": 3}),
    }


def checkpoints(folder: Path) -> dict[str, bytes]:
    """Return a state of training."""
    return {"last.pt": _stored({"network": _layers(), "step": 7, "averaged": {}, "best": 0.5})}


def texts(folder: Path) -> dict[str, bytes]:
    """Return lists, plans, records and annotations as they are read back."""
    row = {"name": "a", "role": "foreground", "path": "a.png", "alpha": "b.png", "still": True, "split": "train"}
    plan = [
        {"format": "mattekit composites 1", "longest": 64, "still_frames": 3, "clip_frames": 3, "blur": False},
        {"name": "a+b", "split": "train", "foreground": "a", "background": "b", "seed": 5},
    ]
    people = {
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "tie"}],
        "images": [{"id": 7, "file_name": "a.jpg", "height": 24, "width": 32, "license": 1}],
        "licenses": [{"id": 1, "name": "free"}],
        "annotations": [
            {"image_id": 7, "category_id": 1, "segmentation": {"size": [24, 32], "counts": [9, 750, 9]}},
            {
                "image_id": 7,
                "category_id": 1,
                "segmentation": {"size": [24, 32], "counts": "Z2b060000000000000000000000000000000n8"},
            },
            {"image_id": 7, "category_id": 1, "segmentation": [[2, 2, 20, 2, 20, 20, 2, 20]]},
        ],
    }
    track = {"video_id": 7, "category_id": 1, "segmentations": [None, {"size": [24, 32], "counts": [9, 750, 9]}]}
    videos_ = [{"id": 7, "file_names": ["c/0.jpg", "c/1.jpg"], "height": 24, "width": 32, "length": 2}]
    record = {"format": "mattekit sample 1", "size": [24, 32], "places": None, "checksums": {}, "bytes": {}}
    lines: Callable[[list[dict[str, object]]], str] = lambda rows: "".join(json.dumps(each) + "\n" for each in rows)  # noqa: E731
    return {
        "list.csv": b'name,role,path,alpha,still,split\na,foreground,"a,1.png",b.png,true,train\n',
        "list.jsonl": lines([row, {"name": "c", "role": "background", "path": "c.mp4", "still": False}]).encode(),
        "INDEX.csv": b"path,kind,use,alpha_kind,licence\nx_fg.png,fg-image,any,rendered,CC0\nc.mp4,bg-video,any,,CC0\n",
        "plan.composites": lines(plan).encode(),
        "coco.json": json.dumps(people).encode(),
        "tracks.json": json.dumps({**people, "videos": videos_, "annotations": [track]}).encode(),
        "frame_corr.json": b'{"a/0.png": "b/0.png", "a/1.png": "b/1.png"}',
        "composite.json": json.dumps(record).encode(),
    }
