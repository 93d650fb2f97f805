"""The README names every source file, and only files that are there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import torch
from torch import Tensor

import mattekit
import scenes
from mattekit.types import Propagated, State

ROOT = Path(__file__).resolve().parents[1]


def test_the_tree_has_a_line_for_every_file_and_no_other() -> None:
    run = spec_from_file_location("tree", ROOT / "docs" / "tree.py")
    assert run is not None and run.loader is not None
    tree = module_from_spec(run)
    run.loader.exec_module(tree)
    written = (ROOT / "docs" / "tree.md").read_text(encoding="utf-8")
    assert written == tree.page(), "docs/tree.md must be as the files are; run python docs/tree.py"
    package = ROOT / "src" / "mattekit"
    there = [path for path in package.rglob("*.py") if path.name != "__init__.py" or path.parent == package]
    assert len(re.findall(r"^ +\S+\.py  +\S", written, re.MULTILINE)) == len(there)


def test_links_lead_to_files() -> None:
    for page in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8")):
            assert target.startswith("https://") or (ROOT / target).exists(), f"{page} links to {target}"


class Half:
    """Stands in for the networks: alpha a half, every trimap that of the key frame."""

    needs_trimap = True
    context = 0

    def step(self, frames: Tensor, trimap: Tensor | None, state: State) -> tuple[Tensor, None, State]:
        return torch.full((len(frames), 1, *frames.shape[-2:]), 0.5), None, None


class SameTrimap:
    """Every frame has the trimap of its key frame."""

    def reference(self, frame: Tensor, trimap: Tensor) -> State:
        return trimap

    def step(self, frame: Tensor, references: Sequence[State], state: State) -> Propagated:
        return Propagated(references[0], 1.0)


def test_the_python_example_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = scenes.soft_disc(6)
    scenes.write_video(tmp_path / "shot.mov", scene.frames, codec="libx264", layout="yuv444p")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        mattekit, "load", lambda family: mattekit.Model(family, Half(), SameTrimap(), Path("none")), raising=False
    )
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    names = {"mask": scene.alpha[0] > 0.5}
    exec(example, names)
    last = names["matte"]
    assert (last.chunk.start + len(last.chunk), last.foreground.shape[1]) == (6, 3)
