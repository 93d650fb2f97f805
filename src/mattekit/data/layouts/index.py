"""Folders with an INDEX.csv that tells, for every file, its kind, licence, use and how its alpha came about."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from mattekit.checks import InputError
from mattekit.data.manifest import USES, Entry
from mattekit.media import show_path

LOOKS_FOR = "INDEX.csv"
NEEDED = ("path", "kind", "use", "alpha_kind")
COLOUR = {"fg-image": True, "fg-video": False}
"""Kinds of foreground colour, and whether each is a still."""

ALPHA = ("fg-alpha", "fg-alpha-video")
BACKGROUND = {"bg-image": True, "bg-video": False}
ASIDE = ("real-video",)
"""Kinds that are neither: clips without alpha to look at."""

Row = Mapping[str, str]


def matches(folder: Path) -> bool:
    """Return whether a folder has such a file."""
    return (folder / "INDEX.csv").is_file()


def entries(folder: Path) -> Iterator[Entry]:
    """Yield the foregrounds, each NAME_fg with its NAME_alpha, and the backgrounds; names are paths without suffix.

    Raises:
        InputError: There is no such file, it lacks a column, or a row has a kind, split or use of another name.
    """
    rows = _rows(folder)
    alphas = {_stem(row["path"], "_alpha"): row["path"] for _, row in rows if row["kind"] in ALPHA}
    for line, row in rows:
        kind, path = row["kind"], row["path"]
        if kind in ALPHA or kind in ASIDE:
            continue
        if kind not in COLOUR and kind not in BACKGROUND:
            known = ", ".join((*COLOUR, *ALPHA, *BACKGROUND, *ASIDE))
            raise InputError(
                f"{show_path(folder / 'INDEX.csv')} line {line}: column kind must be one of {known}; got {kind!r}"
            )
        name = _stem(path, "_fg")
        alpha = alphas.get(name, f"{name}_alpha.{'png' if kind == 'fg-image' else 'mkv'}")
        yield _entry(folder, row, name, alpha, line)


def _entry(folder: Path, row: Row, name: str, alpha: str, line: int) -> Entry:
    """Return the entry of one row."""
    try:
        return Entry(
            name=name,
            role="foreground" if row["kind"] in COLOUR else "background",
            path=folder / row["path"],
            alpha=folder / alpha if row["kind"] in COLOUR else None,
            still=(COLOUR | BACKGROUND)[row["kind"]],
            split=row.get("split") or "train",
            licence=row.get("licence", ""),
            use=row["use"] if row["use"] in USES else "research",
            alpha_kind=row["alpha_kind"],
        )
    except InputError as error:
        raise InputError(f"{show_path(folder / 'INDEX.csv')} line {line}: column {error}") from error


def _rows(folder: Path) -> list[tuple[int, Row]]:
    """Return the rows and the numbers of their lines."""
    path = folder / "INDEX.csv"
    if not path.is_file():
        raise InputError(f"a source folder must hold INDEX.csv; {show_path(folder)} does not")
    with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
        reader = csv.DictReader(file, restval="")
        try:
            rows: list[tuple[int, Row]] = [(reader.line_num, row) for row in reader]
        except csv.Error as error:
            raise InputError(f"{show_path(path)} must be CSV; {error}; save it again") from error
        missing = [column for column in NEEDED if column not in (reader.fieldnames or ())]
    if missing:
        raise InputError(f"{show_path(path)} must have the columns {', '.join(NEEDED)}; missing: {', '.join(missing)}")
    return rows


def _stem(path: str, ending: str) -> str:
    """Return a path without its suffix and the ending that tells colour from alpha."""
    return path.rsplit(".", 1)[0].removesuffix(ending)
