"""What a user may choose about outputs: encoders, quality, premultiplied colour, JPEG."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from PIL import Image

from footage import make_video, video_times
from mattekit.checks import InputError, MediaError
from mattekit.media import Style, check_output, encoders, open_writer, probe, read_alpha, read_planes, sequence
from mattekit.media.encoders import VIDEOS, check_encoder

CHANNELS = {"alpha": 1, "foreground": 3, "cutout": 4, "composite": 3, "preview": 3}
TIMES = [0, 1001, 2002, 4004, 5505]


@pytest.fixture
def clip(tmp_path):
    make_video(tmp_path / "clip.mp4", pts=TIMES, size=(36, 52))
    return probe(tmp_path / "clip.mp4")


def picture(channels, size, index):
    """Return (C, H, W): ramps of colour, and an alpha with areas of exactly 0 and 1."""
    rows, columns = torch.meshgrid(torch.linspace(0, 1, size[0]), torch.linspace(0, 1, size[1]), indexing="ij")
    planes = [columns * 0.8, rows * 0.6 + 0.1 * index, 0.9 - columns * rows * 0.5, (columns * 1.5 - 0.25).clamp(0, 1)]
    return torch.stack(planes[:3] if channels == 3 else planes[-channels:])


def write(path, clip, content, times=TIMES, **style):
    size = (clip.size[0], 3 * clip.size[1]) if content == "preview" else clip.size
    images = [picture(CHANNELS[content], size, index) for index in range(len(times))]
    with open_writer(path, clip, content=content, style=Style(**style), end=len(times)) as writer:
        for image, pts in zip(images, times, strict=True):
            writer.write(image, pts)
    return writer, images


def stream_of(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return stream.codec_context.name, stream.codec_context.codec_tag, next(container.decode(stream)).format.name


@pytest.mark.parametrize(
    ("name", "content", "chosen", "codec", "tag", "pixels"),
    [
        ("a.mov", "cutout", "prores_ks", "prores", "ap4h", "yuva444p12le"),
        ("a.mov", "cutout", "prores_aw", "prores", "ap4h", "yuva444p12le"),
        ("a.mp4", "composite", "h264", "h264", "avc1", "yuv420p"),
        ("a.mp4", "composite", "hevc", "hevc", "hvc1", "yuv420p10le"),
    ],
)
def test_the_named_encoder_writes_and_keeps_every_time(tmp_path, clip, name, content, chosen, codec, tag, pixels):
    write(tmp_path / name, clip, content, encoders=(chosen,))
    assert stream_of(tmp_path / name) == (codec, tag, pixels)
    assert video_times(tmp_path / name) == [time * clip.time_base for time in TIMES]
    got = probe(tmp_path / name)
    assert (got.last_duration, got.rate, got.size) == (clip.last_duration, clip.rate, clip.size)


@pytest.mark.parametrize("chosen", ["prores_ks", "prores_aw"])
def test_prores_keeps_the_ends_of_alpha_and_twelve_bits_between(tmp_path, clip, chosen):
    _, images = write(tmp_path / "a.mov", clip, "cutout", encoders=(chosen,))
    for image, got in zip(images, read_alpha(probe(tmp_path / "a.mov")), strict=True):
        wanted = image[3].numpy()
        assert np.abs(got - wanted).max() <= 1.01 / 4095
        assert np.array_equal(got == 1, wanted == 1)
        assert (got[wanted == 0] == 0).all()


def test_odd_and_small_sizes_are_taken_or_refused_in_words(tmp_path, clip):
    odd, small = replace(clip, size=(17, 19)), replace(clip, size=(8, 64))
    write(tmp_path / "odd.mp4", odd, "composite", encoders=("hevc",))
    assert stream_of(tmp_path / "odd.mp4")[2] == "yuv444p10le"
    write(tmp_path / "odd.mov", odd, "cutout")
    with pytest.raises(InputError, match=r"odd2\.mov by prores_aw must have an even width; got 19 px"):
        check_output(tmp_path / "odd2.mov", odd, content="cutout", style=Style(encoders=("prores_aw",)))
    with pytest.raises(InputError, match=r"by hevc must have 16 px or more a side; got \(8, 64\)"):
        check_output(tmp_path / "s.mp4", small, content="composite", style=Style(encoders=("hevc",)))


@pytest.mark.parametrize(("name", "chosen"), [("a.mp4", "h264"), ("a.mp4", "hevc"), ("a.webm", "vp9")])
def test_a_higher_rate_factor_makes_smaller_and_worse_files(tmp_path, name, chosen):
    make_video(tmp_path / "clip.mp4", pts=3, size=(96, 128))
    clip = probe(tmp_path / "clip.mp4")
    generator = torch.Generator().manual_seed(0)
    grey = torch.nn.functional.interpolate(torch.rand(1, 1, 24, 32, generator=generator), size=(96, 128))
    image = grey[0].expand(3, -1, -1)
    found = []
    for crf in (4, None, 45):
        path = tmp_path / f"{crf}-{name}"
        with open_writer(path, clip, content="composite", style=Style(crf=crf, encoders=(chosen,))) as writer:
            for pts in (0, 1001, 2002):
                writer.write(image, pts)
        planes = next(read_planes(probe(path)))
        error = np.abs(planes / np.iinfo(planes.dtype).max - image.permute(1, 2, 0).numpy()).mean()
        found.append((path.stat().st_size, error))
    sizes, errors = zip(*found, strict=True)
    assert sizes[0] > sizes[1] > sizes[2]
    assert errors[0] < errors[1] < errors[2]


def test_choices_that_do_not_exist_are_refused(tmp_path, clip, monkeypatch):
    for style, words in [
        ({"encoders": ("x264",)}, "an encoder must be one of prores_ks, prores_aw, vp9, ffv1, h264, hevc; got 'x264'"),
        ({"stills": "gif"}, "the format of pictures must be one of png, exr, jpg; got 'gif'"),
        ({"exr_colour": "log"}, "colour in EXR must be one of linear, display; got 'log'"),
        ({"jpeg_quality": 0}, "the quality of JPEG must be 1 to 100; got 0"),
        ({"crf": -1}, "the rate factor must be 0"),
    ]:
        with pytest.raises(InputError, match=words):
            Style(**style)
    with pytest.raises(InputError, match=r"the rate factor of h264 must be 0 \(best\) to 51; got 52"):
        check_output(tmp_path / "a.mp4", clip, content="composite", style=Style(crf=52))
    assert check_output(tmp_path / "a.webm", clip, content="composite", style=Style(crf=52)).kind == "video"
    with pytest.raises(InputError, match=r"\.mp4 must have one encoder; got h264 and hevc; leave one"):
        check_output(tmp_path / "a.mp4", clip, content="composite", style=Style(encoders=("hevc", "h264")))
    with pytest.raises(InputError, match=r"a cutout needs alpha, which \.jpg has not"):
        check_output(tmp_path / "a_%d.jpg", clip, content="cutout")


def test_an_encoder_that_ffmpeg_lacks_is_named_before_anything_is_made(tmp_path, clip, monkeypatch):
    for offered in VIDEOS.values():
        for video in offered:
            check_encoder(video.encoder, ".any")
    first = replace(VIDEOS[".mp4"][0], encoder="libnone")
    monkeypatch.setitem(encoders.VIDEOS, ".mp4", (first, *VIDEOS[".mp4"][1:]))
    with pytest.raises(InputError, match=r"\.mp4 needs the encoder libnone; this build of FFmpeg has none; take"):
        check_output(tmp_path / "a.mp4", clip, content="composite")
    assert [file.name for file in tmp_path.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize("premultiplied", [True, False])
@pytest.mark.parametrize(
    ("name", "tolerance"), [("a.mkv", 1e-4), ("a.mov", 0.006), ("a.webm", 0.05), ("a_%d.png", 1e-4)]
)
def test_a_cutout_is_straight_or_premultiplied_as_asked_and_says_so(tmp_path, clip, name, tolerance, premultiplied):
    writer, images = write(tmp_path / name, clip, "cutout", premultiplied=premultiplied)
    files = [tmp_path / name.replace("%d", str(index)) for index in range(len(TIMES))] if "%" in name else None
    found = [next(read_planes(probe(file))) for file in files] if files else read_planes(probe(tmp_path / name))
    for image, got in zip(images, found, strict=True):
        colour, alpha = image[:3].permute(1, 2, 0).numpy(), image[3, :, :, None].numpy()
        wanted = colour * alpha if premultiplied else colour
        assert np.median(np.abs(got[..., :3] / np.iinfo(got.dtype).max - wanted)) < tolerance
    said = [note for note in writer.notes if "premultiplied" in note]
    assert len(said) == premultiplied
    if files is None:
        with av.open(str(tmp_path / name)) as container:
            told = {key.lower(): value for key, value in container.metadata.items()}["comment"]
        assert told == (
            "colour premultiplied by alpha" if premultiplied else "straight colour, not multiplied by alpha"
        )


def test_levels_are_premultiplied_too(tmp_path, clip):
    levels = torch.randint(0, 256, (4, *clip.size), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    style = Style(bits=8, premultiplied=True)
    with open_writer(tmp_path / "a.png", clip, content="cutout", style=style, end=1) as writer:
        writer.write(levels, 0)
    got = next(read_planes(probe(tmp_path / "a.png"))).astype(int)
    wanted = levels[:3].double() * levels[3] / 255
    assert np.abs(got[..., :3] - wanted.permute(1, 2, 0).numpy()).max() <= 0.501
    assert np.array_equal(got[..., 3], levels[3].numpy())


def test_jpeg_previews_are_pictures_of_the_chosen_quality(tmp_path, clip):
    sizes = []
    for quality in (30, None, 100):
        _, images = write(tmp_path / f"{quality}_%03d.jpg", clip, "composite", jpeg_quality=quality)
        files = sorted(tmp_path.glob(f"{quality}_*.jpg"))
        assert [file.name for file in files] == [f"{quality}_{index:03d}.jpg" for index in range(len(TIMES))]
        sizes.append(files[0].stat().st_size)
        with Image.open(files[0]) as opened:
            assert (opened.format, opened.mode, opened.size) == ("JPEG", "RGB", (52, 36))
            error = np.abs(np.asarray(opened) / 255 - images[0].permute(1, 2, 0).numpy()).mean()
        assert error < (0.03 if quality == 30 else 0.008)
    assert sizes == sorted(sizes)
    write(tmp_path / "grey.jpeg", clip, "alpha", times=TIMES[:1])
    with Image.open(tmp_path / "grey.jpeg") as opened:
        assert opened.mode == "L"


def test_a_folder_takes_the_format_that_was_chosen(tmp_path, clip):
    for stills in ("png", "exr", "jpg"):
        write(tmp_path / stills, clip, "preview", stills=stills)
        files = sorted(file.name for file in (tmp_path / stills).iterdir())
        assert files == [f"{index:05d}.{stills}" for index in range(len(TIMES))]
    with Image.open(tmp_path / "jpg" / "00000.jpg") as opened:
        assert opened.size == (3 * 52, 36)


def test_a_jpeg_that_is_not_whole_is_found(tmp_path, clip):
    write(tmp_path / "a_%d.jpg", clip, "composite")
    plan = check_output(tmp_path / "b_%d.jpg", clip, content="composite")
    coder, file = sequence.JpegCoder(plan, clip), tmp_path / "a_0.jpg"
    coder.verify(file)
    with pytest.raises(MediaError, match=r"b_%d\.jpg must hold what was written; a_0\.jpg has size \(36, 52\), not"):
        sequence.JpegCoder(plan, replace(clip, size=(36, 53))).verify(file)
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(MediaError, match=r"b_%d\.jpg must hold what was written; a_0\.jpg: image file is truncated"):
        coder.verify(file)


def test_notes_say_what_jpeg_leaves_out(tmp_path, clip):
    clip = replace(clip, pixel_aspect=Fraction(4, 3), colour_primaries="bt2020", colour_transfer="smpte2084")
    writer, _ = write(tmp_path / "a_%d.jpg", clip, "composite")
    assert writer.notes == [
        "pixel aspect left out: readers of JPEG do not agree on how it is written",
        "JPEG cannot say that its colours are of bt2020 and smpte2084; viewers take them for sRGB",
    ]


def test_png_names_colours_of_wide_gamut_and_high_range_alone(tmp_path, clip):
    wide = replace(clip, colour_primaries="bt2020", colour_transfer="smpte2084")
    write(tmp_path / "wide.png", wide, "composite", times=TIMES[:1])
    write(tmp_path / "plain.png", clip, "composite", times=TIMES[:1])
    write(tmp_path / "matte.png", wide, "alpha", times=TIMES[:1])
    assert b"cICP\x09\x10\x00\x01" in (tmp_path / "wide.png").read_bytes()
    for name in ("plain.png", "matte.png"):
        assert b"cICP" not in (tmp_path / name).read_bytes()
        assert b"gAMA" not in (tmp_path / name).read_bytes()


@pytest.mark.parametrize("size", [(16, 48), (32, 48), (64, 48), (40, 40), (17, 33)])
def test_hevc_takes_narrow_pictures_without_harm(tmp_path, clip, size):
    write(tmp_path / "a.mp4", replace(clip, size=size), "composite", encoders=("hevc",))
    assert probe(tmp_path / "a.mp4").size == size


EVERY = [
    ("a.mov", "cutout", ()),
    ("b.mov", "cutout", ("prores_aw",)),
    ("a.webm", "cutout", ()),
    ("a.mkv", "preview", ()),
    ("a.mp4", "composite", ()),
    ("a_%d.png", "cutout", ()),
    ("a_%d.exr", "cutout", ()),
    ("a_%d.jpg", "preview", ()),
]


@pytest.mark.parametrize(("name", "content", "chosen"), EVERY)
@pytest.mark.parametrize("size", [(1, 1), (64, 1), (17, 14), (8, 1024)])
def test_tiny_and_long_pictures_are_written_whole_or_refused_in_one_line(tmp_path, clip, name, content, chosen, size):
    odd = replace(clip, size=size)
    if "prores_aw" in chosen and size[1] % 2:
        with pytest.raises(InputError, match="must have an even width"):
            write(tmp_path / name, odd, content, encoders=chosen)
        return
    write(tmp_path / name, odd, content, times=TIMES[:2], encoders=chosen)
    first = tmp_path / name.replace("%d", "0")
    wanted = (size[0], 3 * size[1]) if content == "preview" else size
    if name.endswith(".exr"):
        with av.open(str(first)) as container:
            assert (container.streams.video[0].height, container.streams.video[0].width) == wanted
    else:
        assert probe(first).size == wanted
    assert len(list(tmp_path.glob(name.replace("%d", "*")))) == (2 if "%" in name else 1)
