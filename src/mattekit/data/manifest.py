"""Lists of sources: what each is, where it lies, and what its licence allows."""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from mattekit.checks import InputError, one_line

ROLES = ("foreground", "background", "segmentation")
SPLITS = ("train", "validation", "test")
USES = ("ship", "research")
SUFFIXES = (".csv", ".jsonl")
NEEDED = ("name", "role", "path", "still")
YES, NO = ("true", "yes", "1"), ("false", "no", "0")

Cells = Mapping[str, object]


@dataclass(frozen=True)
class Entry:
    """One source of training or test material.

    Attributes:
        name: Unique in its list.
        role: "foreground", "background" or "segmentation".
        path: The colour: a picture, a video file, or a folder of pictures.
        alpha: Of a foreground: a picture, video or folder; None where the colour file carries alpha itself. Of a
            segmentation source: masks of people in the same forms, or a file of annotations (.json).
        still: Whether it is one picture, not a clip.
        split: "train", "validation" or "test".
        licence: As its owner states it; empty where unknown.
        use: "ship" where weights trained on it may be released under a permissive licence, else "research".
        alpha_kind: How the alpha came about: ground-truth, machine-made, artist-cutout, drawn-effect, chroma-keyed,
            true-video-matte, or other words.
    """

    name: str
    role: str
    path: Path
    alpha: Path | None
    still: bool
    split: str = "train"
    licence: str = ""
    use: str = "ship"
    alpha_kind: str = ""

    def __post_init__(self) -> None:
        for column, allowed in (("role", ROLES), ("split", SPLITS), ("use", USES)):
            value = getattr(self, column)
            if value not in allowed:
                raise InputError(f"{column} must be one of {', '.join(allowed)}; got {value!r}")
        if not self.name.strip():
            raise InputError(f"name must not be empty; it is for {self.path}: give every source a name of its own")
        if self.role == "background" and self.alpha is not None:
            raise InputError(f"alpha must be left empty for a background; got {self.alpha}")
        if self.role == "segmentation" and self.alpha is None:
            raise InputError("alpha must name the masks or the annotations of a segmentation source; it is empty")


COLUMNS = tuple(field.name for field in fields(Entry))
"""Columns of a CSV list and keys of a JSON-lines list."""


def read_manifest(path: Path) -> list[Entry]:
    """Return the entries of a list, in its order.

    Paths that are not absolute begin at the list's folder. What may be left out: alpha, where there is none; split,
    which is then "train"; licence; use, which is then "research", since unknown terms allow nothing more; alpha_kind.

    Args:
        path: A file .csv with a header line, or .jsonl with one object a line.

    Raises:
        InputError: It cannot be read, or a line is wrong; the message names the line and the column.
    """
    _check_suffix(path)
    try:
        text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        told = f"{path}: {error.strerror}; check the name"
        raise InputError(f"a list of sources must be a file that can be read; {told}") from error
    entries, owners = [], dict[str, int]()
    for line, cells in _csv_rows(path, text) if path.suffix.lower() == ".csv" else _json_rows(path, text):
        where = f"{path} line {line}"
        entry = _entry(cells, path.parent, where)
        if entry.name in owners:
            raise InputError(
                f"{where}: column name must be unique; {entry.name!r} is also on line {owners[entry.name]}; rename one"
            )
        owners[entry.name] = line
        entries.append(entry)
    if not entries:
        raise InputError(f"a list of sources must hold at least one; {path} holds none")
    return entries


def write_manifest(path: Path, entries: Iterable[Entry]) -> None:
    """Write a list of sources, sorted by role, split and name, so that one set always gives one file.

    Paths below the list's folder are written relative to it, others absolute. A file that exists is replaced when the
    new one, .csv or .jsonl, is whole.

    Raises:
        InputError: The suffix is another, a name comes twice, or the file cannot be written.
    """
    _check_suffix(path)
    ordered = sorted(entries, key=lambda entry: (ROLES.index(entry.role), SPLITS.index(entry.split), entry.name))
    repeated = [name for name, count in Counter(entry.name for entry in ordered).items() if count > 1]
    if repeated:
        raise InputError(f"each source must have its own name; got {repeated[0]!r} twice")
    rows = [_cells(entry, path.parent) for entry in ordered]
    write_whole(path, _csv_text(rows) if path.suffix.lower() == ".csv" else _json_text(rows))


def write_whole(path: Path, text: str) -> None:
    """Write a file that takes its name when it is whole; what stood there stays until then.

    Raises:
        InputError: It cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(text.encode("utf-8", "surrogateescape"))
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(f"{path} must be writable; {error.strerror}; choose another place") from error


def _check_suffix(path: Path) -> None:
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"a list of sources must be a file {' or '.join(SUFFIXES)}; got {path}; rename it")


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, Cells]]:
    """Yield the line number at which each row ends, and its cells by column."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [column.strip() for column in next(reader, [])]
        _check_columns(header, f"{path} line 1")
        if len(set(header)) < len(header):
            raise InputError(f"{path} line 1: every column must come once; got {', '.join(header)}")
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header):
                raise InputError(
                    f"{path} line {reader.line_num}: a row must have {len(header)} cells, one for each column; "
                    f"got {len(row)}; put cells with a comma between double quotes"
                )
            yield reader.line_num, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise InputError(f"{path} line {reader.line_num}: it must be CSV; {error}") from error


def _json_rows(path: Path, text: str) -> Iterator[tuple[int, Cells]]:
    """Yield each line's number and its object."""
    for line, source in enumerate(text.split("\n"), start=1):
        if not source.strip():
            continue
        try:
            cells = json.loads(source)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path} line {line}: it must be one JSON object; {one_line(error)}") from error
        if not isinstance(cells, dict):
            raise InputError(f"{path} line {line}: it must be one JSON object; got {one_line(source)[:40]}")
        _check_columns(cells, f"{path} line {line}")
        yield line, cells


def _check_columns(given: Iterable[str], where: str) -> None:
    given = list(given)
    for column in NEEDED:
        if column not in given:
            raise InputError(f"{where}: column {column} must be there; got {', '.join(given) or 'none'}")
    for column in given:
        if column not in COLUMNS:
            raise InputError(f"{where}: columns must be among {', '.join(COLUMNS)}; got {column!r}; take it out")


def _entry(cells: Cells, folder: Path, where: str) -> Entry:
    """Return the entry of one row."""
    text: dict[str, str] = {}
    for column, value in cells.items():
        if not isinstance(value, str | None) and column != "still":
            raise InputError(f"{where}: column {column} must be text; got {value!r}")
        text[column] = "" if value is None else str(value).strip()
    for column in NEEDED:
        if not text[column]:
            raise InputError(f"{where}: column {column} must not be empty; fill it in")
    for column, allowed in (("role", ROLES), ("split", SPLITS), ("use", USES)):
        if text.get(column) and text[column] not in allowed:
            raise InputError(f"{where}: column {column} must be one of {', '.join(allowed)}; got {text[column]!r}")
    still = text["still"].lower()
    if still not in (*YES, *NO):
        raise InputError(f"{where}: column still must be true or false; got {text['still']!r}")
    try:
        return Entry(
            name=text["name"],
            role=text["role"],
            path=folder / text["path"],
            alpha=folder / text["alpha"] if text.get("alpha") else None,
            still=still in YES,
            split=text.get("split") or "train",
            licence=text.get("licence", ""),
            use=text.get("use") or "research",
            alpha_kind=text.get("alpha_kind", ""),
        )
    except InputError as error:
        raise InputError(f"{where}: column {error}") from error


def _cells(entry: Entry, folder: Path) -> dict[str, str | bool]:
    """Return an entry as one row."""
    return {
        "name": entry.name,
        "role": entry.role,
        "path": _relative(entry.path, folder),
        "alpha": "" if entry.alpha is None else _relative(entry.alpha, folder),
        "still": entry.still,
        "split": entry.split,
        "licence": entry.licence,
        "use": entry.use,
        "alpha_kind": entry.alpha_kind,
    }


def _relative(path: Path, folder: Path) -> str:
    """Return a path from a folder where it lies below it, else from the root."""
    whole, base = Path(os.path.abspath(path)), Path(os.path.abspath(folder))
    return whole.relative_to(base).as_posix() if whole.is_relative_to(base) else str(whole)


def _csv_text(rows: Iterable[Mapping[str, str | bool]]) -> str:
    text = io.StringIO(newline="")
    told = [[str(value).lower() if isinstance(value, bool) else value for value in row.values()] for row in rows]
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *told])
    return text.getvalue()


def _json_text(rows: Iterable[Mapping[str, str | bool]]) -> str:
    kept = [{column: value for column, value in row.items() if value != ""} for row in rows]
    return "".join(json.dumps(row) + "\n" for row in kept)
