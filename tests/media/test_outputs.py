import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from footage import make_video
from mattekit.checks import InputError, MediaError
from mattekit.media import Style, check_distinct, check_output, probe


@pytest.fixture
def clip(tmp_path):
    make_video(tmp_path / "clip.mp4", pts=4)
    return probe(tmp_path / "clip.mp4")


def test_the_suffix_chooses_the_format(tmp_path, clip):
    for name, kind, bits in [
        ("a.mov", "video", 10),
        ("a.WEBM", "video", 8),
        ("a.mkv", "video", 16),
        ("frames", "folder", 16),
        ("f_%05d.png", "pattern", 16),
    ]:
        plan = check_output(tmp_path / name, clip, content="cutout")
        assert (plan.kind, plan.bits) == (kind, bits)
    assert check_output(tmp_path / "a.mkv", clip, content="alpha", style=Style(bits=8)).bits == 8


def test_names_of_a_sequence_hold_the_frame_number(tmp_path, clip):
    assert check_output(tmp_path / "frames", clip, content="alpha").name(7) == "00007.png"
    assert check_output(tmp_path / "a%03d_x.png", clip, content="alpha").name(7) == "a007_x.png"
    assert check_output(tmp_path / "a%d.png", clip, content="alpha").name(12) == "a12.png"


def test_formats_that_cannot_hold_it_are_refused(tmp_path, clip):
    for name, content, words in [
        (
            "a.avi",
            "alpha",
            r"an output must be \.mov, \.webm, \.mkv, \.mp4, a folder, or name_%05d with \.png, \.exr, \.jpg, \.jpeg; "
            r"got .*a\.avi",
        ),
        ("a.mp4", "cutout", r"a cutout needs alpha, which \.mp4 has not"),
        ("a.png", "alpha", r"a single \.png holds one frame"),
        ("a%d_%d.png", "alpha", "one frame number"),
        ("a.mov", "matte", "content must be one of alpha, foreground, cutout, composite, preview; got 'matte'"),
    ]:
        with pytest.raises(InputError, match=words):
            check_output(tmp_path / name, clip, content=content)
    with pytest.raises(InputError, match=r"a\.mov must have 10 bits a channel; got 16"):
        check_output(tmp_path / "a.mov", clip, content="alpha", style=Style(bits=16))
    assert check_output(tmp_path / "a.png", replace(clip, frames=1), content="alpha").kind == "still"


def test_the_input_is_never_an_output_even_when_overwriting(tmp_path, clip):
    os.symlink(clip.path, tmp_path / "link.mp4")
    os.link(clip.path, tmp_path / "hard.mp4")
    for name in ("clip.mp4", "./clip.mp4", "link.mp4", "hard.mp4"):
        with pytest.raises(MediaError, match="an output must not be the input"):
            check_output(str(tmp_path / name), clip, content="composite", overwrite=True)


def test_a_folder_of_images_is_never_written_into_over_itself(tmp_path):
    folder = tmp_path / "shot"
    folder.mkdir()
    for number in range(2):
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(folder / f"{number:05}.png")
    clip = probe(folder)
    for name in (folder, folder / "%05d.png"):
        with pytest.raises(MediaError, match="an output must not be the input"):
            check_output(name, clip, content="alpha", overwrite=True)


def test_what_exists_is_refused_unless_it_may_be_replaced(tmp_path, clip):
    for name in ("a.mov", "f_00003.png"):
        (tmp_path / name).write_text("mine")
    for name in ("a.mov", "f_%05d.png"):
        with pytest.raises(MediaError, match="must not exist yet; it does; choose another name or allow overwriting"):
            check_output(tmp_path / name, clip, content="alpha")
        check_output(tmp_path / name, clip, content="alpha", overwrite=True)
    (tmp_path / "b.mov").mkdir()
    with pytest.raises(MediaError, match="must be a file to be replaced; it is a folder"):
        check_output(tmp_path / "b.mov", clip, content="alpha", overwrite=True)


def test_a_dangling_link_counts_as_existing(tmp_path, clip):
    os.symlink(tmp_path / "nowhere", tmp_path / "a.mov")
    with pytest.raises(MediaError, match="must not exist yet"):
        check_output(tmp_path / "a.mov", clip, content="alpha")


def test_a_folder_with_other_files_is_never_replaced(tmp_path, clip):
    folder = tmp_path / "frames"
    folder.mkdir()
    check_output(folder, clip, content="alpha")
    (folder / "00000.png").write_text("old")
    check_output(folder, clip, content="alpha", overwrite=True)
    (folder / "letter.txt").write_text("dear")
    with pytest.raises(MediaError, match=r"nothing but an earlier output to be replaced; it holds letter\.txt"):
        check_output(folder, clip, content="alpha", overwrite=True)


def test_a_folder_that_is_missing_or_locked_is_refused(tmp_path, clip, monkeypatch):
    with pytest.raises(MediaError, match="must be a folder to write into; there is none; make it first"):
        check_output(tmp_path / "none" / "a.mov", clip, content="alpha")
    with pytest.raises(MediaError, match="there is none"):
        check_output(clip.path / "a.mov", clip, content="alpha")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(MediaError, match="must allow writing; it does not; choose another folder"):
        check_output(tmp_path / "a.mov", clip, content="alpha")


def test_nothing_is_changed_by_the_check(tmp_path, clip):
    before = sorted(tmp_path.iterdir())
    check_output(tmp_path / "frames", clip, content="alpha")
    check_output(tmp_path / "a.mov", clip, content="alpha")
    assert sorted(tmp_path.iterdir()) == before


def test_two_outputs_of_one_path_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_distinct(["a.mov", "b.mov", tmp_path / "c"])
    with pytest.raises(InputError, match="every output must have a path of its own"):
        check_distinct(["a.mov", Path("b.mov"), tmp_path / "x" / ".." / "a.mov"])
