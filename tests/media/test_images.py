from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from footage import picture
from mattekit.checks import MediaError
from mattekit.media import frames_at, probe, read, read_planes, read_still


def save_deep(path, values, pixels):
    """Write a 16-bit picture (H, W, C)."""
    codec = {".png": "png", ".tif": "tiff"}[path.suffix]
    encoder = av.CodecContext.create(codec, "w")
    encoder.height, encoder.width, encoder.pix_fmt = *values.shape[:2], pixels
    encoder.time_base = Fraction(1, 24)
    packets = encoder.encode(av.VideoFrame.from_ndarray(values, pixels)) + encoder.encode(None)
    path.write_bytes(b"".join(bytes(packet) for packet in packets))


def save_folder(folder, names, **arguments):
    folder.mkdir(exist_ok=True)
    for index, name in enumerate(names):
        Image.fromarray(picture(index, height=13, width=17)).save(folder / name, **arguments)
    return folder


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".webp", ".bmp", ".PNG"])
def test_lossless_pictures_are_read_exactly(tmp_path, suffix):
    arguments = {"lossless": True} if suffix == ".webp" else {}
    folder = save_folder(tmp_path / "clip", [f"{number:03}{suffix}" for number in range(3)], **arguments)
    clip = probe(folder)
    assert (clip.kind, clip.frames, clip.size, clip.rate, clip.bits) == ("images", 3, (13, 17), 24, 8)
    chunk = next(read(clip))
    assert chunk.pts.tolist() == [0, 1, 2]
    for index in range(3):
        wanted = torch.from_numpy(picture(index, height=13, width=17)).permute(2, 0, 1) / 255
        assert torch.equal(chunk.frames[index], wanted)


def test_jpeg_is_read_as_pillow_reads_it(tmp_path):
    folder = save_folder(tmp_path / "clip", ["1.jpg"])
    wanted = np.asarray(Image.open(folder / "1.jpg"))
    assert (next(read_planes(probe(folder))) == wanted).all()


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize(("channels", "pixels"), [(1, "gray16"), (3, "rgb48"), (4, "rgba64")])
def test_sixteen_bits_are_kept(tmp_path, suffix, channels, pixels):
    values = np.random.default_rng(0).integers(0, 65536, (13, 17, channels)).astype(np.uint16)
    save_deep(tmp_path / f"a{suffix}", values, pixels + ("be" if suffix == ".png" else "le"))
    clip = probe(tmp_path / f"a{suffix}")
    assert clip.bits == 16
    assert (next(read_planes(clip)) == values).all()
    colour = values[..., :3] if channels > 1 else np.repeat(values, 3, axis=2)
    assert np.array_equal(read_still(tmp_path / f"a{suffix}"), colour / np.float32(65535))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_exif_orientation_is_applied_once(tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a{suffix}"
    Image.fromarray(picture(0)).save(path, exif=exif)
    wanted = np.asarray(ImageOps.exif_transpose(Image.open(path)))
    clip = probe(path)
    assert clip.size == wanted.shape[:2]
    assert (next(read_planes(clip)) == wanted).all()


@pytest.mark.parametrize("orientation", [3, 6, 7])
def test_exif_orientation_holds_for_sixteen_bits_too(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    values = np.random.default_rng(0).integers(0, 65536, (13, 17)).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "deep.png", exif=exif)
    Image.fromarray((values >> 8).astype(np.uint8)).save(tmp_path / "flat.png", exif=exif)
    wanted = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "flat.png")))
    assert (next(read_planes(probe(tmp_path / "deep.png")))[..., 0] >> 8 == wanted).all()


def test_palette_and_grey_with_alpha_are_read(tmp_path):
    Image.fromarray(picture(0)).convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "p.png")
    Image.new("LA", (17, 13), (90, 200)).save(tmp_path / "la.png")
    assert next(read_planes(probe(tmp_path / "p.png"))).shape == (48, 64, 3)
    assert next(read_planes(probe(tmp_path / "la.png")))[0, 0].tolist() == [90, 90, 90, 200]
    assert read_still(tmp_path / "la.png")[0, 0].tolist() == [np.float32(90) / np.float32(255)] * 3


def test_two_comes_before_ten(tmp_path):
    names = [f"shot{number}.png" for number in (8, 9, 10, 11)]
    clip = probe(save_folder(tmp_path / "clip", names))
    assert [file.name for file in clip.files] == names


def test_numbering_may_start_anywhere_and_other_files_are_left_alone(tmp_path):
    folder = save_folder(tmp_path / "clip", ["v2.1001.png", "v2.1002.png"])
    (folder / "notes.txt").write_text("hello")
    (folder / ".hidden.png").write_bytes(b"")
    assert probe(folder).frames == 2


def test_chosen_pictures_are_those_of_the_folder(tmp_path):
    clip = probe(save_folder(tmp_path / "clip", [f"{number}.png" for number in range(5)]))
    whole = torch.cat([chunk.frames for chunk in read(clip, chunk=2)])
    assert torch.equal(torch.stack(list(frames_at(clip, [1, 4]))), whole[[1, 4]])
    assert torch.equal(torch.cat([chunk.frames for chunk in read(clip, start=2, end=4)]), whole[2:4])


def test_gaps_are_named(tmp_path):
    folder = save_folder(tmp_path / "clip", [f"{number:04}.png" for number in (3, 4, 6, 9)])
    with pytest.raises(MediaError, match="without gaps from 3 to 9; missing: 5, 7, 8; add them"):
        probe(folder)


def test_a_number_that_is_there_twice_is_named(tmp_path):
    folder = save_folder(tmp_path / "clip", ["a1.png", "a2.png", "b2.png"])
    with pytest.raises(MediaError, match=r"a2\.png and b2\.png both have number 2"):
        probe(folder)


def test_another_size_is_named(tmp_path):
    folder = save_folder(tmp_path / "clip", ["1.png", "2.png"])
    Image.new("RGB", (20, 13)).save(folder / "3.png")
    with pytest.raises(MediaError, match=r"1\.png has \(13, 17\) and 3\.png has \(13, 20\)"):
        probe(folder)


def test_what_is_no_picture_is_refused(tmp_path):
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "empty.png").touch()
    whole = save_folder(tmp_path / "clip", ["1.png"]) / "1.png"
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[:-40])
    Image.new("L", (4, 4)).save(tmp_path / "two.tif", save_all=True, append_images=[Image.new("L", (4, 4))])
    with pytest.raises(MediaError, match="must be an image .*; it is not one"):
        probe(tmp_path / "text.png")
    with pytest.raises(MediaError, match="it is empty"):
        probe(tmp_path / "empty.png")
    with pytest.raises(MediaError, match="must be a whole image"):
        list(read(probe(tmp_path / "cut.png")))
    with pytest.raises(MediaError, match="must hold one picture; it holds several"):
        probe(tmp_path / "two.tif")
    with pytest.raises(MediaError, match="it is not one"):
        read_still(tmp_path / "text.png")


def test_a_cut_deep_picture_is_refused(tmp_path):
    values = np.random.default_rng(0).integers(0, 65536, (64, 64, 3)).astype(np.uint16)
    save_deep(tmp_path / "a.png", values, "rgb48be")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:9000])
    with pytest.raises(MediaError, match="must be a whole image"):
        read_still(tmp_path / "a.png")


def test_a_picture_that_changes_after_probing_is_refused(tmp_path):
    folder = save_folder(tmp_path / "clip", ["1.png", "2.png"])
    clip = probe(folder)
    Image.new("RGB", (20, 13)).save(folder / "2.png")
    with pytest.raises(MediaError, match=r"2\.png must have size \(13, 17\) \(height, width\) as frame 1"):
        list(read(clip))
