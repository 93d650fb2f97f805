"""Matrix, range, primaries, transfer curve and depth: honoured on the way in, and true on the way out."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
import torch

from mattekit.media import Style, open_writer, probe, read, read_planes
from mattekit.media.formats import PRIMARIES, SPACES, TRANSFERS, colour_code
from mattekit.media.pixels import FrameMaker

LUMA = {"bt709": (0.2126, 0.0722), "smpte170m": (0.299, 0.114), "bt470bg": (0.299, 0.114), "bt2020nc": (0.2627, 0.0593)}
"""Shares of red and blue in luma."""


def to_yuv(rgb, matrix, bits, full):
    """Return (3, H, W) of the standard's numbers for RGB (3, H, W) in [0, 1], not rounded."""
    share_red, share_blue = LUMA[matrix]
    red, green, blue = rgb
    luma = share_red * red + (1 - share_red - share_blue) * green + share_blue * blue
    chroma = [(blue - luma) / (2 - 2 * share_blue), (red - luma) / (2 - 2 * share_red)]
    step, top = 1 << (bits - 8), (1 << bits) - 1
    if full:
        return np.stack([luma * top, *(128 * step + top * each for each in chroma)])
    return np.stack([16 * step + 219 * step * luma, *(128 * step + 224 * step * each for each in chroma)])


def patches(size=(32, 48)):
    """Return RGB (3, H, W): blocks of 8 px of one colour each, black, white, primaries and others."""
    random = np.random.default_rng(0)
    blocks = random.random((3, size[0] // 8, size[1] // 8))
    blocks[:, 0, :5] = np.array([(0, 0, 0), (1, 1, 1), (1, 0, 0), (0, 1, 0), (0, 0, 1)]).T
    return np.repeat(np.repeat(blocks, 8, 1), 8, 2)


def make_clip(path, rgb, *, matrix, bits=8, full=False, primaries="bt709", transfer="bt709"):
    """Write a clip of one picture, three times, by the standard's own numbers; FFV1 keeps each of them."""
    pixels = "yuv444p" if bits == 8 else f"yuv444p{bits}le"
    values = np.rint(to_yuv(rgb, matrix, bits, full)).clip(0, (1 << bits) - 1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(25))
        stream.height, stream.width = rgb.shape[1:]
        stream.pix_fmt, context = pixels, stream.codec_context
        context.colorspace, context.color_range = colour_code(SPACES, matrix, 2), 2 if full else 1
        context.color_primaries, context.color_trc = (
            colour_code(PRIMARIES, primaries, 2),
            colour_code(TRANSFERS, transfer, 2),
        )
        for index in range(3):
            frame = av.VideoFrame(rgb.shape[2], rgb.shape[1], pixels)
            for plane, wanted in zip(frame.planes, values, strict=True):
                dtype = np.uint8 if bits == 8 else np.uint16
                np.frombuffer(plane, dtype).reshape(plane.height, -1)[:, : plane.width] = wanted
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return probe(path)


def copy(clip, path, content="composite", **style):
    with open_writer(path, clip, content=content, style=Style(**style)) as writer:
        for chunk in read(clip):
            for frame, pts in zip(chunk.frames, chunk.pts.tolist(), strict=True):
                writer.write(frame, pts)
    return probe(path)


def rgb_of(clip):
    planes = next(read_planes(clip))
    return planes[..., :3].transpose(2, 0, 1) / np.iinfo(planes.dtype).max


CASES = [
    ("smpte170m", 8, False, "smpte170m", "smpte170m"),
    ("bt470bg", 8, True, "bt470bg", "gamma28"),
    ("bt709", 8, True, "bt709", "bt709"),
    ("bt709", 10, False, "bt709", "bt709"),
    ("bt2020nc", 10, False, "bt2020", "smpte2084"),
    ("bt2020nc", 10, True, "bt2020", "arib-std-b67"),
]


@pytest.mark.parametrize(("matrix", "bits", "full", "primaries", "transfer"), CASES)
@pytest.mark.parametrize("name", ["a.mov", "a.mkv", "a.mp4", "hevc.mp4", "a.webm"])
def test_colours_go_in_and_out_by_the_tags_of_each(tmp_path, matrix, bits, full, primaries, transfer, name):
    rgb = patches()
    clip = make_clip(
        tmp_path / "clip.mkv", rgb, matrix=matrix, bits=bits, full=full, primaries=primaries, transfer=transfer
    )
    assert (clip.colour_space, clip.colour_range) == (matrix, "pc" if full else "tv")
    assert np.abs(rgb_of(clip) - rgb).max() < 2.6 / (1 << bits)
    got = copy(clip, tmp_path / name, encoders=("hevc",) if name.startswith("hevc") else ())
    assert got.colour_space == (None if name == "a.mkv" else matrix)
    assert got.colour_range == ("pc" if name == "a.mkv" else "tv")
    assert (got.colour_primaries, got.colour_transfer) == (primaries, transfer)
    middle = (slice(None), slice(3, None, 8), slice(3, None, 8))
    allowed = {"a.mkv": 2.6 / (1 << bits), "a.mov": 0.012}.get(name, 0.06)
    assert np.abs(rgb_of(got)[middle] - rgb[middle]).max() < allowed


@pytest.mark.parametrize(("matrix", "code"), [("smpte170m", 6), ("bt470bg", 5), ("bt2020nc", 9), ("bt709", 1)])
@pytest.mark.parametrize(("pixels", "bits"), [("yuv444p10le", 10), ("yuv444p", 8)])
def test_numbers_are_those_of_the_matrix_that_the_tag_names(matrix, code, pixels, bits):
    rgb = np.rint(patches() * 255) / 255
    frame = FrameMaker(pixels, primaries=1, transfer=1, matrix=code).make(rgb.astype(np.float32))
    assert frame.colorspace == code
    for plane, wanted in zip(frame.planes, to_yuv(rgb, matrix, bits, False), strict=True):
        stored = np.frombuffer(plane, np.uint8 if bits == 8 else np.uint16).reshape(plane.height, -1)
        assert np.abs(stored[:, : plane.width] - wanted).max() < 0.6


@pytest.mark.parametrize(("name", "bits"), [("a.mkv", None), ("a.png", None), ("a.exr", 32)])
def test_a_ramp_of_ten_bits_keeps_every_step_in_outputs_of_sixteen(tmp_path, name, bits):
    ramp = np.arange(1024).reshape(1, 16, 64).repeat(3, 0) / 1023
    with av.open(str(tmp_path / "clip.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(25))
        stream.height, stream.width, stream.pix_fmt = 16, 64, "gbrp10le"
        frame = av.VideoFrame(64, 16, "gbrp10le")
        for plane in frame.planes:
            np.frombuffer(plane, np.uint16).reshape(16, -1)[:, :64] = np.arange(1024).reshape(16, 64)
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    clip = probe(tmp_path / "clip.mkv")
    assert clip.bits == 10
    with open_writer(tmp_path / name, clip, content="cutout", style=Style(bits=bits, exr_colour="display")) as writer:
        writer.write(torch.cat((next(read(clip)).frames[0], torch.ones(1, 16, 64))), 0)
    if name == "a.exr":
        from mattekit.media.exr import read_channels

        channels = read_channels(tmp_path / name)
        got = np.stack([channels[channel] for channel in "RGB"])
    else:
        got = rgb_of(probe(tmp_path / name))
    assert np.abs(got - ramp).max() <= 0.51 / 65535
    assert np.array_equal(np.rint(got * 1023), np.rint(ramp * 1023))
