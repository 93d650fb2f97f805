"""`mattekit compose --preset`: test sets by name from folders that the user has."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from mattekit.cli import main
from mattekit.data import faked_set, rvm_sets
from mattekit.data.manifest import write_manifest
from mattekit.data.plan import FittedRules, read_plan
from mattekit.data.stored import true_flow
from mattekit.media import Style, open_writer, probe, read_alpha
from mattekit.metrics import measure
from mattekit.types import ClipInfo
from sources import write_background, write_foreground


def tree(folder: Path) -> None:
    for name in ("anna", "bert"):
        for part in ("fgr", "pha"):
            (folder / "VM/test" / part).mkdir(parents=True, exist_ok=True)
        entry = write_foreground(folder / "made", name, frames=3)
        entry.path.rename(folder / "VM/test/fgr" / name)
        (entry.alpha or entry.path).rename(folder / "VM/test/pha" / name)
    for number in range(5):
        for kind, frames in (("stills", 1), ("clips", 3)):
            entry = write_background(folder / "made", f"{kind}{number}", frames=frames)
            (folder / kind).mkdir(exist_ok=True)
            entry.path.rename(folder / kind / entry.path.name)


def test_the_command_composes_a_set_that_can_be_evaluated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rvm_sets, "FRAMES", 2)
    tree(tmp_path)
    behind = ["--still-grounds", str(tmp_path / "stills"), "--moving-grounds", str(tmp_path / "clips")]
    out = tmp_path / "set"
    given = ["compose", str(tmp_path / "VM"), "--preset", "rvm-vm240k", *behind, "-o", str(out)]
    only = [part for name in ("static-0000", "static-0002", "motion-0009") for part in ("--only", name)]
    assert main([*given, *only]) == 0
    assert "gives 2 foregrounds where the paper's rvm-vm240k has 5" in capsys.readouterr().err
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == ["motion-0009", "static-0000", "static-0002"]
    alpha = probe(out / "static-0000" / "alpha.mkv")
    assert (alpha.size, alpha.frames) == ((288, 512), 2)
    planned, rules = read_plan(out / "plan.jsonl")
    assert isinstance(rules, FittedRules) and len(planned) == 3
    assert main([*given, *only]) == 0
    assert "0 made, 3 there already" in capsys.readouterr().err
    assert main(["evaluate", str(out), str(out), "--convention", "rvm-lr"]) == 0
    assert main(["compose", str(out / "plan.jsonl"), "-o", str(tmp_path / "again"), "--only", "motion-0009"]) == 0
    one, other = ((root / "motion-0009/composite.mkv").read_bytes() for root in (out, tmp_path / "again"))
    assert one == other


def test_people_bent_by_random_flow_are_scored_along_their_own_motion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(faked_set, "FRAMES", 11)
    monkeypatch.setattr(faked_set, "SIDES", {"low": 64, "high": 96})
    people = [write_foreground(tmp_path, name) for name in ("anna", "bert")]
    grounds = [write_background(tmp_path, name, frames=12) for name in ("park", "road")]
    write_manifest(tmp_path / "people.csv", people)
    write_manifest(tmp_path / "grounds.csv", grounds)
    behind = ["--moving-grounds", str(tmp_path / "grounds.csv")]
    given = ["compose", str(tmp_path / "people.csv"), "--preset", "fake-motion", *behind, "-o", str(tmp_path / "set")]
    assert main([*given, "--count", "3", "--streams", "composite,alpha"]) == 0
    homes = sorted(path.parent for path in (tmp_path / "set").glob("*/alpha.mkv"))
    assert len(homes) == 3 and probe(homes[0] / "alpha.mkv").frames == 11
    for home in homes:
        true = torch.stack([torch.from_numpy(plane)[None] for plane in read_alpha(probe(home / "alpha.mkv"))])
        for name, alpha in (("half", true / 2), ("rolled", true / 2 + 0.5 * true.roll(1, 0) * true)):
            store(tmp_path / name / f"{home.name}.mkv", alpha)
    capsys.readouterr()
    found = {}
    for name in ("half", "rolled"):
        told = ["evaluate", str(tmp_path / name), str(tmp_path / "set"), "--convention", "fake-motion", "--json"]
        assert main(told) == 0
        found[name] = json.loads(capsys.readouterr().out)
        for home in homes:  # in pieces of 8 frames as in one
            alpha, true = (_levels(path) for path in (tmp_path / name / f"{home.name}.mkv", home / "alpha.mkv"))
            whole = measure("fake-motion", alpha, true, flow=true_flow(home, true)).means
            assert found[name]["clips"][home.name] == pytest.approx(whole, rel=1e-9)
    # half the alpha is an error that moves with the person; one that trails behind it does not
    half, rolled = found["half"]["mean"], found["rolled"]["mean"]
    assert half["SSDA"] > 2 * rolled["SSDA"] and half["MESSDdt"] < 0.5 * rolled["MESSDdt"]


def test_a_truth_that_was_not_composed_has_no_known_motion(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    true = store(tmp_path / "t.mkv", torch.ones(2, 1, 16, 16))
    assert main(["evaluate", str(true), str(true), "--convention", "fake-motion"]) == 2
    assert "the true alpha must lie where `mattekit compose` wrote it, beside sample.json" in capsys.readouterr().err


def store(path: Path, alpha: torch.Tensor) -> Path:
    """Write alpha (T, 1, H, W) as 8-bit FFV1."""
    path.parent.mkdir(exist_ok=True)
    clip = ClipInfo(path, "video", (alpha.shape[2], alpha.shape[3]), len(alpha), Fraction(25), Fraction(1, 25))
    with open_writer(path, clip, content="alpha", style=Style(bits=8)) as writer:
        for index, plane in enumerate(alpha):
            writer.write(plane, index)
    return path


def _levels(path: Path) -> torch.Tensor:
    planes = [torch.from_numpy(plane)[None] for plane in read_alpha(probe(path))]
    return torch.stack(planes).mul(255).round().to(torch.uint8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "rvm-vm240k"], "--preset must come with --still-grounds FOLDER and --moving-grounds FOLDER"),
        (["--preset", "other"], "--preset must be one of fake-motion, rvm-vm240k, rvm-d646, rvm-aim; got 'other'"),
        (["--preset", "rvm-aim", "--blur"], "--blur must not be given with --preset, which has settled it"),
        (["--preset", "fake-motion"], "--preset fake-motion must come with --moving-grounds FOLDER; it is missing"),
        (["--preset", "fake-motion", "--still-grounds", "x"], "--still-grounds must not be given with --preset fake"),
        (["--preset", "rvm-aim", "--count", "3"], "--count must not be given with --preset, which has settled it"),
        (["--resolution", "high"], "--resolution must come with --preset NAME; none was given"),
    ],
)
def test_presets_without_their_folders_or_with_what_they_settle_are_refused(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(tmp_path)
    assert main(["compose", str(tmp_path / "VM"), "-o", str(tmp_path / "set"), *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not (tmp_path / "set").exists()
