"""The import rule of the house, read from the source with ``ast``, and what must answer without torch."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "mattekit"

FLOORS = (
    {"checks", "types"},
    {"ops", "media"},
    {"nn", "data", "metrics", "weights"},
    {"models", "engine", "runtime"},
    {"scale", "studio"},
    {"cli"},
    {"__init__", "__main__"},
)
"""Bottom to top. A part imports from lower floors only, never from its neighbours on the same floor."""

NEIGHBOURS = {("types", "checks")}
"""The one pair on one floor that may meet."""

NEVER = {("engine", "models"), ("engine", "media"), ("engine", "data")}
"""Pairs that stay apart although the floors would allow them; they meet in cli, scale and studio."""

MODULE_NAME = re.compile(r"mattekit(\.\w+)+")
WITHOUT_TORCH = ("checks", "types", "media", "cli", "__init__", "__main__")


def floor(part: str) -> int:
    for number, parts in enumerate(FLOORS):
        if part in parts:
            return number
    raise AssertionError(f"{part} has no place in the import rule: give it a floor in FLOORS")


def imported(tree: ast.AST, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """Yield (line, module) of all that a source imports from mattekit, wherever in the file, by name or by string."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")
                parents = parents[: len(parents) - node.level + is_package]
                base = ".".join([*parents, *filter(None, [base])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and MODULE_NAME.fullmatch(node.value):
            names = [node.value]
        else:
            continue
        yield from ((node.lineno, name) for name in names if name.split(".")[0] == "mattekit" and "." in name)


def part_and_family(module: str) -> tuple[str, str | None]:
    parts = module.split(".")
    part = parts[1] if len(parts) > 1 else "__init__"
    if part not in set().union(*FLOORS) and not (SOURCE / part).is_dir() and not (SOURCE / f"{part}.py").is_file():
        part = "__init__"  # a public name of the package itself
    family = parts[2] if part == "models" and len(parts) > 2 and (SOURCE / "models" / parts[2]).is_dir() else None
    return part, family


def violations(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """Return a line of text for each import that breaks the rule."""
    own, own_family = part_and_family(module)
    found = []
    for line, name in imported(ast.parse(source), module, is_package):
        part, family = part_and_family(name)
        if part == own:
            wrong = own_family is not None and family is not None and family != own_family
        else:
            meets = floor(part) < floor(own) or (own, part) in NEIGHBOURS
            wrong = not meets or (own, part) in NEVER
        if wrong:
            found.append(f"{module}:{line} imports {name}")
    return found


def modules() -> list[tuple[str, Path]]:
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        parts = list(path.relative_to(SOURCE.parent).with_suffix("").parts)
        found.append((".".join(parts[:-1] if parts[-1] == "__init__" else parts), path))
    return found


def test_every_import_goes_down() -> None:
    assert len(modules()) > 20
    found = [
        line
        for module, path in modules()
        for line in violations(path.read_text(encoding="utf-8"), module, is_package=path.name == "__init__.py")
    ]
    assert found == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("mattekit.ops.warp", "import mattekit.media"),
        ("mattekit.media.video", "from mattekit.ops import resize"),
        ("mattekit.media.video", "from mattekit import ops"),
        ("mattekit.nn.blocks", "from mattekit.models.dvm import network"),
        ("mattekit.engine.stream", "def run():\n    from mattekit.models import load"),
        ("mattekit.engine.stream", "from ..media import video"),
        ("mattekit.engine.train", "from importlib import import_module\nimport_module('mattekit.data.pack')"),
        ("mattekit.models.dvm.network", "from mattekit.engine import stream"),
        ("mattekit.data.pack", "from mattekit.models.dvm import network"),
        ("mattekit.metrics.spatial", "from mattekit.nn import blocks"),
        ("mattekit.checks", "from mattekit.types import Chunk"),
        ("mattekit.models.dvm.stream", "from mattekit import load"),
        ("mattekit.cli.matte", "import mattekit.__main__"),
    ],
)
def test_a_made_up_breach_is_found(module: str, source: str) -> None:
    assert len(violations(source, module)) == 1


def test_one_family_may_not_import_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for family in ("one", "other"):
        (tmp_path / "models" / family).mkdir(parents=True)
    monkeypatch.setattr(sys.modules[__name__], "SOURCE", tmp_path)
    assert violations("from mattekit.models.other import network", "mattekit.models.one.network") != []
    assert violations("from mattekit.models.one import network", "mattekit.models.one.network") == []
    assert violations("from mattekit.models import Model", "mattekit.models.one.network") == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("mattekit.types", "from mattekit.checks import InputError"),
        ("mattekit.engine.stream", "from mattekit.ops import composite"),
        ("mattekit.cli.matte", "from mattekit.engine import stream\nfrom mattekit.models import load"),
        ("mattekit.ops.warp", "from mattekit.ops.filters import dilate\nimport torch"),
        ("mattekit.ops.warp", "from . import filters"),
    ],
)
def test_imports_that_go_down_are_left_in_peace(module: str, source: str) -> None:
    assert violations(source, module) == []


def test_a_part_without_a_floor_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "attic").mkdir()
    monkeypatch.setattr(sys.modules[__name__], "SOURCE", tmp_path)
    with pytest.raises(AssertionError, match="attic has no place"):
        violations("from mattekit.attic import lamp", "mattekit.cli.matte")


def imported_at_once(tree: ast.Module) -> set[str]:
    """Return the first names of what a module imports when it is itself imported."""
    found: set[str] = set()
    pending: list[ast.stmt] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            pending += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            pending += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
    return found


def test_what_must_answer_without_torch_does_not_import_it_at_once() -> None:
    heavy = ("torch", "torchvision", *(f"mattekit.{part}" for part in ("ops", "nn", "models", "engine", "data")))
    found = [
        f"{module} imports {name}"
        for module, path in modules()
        if part_and_family(module)[0] in WITHOUT_TORCH
        for name in imported_at_once(ast.parse(path.read_text(encoding="utf-8")))
        if any(name == part or name.startswith(part + ".") for part in heavy)
    ]
    assert found == []


@pytest.mark.parametrize("arguments", [[], ["--help"], ["matte", "--help"], ["--version"], ["no-such-verb"]])
def test_help_and_usage_errors_answer_without_torch(arguments: list[str]) -> None:
    script = (
        "import sys, mattekit.cli\n"
        "code = mattekit.cli.main(sys.argv[1:])\n"
        "sys.exit(99 if 'torch' in sys.modules else code)"
    )
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == (2 if arguments == ["no-such-verb"] else 0), done.stderr
    assert "Traceback" not in done.stderr
