"""Every format that is written, opened by PyAV's FFmpeg and by the ffmpeg command of the system, which must agree."""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import OpenEXR
import pytest
import torch

from footage import make_video, video_times
from mattekit.media import Style, open_writer, probe, read_alpha, read_planes

MISSING = shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None
pytestmark = pytest.mark.skipif(MISSING, reason="the second reader, the commands ffmpeg and ffprobe, is not installed")

TIMES = [0, 1001, 2002, 4004, 5005]
CHANNELS = {"alpha": 1, "foreground": 3, "cutout": 4, "composite": 3}
DECODERS = {".webm": "libvpx-vp9"}
VIDEOS = [
    ("a.mov", "cutout", ()),
    ("a.mov", "cutout", ("prores_aw",)),
    ("a.mov", "foreground", ("prores_aw",)),
    ("a.webm", "cutout", ()),
    ("a.mkv", "cutout", ()),
    ("a.mkv", "alpha", ()),
    ("a.mp4", "composite", ()),
    ("a.mp4", "composite", ("hevc",)),
]


@pytest.fixture
def clip(tmp_path):
    make_video(tmp_path / "clip.mp4", pts=TIMES, size=(36, 52), aspect=Fraction(4, 3))
    return probe(tmp_path / "clip.mp4")


def write(path, clip, content, style):
    generator = torch.Generator().manual_seed(0)
    ramp = torch.linspace(-0.2, 1.2, clip.size[1]).clamp(0, 1).expand(1, *clip.size)
    with open_writer(path, clip, content=content, style=style) as writer:
        for index, pts in enumerate(TIMES):
            image = (torch.rand(CHANNELS[content], 1, 1, generator=generator) * 0.5 + ramp * 0.4).clamp(0, 1)
            image[-1:] = ramp.roll(index, -1)
            writer.write(image, pts)


def command(*arguments) -> bytes:
    return subprocess.run(list(map(str, arguments)), check=True, capture_output=True, timeout=60).stdout


def as_ffmpeg_reads(path: Path | str, size: tuple[int, int], pixels: str, dtype: str, planes: int) -> np.ndarray:
    """Return (T, planes, H, W) as the command decodes a file, converted to a planar format without scaled planes."""
    decoder = ["-c:v", DECODERS[Path(path).suffix]] if Path(path).suffix in DECODERS else []
    passed = ["-vsync", "0", "-f", "rawvideo", "-pix_fmt", pixels, "-"]
    raw = command("ffmpeg", "-v", "error", *decoder, "-i", path, *passed)
    return np.frombuffer(raw, dtype).reshape(-1, planes, *size)


def alpha_as_ffmpeg_reads(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Return (T, H, W): the alpha plane at its own depth."""
    decoder = ["-c:v", DECODERS[path.suffix]] if path.suffix in DECODERS else []
    raw = command(
        "ffmpeg", "-v", "error", *decoder, "-i", path, "-vf", "extractplanes=a", "-vsync", "0", "-f", "rawvideo", "-"
    )
    deep = len(raw) > size[0] * size[1] * len(TIMES)
    return np.frombuffer(raw, "<u2" if deep else "u1").reshape(-1, *size)


@pytest.mark.parametrize(("name", "content", "encoders"), VIDEOS)
def test_videos_have_the_same_frames_times_and_tags(tmp_path, clip, name, content, encoders):
    path = tmp_path / name
    write(path, clip, content, Style(encoders=encoders))
    said = json.loads(command("ffprobe", "-v", "error", "-show_streams", "-show_frames", "-of", "json", path))
    (stream,) = said["streams"]
    times = [Fraction(frame["pts_time"]) for frame in said["frames"]]
    assert len(times) == len(TIMES)
    assert all(abs(one - other) < Fraction(1, 10**5) for one, other in zip(times, video_times(path), strict=True))
    assert (stream["height"], stream["width"]) == clip.size
    shape = Fraction(stream["sample_aspect_ratio"].replace(":", "/"))
    assert abs(shape - Fraction(4, 3)) < Fraction(1, 30)
    got = probe(path)
    assert stream.get("color_primaries") == got.colour_primaries
    assert stream.get("color_transfer") == got.colour_transfer
    assert stream.get("color_space") == (got.colour_space or ("gbr" if content == "cutout" else None))
    if "hevc" in encoders:
        assert stream["codec_tag_string"] == "hvc1"


@pytest.mark.parametrize(("name", "content", "encoders"), [row for row in VIDEOS if row[1] == "cutout"])
def test_cutouts_have_the_same_alpha(tmp_path, clip, name, content, encoders):
    path = tmp_path / name
    write(path, clip, content, Style(encoders=encoders))
    ours = np.stack(list(read_alpha(probe(path))))
    theirs = alpha_as_ffmpeg_reads(path, clip.size)
    white = {".mov": 4095, ".webm": 255, ".mkv": 65535}[path.suffix]
    assert np.array_equal(np.rint(ours * white), theirs)
    assert {0, white} <= set(np.unique(theirs))


@pytest.mark.parametrize(
    ("name", "content", "encoders", "pixels"),
    [
        ("a.mp4", "composite", (), "yuv420p"),
        ("a.mp4", "composite", ("hevc",), "yuv420p10le"),
        ("a.mkv", "foreground", (), "gbrp16le"),
        ("a.mov", "foreground", (), "yuv444p12le"),
    ],
)
def test_colours_decode_to_the_same_numbers(tmp_path, clip, name, content, encoders, pixels):
    path = tmp_path / name
    write(path, clip, content, Style(encoders=encoders))
    raw = command("ffmpeg", "-v", "error", "-i", path, "-vsync", "0", "-f", "rawvideo", "-pix_fmt", pixels, "-")
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    assert frames[0].format.name == pixels
    stored = [plane_of(plane, "<u2" if pixels.endswith("le") else "u1") for frame in frames for plane in frame.planes]
    assert b"".join(plane.tobytes() for plane in stored) == raw


def plane_of(plane, dtype: str) -> np.ndarray:
    """Return a plane of a decoded frame without the padding of its rows."""
    return np.frombuffer(plane, dtype).reshape(plane.height, -1)[:, : plane.width]


def test_png_sequences_have_the_same_numbers(tmp_path, clip):
    write(tmp_path / "f_%05d.png", clip, "cutout", Style())
    for index in range(len(TIMES)):
        (ours,) = read_planes(probe(tmp_path / f"f_{index:05d}.png"))
        raw = command(
            "ffmpeg",
            "-v",
            "error",
            "-i",
            tmp_path / f"f_{index:05d}.png",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgba64le",
            "-",
        )
        assert np.array_equal(np.frombuffer(raw, "<u2").reshape(ours.shape), ours)


@pytest.mark.parametrize(("bits", "content"), [(16, "cutout"), (32, "cutout"), (16, "alpha"), (32, "foreground")])
def test_exr_sequences_have_the_same_numbers(tmp_path, clip, bits, content):
    write(tmp_path / "f_%05d.exr", clip, content, Style(bits=bits, layers=content == "cutout"))
    pixels, order = {"cutout": ("gbrapf32le", "GBRA"), "foreground": ("gbrpf32le", "GBR"), "alpha": ("grayf32le", "Y")}[
        content
    ]
    pattern = tmp_path / "f_%05d.exr"
    theirs = as_ffmpeg_reads(pattern, clip.size, pixels, "<f4", len(order))
    assert len(theirs) == len(TIMES)
    for index, planes in enumerate(theirs):
        channels = OpenEXR.File(str(tmp_path / f"f_{index:05d}.exr"), separate_channels=True).channels()
        for name, plane in zip(order, planes, strict=True):
            assert np.array_equal(plane, channels[name].pixels.astype(np.float32))
        with av.open(str(tmp_path / f"f_{index:05d}.exr")) as container:
            frame = next(container.decode(video=0))
        assert frame.format.name == (pixels if bits == 32 else pixels.replace("32", "16"))
        for plane, third in zip(planes, frame.planes, strict=True):
            assert np.array_equal(plane, plane_of(third, "<f4" if bits == 32 else "<f2").astype(np.float32))


def test_jpeg_sequences_decode_to_nearly_the_same_numbers(tmp_path, clip):
    write(tmp_path / "f_%05d.jpg", clip, "composite", Style())
    theirs = command("ffmpeg", "-v", "error", "-i", tmp_path / "f_%05d.jpg", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    theirs = np.frombuffer(theirs, "u1").reshape(-1, *clip.size, 3)
    ours = np.stack([next(read_planes(probe(tmp_path / f"f_{index:05d}.jpg"))) for index in range(len(TIMES))])
    assert ours.shape == theirs.shape
    assert np.abs(ours.astype(int) - theirs).mean() < 1
