"""The work of one clip of a batch, in this process: what it remembers, and how it goes on after a sudden end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mattekit.models
import scenes
import shots
from mattekit.checks import InputError
from mattekit.cli import resume
from mattekit.cli.one_clip import check_clip, files_of, matte_clip, spell, understand
from mattekit.media import probe
from mattekit.media.segments import Segments
from mattekit.scale.done import memory_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(shots.make_shot(tmp_path))
    monkeypatch.setattr(mattekit.models, "load", shots.Loader())
    monkeypatch.setattr(resume, "SEGMENT", 3)
    (tmp_path / "out" / ".mattekit").mkdir(parents=True)
    return tmp_path


def arguments_of(folder: Path, *words: str) -> dict[str, Any]:
    outputs = {"alpha": folder / "out" / "a.mkv"}
    memory = memory_of(folder / "out", outputs.values())
    return {
        "clip": str(folder / "clip.mkv"),
        "words": [f"--trimap=0={folder}/t0.png", "--chunk=1", *words],
        "outputs": {"alpha": str(outputs["alpha"])},
        "inputs": [str(folder / "clip.mkv"), str(folder / "t0.png")],
        "record": str(memory.record),
        "begun": str(memory.begun),
        "settings": {"words": list(words)},
        "overwrite": False,
    }


def test_an_interrupted_clip_goes_on_from_its_kept_frames(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments, plain, calls = arguments_of(folder, "--resume"), Segments.commit, []

    def commit(*given: Any) -> None:
        calls.append(1)
        if len(calls) > 2:
            raise KeyboardInterrupt
        plain(*given)

    with monkeypatch.context() as patch:
        patch.setattr(Segments, "commit", commit)
        with pytest.raises(KeyboardInterrupt):
            matte_clip(arguments)
    assert not Path(arguments["begun"]).exists()
    facts = matte_clip(arguments)
    assert facts["frames"] == shots.FRAMES
    assert "went on after 6 kept frames" in facts["notes"]
    assert any(note.startswith("confidence: ") for note in facts["notes"])


def test_what_a_sudden_end_left_is_replaced_and_what_else_stands_there_is_not(folder: Path) -> None:
    arguments = arguments_of(folder)
    Path(arguments["outputs"]["alpha"]).write_bytes(b"precious")
    with pytest.raises(InputError, match="must not exist yet"):
        matte_clip(arguments)
    assert Path(arguments["outputs"]["alpha"]).read_bytes() == b"precious"
    Path(arguments["begun"]).touch()
    matte_clip(arguments)
    assert probe(arguments["outputs"]["alpha"]).frames == shots.FRAMES
    assert not Path(arguments["begun"]).exists()


def test_what_was_made_is_found_again_only_as_it_was_made(folder: Path) -> None:
    arguments = arguments_of(folder)
    facts = matte_clip(arguments)
    memory = memory_of(folder / "out", [folder / "out" / "a.mkv"])
    inputs = [Path(path) for path in arguments["inputs"]]
    assert memory.find({"words": []}, inputs) == facts
    assert memory.find({"words": ["--band=3"]}, inputs) is None
    assert memory.find({"words": []}, inputs[:1]) is None
    record = memory.record.read_text()
    memory.record.write_text(record.replace("16", "17"))
    assert memory.find({"words": []}, inputs) is None
    memory.record.write_text(record)
    (folder / "out" / "a.mkv").unlink()
    assert memory.find({"words": []}, inputs) is None


def test_an_output_in_the_place_of_a_folder_is_told_in_one_line(folder: Path) -> None:
    (folder / "file").touch()
    arguments = arguments_of(folder) | {"outputs": {"alpha": str(folder / "file" / "x" / "a.mkv")}}
    with pytest.raises(InputError, match="a.mkv must be writable; not a directory"):
        matte_clip(arguments)


def test_options_are_spelt_with_absolute_paths(tmp_path: Path) -> None:
    (tmp_path / "b=g.png").touch()
    options = {"trimap": ["3=t=0.png"], "trimaps": ["/x/t"], "background": ["b=g.png"], "across-cuts": [""]}
    words = spell(options, tmp_path)
    assert words == [
        f"--trimap=3={tmp_path}/t=0.png",
        "--trimaps=/x/t",
        f"--background={tmp_path}/b=g.png",
        "--across-cuts",
    ]
    given = understand(words, Path("-clip.mov"))
    assert (given["across_cuts"], given["clip"], given["band"]) == (True, Path("-clip.mov"), None)
    assert files_of(given) == [Path("-clip.mov"), Path("/x/t"), tmp_path / "t=0.png", tmp_path / "b=g.png"]
    assert spell({"background": ["green"]}, tmp_path) == ["--background=green"]


@pytest.mark.parametrize("name", ["alpha", "overwrite", "json", "resume", "debug"])
def test_options_of_the_batch_itself_are_refused_for_one_clip(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"--{name} must be given to the batch, not for one clip"):
        spell({name: ["x"]}, tmp_path)


def test_maps_are_read_and_kept_trimaps_are_not_and_auto_needs_no_trimap_but_maps_that_fit(folder: Path) -> None:
    words = spell({"model": ["auto"], "prior": ["maps.mkv"], "keep-trimaps": ["kept"]}, folder)
    assert words == ["--model=auto", f"--prior={folder}/maps.mkv", f"--keep-trimaps={folder}/kept"]
    given = understand(words, folder / "clip.mkv")
    assert files_of(given) == [folder / "clip.mkv", folder / "maps.mkv"]
    with pytest.raises(InputError, match="maps.mkv"):
        check_clip(given, {})
    scene = scenes.soft_disc(shots.FRAMES)
    scenes.write_video(folder / "maps.mkv", scene.alpha.expand(-1, 3, -1, -1))
    check_clip(given, {})
