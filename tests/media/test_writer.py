import os
import threading
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from PIL import Image

from footage import make_video, picture, video_times
from mattekit.checks import InputError, MediaError
from mattekit.media import Style, check_output, open_writer, probe, read, read_alpha, read_planes
from mattekit.media import encode as encode_module
from mattekit.media.pixels import FrameMaker

CHANNELS = {"alpha": 1, "foreground": 3, "cutout": 4, "composite": 3}
TIMES = [0, 1001, 2002, 4004, 5005, 5505, 9009]
VIDEOS = [(suffix, content) for suffix in (".mov", ".webm", ".mkv", ".mp4") for content in CHANNELS]
VIDEOS.remove((".mp4", "cutout"))


@pytest.fixture(params=[(48, 64), (13, 17)], ids=["even", "odd"])
def clip(tmp_path, request):
    pixels = "yuv420p" if request.param[0] % 2 == 0 else "yuv444p"
    make_video(tmp_path / "clip.mp4", pts=TIMES, size=request.param, pixels=pixels, aspect=Fraction(4, 3))
    return probe(tmp_path / "clip.mp4")


def smooth(channels, size, index=0):
    """Return (C, H, W) in [0, 1] that changes slowly, with areas of exactly 0 and 1."""
    rows, columns = torch.meshgrid(torch.linspace(0, 1, size[0]), torch.linspace(0, 1, size[1]), indexing="ij")
    image = torch.stack([(rows * (c + 1) / 4 + columns * 0.6 + index * 0.02) % 1.0 for c in range(channels)])
    if channels in (1, 4):
        image[-1] = columns
        image[-1, :, : size[1] // 4] = 0
        image[-1, :, -(size[1] // 4) :] = 1
    return image


def write(path, clip, content, **arguments):
    """Write smooth frames and return the writer and the frames."""
    images = []
    with open_writer(path, clip, content=content, **arguments) as writer:
        for index, pts in enumerate(TIMES if clip.kind == "video" else range(clip.frames)):
            images.append(smooth(CHANNELS[content], clip.size, index))
            writer.write(images[-1], pts)
    return writer, images


@pytest.mark.parametrize(("suffix", "content"), VIDEOS)
def test_as_many_frames_come_out_at_the_same_times_and_size(tmp_path, clip, suffix, content):
    path = tmp_path / f"out{suffix}"
    write(path, clip, content)
    got = probe(path)
    wanted = [time * clip.time_base for time in TIMES]
    exact = suffix in (".mov", ".mp4")
    assert (got.frames, got.size) == (7, clip.size)
    for time, want in zip(video_times(path), wanted, strict=True):
        assert time == want if exact else abs(time - want) <= Fraction(1, 2000)
    if exact:
        assert (got.time_base, got.last_duration, got.rate) == (clip.time_base, 1001, clip.rate)
    assert abs(got.pixel_aspect - Fraction(4, 3)) < Fraction(1, 30)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(["clip.mp4", path.name])


@pytest.mark.parametrize("suffix", [".mov", ".mp4"])
def test_a_start_after_zero_is_kept(tmp_path, suffix):
    make_video(tmp_path / "clip.mp4", pts=[3003, 4004, 5005])
    clip = probe(tmp_path / "clip.mp4")
    with open_writer(tmp_path / f"a{suffix}", clip, content="composite") as writer:
        for chunk in read(clip):
            for frame, pts in zip(chunk.frames, chunk.pts.tolist(), strict=True):
                writer.write(frame, pts)
    assert video_times(tmp_path / f"a{suffix}") == [Fraction(time, 30000) for time in (3003, 4004, 5005)]


@pytest.mark.parametrize("content", ["alpha", "foreground", "cutout"])
def test_ffv1_keeps_sixteen_bits_without_loss(tmp_path, clip, content):
    _, images = write(tmp_path / "a.mkv", clip, content)
    for image, got in zip(images, read_planes(probe(tmp_path / "a.mkv")), strict=True):
        assert got.dtype == np.uint16
        assert np.array_equal(got, image.mul(65535).round().permute(1, 2, 0).numpy().astype(np.uint16))


@pytest.mark.parametrize("content", ["alpha", "foreground", "cutout"])
def test_ffv1_keeps_eight_bits_without_loss(tmp_path, clip, content):
    _, images = write(tmp_path / "a.mkv", clip, content, style=Style(bits=8))
    for image, got in zip(images, read_planes(probe(tmp_path / "a.mkv")), strict=True):
        assert got.dtype == np.uint8
        assert np.array_equal(got[..., : len(image)], image.mul(255).round().permute(1, 2, 0).numpy())


@pytest.mark.parametrize("name", ["out.mkv", "out.mov", "out.mp4", "pictures"])
def test_levels_are_written_as_the_floats_they_stand_for(tmp_path, clip, name):
    found = []
    for kind in ("floats", "levels"):
        path = tmp_path / f"{kind}-{name}"
        bits = None if name.endswith((".mov", ".mp4")) else 8
        levels = [torch.randint(0, 256, (3, *clip.size), generator=torch.Generator().manual_seed(i)) for i in range(3)]
        if kind == "levels" and name == "out.mov":
            with (
                pytest.raises(InputError, match="or uint8 where it has 8 bits a channel; got torch.uint8 for 10 bits"),
                open_writer(path, clip, content="foreground") as writer,
            ):
                writer.write(levels[0].to(torch.uint8), 0)
            return
        with open_writer(path, clip, content="foreground", style=Style(bits=bits), end=3) as writer:
            for image, pts in zip(levels, (0, 1001, 2002), strict=True):
                writer.write(image.to(torch.uint8) if kind == "levels" else image.float() / 255, pts)
        found.append(torch.cat([chunk.frames for chunk in read(probe(path))]))
    assert torch.equal(*found)


def test_prores_keeps_the_alpha_at_ten_bits_and_its_ends_exactly(tmp_path, clip):
    _, images = write(tmp_path / "a.mov", clip, "cutout")
    for image, got in zip(images, read_alpha(probe(tmp_path / "a.mov")), strict=True):
        wanted = image[3].numpy()
        assert np.abs(got - wanted).max() <= 0.7 / 1023
        assert (got[wanted == 0] == 0).all()
        assert (got[wanted == 1] == 1).all()


@pytest.mark.parametrize(("suffix", "tolerance"), [(".mov", 0.01), (".webm", 0.06)])
def test_a_cutout_keeps_its_straight_colour(tmp_path, suffix, tolerance):
    make_video(tmp_path / "clip.mp4", pts=TIMES, size=(64, 96))
    clip = probe(tmp_path / "clip.mp4")
    _, images = write(tmp_path / f"a{suffix}", clip, "cutout")
    for image, got in zip(images, read_planes(probe(tmp_path / f"a{suffix}")), strict=True):
        scale = np.iinfo(got.dtype).max
        error = np.abs(got / scale - image.permute(1, 2, 0).numpy())
        assert np.median(error[..., :3]) < tolerance
        assert error[..., 3].mean() < tolerance


@pytest.mark.parametrize(("suffix", "levels"), [(".mov", 876), (".webm", 219), (".mp4", 219)])
def test_an_alpha_alone_is_a_grey_picture(tmp_path, clip, suffix, levels):
    _, images = write(tmp_path / f"a{suffix}", clip, "alpha")
    for image, got in zip(images, read_alpha(probe(tmp_path / f"a{suffix}")), strict=True):
        assert np.abs(got - image[0].numpy()).mean() < 3 / levels


@pytest.mark.parametrize(
    ("pixels", "levels"), [("gray16le", 65535), ("gray", 255), ("gbrap16le", 65535), ("yuva444p10le", 1023)]
)
def test_values_are_rounded_never_truncated(pixels, levels):
    channels = 4 if "a" in pixels.replace("gray", "") else 1
    steps = np.arange(0, levels + 1, dtype=np.float32)[: 64 * 64]
    values = np.resize(steps, 64 * 64).reshape(1, 64, 64)
    below = np.repeat((values - np.float32(0.4)) / np.float32(levels), channels, axis=0).astype(np.float32)
    frame = FrameMaker(pixels, primaries=1, transfer=1).make(below)
    plane = frame.planes[channels - 1]
    dtype = np.uint8 if levels == 255 else np.uint16
    stored = np.frombuffer(plane, dtype).reshape(64, -1)[:, :64]
    assert np.array_equal(stored, values[0])


@pytest.mark.parametrize(("pixels", "bits"), [("yuv444p10le", 10), ("yuv444p", 8)])
def test_colours_are_written_in_the_matrix_and_range_of_the_tags(pixels, bits):
    generator = np.random.default_rng(0)
    image = generator.random((3, 32, 32)).astype(np.float32)
    image[:, 0], image[:, 1] = 0, 1
    frame = FrameMaker(pixels, primaries=1, transfer=1).make(image)
    red, green, blue = image.astype(np.float64) if bits > 8 else np.rint(image * 255.0) / 255
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    step = 2 ** (bits - 8)
    wanted = [
        step * (16 + 219 * luma),
        step * (128 + 224 * (blue - luma) / 1.8556),
        step * (128 + 224 * (red - luma) / 1.5748),
    ]
    dtype = np.uint8 if bits == 8 else np.uint16
    for plane, want in zip(frame.planes, wanted, strict=True):
        stored = np.frombuffer(plane, dtype).reshape(32, -1)[:, :32]
        assert np.abs(stored - want).max() < 0.6
        assert abs((stored - want).mean()) < 0.06
    assert (frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc) == (1, 1, 1, 1)


@pytest.mark.parametrize("suffix", [".mov", ".webm", ".mp4", ".mkv"])
def test_tags_on_outputs_are_true(tmp_path, suffix):
    make_video(tmp_path / "clip.mp4", pts=TIMES)
    write(tmp_path / f"a{suffix}", probe(tmp_path / "clip.mp4"), "foreground")
    got = probe(tmp_path / f"a{suffix}")
    assert got.colour_space == (None if suffix == ".mkv" else "bt709")
    assert got.colour_range == ("pc" if suffix == ".mkv" else "tv")
    assert (got.colour_primaries, got.colour_transfer) == ("bt709", "bt709")


def test_primaries_of_the_source_are_handed_on(tmp_path):
    from dataclasses import replace

    make_video(tmp_path / "clip.mp4", pts=TIMES)
    clip = replace(probe(tmp_path / "clip.mp4"), colour_primaries="bt2020", colour_transfer="smpte2084")
    write(tmp_path / "a.mov", clip, "foreground")
    got = probe(tmp_path / "a.mov")
    assert (got.colour_primaries, got.colour_transfer, got.colour_space) == ("bt2020", "smpte2084", "bt2020nc")


@pytest.mark.parametrize("turn", [(90, False, False), (180, False, True)])
def test_an_output_of_a_turned_clip_needs_no_turn(tmp_path, turn):
    make_video(tmp_path / "clip.mp4", pts=TIMES, turn=turn)
    clip = probe(tmp_path / "clip.mp4")
    frames = [frame for chunk in read(clip) for frame in chunk.frames]
    with open_writer(tmp_path / "a.mkv", clip, content="composite") as writer:
        for frame, pts in zip(frames, TIMES, strict=True):
            writer.write(frame, pts)
    got = probe(tmp_path / "a.mkv")
    assert (got.size, got.rotation, got.mirrored) == (clip.size, 0, False)
    assert torch.allclose(next(read(got)).frames[0], frames[0], atol=1e-4)


@pytest.mark.parametrize(("start", "end", "last"), [(2, 5, 500), (3, None, 1001), (0, 3, 2002)])
def test_a_span_starts_at_zero_and_keeps_its_last_duration(tmp_path, start, end, last):
    make_video(tmp_path / "clip.mp4", pts=TIMES)
    clip = probe(tmp_path / "clip.mp4")
    with open_writer(tmp_path / "a.mp4", clip, content="composite", start=start, end=end) as writer:
        for chunk in read(clip, start=start, end=end):
            for frame, pts in zip(chunk.frames, chunk.pts.tolist(), strict=True):
                writer.write(frame, pts)
    span = TIMES[start:end]
    assert video_times(tmp_path / "a.mp4") == [Fraction(time - span[0], 30000) for time in span]
    assert probe(tmp_path / "a.mp4").last_duration == last


@pytest.mark.parametrize("suffix", [".mov", ".mp4", ".mkv", ".webm"])
def test_a_folder_of_images_becomes_a_video_of_24_frames_a_second(tmp_path, suffix):
    folder = tmp_path / "shot"
    folder.mkdir()
    for number in range(4):
        Image.fromarray(picture(number)).save(folder / f"{number}.png")
    clip = probe(folder)
    with open_writer(tmp_path / f"a{suffix}", clip, content="composite") as writer:
        for index, frame in enumerate(next(read(clip)).frames):
            writer.write(frame, index)
    got = probe(tmp_path / f"a{suffix}")
    assert (got.frames, got.rate, got.size) == (4, 24, (48, 64))
    assert writer.notes == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_non_finite_values_are_refused_and_nothing_is_left(tmp_path, clip, value):
    with (
        pytest.raises(InputError, match=r"frame 1 of .*a\.mkv must be finite"),
        open_writer(tmp_path / "a.mkv", clip, content="alpha") as writer,
    ):
        writer.write(torch.zeros(1, *clip.size), 0)
        writer.write(torch.full((1, *clip.size), value), 1001)
    assert [file.name for file in tmp_path.iterdir()] == ["clip.mp4"]


def test_values_beyond_the_ends_are_held_there(tmp_path, clip):
    with open_writer(tmp_path / "a.mkv", clip, content="alpha") as writer:
        for pts in TIMES:
            writer.write(torch.full((1, *clip.size), 1.5 if pts else -0.5), pts)
    first, second, *_ = read_planes(probe(tmp_path / "a.mkv"))
    assert (first == 0).all()
    assert (second == 65535).all()


def test_the_caller_may_reuse_its_buffer(tmp_path, clip):
    buffer = torch.zeros(1, *clip.size)
    with open_writer(tmp_path / "a.mkv", clip, content="alpha") as writer:
        for index, pts in enumerate(TIMES):
            buffer.fill_(index / 10)
            writer.write(buffer, pts)
    means = [float(alpha.mean()) for alpha in read_alpha(probe(tmp_path / "a.mkv"))]
    assert means == pytest.approx([index / 10 for index in range(7)], abs=1e-4)


@pytest.mark.parametrize("name", ["a.mov", "a.webm", "a.mkv", "a.mp4", "frames", "f_%05d.png"])
def test_an_exception_leaves_nothing_behind(tmp_path, clip, name):
    with pytest.raises(KeyboardInterrupt), open_writer(tmp_path / name, clip, content="alpha") as writer:
        for pts in TIMES[:4]:
            writer.write(torch.zeros(1, *clip.size), pts)
        assert not (tmp_path / name).exists()
        raise KeyboardInterrupt
    assert [file.name for file in tmp_path.iterdir()] == ["clip.mp4"]
    assert not [thread for thread in threading.enumerate() if thread.name == "mattekit-behind"]


def test_too_few_frames_are_an_error(tmp_path, clip):
    with (
        pytest.raises(MediaError, match=r"a\.mov must hold 7 frames; 2 were written"),
        open_writer(tmp_path / "a.mov", clip, content="alpha") as writer,
    ):
        for pts in TIMES[:2]:
            writer.write(torch.zeros(1, *clip.size), pts)
    assert [file.name for file in tmp_path.iterdir()] == ["clip.mp4"]


def test_a_wrong_shape_or_a_time_that_does_not_rise_is_refused(tmp_path, clip):
    with open_writer(tmp_path / "a.mkv", clip, content="alpha") as writer:
        with pytest.raises(InputError, match=r"must have shape \(1, .*; got \(3, "):
            writer.write(torch.zeros(3, *clip.size), 0)
        for pts in TIMES:
            writer.write(torch.zeros(1, *clip.size), pts)
        with pytest.raises(InputError, match="must rise; got 9009 after 9009"):
            writer.write(torch.zeros(1, *clip.size), 9009)


def test_an_error_of_the_encoder_reaches_the_caller_as_one_line(tmp_path, clip, monkeypatch):
    def fail(self, image, pts):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(encode_module.VideoFile, "add", fail)
    with (
        pytest.raises(MediaError, match=r"a\.mov must be writable; no space left on device; check the disk"),
        open_writer(tmp_path / "a.mov", clip, content="alpha") as writer,
    ):
        for pts in TIMES:
            writer.write(torch.zeros(1, *clip.size), pts)
    assert [file.name for file in tmp_path.iterdir()] == ["clip.mp4"]


def test_an_output_that_lost_a_frame_is_not_published(tmp_path, clip, monkeypatch):
    real, dropped = encode_module.VideoFile._mux, []

    def drop_one(self, packets):
        kept = packets if dropped or not packets else packets[1:]
        dropped.extend(packets[: len(packets) - len(kept)])
        real(self, kept)

    monkeypatch.setattr(encode_module.VideoFile, "_mux", drop_one)
    with pytest.raises(MediaError, match="7 frames were written and 6 are there"):
        write(tmp_path / "a.mkv", clip, "alpha")
    assert [file.name for file in tmp_path.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize("name", ["a.mov", "a.mkv"])
def test_an_existing_file_stays_until_the_new_one_is_whole(tmp_path, clip, name):
    path = tmp_path / name
    path.write_text("mine")
    with pytest.raises(MediaError, match="must not exist yet"):
        open_writer(path, clip, content="alpha")
    with pytest.raises(RuntimeError), open_writer(path, clip, content="alpha", overwrite=True) as writer:
        writer.write(torch.zeros(1, *clip.size), 0)
        raise RuntimeError
    assert path.read_text() == "mine"
    write(path, clip, "alpha", overwrite=True)
    assert probe(path).frames == 7
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([name, "clip.mp4"])


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path, clip):
    with (
        pytest.raises(MediaError, match="it appeared meanwhile"),
        open_writer(tmp_path / "a.mkv", clip, content="alpha") as writer,
    ):
        for pts in TIMES:
            writer.write(torch.zeros(1, *clip.size), pts)
        (tmp_path / "a.mkv").write_text("mine")
    assert (tmp_path / "a.mkv").read_text() == "mine"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.mkv", "clip.mp4"]


def test_several_outputs_are_committed_together(tmp_path, clip):
    writers = [open_writer(tmp_path / name, clip, content="alpha") for name in ("a.mkv", "b.mov", "c")]
    for writer in writers:
        for pts in TIMES:
            writer.write(torch.zeros(1, *clip.size), pts)
    for writer in writers:
        writer.finish()
    assert not any((tmp_path / name).exists() for name in ("a.mkv", "b.mov", "c"))
    for writer in writers[:2]:
        writer.publish()
    writers[2].discard()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.mkv", "b.mov", "clip.mp4"]
    with pytest.raises(InputError, match="must be finished before it is published; it is discarded"):
        writers[2].publish()


def test_the_input_is_left_as_it_was(tmp_path, clip):
    before = clip.path.read_bytes()
    write(tmp_path / "a.mp4", clip, "composite")
    assert clip.path.read_bytes() == before
    with pytest.raises(MediaError, match="must not be the input"):
        open_writer(clip.path, clip, content="composite", overwrite=True)


def test_an_output_may_have_any_name(tmp_path, clip):
    for name in (b"it's 100%d.mkv", b"-y.mov", b"two\nlines.mp4", b"latin-\xe9.webm", b"http:a.mkv"):
        path = tmp_path / os.fsdecode(name)
        write(path, clip, "alpha")
        assert probe(path).frames == 7


def test_same_input_gives_the_same_bytes(tmp_path, clip):
    for name in ("a.mkv", "b.mkv"):
        write(tmp_path / name, clip, "cutout")
    with av.open(str(tmp_path / "a.mkv")) as one, av.open(str(tmp_path / "b.mkv")) as other:
        assert [bytes(p) for p in one.demux(video=0)] == [bytes(p) for p in other.demux(video=0)]


def test_a_locked_folder_is_refused_before_anything_is_made(tmp_path, clip):
    with pytest.raises(MediaError, match="there is none; make it first"):
        open_writer(tmp_path / "none" / "a.mov", clip, content="alpha")
    assert check_output(tmp_path / "a.mov", clip, content="alpha").kind == "video"
