"""`mattekit propagate` and `matte` at cuts, and what they say of the confidence in carried trimaps."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import mattekit.models
import scenes
from mattekit.checks import InputError
from mattekit.cli import main
from mattekit.cli.confidence import Confidences
from mattekit.cli.cuts import check_scenes
from mattekit.media import probe, read_alpha
from mattekit.models import Model
from mattekit.types import Propagated, State

CUT = 6


class Fading:
    """Carries the nearest trimap, with a confidence that falls with each step and is told by the state."""

    def reference(self, frame: Tensor, trimap: Tensor) -> State:
        return trimap

    def step(self, frame: Tensor, references: Sequence[State], state: State) -> Propagated:
        confidence = 0.9 if state is None else state - 0.1
        return Propagated(references[0], confidence, confidence)


class Lagging:
    """Alpha a half, one frame late; it may never see two scenes at once."""

    needs_trimap, context = True, 1

    def __init__(self) -> None:
        self.seen: list[list[float]] = []

    def step(self, frames: Tensor, trimap: Tensor | None, state: State) -> tuple[Tensor, Tensor | None, State]:
        waiting = 0 if state is None else 1
        if state is None:
            self.seen.append([])
        self.seen[-1] += [round(float(frame.mean()), 2) for frame in frames]
        ready = waiting if len(frames) == 0 else len(frames) - 1 + waiting
        return torch.full((ready, 1, *frames.shape[-2:]), 0.5), None, True


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clip of two scenes of six and five frames, and a trimap that fits both."""
    scene = scenes.soft_disc(11)
    rows, columns = torch.meshgrid(torch.arange(48.0), torch.arange(64.0), indexing="ij")
    waves = torch.stack([0.9 - 0.1 * torch.sin(rows / 3), 0.7 + 0.3 * torch.cos(columns / 4), 0.8 + 0 * rows])
    frames = scene.frames.clone()
    frames[CUT:] = waves.clamp(0, 1)
    scenes.write_video(tmp_path / "clip.mkv", frames)
    scenes.write_video(tmp_path / "whole.mkv", scene.frames)
    scenes.write_picture(tmp_path / "t.png", scene.trimap()[0])
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def matter(monkeypatch: pytest.MonkeyPatch) -> Lagging:
    """Networks whose answers one can compute in the head."""
    made = Lagging()

    def load(family: str, *, weights: Path | None = None, device: object = "cpu") -> Model:
        return Model(family, made, Fading(), Path("none"))

    monkeypatch.setattr(mattekit.models, "load", load)
    return made


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading a network fails the test."""

    def load(*arguments: object, **options: object) -> Model:
        raise AssertionError("a network was loaded")

    monkeypatch.setattr(mattekit.models, "load", load)


KEY = ["--trimap", "0=t.png"]
BOTH = [*KEY, "--trimap", f"{CUT}=t.png"]


@pytest.mark.parametrize("output", [["propagate", "clip.mkv", "-o", "out"], ["matte", "clip.mkv", "--alpha", "a.mkv"]])
def test_a_scene_without_a_trimap_is_named_in_one_line_before_a_network_is_loaded(
    folder: Path, no_model: None, capsys: pytest.CaptureFixture[str], output: list[str]
) -> None:
    assert main([*output, *KEY]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "mattekit: every scene must have a trimap, since propagation stops at a cut; got none for the scene that "
        "begins at frame 6: add --trimap 6=PNG, or --across-cuts to carry trimaps over cuts\n"
    )
    assert sorted(os.listdir()) == ["clip.mkv", "t.png", "whole.mkv"]


def test_a_trimap_anywhere_in_a_scene_is_enough(folder: Path, matter: Lagging) -> None:
    for index, last in enumerate((6, 8, 10)):
        assert main(["propagate", "clip.mkv", *KEY, "--trimap", f"{last}=t.png", "-o", f"out{index}"]) == 0


def test_trimaps_are_carried_over_cuts_when_asked(folder: Path, matter: Lagging) -> None:
    assert main(["propagate", "clip.mkv", *KEY, "-o", "out", "--across-cuts"]) == 0
    assert len(os.listdir("out")) == 11


def test_a_span_of_one_scene_needs_no_trimap_of_another(folder: Path, matter: Lagging) -> None:
    assert main(["propagate", "clip.mkv", *KEY, "--end", "6", "-o", "first"]) == 0
    assert main(["propagate", "clip.mkv", "--trimap", "10=t.png", "--start", "6", "-o", "second"]) == 0


def test_a_key_frame_outside_the_span_serves_no_scene_but_its_own(
    folder: Path, matter: Lagging, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["propagate", "clip.mkv", *KEY, "--start", "7", "--end", "9", "-o", "out"]) == 2
    assert "the scene that begins at frame 7" in capsys.readouterr().err
    assert main(["propagate", "whole.mkv", *KEY, "--start", "7", "--end", "9", "-o", "out"]) == 0


def test_predict_begins_anew_at_a_cut_also_where_every_frame_has_a_trimap(folder: Path, matter: Lagging) -> None:
    (folder / "all").mkdir()
    for index in range(11):
        (folder / "all" / f"{index}.png").write_bytes((folder / "t.png").read_bytes())
    for option, lengths in (([], [6, 5]), (["--across-cuts"], [11])):
        matter.seen.clear()
        arguments = ["--trimaps", "all", "--alpha", "a.mkv", "--overwrite", *option]
        assert main(["matte", "clip.mkv", *arguments]) == 0
        assert [len(seen) for seen in matter.seen] == lengths
        assert len(list(read_alpha(probe("a.mkv")))) == 11


def test_propagate_says_how_far_trimaps_can_be_trusted_and_where_another_would_help(
    folder: Path, matter: Lagging, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["propagate", "clip.mkv", *BOTH, "-o", "out", "--json"]) == 0
    said = capsys.readouterr()
    summary = json.loads(said.out)
    carried = [(1, 0.9), (2, 0.8), (3, 0.7), (4, 0.6), (5, 0.5), (7, 0.9), (8, 0.8), (9, 0.7), (10, 0.6)]
    assert [tuple(pair) for pair in summary["confidence"]] == carried
    assert summary["cuts"] == [CUT]
    named = [each["frame"] for each in summary["advice"]]
    assert named[0] in (4, 5)
    assert CUT < named[1] <= 10
    (line,) = (line for line in said.err.splitlines() if line.startswith("confidence: "))
    assert line.startswith(
        "confidence: 0.72 in the mean, 0.50 at the least, at frame 5; another trimap would help most"
    )
    assert f"at frame {named[0]}, then at {named[1]}" in line


def test_a_report_holds_every_frame_as_a_table_and_as_json(folder: Path, matter: Lagging) -> None:
    assert main(["propagate", "clip.mkv", *BOTH, "-o", "out", "--report", "r.csv"]) == 0
    with Path("r.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(int(row["frame"]), float(row["confidence"])) for row in rows][:3] == [(1, 0.9), (2, 0.8), (3, 0.7)]
    assert (
        sorted(row["advice"] for row in rows if row["advice"])
        == ["1", "2", "3"][: sum(bool(r["advice"]) for r in rows)]
    )
    assert main(["propagate", "clip.mkv", *BOTH, "-o", "out2", "--report", "r.json"]) == 0
    told = json.loads(Path("r.json").read_text(encoding="utf-8"))
    assert len(told["confidence"]) == 9 and told["cuts"] == [CUT] and told["advice"]
    assert not list(folder.glob(".mattekit-*"))


@pytest.mark.parametrize(
    ("report", "message"),
    [
        ("r.txt", "must be a .csv or .json file"),
        ("nowhere/r.csv", "make the folder first"),
        ("old.csv", "must not exist yet"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused_before_anything_is_done(
    folder: Path, no_model: None, capsys: pytest.CaptureFixture[str], report: str, message: str
) -> None:
    (folder / "old.csv").write_text("precious")
    assert main(["propagate", "clip.mkv", *BOTH, "-o", "out", "--report", report]) == 2
    assert message in capsys.readouterr().err
    assert not Path("out").exists()


def test_matte_speaks_of_the_confidence_only_where_it_is_low(
    folder: Path, matter: Lagging, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["matte", "clip.mkv", *BOTH, "--alpha", "a.mkv"]) == 0
    assert capsys.readouterr().err.count("confidence: ") == 1
    assert main(["matte", "clip.mkv", *KEY, "--end", "3", "--alpha", "b.mkv"]) == 0
    assert "confidence" not in capsys.readouterr().err


def test_scenes_without_trimaps_are_all_named_and_many_are_counted() -> None:
    with pytest.raises(InputError, match=r"frames 4, 9: add --trimap 4=PNG --trimap 9=PNG, or"):
        check_scenes([4, 9], (0, 12), [0])
    with pytest.raises(InputError, match="frame 0: add --trimap 0=PNG"):
        check_scenes([4], (0, 12), [5])
    with pytest.raises(InputError, match="and 12 more: add"):
        check_scenes(range(1, 21), (0, 21), [0])
    check_scenes([4, 9], (4, 9), [6])
    check_scenes([], (0, 3), [9])


def test_nothing_carried_and_nothing_doubtful_are_said_as_such() -> None:
    assert Confidences([0, 1]).tell() == "confidence: every frame has a trimap of its own"
    sure = Confidences([0])
    sure.add(1, 0.999)
    assert sure.tell().endswith("1.00 at the least, at frame 1; no further trimap is needed")
    assert not sure.is_low()


def test_the_confidence_of_the_carried_networks_is_told(folder: Path, random_weights: Path) -> None:
    assert (
        main(["propagate", "whole.mkv", *KEY, "-o", "out", "--weights", str(random_weights), "--report", "r.json"]) == 0
    )
    values = np.array(json.loads(Path("r.json").read_text(encoding="utf-8"))["confidence"])
    assert values[:, 0].tolist() == list(range(1, 11))
    assert ((values[:, 1] >= 0) & (values[:, 1] <= 1)).all()
