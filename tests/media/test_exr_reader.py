"""EXR inputs: what is written comes back, light is displayed, mattes keep their numbers, and the rest is refused."""

from __future__ import annotations

import struct
from dataclasses import replace
from fractions import Fraction

import numpy as np
import OpenEXR
import pytest
import torch

from footage import make_video
from mattekit.checks import InputError, MediaError
from mattekit.cli import main
from mattekit.media import Style, open_writer, probe, read, read_alpha, read_mask, read_still, read_trimap
from mattekit.media.exr_head import read_exr_head
from mattekit.media.exr_reader import exr_remarks
from mattekit.media.salvage import salvage
from mattekit.media.stills import load_image
from mattekit.media.transfer import linearise

SIZE = (13, 17)


@pytest.fixture
def clip(tmp_path):
    make_video(tmp_path / "clip.mp4", pts=2, size=SIZE, pixels="yuv444p", aspect=Fraction(3, 2))
    return probe(tmp_path / "clip.mp4")


def noise(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def write(path, clip, content, **style):
    """Write two frames of noise and return them as (T, C, H, W)."""
    images = noise(2, {"alpha": 1, "cutout": 4}.get(content, 3), *clip.size)
    with open_writer(path, clip, content=content, style=Style(**style)) as writer:
        for index, image in enumerate(images):
            writer.write(image, index * 1001)
    return images


def write_exr(path, channels, **header):
    """Write a file as another program would."""
    planes = {name: np.asarray(plane, np.float32) for name, plane in channels.items()}
    OpenEXR.File({"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION, **header}, planes).write(
        str(path)
    )


def frames_of(path):
    return torch.cat([chunk.frames for chunk in read(probe(path))])


@pytest.mark.parametrize("transfer", ["bt709", "iec61966-2-1", "smpte2084", "arib-std-b67"])
@pytest.mark.parametrize(("bits", "error"), [(16, 3e-4), (32, 1e-6)])
def test_colour_written_as_light_comes_back_by_its_own_curve(tmp_path, clip, transfer, bits, error):
    clip = replace(clip, colour_transfer=transfer, colour_primaries="bt2020")
    images = write(tmp_path / "f", clip, "foreground", bits=bits, stills="exr")
    found = probe(tmp_path / "f")
    assert (found.frames, found.size, found.bits, found.has_alpha) == (2, SIZE, bits, False)
    assert (found.colour_transfer, found.colour_primaries, found.pixel_aspect) == (transfer, "bt2020", Fraction(3, 2))
    assert (frames_of(tmp_path / "f") - images).abs().max() < error


def test_values_as_displayed_come_back_to_the_last_bit(tmp_path, clip):
    images = write(tmp_path / "f", clip, "foreground", bits=32, exr_colour="display", stills="exr")
    assert torch.equal(frames_of(tmp_path / "f"), images)


@pytest.mark.parametrize("style", [{}, {"premultiplied": False}, {"layers": True}, {"exr_colour": "display"}])
def test_a_cutout_comes_back_straight_however_it_was_written(tmp_path, clip, style):
    images = write(tmp_path / "c", clip, "cutout", bits=32, stills="exr", **style)
    assert probe(tmp_path / "c").has_alpha
    assert (frames_of(tmp_path / "c") - images[:, :3]).abs().max() < 1e-5
    assert np.array_equal(np.stack(list(read_alpha(probe(tmp_path / "c")))), images[:, 3].numpy())


@pytest.mark.parametrize(("bits", "kind"), [(16, torch.float16), (32, torch.float32)])
def test_an_alpha_comes_back_as_the_numbers_in_the_file(tmp_path, clip, bits, kind):
    images = write(tmp_path / "a", clip, "alpha", bits=bits, stills="exr")
    wanted = images[:, 0].to(kind).float().numpy()
    assert np.array_equal(np.stack(list(read_alpha(probe(tmp_path / "a")))), wanted)
    assert np.array_equal(frames_of(tmp_path / "a")[:, 0].numpy(), wanted)  # grey, and no light


def test_finish_keeps_the_precision_of_an_alpha_alone(tmp_path, clip):
    images = write(tmp_path / "a", clip, "alpha", bits=32, stills="exr")
    command = ["finish", str(clip.path), str(tmp_path / "a"), "--alpha", str(tmp_path / "b"), "--across-cuts"]
    assert main([*command, "--format", "exr", "--bits", "32"]) == 0
    assert np.array_equal(np.stack(list(read_alpha(probe(tmp_path / "b")))), images[:, 0].numpy())


def test_a_matte_in_three_equal_channels_is_no_light(tmp_path):
    plane = noise(*SIZE).numpy()
    write_exr(tmp_path / "m.exr", dict.fromkeys("RGB", plane))
    (found,) = read_alpha(probe(tmp_path / "m.exr"))
    assert np.array_equal(found, plane)


def test_light_of_another_program_is_displayed_by_the_curve_of_srgb(tmp_path):
    values = noise(3, *SIZE).numpy()
    write_exr(tmp_path / "m.exr", dict(zip("RGB", linearise(values, "iec61966-2-1"), strict=True)))
    assert np.abs(np.moveaxis(read_still(tmp_path / "m.exr"), -1, 0) - values).max() < 1e-6
    assert probe(tmp_path / "m.exr").colour_transfer is None
    assert exr_remarks([tmp_path / "m.exr"]) == [
        "light in EXR files is read as display values, by the curve iec61966-2-1; beyond 0 and 1 it is held there"
    ]


def test_colour_under_no_alpha_stays_and_next_to_none_is_held_at_white(tmp_path):
    alpha = np.array([[0, 1e-45, 0.5, 1, np.inf, -1]], np.float32)
    light = np.array([[0.25, 0.5, 0.25, 0.25, 1, 1]], np.float32)
    write_exr(tmp_path / "m.exr", {**dict.fromkeys("RGB", light), "A": alpha}, comments="values as displayed")
    found = load_image(tmp_path / "m.exr", as_matte=False)
    assert np.array_equal(found[0, :, 0], np.array([0.25, 1, 0.5, 0.25, 1, 1], np.float32))
    assert np.array_equal(found[0, :, 3], np.array([0, 1e-45, 0.5, 1, 1, 0], np.float32))


@pytest.mark.parametrize("as_matte", [False, True])
def test_values_beyond_the_ends_are_held_and_what_is_no_number_is_refused_by_name(tmp_path, as_matte):
    plane = np.array([[-1, np.inf, -np.inf, 1e30, 1]], np.float32)
    write_exr(tmp_path / "m.exr", dict.fromkeys("RGB", plane))
    assert load_image(tmp_path / "m.exr", as_matte=as_matte)[0, :, 1] == pytest.approx([0, 1, 0, 1, 1])
    (tmp_path / "s").mkdir()
    for number, value in enumerate((0.5, np.nan)):
        write_exr(tmp_path / "s" / f"f_{number}.exr", {"Y": np.full(SIZE, value)})
    with pytest.raises(MediaError, match=r"f_1\.exr must hold numbers; channel Y has none \(NaN\) at row 0, column 0"):
        list(read(probe(tmp_path / "s")))
    assert salvage(tmp_path / "s").kept.numbers == (0,)


def test_what_is_stored_is_put_into_its_place_in_the_picture(tmp_path):
    window = {"dataWindow": ((-2, 1), (1, 2)), "displayWindow": ((0, 0), (2, 3))}
    window = {name: tuple(np.array(corner, np.int32) for corner in box) for name, box in window.items()}
    write_exr(tmp_path / "m.exr", {"Y": np.arange(8).reshape(2, 4) / 8}, **window)
    wanted = [[0, 0, 0], [2 / 8, 3 / 8, 0], [6 / 8, 7 / 8, 0], [0, 0, 0]]
    assert load_image(tmp_path / "m.exr")[..., 0].tolist() == wanted


@pytest.mark.parametrize("names", ["RGB", "RGBA", "Y", "YA", "A", ("beauty.R", "beauty.G", "beauty.B", "Z")])
def test_channels_are_found_plain_or_in_one_layer(tmp_path, names):
    write_exr(tmp_path / "m.exr", {name: np.full(SIZE, 1.0) for name in names})
    assert (read_still(tmp_path / "m.exr") == 1).all()


@pytest.mark.parametrize(
    "names", ["Z", "RG", ("Y", "RY", "BY"), [f"{layer}.{name}" for layer in "ab" for name in "RGB"]]
)
def test_channels_that_make_no_picture_are_refused_by_name(tmp_path, names):
    write_exr(tmp_path / "m.exr", {name: np.full(SIZE, 1.0) for name in names})
    with pytest.raises(MediaError, match=f"must have channels R, G, B, or Y.*it has .*{sorted(names)[0]}"):
        probe(tmp_path / "m.exr")


def test_tiled_files_and_first_parts_are_read_in_every_compression(tmp_path):
    planes = {name: noise(*SIZE, seed=seed).numpy() for seed, name in enumerate("RGB")}
    write_exr(tmp_path / "t.exr", planes, type=OpenEXR.tiledimage, tiles=OpenEXR.TileDescription())
    parts = [OpenEXR.Part({"type": OpenEXR.scanlineimage, "name": name}, dict(planes)) for name in ("one", "two")]
    OpenEXR.File(parts).write(str(tmp_path / "p.exr"))
    files = [tmp_path / "t.exr", tmp_path / "p.exr"]
    lossless = ("NO", "RLE", "ZIPS", "ZIP", "PIZ")
    for name in (*lossless, "PXR24", "B44", "B44A", "DWAA", "DWAB"):
        files.append(tmp_path / f"{name}.exr")
        write_exr(files[-1], planes, compression=getattr(OpenEXR, f"{name}_COMPRESSION"))
    for file in files:
        found = np.moveaxis(load_image(file), -1, 0)
        error = np.abs(found - np.stack(list(planes.values()))).max()
        assert error == 0 if file.stem in ("t", "p", *lossless) else error < 0.1, file.name


def test_trimaps_and_masks_are_taken_by_the_rules_of_other_pictures(tmp_path):
    values = np.tile(np.array([0, 0.5, 1], np.float32), (4, 1))
    write_exr(tmp_path / "t.exr", {"Y": values})
    assert read_trimap(tmp_path / "t.exr", (4, 3))[0].tolist() == [0, 128, 255]
    assert read_mask(tmp_path / "t.exr", (4, 3))[0].tolist() == [0, 128, 255]
    write_exr(tmp_path / "o.exr", {"Y": values * 0.7})
    with pytest.raises(InputError, match="must hold only 0"):
        read_trimap(tmp_path / "o.exr", (4, 3))
    write_exr(tmp_path / "c.exr", {"R": values, "G": values, "B": values * 0})
    with pytest.raises(InputError, match=r"must be grey; it has colours"):
        read_mask(tmp_path / "c.exr", (4, 3))


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.99])
@pytest.mark.parametrize("compression", ["NO", "ZIP", "PIZ", "DWAA"])
def test_a_file_cut_short_is_refused_and_nothing_is_grumbled(tmp_path, capfd, share, compression):
    planes = {name: noise(64, 64, seed=seed).numpy() for seed, name in enumerate("RGB")}
    write_exr(tmp_path / "m.exr", planes, compression=getattr(OpenEXR, f"{compression}_COMPRESSION"))
    data = (tmp_path / "m.exr").read_bytes()
    (tmp_path / "m.exr").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(MediaError, match=r"m\.exr must be a whole image"):
        load_image(tmp_path / "m.exr")
    assert capfd.readouterr() == ("", "")


def test_sizes_are_limited_before_memory_is_taken(tmp_path, monkeypatch):
    write_exr(tmp_path / "m.exr", {"Y": noise(*SIZE).numpy()})
    data = (tmp_path / "m.exr").read_bytes()
    small, large = (struct.pack("<4i", 0, 0, *corner) for corner in ((16, 12), (99_999, 99_999)))
    (tmp_path / "l.exr").write_bytes(data.replace(small, large))
    with pytest.raises(MediaError, match=r"at most 67108864 pixels; .*l\.exr states 100000 x 100000"):
        probe(tmp_path / "l.exr")
    (tmp_path / "l.exr").write_bytes(data.replace(small, struct.pack("<4i", 0, 0, 8191, 8191)))
    with pytest.raises(MediaError, match="it must have 512 chunks and ends before they can be there"):
        probe(tmp_path / "l.exr")
    monkeypatch.setenv("MATTEKIT_MOST_PIXELS", "100")
    with pytest.raises(MediaError, match="at most 100 pixels"):
        read_exr_head(tmp_path / "m.exr")


def test_deep_files_and_other_files_are_refused(tmp_path):
    write_exr(tmp_path / "m.exr", {"Y": noise(*SIZE).numpy()})
    data = bytearray((tmp_path / "m.exr").read_bytes())
    data[5] |= 8
    (tmp_path / "d.exr").write_bytes(data)
    with pytest.raises(MediaError, match=r"d\.exr must have one value a pixel; it is deep"):
        probe(tmp_path / "d.exr")
    (tmp_path / "n.exr").write_bytes(b"hello")
    with pytest.raises(MediaError, match=r"n\.exr must be an image .*it is not one"):
        probe(tmp_path / "n.exr")


def test_a_clip_in_exr_is_laid_over_a_background_in_exr(tmp_path, clip, capsys):
    write(tmp_path / "f", clip, "foreground", stills="exr")
    write(tmp_path / "a", clip, "alpha", stills="exr")
    write_exr(tmp_path / "b.exr", dict.fromkeys("RGB", np.full(SIZE, 4.0)))
    outputs = ["--composite", str(tmp_path / "o"), "--background", str(tmp_path / "b.exr"), "--format", "exr"]
    assert main(["finish", str(tmp_path / "f"), str(tmp_path / "a"), *outputs]) == 0
    assert "light in EXR files is read as display values, by the curve bt709" in capsys.readouterr().err
    assert probe(tmp_path / "o").frames == 2
