"""`mattekit data check`, `list` and `pack` through the command."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import sources
from mattekit.checks import InputError
from mattekit.cli import main
from mattekit.data.manifest import Entry, read_manifest, write_manifest
from mattekit.data.pack import Source, read_pack, read_segmentation, write_pack
from mattekit.data.packing import fitted, make_pack


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Return the exit code, stdout and stderr of a command."""
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def good(folder: Path) -> list[Entry]:
    """A still, a clip, a background clip, one for research and one to test on."""
    return [
        sources.write_foreground(folder, "cat"),
        replace(sources.write_foreground(folder, "man", frames=9), alpha_kind="chroma-keyed"),
        sources.write_background(folder, "sea", frames=9),
        replace(sources.write_foreground(folder, "dog", size=(30, 50)), use="research"),
        replace(sources.write_foreground(folder, "owl", size=(30, 52)), split="test"),
    ]


def test_a_good_list_passes_and_says_so_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_manifest(tmp_path / "list.csv", good(tmp_path))
    code, out, err = run(capsys, "data", "check", tmp_path / "list.csv", "--json", "--workers", 2)
    told = json.loads(out)
    assert (code, told.pop("seconds") > 0, out.count("\n")) == (0, True, 1)
    assert told == {"sources": {"background": 1, "foreground": 4}, "errors": 0, "warnings": 0, "problems": []}
    assert err.startswith("0 errors and 0 warnings in 1 background, 4 foreground sources, ")
    assert run(capsys, "data", "check", tmp_path / "list.csv", "--use", "ship", "--split", "train")[2].startswith(
        "0 errors and 0 warnings in 1 background, 2 foreground sources"
    )


def test_bad_sources_are_a_table_and_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entries = good(tmp_path)
    Image.fromarray(np.zeros((40, 48), np.uint8)).save(tmp_path / "alpha/cat.png")
    entries[3] = replace(entries[3], licence="")
    write_manifest(tmp_path / "list.csv", [*entries, replace(entries[1], name="gone", path=tmp_path / "gone")])
    code, out, err = run(capsys, "data", "check", tmp_path / "list.csv")
    lines = out.splitlines()
    assert code == 2 and len(lines) == 3
    assert lines[0].startswith("error    empty    cat: alpha must show something")
    assert lines[1].startswith(f"error    missing  gone: {tmp_path}/gone must be there")
    assert lines[2].startswith("warning  licence  dog: the licence should be stated")
    assert err.startswith("2 errors and 1 warnings in ")
    code, out, err = run(capsys, "data", "check", tmp_path / "list.csv", "--json")
    assert [problem["kind"] for problem in json.loads(out)["problems"]] == ["empty", "missing", "licence"]
    assert "error    empty    cat" in err


def test_a_folder_becomes_a_list_that_can_be_filled_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good(tmp_path / "set")
    output = tmp_path / "set.csv"
    code, out, err = run(capsys, "data", "list", tmp_path / "set", "-o", output, "--licence", "CC0", "--json")
    assert (code, json.loads(out)) == (0, {"list": str(output), "layout": "adobe", "sources": 4})
    assert err == f"wrote {output}: 4 sources of layout adobe\n"
    assert {(entry.licence, entry.use) for entry in read_manifest(output)} == {("CC0", "research")}
    assert run(capsys, "data", "list", tmp_path / "set", "-o", output)[0] == 2
    shipped = ["--licence", "CC0", "--use", "ship", "--overwrite", "--layout", "adobe"]
    assert run(capsys, "data", "list", tmp_path / "set", "-o", output, *shipped)[0] == 0
    assert {entry.use for entry in read_manifest(output)} == {"ship"}


def test_a_pack_holds_what_use_and_split_leave(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_manifest(tmp_path / "list.jsonl", good(tmp_path))
    output = tmp_path / "pack.safetensors"
    code, out, err = run(capsys, "data", "pack", tmp_path / "list.jsonl", "-o", output, "--procedural", 1, "--json")
    told = json.loads(out)
    assert code == 0 and told.pop("seconds") > 0
    counts = {"foregrounds": 2, "backgrounds": 1, "procedural": 1}
    assert told == {"pack": str(output), **counts, "skipped": []}
    assert err == f"wrote {output}: 2 foregrounds, 1 backgrounds, 1 procedural\n"
    foregrounds, (background,) = read_pack(output)
    found = {source.name: (source.kind, len(source.pixels)) for source in foregrounds}
    assert found.pop("cat") == ("photo", 1) and found.pop("man") == ("clip", 2) and len(found) == 1
    assert (background.name, background.pixels.shape) == ("sea", (7, 3, 60, 80))
    assert background.pixels[0, :, 11, 12].tolist() == [255, 255, 255]  # the block of frame 1, the middle seven's first
    cat = next(source for source in foregrounds if source.name == "cat")
    with Image.open(tmp_path / "alpha/cat.png") as alpha:
        assert (cat.pixels[0, 3].numpy() == np.asarray(alpha)).all()


def test_a_bad_source_stops_the_pack_or_is_left_out_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entries = good(tmp_path)
    Image.fromarray(np.zeros((40, 48), np.uint8)).save(tmp_path / "alpha/cat.png")
    picture = tmp_path / "bg/sea/004.png"
    picture.write_bytes(picture.read_bytes()[: picture.stat().st_size // 2])
    write_manifest(tmp_path / "list.csv", [*entries, replace(entries[1], name="gone", path=tmp_path / "gone")])
    before = sorted(tmp_path.iterdir())
    command = ["data", "pack", tmp_path / "list.csv", "-o", tmp_path / "pack.safetensors"]
    code, out, err = run(capsys, *command)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"mattekit: gone: {tmp_path}/gone must be there") or "sea: " in err
    assert sorted(tmp_path.iterdir()) == before
    code, out, err = run(capsys, *command, "--skip-bad", "--json")
    assert code == 0
    skipped = {problem["entry"]: problem["kind"] for problem in json.loads(out)["skipped"]}
    assert skipped == {"gone": "missing", "sea": "unreadable", "cat": "empty"}
    assert "3 bad ones left out" in err and [source.name for source in read_pack(tmp_path / "pack.safetensors")[0]] == [
        "man"
    ]


def test_damage_that_only_decoding_shows_leaves_no_pack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cat, man = good(tmp_path)[:2]
    Image.fromarray(np.zeros((40, 48), np.uint8)).save(cat.alpha)
    write_manifest(tmp_path / "list.csv", [cat, man])
    before = sorted(tmp_path.iterdir())
    code, _, err = run(capsys, "data", "pack", tmp_path / "list.csv", "-o", tmp_path / "pack.safetensors")
    assert code == 2 and err.startswith("mattekit: cat: alpha must show something; it is 0 everywhere")
    assert sorted(tmp_path.iterdir()) == before


def test_a_source_whose_name_is_not_utf_8_can_be_packed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_manifest(tmp_path / "list.csv", [replace(good(tmp_path)[0], name=os.fsdecode(b"cat\xff"))])
    output = tmp_path / "pack.safetensors"
    code, _, _ = run(capsys, "data", "pack", tmp_path / "list.csv", "-o", output)
    assert code == 0 and [source.name for source in read_pack(output)[0]] == ["cat\\xff"]


def test_a_damaged_pack_is_refused_by_name(tmp_path: Path) -> None:
    output = tmp_path / "pack.safetensors"
    write_pack(output, iter([Source("cat", "photo", torch.zeros(1, 4, 9, 9, dtype=torch.uint8))]))
    for content in (output.read_bytes()[:-20], b"", os.urandom(50)):
        output.write_bytes(content)
        with pytest.raises(InputError, match=r"must be a whole pack of training sources; .*: make it anew"):
            read_pack(output)


def test_a_pack_that_finds_no_room_on_the_disk_leaves_nothing(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(InputError, match="must be writable; .*check the disk"):
            make_pack(tmp_path / "pack.safetensors", [], grounds=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("most_mib", [0.1, 0.5])
def test_a_pack_can_be_kept_below_a_size(most_mib: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "pack.safetensors"
    code, _, error = run(capsys, "data", "pack", "-o", output, "--grounds", 3, "--most-mib", most_mib)
    assert (code, error.count("\n")) == (0, 1)
    assert 0.8 * most_mib * 2**20 < output.stat().st_size <= most_mib * 2**20
    assert len({source.pixels.shape[-2:] for source in read_pack(output)[1]}) == 1


def test_a_pack_that_is_small_enough_stays_as_it_is_and_one_that_cannot_be_is_refused() -> None:
    sources_ = [Source(f"s{index}", "photo", torch.zeros(1, 4, 96, 128, dtype=torch.uint8)) for index in range(4)]
    assert all(one is not None and one.pixels.shape == (1, 4, 96, 128) for one in fitted(sources_, 1))
    with pytest.raises(InputError, match="4 sources must have room for pictures of 64 px; 0.01 MiB have not"):
        fitted(sources_, 0.01)


def test_bad_settings_are_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken.csv").touch()
    (tmp_path / "wrong.csv").write_text("name,role,path,still\na,foreground,b,perhaps\n")
    (tmp_path / "plain").mkdir()
    for arguments, message in (
        (["check", "none"], "a folder of sources must exist; none does not"),
        (["check", "plain"], "plain must be laid out in a known way; it fits none of these: index: INDEX.csv;"),
        (["check", "wrong.csv"], "wrong.csv line 2: column still must be true or false; got 'perhaps'"),
        (["check", ".", "--use", "research"], "--use must be one of ship, all; got 'research'"),
        (["check", ".", "--use", "ship"], "at least one source must be left by --use ship and --split all"),
        (["check", ".", "--layout", "dvm"], "layout dvm must have fg/image or fg/video"),
        (["list", ".", "-o", "list.txt"], "must be written as .csv or .jsonl; got list.txt"),
        (["list", ".", "-o", "taken.csv"], "taken.csv must not exist yet; it does"),
        (["list", ".", "-o", "far/list.csv"], "an output must be a file in a folder that exists; got far/list.csv"),
        (["list", ".", "-o", "list.csv", "--use", "ship"], "--use ship must come with the licence that allows it"),
        (["pack", ".", "-o", "taken.csv", "--use", "all"], "taken.csv must not exist yet"),
        ([], "Missing command"),
    ):
        code, out, err = run(capsys, "data", *arguments)
        assert (code, out, err.count("\n")) == (2, "", 1) and message in err, arguments
    assert not (tmp_path / "list.csv").exists()


@pytest.mark.parametrize(
    "arguments", [["--help"], ["check", "--help"], ["check", "none"], ["pack", "wrong", "-o", "a"]]
)
def test_help_and_bad_input_are_answered_without_torch(tmp_path: Path, arguments: list[str]) -> None:
    code = (
        f"import sys; from mattekit.cli import main; main(['data', *{arguments!r}]); "
        "print('torch' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stderr.splitlines()[-1] == "False"


def test_a_pack_can_be_rendered_without_any_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pack.safetensors"
    assert main(["data", "pack", "-o", str(path), "--procedural", "1", "--grounds", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["grounds"] == 2
    foregrounds, backgrounds = read_pack(path)
    assert [source.pixels.shape for source in foregrounds] == [(5, 4, 320, 320)] and len(backgrounds) == 2
    assert main(["data", "pack", "-o", str(tmp_path / "other.safetensors")]) == 2
    assert "a pack must hold something" in capsys.readouterr().err


def test_people_with_masks_are_packed_apart_from_foregrounds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for part, colour in (("img", (90, 60, 30)), ("seg", (1, 1, 1))):
        (tmp_path / "people" / part).mkdir(parents=True)
        Image.new("RGB", (40, 24), colour).save(tmp_path / "people" / part / "crowd.png")
    given = ["data", "pack", str(tmp_path / "people"), "--use", "all", "--procedural", "1", "--json"]
    assert main([*given, "-o", str(tmp_path / "p.safetensors"), "--longest", "20"]) == 0
    assert json.loads(capsys.readouterr().out)["for segmentation"] == 1
    foregrounds, backgrounds = read_pack(tmp_path / "p.safetensors")
    assert [source.kind for source in foregrounds] == ["procedural"] and backgrounds == []
    (crowd,) = read_segmentation(tmp_path / "p.safetensors")
    assert crowd.kind == "segmentation" and crowd.pixels.shape == (1, 4, 12, 20)
    assert crowd.pixels[0, :, 0, 0].tolist() == [90, 60, 30, 255]


def test_a_pack_can_hold_every_frame_of_clips_at_a_chosen_size(tmp_path: Path) -> None:
    for part, colour in (("fgr", (90, 60, 30)), ("pha", (255, 255, 255))):
        (tmp_path / "set" / part / "dance").mkdir(parents=True)
        for index in range(9):
            Image.new("RGB", (20, 12), colour).save(tmp_path / "set" / part / "dance" / f"{index}.png")
    for every, frames in (("1", 9), ("8", 2)):
        given = ["data", "pack", str(tmp_path / "set"), "--use", "all", "--overwrite", "--every", every]
        assert main([*given, "-o", str(tmp_path / "p.safetensors")]) == 0
        assert len(read_pack(tmp_path / "p.safetensors")[0][0].pixels) == frames
