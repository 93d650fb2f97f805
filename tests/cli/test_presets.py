"""`mattekit compose --preset`: test sets by name from folders that the user has."""

from __future__ import annotations

from pathlib import Path

import pytest

from mattekit.cli import main
from mattekit.data import rvm_sets
from mattekit.data.plan import FittedRules, read_plan
from mattekit.media import probe
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "rvm-vm240k"], "--preset must come with --still-grounds FOLDER and --moving-grounds FOLDER"),
        (["--preset", "other"], "--preset must be one of fake-motion, rvm-vm240k, rvm-d646, rvm-aim; got 'other'"),
        (["--preset", "rvm-aim", "--blur"], "--blur must not be given with --preset, which has settled it"),
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
