"""Segments on disk: planes to the bit, what is whole and what is not, whose they are, and what is left in the end."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest

from mattekit.checks import InputError, MediaError
from mattekit.media.leftovers import note_temporaries, remove_noted, remove_temporaries
from mattekit.media.planes import read_planes_from, write_planes_to
from mattekit.media.records import read_record, write_record
from mattekit.media.segments import Segments

JOB = {"clip": "one", "band": 3}


def plane(number: int) -> np.ndarray:
    values = np.zeros((1, 5, 7), np.float32)
    values[0, 1], values[0, 2] = 1, (number + 1) / 97
    return values


def filled(folder: Path, segments: int, *, frames: int = 2) -> None:
    with Segments(folder, JOB, start=10) as kept:
        for number in range(segments):
            for index in range(frames):
                kept.add({"alpha": plane(number * frames + index)})
            kept.commit({"reached": 10 + (number + 1) * frames}, lambda path: path.write_bytes(b"state" * 99))


def test_planes_come_back_to_the_bit_and_small() -> None:
    file, random = io.BytesIO(), np.random.default_rng(0)
    odd = np.array([0.0, -0.0, 1.0, np.nextafter(np.float32(1), np.float32(0)), 1e-45, np.nan, -1, 2], np.float32)
    soft = np.zeros((1, 200, 300), np.float32)
    soft[:, :, 140:150] = random.random((1, 200, 10), np.float32)
    frames = [{"alpha": soft, "trimap": odd.reshape(1, 2, 4)}, {"foreground": random.random((3, 3, 5), np.float32)}, {}]
    for planes in frames:
        write_planes_to(file, planes)
    assert file.tell() < 0.05 * soft.nbytes
    file.seek(0)
    for planes in frames:
        found = read_planes_from(file)
        assert found.keys() == planes.keys()
        assert all((found[name].view(np.uint32) == planes[name].view(np.uint32)).all() for name in planes)


@pytest.mark.parametrize("content", [b"", b"\x01\x05", b"\x01" + b"\x02" + b"\x01\0\0\0" * 4 + b"a"])
def test_bytes_that_are_no_frame_are_refused(content: bytes) -> None:
    with pytest.raises(MediaError, match="kept frames must be read as they were written"):
        read_planes_from(io.BytesIO(content))


def test_what_was_committed_is_there_again_and_what_was_not_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    filled(folder, 3)
    kept = Segments(folder, JOB, start=10)
    kept.add({"alpha": plane(50)})
    kept.close()
    with Segments(folder, JOB, start=10) as again:
        assert (again.end, again.found, again.waiting, len(again.done)) == (16, 6, 0, 3)
        assert [float(each["alpha"][0, 2, 0]) for each in again.frames()] == [
            float(np.float32((number + 1) / 97)) for number in range(6)
        ]
        assert again.done[-1].facts == {"reached": 16}
    assert not (folder / "begun").exists()


def test_few_snapshots_are_kept_however_many_segments_there_are(tmp_path: Path) -> None:
    filled(tmp_path / "kept", 13, frames=1)
    assert sorted(int(path.stem) + 1 for path in (tmp_path / "kept").glob("*.state")) == [1, 2, 4, 8, 12, 13]
    (tmp_path / "kept" / "000010.frames").unlink()
    with Segments(tmp_path / "kept", JOB, start=10) as kept:
        assert (len(kept.done), kept.end) == (8, 18)


@pytest.mark.parametrize("suffix", ["frames", "state", "json"])
@pytest.mark.parametrize("harm", ["flip", "cut", "gone", "empty"])
def test_a_harmed_segment_and_those_after_it_do_not_count(tmp_path: Path, suffix: str, harm: str) -> None:
    filled(tmp_path / "kept", 2)
    path = tmp_path / "kept" / f"000001.{suffix}"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes({"flip": bytes(content), "cut": bytes(content[:-3]), "gone": b"", "empty": b""}[harm])
    if harm == "gone":
        path.unlink()
    with Segments(tmp_path / "kept", JOB, start=10) as kept:
        assert (len(kept.done), kept.end) == (1, 12)
        assert not (tmp_path / "kept" / "000001.frames").exists()


def test_another_job_is_refused_by_what_changed(tmp_path: Path) -> None:
    filled(tmp_path / "kept", 1)
    with pytest.raises(InputError, match="changed since: band, clip; give the same again, or delete .*kept"):
        Segments(tmp_path / "kept", {"clip": "two", "band": 4}, start=10)
    (tmp_path / "kept" / "job.json").write_text("{")
    with Segments(tmp_path / "kept", {"clip": "two", "band": 4}, start=10) as kept:
        assert kept.end == 10


def test_a_folder_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MediaError, match=r"file/kept must be writable; not a directory; check the disk"):
        Segments(tmp_path / "file" / "kept", JOB, start=0)


def test_a_full_disk_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with Segments(tmp_path / "kept", JOB, start=10) as kept:
        kept.add({"alpha": plane(0)})
        monkeypatch.setattr(os, "replace", full)
        with pytest.raises(MediaError, match="must be writable; no space left on device"):
            kept.commit({}, lambda path: path.touch())
        assert kept.done == []


def test_a_record_knows_whether_it_is_whole(tmp_path: Path) -> None:
    write_record(tmp_path / "r.json", {"a": [1, "two"]})
    assert read_record(tmp_path / "r.json") == {"a": [1, "two"]}
    for text in ("", "{}", "[]", '{"content": "{}", "sha256": "0"}', "\0"):
        (tmp_path / "r.json").write_text(text)
        assert read_record(tmp_path / "r.json") is None


def test_only_temporary_names_are_taken_away(tmp_path: Path) -> None:
    ours, theirs = f".mattekit-{'0a' * 6}.mov", [".mattekit-resume-012345678901", f".mattekit-{'0a' * 6}-old", "a.mov"]
    for name in (ours, *theirs):
        (tmp_path / name).touch()
    assert remove_temporaries([tmp_path, tmp_path / "none"]) == 1
    (tmp_path / ours).mkdir()
    note_temporaries(tmp_path / "note", [tmp_path / ours, tmp_path / "a.mov"])
    remove_noted(tmp_path / "note")
    assert sorted(os.listdir(tmp_path)) == sorted([*theirs, "note"])
