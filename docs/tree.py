"""Writes docs/tree.md: every source file with the first sentence of its docstring. Run by `make docs`."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "mattekit"
PAGE = ROOT / "docs" / "tree.md"
COLUMN = 24
HEAD = """# Where things are

Written by `python docs/tree.py` from the first sentence of every file. [ARCHITECTURE.md](../ARCHITECTURE.md) says how
the folders hang together.

"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """Return the page."""
    return HEAD + "```\nsrc/mattekit/\n" + "\n".join(_lines(PACKAGE, "  ")) + "\n```\n"


def _lines(folder: Path, indent: str) -> list[str]:
    """Return a line for every file of a folder, and the lines of its folders behind them."""
    files = sorted(file for file in folder.glob("*.py") if file.name != "__init__.py" or folder == PACKAGE)
    lines = [_line(indent + file.name, file) for file in files]
    for inner in sorted(path.parent for path in folder.glob("*/__init__.py")):
        lines.append(_line(f"{indent}{inner.name}/", inner / "__init__.py"))
        lines += _lines(inner, indent + "  ")
    return lines


def _line(name: str, file: Path) -> str:
    return f"{name:<{COLUMN}}  {said(file)}"


def said(file: Path) -> str:
    """Return the first sentence of a file's docstring, without its full stop.

    Raises:
        ValueError: It has none.
    """
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    if not docstring:
        raise ValueError(f"a source file must begin with a docstring; {file.relative_to(ROOT)} does not")
    first = " ".join(docstring.split("\n\n", 1)[0].split())
    return first.split(". ", 1)[0].rstrip(".")


if __name__ == "__main__":
    main()
