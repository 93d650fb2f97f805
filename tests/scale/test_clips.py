"""Which clips a folder or a list names, and which trimaps belong to each."""

from __future__ import annotations

from pathlib import Path

import pytest

from mattekit.checks import InputError
from mattekit.scale.clips import Entry, find_clips, read_list


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).touch()


def test_a_clip_takes_the_trimaps_that_bear_its_name(tmp_path: Path) -> None:
    touch(tmp_path, "a.mov", "a.trimap.png", "a.00012.mask.png", "a.3.trimap.tif", "a.trimaps/0.png", "a.b.trimap.png")
    touch(tmp_path, "a.b.mp4", "a.b.7.trimap.png", "10/0.png", "10.mask.png", "9.MKV", "ab.trimap.png")
    found = {entry.clip.name: dict(entry.options) for entry in find_clips(tmp_path)}
    assert found == {
        "9.MKV": {},
        "10": {"mask": [f"0={tmp_path}/10.mask.png"]},
        "a.b.mp4": {"trimap": [f"7={tmp_path}/a.b.7.trimap.png", f"0={tmp_path}/a.b.trimap.png"]},
        "a.mov": {
            "trimap": [f"3={tmp_path}/a.3.trimap.tif", f"0={tmp_path}/a.trimap.png"],
            "mask": [f"12={tmp_path}/a.00012.mask.png"],
            "trimaps": [f"{tmp_path}/a.trimaps"],
        },
    }
    assert [*found] == ["9.MKV", "10", "a.b.mp4", "a.mov"]


def test_hidden_files_pictures_and_the_outputs_are_no_clips(tmp_path: Path) -> None:
    touch(tmp_path, ".a.mov", "b.png", "notes.txt", "empty/x.txt", "out/0.png", "c.mov")
    assert [entry.clip.name for entry in find_clips(tmp_path, leave_out=tmp_path / "out")] == ["c.mov"]


@pytest.mark.parametrize("names", [(), ("a.png", "b.txt")])
def test_a_folder_without_clips_is_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    touch(tmp_path, *names)
    with pytest.raises(InputError, match="must hold video files or folders of pictures; .* holds none"):
        find_clips(tmp_path)


SAME = {
    "l.txt": "# shots\n\nshots/a.mov --trimap 0=t/a.png --trimap '9=t/a 9.png' --band=12\n'b c.mov' --across-cuts\n",
    "l.csv": "clip,trimap,band,across-cuts\nshots/a.mov,0=t/a.png; 9=t/a 9.png,12,\nb c.mov,,,\n",
    "l.jsonl": '{"clip": "shots/a.mov", "trimap": {"0": "t/a.png", "9": "t/a 9.png"}, "band": 12}\n\n'
    '{"clip": "b c.mov", "across-cuts": true, "start": null}\n',
}


@pytest.mark.parametrize("name", SAME)
def test_every_kind_of_list_says_the_same(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(SAME[name])
    first, second = read_list(tmp_path / name)
    options = {"trimap": ["0=t/a.png", "9=t/a 9.png"], "band": ["12"]}
    assert first == Entry(tmp_path / "shots/a.mov", options, tmp_path)
    assert second.clip == tmp_path / "b c.mov"
    assert second.options == ({} if name == "l.csv" else {"across-cuts": [""]})


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("l.txt", "a.mov 'b", "line 1: No closing quotation"),
        ("l.txt", "a.mov b.mov", "line 1: it must name one clip before its options; it names 2"),
        ("l.txt", "# nothing\n", "a list must name clips; .* names none"),
        ("l.csv", "name,trimap\na,b\n", "its first line must name the columns, among them clip"),
        ("l.csv", "clip\na.mov,2\n", "line 2 has more cells than there are columns"),
        ("l.csv", "clip,band\n,2\n", "line 2 names no clip"),
        ("l.jsonl", '{"band": 2}', "line 1 must be an object with a clip"),
        ("l.jsonl", "[1]", "line 1 must be an object with a clip"),
        ("l.jsonl", "\n{", "line 2 must be an object with a clip"),
        ("l.yaml", "a", "must be a .txt, .csv, .jsonl file, or a folder"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_by_its_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_list(tmp_path / name)
