"""Lists of sources as CSV and as JSON lines."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mattekit.checks import InputError
from mattekit.data.manifest import Entry, read_manifest, write_manifest

HEADER = "name,role,path,still,alpha,split,licence,use,alpha_kind\n"


def listed(folder: Path) -> list[Entry]:
    """One source of each role, with names and texts that need quoting."""
    return [
        Entry("cat, the", "foreground", folder / "fg/cat.png", folder / "a/cat.png", True, "train", 'CC "0"', "ship"),
        Entry("man", "foreground", folder / "man", None, False, "test", "", "research", "chroma-keyed"),
        Entry("sea", "background", Path("/far/sea.mp4"), None, False, "validation", "CC-BY", "ship"),
        Entry("crowd", "segmentation", folder / "crowd.jpg", folder / "people.json", True, use="research"),
    ]


def test_a_row_becomes_an_entry_with_paths_from_the_lists_folder(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("name,role,path,still,alpha\ncat,foreground,fg/cat.jpg,yes,/a/cat.png\n")
    assert read_manifest(tmp_path / "list.csv") == [
        Entry("cat", "foreground", tmp_path / "fg/cat.jpg", Path("/a/cat.png"), True, use="research")
    ]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_what_is_written_is_read_again_whatever_the_order(tmp_path: Path, suffix: str) -> None:
    path, other = tmp_path / f"list{suffix}", tmp_path / f"other{suffix}"
    write_manifest(path, listed(tmp_path))
    write_manifest(other, reversed(listed(tmp_path)))
    assert path.read_bytes() == other.read_bytes()
    assert read_manifest(path) == listed(tmp_path)
    assert str(tmp_path) not in path.read_text() and "/far/sea.mp4" in path.read_text()
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([path.name, other.name])


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_name_that_is_not_utf8_and_a_byte_order_mark_survive(tmp_path: Path, suffix: str) -> None:
    entry = replace(listed(tmp_path)[0], path=tmp_path / "caf\udce9.png")
    path = tmp_path / f"list{suffix}"
    write_manifest(path, [entry])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_manifest(path) == [entry]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (",foreground,a,true,,,,,", "line 2: column name must not be empty"),
        ("a,actor,a,true,,,,,", "line 2: column role must be one of foreground, background, segmentation; got 'actor'"),
        ("a,foreground,a,maybe,,,,,", "line 2: column still must be true or false; got 'maybe'"),
        ("a,foreground,a,true,,dev,,,", "line 2: column split must be one of train, validation, test; got 'dev'"),
        ("a,foreground,a,true,,,,free,", "line 2: column use must be one of ship, research; got 'free'"),
        ("a,background,a,true,b,,,,", "line 2: column alpha must be left empty for a background"),
        ("a,segmentation,a,true,,,,,", "line 2: column alpha must name the masks or the annotations"),
        ("a,background,a,true", "line 2: a row must have 9 cells, one for each column; got 4"),
        ("a,background,a,true,,,,,\n\na,background,b,true,,,,,", "line 4: column name must be unique; 'a' is also on"),
        ('a,background,"a,true', "line 2: it must be CSV"),
    ],
)
def test_a_wrong_row_is_named_by_line_and_column(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(HEADER + row + "\n")
    with pytest.raises(InputError) as error:
        read_manifest(path)
    assert str(error.value).startswith(f"{path} ") and message in str(error.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "name,role,path\n", "line 1: column still must be there; got name, role, path"),
        ("a.csv", HEADER.strip() + ",licens\n", "line 1: columns must be among name, role"),
        ("a.csv", HEADER.strip() + ",name\n", "line 1: every column must come once"),
        ("a.csv", HEADER, "must hold at least one"),
        ("a.csv", "", "line 1: column name must be there; got none"),
        ("a.jsonl", "{}\n", "line 1: column name must be there"),
        ("a.jsonl", "\n{'name'\n", "line 2: it must be one JSON object"),
        ("a.jsonl", "[1]\n", "line 1: it must be one JSON object; got [1]"),
        (
            "a.jsonl",
            '{"name": 3, "role": "background", "path": "a", "still": true}\n',
            "line 1: column name must be text; got 3",
        ),
        ("a.txt", "", "must be a file .csv or .jsonl"),
    ],
)
def test_a_list_of_another_form_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as error:
        read_manifest(tmp_path / name)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_missing_list_a_name_twice_and_a_locked_place_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be a file that can be read"):
        read_manifest(tmp_path / "none.csv")
    with pytest.raises(InputError, match="must have its own name; got 'man' twice"):
        write_manifest(tmp_path / "list.csv", [listed(tmp_path)[1]] * 2)
    with pytest.raises(InputError, match="must be writable"):
        write_manifest(tmp_path / "nowhere/list.csv", listed(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_lists_are_read_without_torch_and_without_a_decoder() -> None:
    code = "import sys, mattekit.data.manifest; print({'torch', 'av', 'numpy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
