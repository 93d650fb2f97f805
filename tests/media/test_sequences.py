import os

import numpy as np
import pytest
import torch
from PIL import Image

from footage import make_video
from mattekit.checks import MediaError
from mattekit.media import Style, open_writer, probe, read_planes, verify

CHANNELS = {"alpha": 1, "foreground": 3, "cutout": 4}


@pytest.fixture
def clip(tmp_path):
    make_video(tmp_path / "clip.mkv", pts=5, size=(13, 17), pixels="yuv444p")
    return probe(tmp_path / "clip.mkv")


def write(path, clip, content="alpha", start=0, end=None, **arguments):
    images = []
    generator = torch.Generator().manual_seed(0)
    with open_writer(path, clip, content=content, start=start, end=end, **arguments) as writer:
        for index in range(start, clip.frames if end is None else end):
            images.append(torch.rand(CHANNELS[content], *clip.size, generator=generator))
            writer.write(images[-1], index)
    return images


@pytest.mark.parametrize("content", ["alpha", "foreground", "cutout"])
@pytest.mark.parametrize(("bits", "levels"), [(None, 65535), (8, 255)])
def test_pictures_hold_every_value_rounded(tmp_path, clip, content, bits, levels):
    images = write(tmp_path / "frames", clip, content, style=Style(bits=bits))
    got = probe(tmp_path / "frames")
    assert (got.frames, got.bits, got.size) == (5, 16 if bits is None else 8, (13, 17))
    for image, planes in zip(images, read_planes(got), strict=True):
        assert np.array_equal(planes, image.mul(levels).round().permute(1, 2, 0).numpy())


def test_files_have_the_numbers_of_the_frames(tmp_path, clip):
    write(tmp_path / "frames", clip, start=2, end=4)
    write(tmp_path / "f_%03d.png", clip, start=2, end=4)
    assert sorted(os.listdir(tmp_path / "frames")) == ["00002.png", "00003.png"]
    assert sorted(file.name for file in tmp_path.glob("f_*")) == ["f_002.png", "f_003.png"]
    assert not list(tmp_path.glob(".*"))


def test_one_frame_may_be_one_picture(tmp_path, clip):
    write(tmp_path / "a.png", clip, start=3, end=4)
    assert Image.open(tmp_path / "a.png").size == (17, 13)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.png", "clip.mkv"]


@pytest.mark.parametrize("name", ["frames", "f_%05d.png"])
def test_an_earlier_sequence_is_replaced_as_a_whole(tmp_path, clip, name):
    write(tmp_path / name, clip)
    with pytest.raises(MediaError, match="must not exist yet"):
        write(tmp_path / name, clip)
    write(tmp_path / name, clip, start=1, end=3, overwrite=True)
    files = sorted(tmp_path.rglob("*0000*.png"))
    assert [file.name[-9:] for file in files] == ["00001.png", "00002.png"]
    assert not list(tmp_path.glob(".*"))


def test_an_empty_folder_may_stand_there(tmp_path, clip):
    (tmp_path / "frames").mkdir()
    write(tmp_path / "frames", clip)
    assert len(os.listdir(tmp_path / "frames")) == 5


@pytest.mark.parametrize("name", ["frames", "f_%05d.png"])
def test_a_failure_while_publishing_puts_the_old_pictures_back(tmp_path, clip, name, monkeypatch):
    write(tmp_path / name, clip)
    before = {file: file.read_bytes() for file in sorted(tmp_path.rglob("*.png"))}
    step = "replace" if "%" in name else "rename"  # a picture takes another's place in one step, a folder does not
    real, calls = getattr(os, step), []

    def fail_once(source, target):
        calls.append(target)
        if len(calls) == (3 if "%" in name else 2):
            raise OSError(13, "Permission denied")
        real(source, target)

    monkeypatch.setattr(os, step, fail_once)
    with pytest.raises(MediaError, match="must be free to be written; permission denied"):
        write(tmp_path / name, clip, overwrite=True)
    monkeypatch.undo()
    assert {file: file.read_bytes() for file in sorted(tmp_path.rglob("*.png"))} == before
    assert not list(tmp_path.glob(".*"))


def test_a_picture_that_is_not_whole_is_found(tmp_path):
    Image.new("L", (17, 13)).save(tmp_path / "a.png")
    verify.verify_png(tmp_path / "a.png", "a", size=(13, 17), bits=8)
    with pytest.raises(MediaError, match="not a whole picture of size"):
        verify.verify_png(tmp_path / "a.png", "a", size=(13, 17), bits=16)
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:-5])
    with pytest.raises(MediaError, match="not a whole picture"):
        verify.verify_png(tmp_path / "a.png", "a", size=(13, 17), bits=8)


def test_sound_is_said_to_be_left_out(tmp_path):
    make_video(tmp_path / "clip.mp4", pts=3, sound="aac")
    clip = probe(tmp_path / "clip.mp4")
    with open_writer(tmp_path / "frames", clip, content="composite") as writer:
        for index in range(3):
            writer.write(torch.zeros(3, *clip.size), index)
    assert writer.notes == ["sound left out: pictures carry none"]
