"""`mattekit matte --model rvm`: a clip and no trimap, with weights that are drawn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mattekit.scale.batch
import people
import scenes
from mattekit.cli import main, resume
from mattekit.media import probe, read_alpha, read_planes
from mattekit.media.segments import Segments
from mattekit.scale import Task, run
from mattekit.scale.tasks import Work

RVM = ["matte", "clip.mkv", "--model", "rvm", "--weights", "w.safetensors"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with weights and a clip of two scenes of five frames each."""
    people.write_people(tmp_path / "w.safetensors")
    dark = scenes.soft_disc(5).frames * 0.2
    light = 1 - scenes.stripes(5).frames * 0.3
    assert dark.shape == light.shape
    scenes.write_video(tmp_path / "clip.mkv", torch.cat((dark, light)))
    scenes.write_video(tmp_path / "second.mkv", light)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def alpha_of(path: str) -> np.ndarray:
    return np.stack(list(read_alpha(probe(Path(path)))))


def test_a_clip_is_matted_without_trimaps_and_each_scene_by_itself(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*RVM, "--alpha", "a.mkv", "--foreground", "f.mkv", "--cutout", "c.mkv", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["frames"] == 10
    assert main([*RVM[:1], "second.mkv", *RVM[2:], "--alpha", "s.mkv"]) == 0
    assert main([*RVM, "--alpha", "over.mkv", "--across-cuts"]) == 0
    both, second, over = alpha_of("a.mkv"), alpha_of("s.mkv"), alpha_of("over.mkv")
    assert both.std() > 0.01
    np.testing.assert_allclose(both[5:], second, atol=2e-5)
    assert np.abs(over[5:] - second).max() > 1e-3
    colour = np.stack([planes[..., :3] for planes in read_planes(probe(Path("f.mkv")))])
    clip = np.stack([planes[..., :3] for planes in read_planes(probe(Path("clip.mkv")))])
    assert np.abs(colour - clip).mean() > 0.01  # the network's, not the frame's


def test_the_length_of_a_chunk_does_not_show_and_the_working_size_does(folder: Path) -> None:
    for name, options in (("a", ["--chunk", "1"]), ("b", ["--chunk", "4"]), ("c", ["--working-size", "32"])):
        assert main([*RVM, "--alpha", f"{name}.mkv", *options]) == 0
    np.testing.assert_allclose(alpha_of("a.mkv"), alpha_of("b.mkv"), atol=2e-5)
    assert np.abs(alpha_of("a.mkv") - alpha_of("c.mkv")).max() > 1e-3


def test_stopped_and_resumed_the_file_is_that_of_a_plain_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resume, "SEGMENT", 2)
    options = ["--chunk", "2", "--working-size", "40", "--cutout", "c.mkv"]
    assert main([*RVM, *options]) == 0
    plain, commit, calls = Path("c.mkv").read_bytes(), Segments.commit, []

    def stop_after_two(*given: object) -> None:
        calls.append(1)
        if len(calls) > 2:
            raise KeyboardInterrupt
        commit(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Segments, "commit", stop_after_two)
        assert main([*RVM, *options, "--resume", "--overwrite"]) == 130
    assert main([*RVM, "--chunk", "2", "--working-size", "48", "--cutout", "c.mkv", "--resume", "--overwrite"]) == 2
    assert main([*RVM, *options, "--resume", "--overwrite"]) == 0
    assert Path("c.mkv").read_bytes() == plain


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "rvm"], "rvm must be given weights; the package carries none: fetch the authors' with"),
        (
            ["--model", "rvm", "--weights", "w.safetensors", "--trimap", "0=t.png"],
            "must be given no trimap; got --trimap",
        ),
        (["--model", "rvm", "--weights", "w.safetensors", "--band", "3"], "must be given no trimap; got --band"),
        (["--model", "rvm", "--weights", "w.safetensors", "--mask", "0=m.png"], "got --mask; leave it out"),
        (["--model", "rvm", "--weights", "w.safetensors", "--working-size", "1"], "--working-size"),
        (["--working-size", "100", "--trimap", "0=t.png"], "--working-size must go with --model rvm"),
        (["--model", "dvm", "--weights", "w.safetensors", "--trimap", "0=t.png"], "names 'rvm-mobilenetv3'"),
    ],
)
def test_what_does_not_go_together_is_refused_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    scenes.write_picture(folder / "t.png", scenes.soft_disc(1).trimap()[0])
    assert main(["matte", "second.mkv", *arguments, "--alpha", "a.mkv"]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1, error
    assert not Path("a.mkv").exists()


def test_what_is_left_of_a_damaged_clip_is_matted_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = Path("clip.mkv").read_bytes()
    Path("clip.mkv").write_bytes(whole[: len(whole) * 3 // 4])
    assert main([*RVM, "--alpha", "a.mkv"]) == 2
    assert main([*RVM, "--alpha", "a.mkv", "--salvage", "--json"]) == 0
    assert 0 < json.loads(capsys.readouterr().out)["frames"] < 10


def test_the_stabiliser_comes_only_if_asked_for_and_trimaps_are_not_carried(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, options in (("a", []), ("b", ["--stabilise", "0"]), ("c", ["--stabilise", "1"])):
        assert main([*RVM, "--alpha", f"{name}.mkv", *options]) == 0
    assert Path("a.mkv").read_bytes() == Path("b.mkv").read_bytes() != Path("c.mkv").read_bytes()
    capsys.readouterr()
    assert main(["propagate", "clip.mkv", "--trimap", "0=t.png", "-o", "d", *RVM[2:]]) == 2
    assert "must be carried by a model that takes some; got --model rvm" in capsys.readouterr().err


def test_a_batch_needs_no_trimaps_either(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run_here(work: Work, tasks: Sequence[Task], *, isolated: bool, **options: Any) -> Any:
        return run(work, tasks, **options)

    monkeypatch.setattr(mattekit.scale.batch, "run", run_here)
    Path("list.txt").write_text("clip.mkv\nsecond.mkv\n", encoding="utf-8")
    options = ["--set", "model=rvm", "--set", "weights=w.safetensors", "--workers", "1"]
    assert main(["batch", "list.txt", "-o", "out", "--alpha", "mkv", *options]) == 0
    made = sorted(Path("out").glob("*.mkv"))
    assert [probe(path).frames for path in made] == [10, 5]
