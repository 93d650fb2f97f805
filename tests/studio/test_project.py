"""A project is read as it was written, is written whole, and every kind of broken one is refused by one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mattekit.checks import InputError, MediaError
from mattekit.media import probe
from mattekit.studio.project import Project, read_project, write_project
from scenes import soft_disc, write_video
from studio.clips import disc_trimap, make_clip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    info = probe(make_clip(tmp_path))
    keys = {0: disc_trimap(0), 7: disc_trimap(7)}
    write_project(tmp_path / "disc.mattekit", Project(info, keys, {"frame": 7, "view": "alpha"}))
    return tmp_path / "disc.mattekit"


def change(folder: Path, **facts: Any) -> None:
    listing = json.loads((folder / "project.json").read_text())
    (folder / "project.json").write_text(json.dumps({**listing, **facts}))


def test_a_project_is_read_as_it_was_written(folder: Path) -> None:
    found = read_project(folder)
    assert found.info.path.name == "disc.mkv" and found.view == {"frame": 7, "view": "alpha"}
    assert sorted(found.keys) == [0, 7] and (found.keys[7] == disc_trimap(7)).all()
    assert sorted(path.name for path in folder.rglob("*")) == ["00000.png", "00007.png", "keys", "project.json"]


def test_writing_again_leaves_nothing_of_what_stood_there(folder: Path) -> None:
    project = read_project(folder)
    write_project(folder, Project(project.info, {3: disc_trimap(3)}))
    assert sorted(read_project(folder).keys) == [3]
    assert sorted(path.name for path in folder.parent.iterdir()) == ["disc.mattekit", "disc.mkv"]


def test_clip_and_project_may_move_together(folder: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    for name in ("disc.mkv", "disc.mattekit"):
        shutil.move(tmp_path / name, there / name)
    assert read_project(there / "disc.mattekit").info.path.parent.samefile(there)


def test_a_clip_that_moved_is_named_anew(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "disc.mkv").rename(tmp_path / "moved.mkv")
    with pytest.raises(InputError, match=r"must be where it was; disc.mkv is not"):
        read_project(folder)
    assert read_project(folder, tmp_path / "moved.mkv").info.path.name == "moved.mkv"


def test_another_clip_is_refused(folder: Path, tmp_path: Path) -> None:
    other = write_video(tmp_path / "other.mkv", soft_disc(5).frames)
    with pytest.raises(InputError, match="was made for another, 64 x 48 with 12 frames"):
        read_project(folder, other)


def test_what_is_no_project_is_never_written_over(tmp_path: Path) -> None:
    info = probe(make_clip(tmp_path))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    for name in ("mine", "disc.mkv"):
        with pytest.raises(InputError, match="must be a project or not be there"):
            write_project(tmp_path / name, Project(info, {}))
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def test_a_folder_that_cannot_be_written_is_one_error_and_leaves_nothing(tmp_path: Path) -> None:
    info = probe(make_clip(tmp_path))
    (tmp_path / "file").write_text("")
    with pytest.raises(MediaError, match="must be writable"):
        write_project(tmp_path / "file" / "x.mattekit", Project(info, {}))


CLIP = {"path": "disc.mkv", "width": 64, "height": 48, "frames": 12, "crc": 1}


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"version": 2}, "must have version 1; got 2: use a newer mattekit"),
        ({"version": True}, "its version is not 1"),
        ({"extra": 1}, "its fields are others"),
        ({"clip": {**CLIP, "path": ""}}, "its clip's path is no path"),
        ({"clip": {**CLIP, "more": 1}}, "its clip has other fields"),
        ({"clip": {**CLIP, "width": "64"}}, "not told in whole numbers"),
        ({"clip": CLIP}, "was made for another"),
        ({"keys": [0, 12]}, "its key frames are not numbers of frames"),
        ({"keys": ["../../secret"]}, "its key frames are not numbers of frames"),
        ({"keys": [7, 0]}, "its key frames do not rise"),
        ({"view": {"a": [1]}}, "its view holds more than plain values"),
    ],
)
def test_other_content_is_refused_by_one_line(folder: Path, facts: dict[str, Any], said: str) -> None:
    change(folder, **facts)
    with pytest.raises(InputError, match=said) as caught:
        read_project(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[1]", "[" * 100_000, "\udcff", "null"])
def test_a_listing_that_is_no_listing_is_refused(folder: Path, text: str) -> None:
    (folder / "project.json").write_text(text, errors="surrogateescape")
    with pytest.raises(InputError, match="must be JSON|must hold what the studio writes"):
        read_project(folder)


def test_missing_broken_and_linked_pictures_are_refused(folder: Path, tmp_path: Path) -> None:
    picture = folder / "keys" / "00007.png"
    data = picture.read_bytes()
    picture.write_bytes(data[:40])
    with pytest.raises(MediaError):
        read_project(folder)
    picture.unlink()
    with pytest.raises(MediaError):
        read_project(folder)
    (tmp_path / "elsewhere.png").write_bytes(data)
    picture.symlink_to(tmp_path / "elsewhere.png")
    with pytest.raises(InputError, match="00007.png is a link"):
        read_project(folder)


def test_a_listing_that_is_gone_or_huge_is_refused(folder: Path) -> None:
    (folder / "project.json").write_text(" " * ((1 << 20) + 1))
    with pytest.raises(InputError, match="must have at most 1048576 bytes"):
        read_project(folder)
    (folder / "project.json").unlink()
    with pytest.raises(InputError, match="must be there and readable; no such file"):
        read_project(folder)


def test_pictures_hold_the_values_themselves(folder: Path) -> None:
    assert np.unique(read_project(folder).keys[0]).tolist() == [0, 128, 255]
