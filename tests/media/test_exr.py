"""EXR outputs: channels, depth, light, layers, and what the head says."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import OpenEXR
import pytest
import torch

from footage import make_video
from mattekit.checks import InputError, MediaError
from mattekit.media import Style, check_output, open_writer, probe, sequence
from mattekit.media.exr import read_channels
from mattekit.media.transfer import linearise

CHANNELS = {"alpha": 1, "foreground": 3, "cutout": 4, "composite": 3}
DEPTHS = {16: np.float16, 32: np.float32}


@pytest.fixture
def clip(tmp_path):
    make_video(tmp_path / "clip.mp4", pts=2, size=(13, 17), pixels="yuv444p", aspect=Fraction(3, 2))
    return probe(tmp_path / "clip.mp4")


def write(path, clip, content, **style):
    """Write two frames of noise and return them as (C, H, W) arrays."""
    generator = torch.Generator().manual_seed(0)
    images = [torch.rand(CHANNELS[content], *clip.size, generator=generator) for _ in range(2)]
    with open_writer(path, clip, content=content, style=Style(**style)) as writer:
        for index, image in enumerate(images):
            writer.write(image, index * 1001)
    return writer, [image.numpy() for image in images]


def head(path):
    return OpenEXR.File(str(path), separate_channels=True, header_only=True).header()


def stack(channels, names):
    return np.stack([channels[name] for name in names])


@pytest.mark.parametrize("bits", [16, 32])
def test_a_matte_is_one_channel_rounded_to_the_nearest_float(tmp_path, clip, bits):
    _, images = write(tmp_path / "a_%05d.exr", clip, "alpha", bits=bits)
    for index, image in enumerate(images):
        channels = read_channels(tmp_path / f"a_{index:05d}.exr")
        assert list(channels) == ["Y"]
        assert channels["Y"].dtype == DEPTHS[bits]
        assert np.array_equal(channels["Y"], image[0].astype(DEPTHS[bits]))


def test_values_as_displayed_come_back_to_the_last_bit(tmp_path, clip):
    _, images = write(tmp_path / "f", clip, "foreground", bits=32, exr_colour="display", stills="exr")
    for index, image in enumerate(images):
        assert np.array_equal(stack(read_channels(tmp_path / "f" / f"{index:05d}.exr"), "RGB"), image)


@pytest.mark.parametrize("transfer", ["bt709", "iec61966-2-1", "smpte2084", "arib-std-b67"])
@pytest.mark.parametrize("bits", [16, 32])
def test_colour_is_the_light_of_the_clips_transfer_curve(tmp_path, clip, transfer, bits):
    clip = replace(clip, colour_transfer=transfer)
    _, images = write(tmp_path / "f_%d.exr", clip, "composite", bits=bits)
    got = stack(read_channels(tmp_path / "f_0.exr"), "RGB")
    assert np.array_equal(got, linearise(images[0], transfer).astype(DEPTHS[bits]))


def test_a_cutout_is_premultiplied_in_light_and_straight_where_asked(tmp_path, clip):
    writer, images = write(tmp_path / "c_%d.exr", clip, "cutout", bits=32)
    channels = read_channels(tmp_path / "c_0.exr")
    light, alpha = linearise(images[0][:3], "bt709"), images[0][3]
    assert sorted(channels) == ["A", "B", "G", "R"]
    assert np.array_equal(stack(channels, "RGB"), light * alpha)
    assert np.array_equal(channels["A"], alpha)
    assert (stack(channels, "RGB") <= channels["A"]).all()
    assert writer.notes == []
    writer, _ = write(tmp_path / "s_%d.exr", clip, "cutout", bits=32, premultiplied=False)
    assert np.array_equal(stack(read_channels(tmp_path / "s_0.exr"), "RGB"), light)
    assert writer.notes == ["colour in EXR is straight, as asked for; most readers take it to be premultiplied"]
    assert "R, G, B straight" in head(tmp_path / "s_0.exr")["comments"]


def test_layers_hold_straight_colour_and_alpha_by_name(tmp_path, clip):
    _, images = write(tmp_path / "c_%d.exr", clip, "cutout", bits=32, layers=True)
    channels = read_channels(tmp_path / "c_1.exr")
    layers = ["foreground.R", "foreground.G", "foreground.B"]
    assert sorted(channels) == sorted(["R", "G", "B", "A", "alpha.A", *layers])
    assert np.array_equal(stack(channels, layers), linearise(images[1][:3], "bt709"))
    assert np.array_equal(channels["alpha.A"], images[1][3])


def test_the_head_says_what_the_values_are(tmp_path, clip):
    write(tmp_path / "a_%d.exr", replace(clip, colour_primaries="bt2020", colour_transfer="bt2020-10"), "cutout")
    found = head(tmp_path / "a_0.exr")
    assert found["comments"] == ("light, by the inverse of the transfer curve bt2020-10; R, G, B premultiplied by A")
    assert found["chromaticities"] == pytest.approx((0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290))
    assert (found["pixelAspectRatio"], found["colorInteropID"]) == (1.5, "lin_rec2020_scene")
    assert OpenEXR.checkColorMetadata(found) == 0
    write(tmp_path / "b_%d.exr", replace(clip, colour_primaries="bt2020", colour_transfer="smpte2084"), "composite")
    found = head(tmp_path / "b_0.exr")
    assert found["whiteLuminance"] == 100
    assert "colorInteropID" not in found
    write(tmp_path / "c_%d.exr", clip, "composite", exr_colour="display")
    found = head(tmp_path / "c_0.exr")
    assert found["comments"] == "values as displayed, by the transfer curve bt709"
    assert "colorInteropID" not in found
    write(tmp_path / "d_%d.exr", clip, "alpha")
    assert "chromaticities" not in head(tmp_path / "d_0.exr")


def test_images_without_a_curve_count_as_srgb(tmp_path, clip):
    _, images = write(tmp_path / "a_%d.exr", replace(clip, kind="images", colour_transfer=None), "composite", bits=32)
    assert np.array_equal(stack(read_channels(tmp_path / "a_0.exr"), "RGB"), linearise(images[0], "iec61966-2-1"))


def test_levels_are_written_as_the_floats_they_stand_for_only_where_there_are_eight_bits(tmp_path, clip):
    with (
        pytest.raises(InputError, match="got torch.uint8 for 16 bits"),
        open_writer(tmp_path / "a_%d.exr", clip, content="alpha") as writer,
    ):
        writer.write(torch.zeros(1, *clip.size, dtype=torch.uint8), 0)


def test_depths_that_exr_has_not_are_refused(tmp_path, clip):
    with pytest.raises(InputError, match=r"a_%d\.exr must have 16 or 32 bits a channel; got 8"):
        check_output(tmp_path / "a_%d.exr", clip, content="alpha", style=Style(bits=8))
    with pytest.raises(InputError, match=r"a single \.exr holds one frame; .*name_%05d\.exr"):
        check_output(tmp_path / "a.exr", clip, content="alpha")
    assert check_output(tmp_path / "a.exr", clip, content="alpha", frames=1).kind == "still"


def test_the_same_frames_give_the_same_bytes(tmp_path, clip):
    for name in ("a", "b"):
        write(tmp_path / f"{name}_%d.exr", clip, "cutout", layers=True)
    assert (tmp_path / "a_1.exr").read_bytes() == (tmp_path / "b_1.exr").read_bytes()


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_file_that_is_not_whole_is_found_before_it_gets_its_name(tmp_path, clip, damage, monkeypatch, capfd):
    close = sequence.ImageSequence.close

    def close_and_spoil(self):
        close(self)
        file = sorted(self.temporary.iterdir())[1]
        whole = file.read_bytes()
        spoilt = whole[:-300] + bytes(300)
        file.write_bytes(whole[:-1] if damage == "cut" else spoilt)

    monkeypatch.setattr(sequence.ImageSequence, "close", close_and_spoil)
    words = r"a_%d\.exr must hold what was written; a_1\.exr is not a whole" if damage == "cut" else "OpenEXR"
    with pytest.raises(MediaError, match=words):
        write(tmp_path / "a_%d.exr", clip, "cutout")
    assert [file.name for file in tmp_path.iterdir()] == ["clip.mp4"]
    capfd.readouterr()
