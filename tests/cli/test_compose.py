from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from mattekit.cli import main
from mattekit.data.manifest import write_manifest
from sources import write_set

SMALL = ["--backgrounds", "1", "--frames", "3", "--clip-frames", "3"]


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "sources.csv"
    write_manifest(path, write_set(tmp_path / "material"))
    return path


def _files(folder: Path) -> dict[str, bytes]:
    """Return all files of a set but its report, which tells times."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "report.json"
    }


def _report(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "report.json").read_text())
    return found


def test_one_worker_two_workers_and_a_resumed_run_give_the_same_bytes(tmp_path: Path, listed: Path) -> None:
    assert main(["compose", str(listed), "-o", str(tmp_path / "one"), *SMALL]) == 0
    assert main(["compose", str(listed), "-o", str(tmp_path / "two"), *SMALL, "--workers", "2"]) == 0
    resumed = tmp_path / "resumed"
    assert main(["compose", str(listed), "-o", str(resumed), *SMALL, "--limit", "2"]) == 0
    assert main(["compose", str(listed), "-o", str(resumed), *SMALL]) == 0
    assert _report(resumed) | {"seconds": 0} == {
        "composites": 3,
        "bad_sources": [],
        "made": 1,
        "found": 2,
        "frames": 3,
        "failed": [],
        "retried": [],
        "seconds": 0,
    }
    files = _files(tmp_path / "one")
    assert len(files) == 3 * 5 + 2
    assert _files(tmp_path / "two") == files and _files(resumed) == files


def test_a_single_clip_is_made_again_from_the_plan_bit_for_bit(tmp_path: Path, listed: Path) -> None:
    assert main(["compose", str(listed), "-o", str(tmp_path / "set"), *SMALL]) == 0
    name = next(path.name for path in (tmp_path / "set").iterdir() if path.name.startswith("disc+"))
    plan = tmp_path / "set" / "plan.jsonl"
    assert main(["compose", str(plan), "-o", str(tmp_path / "again"), "--only", name]) == 0
    assert _files(tmp_path / "again" / name) == _files(tmp_path / "set" / name)
    assert [path.name for path in (tmp_path / "again").iterdir() if path.is_dir()] == [name]


def test_a_folder_without_a_list_is_composed_by_its_layout(tmp_path: Path) -> None:
    for entry in write_set(tmp_path / "material"):
        kind = "image" if entry.still else "video"
        home = tmp_path / "dvm" / (f"fg/{kind}/train" if entry.alpha else "bg/train")
        for part, path in (("fg", entry.path), ("alpha", entry.alpha)):
            if path is not None:
                target = home / part if entry.alpha else home
                target.mkdir(parents=True, exist_ok=True)
                path.rename(target / path.name)
    assert main(["compose", str(tmp_path / "dvm"), "-o", str(tmp_path / "set"), *SMALL, "--form", "tree"]) == 0
    assert len(list((tmp_path / "set" / "train").iterdir())) == 3
    assert len(list((tmp_path / "set" / "train").glob("*/alpha/*.png"))) == 9


def test_a_plan_alone_writes_no_frame(tmp_path: Path, listed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compose", str(listed), "-o", str(tmp_path / "set"), "--form", "plan", "--json"]) == 0
    assert sorted(path.name for path in (tmp_path / "set").iterdir()) == ["plan.jsonl", "report.json", "sources.csv"]
    assert json.loads(capsys.readouterr().out)["composites"] == 3 * 16


def test_the_pairs_of_a_list_are_made_and_no_others(tmp_path: Path) -> None:
    entries = [replace(entry, split="test") for entry in write_set(tmp_path / "material")]
    write_manifest(tmp_path / "list.csv", entries)
    (tmp_path / "pairs.txt").write_text("image+disc+road\nvideo+ball+park\n")
    command = ["compose", str(tmp_path / "list.csv"), "-o", str(tmp_path / "set"), "--frames", "2"]
    assert main([*command, "--pairs", str(tmp_path / "pairs.txt"), "--streams", "alpha"]) == 0
    assert {path.name for path in (tmp_path / "set").iterdir() if path.is_dir()} == {"disc+road", "ball+park"}
    assert [path.name for path in (tmp_path / "set" / "disc+road").glob("*.mkv")] == ["alpha.mkv"]


def test_a_bad_source_is_refused_before_anything_is_written(
    tmp_path: Path, listed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "material" / "alpha" / "coin.png").unlink()
    assert main(["compose", str(listed), "-o", str(tmp_path / "set"), *SMALL]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "coin" in error
    assert not (tmp_path / "set").exists()


def test_bad_sources_that_are_skipped_are_named_in_the_report(
    tmp_path: Path, listed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    material = tmp_path / "material"
    (material / "alpha" / "coin.png").unlink()
    Image.new("L", (9, 9)).save(material / "alpha" / "ball" / "003.png")
    assert main(["compose", str(listed), "-o", str(tmp_path / "set"), *SMALL, "--on-bad", "skip"]) == 0
    assert "note: left out coin" in capsys.readouterr().err
    report = _report(tmp_path / "set")
    assert {problem["entry"] for problem in report["bad_sources"]} == {"coin", "ball"}  # type: ignore[attr-defined]
    assert report["made"] == 1 and report["failed"] == []


def test_an_empty_alpha_is_found_when_it_is_read_and_its_composite_named(
    tmp_path: Path, listed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("disc.png", *(f"ball/00{i}.png" for i in range(6))):
        path = tmp_path / "material" / "alpha" / name
        Image.new("L", Image.open(path).size).save(path)
    assert main(["compose", str(listed), "-o", str(tmp_path / "set"), *SMALL]) == 2
    assert "alpha must not be 0" in capsys.readouterr().err.splitlines()[-1]
    report = _report(tmp_path / "set")
    assert report["made"] == 1
    assert [each["name"].split("+")[0] for each in report["failed"]] == ["ball", "disc"]  # type: ignore[attr-defined]


def test_a_folder_that_holds_another_set_is_left_alone(
    tmp_path: Path, listed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compose", str(listed), "-o", str(tmp_path / "set"), *SMALL]) == 0
    before = _files(tmp_path / "set")
    capsys.readouterr()
    assert main(["compose", str(listed), "-o", str(tmp_path / "set"), *SMALL, "--longest", "40"]) == 2
    assert "it holds one of other rules or seeds" in capsys.readouterr().err
    assert _files(tmp_path / "set") == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.csv"], "nowhere.csv"),
        (["LIST", "--form", "zip"], "--form must be"),
        (["LIST", "--streams", "depth"], "stream must be"),
        (["LIST", "--split", "all"], "--split must be"),
        (["LIST", "--split", "test"], "split test must have foregrounds and backgrounds; it has 0 and 0"),
        (["LIST", "--only", "no+such"], r"--only must name a composite of the set; 'no\+such'"),
        (["LIST", "--engine", "cloud"], "--engine must be"),
        (["LIST", "--use", "mine"], "--use must be"),
        (["LIST", "--hold-out", "2"], "the share held out must be in 0 to 1"),
        (["LIST", "--address", "auto"], "address is for engine ray"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    tmp_path: Path, listed: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    told = [str(listed) if each == "LIST" else each for each in arguments]
    assert main(["compose", *told, "-o", str(tmp_path / "set")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and re.search(message, error)
    assert not (tmp_path / "set").exists()


def test_bad_input_is_answered_without_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from mattekit.cli import main; "
        f"code = main(['compose', 'nowhere.csv', '-o', {str(tmp_path / 'set')!r}]); "
        "sys.exit(code if 'torch' not in sys.modules else 99)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["plan.jsonl", "--use", "ship"], "--use must not be given with plan.jsonl, which has settled it"),
        (["plan.jsonl", "--seed", "3"], "--seed must not be given with plan.jsonl"),
        (["sources.csv", "--pairs", "list.txt", "--backgrounds", "3"], "--backgrounds must not be given with --pairs"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(
    tmp_path: Path, listed: Path, capsys: pytest.CaptureFixture[str], given: list[str], message: str
) -> None:
    made = tmp_path / "set"
    assert main(["compose", str(listed), "-o", str(made), "--form", "plan"]) == 0
    assert main(["compose", str(made / given[0]), "-o", str(tmp_path / "other"), *given[1:]]) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "other").exists()


def test_a_set_is_not_continued_with_other_files_under_the_same_names(
    tmp_path: Path, listed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "set"
    assert main(["compose", str(listed), "-o", str(made), *SMALL, "--limit", "1"]) == 0
    before = _files(made)
    other = tmp_path / "other" / "sources.csv"
    other.parent.mkdir()
    write_manifest(other, write_set(tmp_path / "other" / "material"))
    assert main(["compose", str(other), "-o", str(made), *SMALL, "--limit", "1"]) == 2
    assert "choose another folder, or mend that list if the files only moved" in capsys.readouterr().err
    assert _files(made) == before


def test_composites_that_fail_are_named_where_bad_sources_are_skipped(
    tmp_path: Path, listed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("L", (48, 40)).save(tmp_path / "material" / "alpha" / "disc.png")
    assert main(["compose", str(listed), "-o", str(tmp_path / "set"), *SMALL, "--on-bad", "skip"]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: disc+")]
    assert len(lines) == 1 and " failed: disc: " in lines[0]
