"""The clips of a batch with their trimaps: found in a folder by their names, or read from a list."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mattekit.checks import InputError, one_line
from mattekit.media import show_path
from mattekit.media.formats import IMAGES
from mattekit.media.images import natural_key

MOVIES = (
    ".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mxf", ".mpg", ".mpeg", ".ts", ".m2ts", ".wmv", ".flv", ".ogv",
)  # fmt: skip
"""Suffixes of files that are clips of a folder, in lower case."""

LISTS = (".txt", ".csv", ".jsonl")
BESIDE = re.compile(r"(?:\.(\d+))?\.(trimap|mask)")
"""What stands between a clip's name and the suffix of a picture that belongs to it."""

MOST_BYTES = 64 << 20
"""A longer list is none."""


@dataclass(frozen=True)
class Entry:
    """One clip of a batch, as it was given; nothing is checked yet.

    Attributes:
        clip: The clip.
        options: Options of `mattekit matte` by name without dashes, each with its values in order; a switch has "".
        home: The folder that names in the options are relative to.
    """

    clip: Path
    options: Mapping[str, Sequence[str]]
    home: Path


def find_clips(folder: Path, *, leave_out: Path | None = None) -> list[Entry]:
    """Return the clips of a folder, each with the trimaps and masks beside it.

    Clips are video files and folders of pictures, in the folder itself. To `shot.mov`, or the folder `shot`, belong
    the folder `shot.trimaps`; `shot.12.trimap.png` and `shot.12.mask.png`, of frame 12; `shot.trimap.png` and
    `shot.mask.png`, of frame 0. Hidden names are left alone.

    Args:
        folder: Where to look.
        leave_out: A folder in it that is none of the clips.

    Raises:
        InputError: It is no folder that can be read, or holds no clip.
    """
    try:
        files = sorted(
            (file for file in folder.iterdir() if file.name[0] != "."), key=lambda file: natural_key(file.name)
        )
        clips = [file for file in files if _is_clip(file) and not (leave_out and _same(file, leave_out))]
    except OSError as error:
        raise InputError(f"{show_path(folder)} must be a folder of clips; {error.strerror}; check the name") from error
    if not clips:
        raise InputError(
            f"a folder of a batch must hold video files or folders of pictures; {show_path(folder)} holds none"
        )
    return [Entry(clip, _beside(clip, files), folder) for clip in clips]


def _is_clip(path: Path) -> bool:
    if path.is_dir():
        return path.suffix.lower() != ".trimaps" and any(child.suffix.lower() in IMAGES for child in path.iterdir())
    return path.suffix.lower() in MOVIES


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _beside(clip: Path, files: Sequence[Path]) -> dict[str, list[str]]:
    """Return the options that name a clip's trimaps."""
    stem = clip.name if clip.is_dir() else clip.stem
    options: dict[str, list[str]] = {}
    for file in files:
        if not file.name.startswith(stem):
            continue
        rest = file.name[len(stem) :]
        if rest.lower() == ".trimaps" and file.is_dir():
            options["trimaps"] = [str(file.absolute())]
        found = BESIDE.fullmatch(rest[: -len(file.suffix)]) if file.suffix.lower() in IMAGES else None
        if found is not None:
            options.setdefault(found[2], []).append(f"{int(found[1] or 0)}={file.absolute()}")
    return options


def read_list(path: Path) -> list[Entry]:
    """Return the clips of a list; names in it are relative to its folder.

    A line of a .txt file is a clip and options as on the command line, with quotes around names with spaces:
    ``shot.mov --trimap 0=shot.png --band 12``; lines that begin with # are left out. A .csv file has a column `clip`
    and one for each option, its several values with a semicolon between. A line of a .jsonl file is an object with
    `clip` and options; trimaps and masks may be objects of paths by frame.

    Raises:
        InputError: It cannot be read, is of another kind, or names no clip.
    """
    kind = path.suffix.lower()
    if kind not in LISTS:
        raise InputError(f"a list of clips must be a {', '.join(LISTS)} file, or a folder; got {show_path(path)}")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"a list of clips must be shorter than {MOST_BYTES} bytes; {show_path(path)} is not")
        text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
        rows = list({".txt": _lines, ".csv": _rows, ".jsonl": _objects}[kind](text))
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{show_path(path)} must be a list of clips; {one_line(error)}; mend it") from error
    if not rows:
        raise InputError(f"a list must name clips; {show_path(path)} names none")
    home = Path(os.path.abspath(path)).parent
    return [Entry(home / clip, options, home) for clip, options in rows]


Row = tuple[str, dict[str, list[str]]]


def _lines(text: str) -> Iterator[Row]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                yield _parsed(shlex.split(line))
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from error


def _parsed(words: Sequence[str]) -> Row:
    """Return the clip and the options of a command line; a word after an option is its value."""
    options: dict[str, list[str]] = {}
    clips, name = [], None
    for word in words:
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            options.setdefault(name, []).append(value)
            name = None if equals else name
        elif name is not None:
            options[name][-1], name = word, None
        else:
            clips.append(word)
    if len(clips) != 1:
        raise ValueError(f"it must name one clip before its options; it names {len(clips)}")
    return clips[0], options


def _rows(text: str) -> Iterator[Row]:
    reader = csv.DictReader(text.splitlines(), strict=True, restkey="", restval="")
    if "clip" not in (reader.fieldnames or ()):
        raise ValueError("its first line must name the columns, among them clip")
    for row in reader:
        if "" in row:
            raise ValueError(f"line {reader.line_num} has more cells than there are columns")
        cells = {name.strip(): cell.strip() for name, cell in row.items()}
        clip = cells.pop("clip")
        if not clip:
            raise ValueError(f"line {reader.line_num} names no clip")
        several = {name: [part.strip() for part in cell.split(";") if part.strip()] for name, cell in cells.items()}
        yield clip, {name: parts for name, parts in several.items() if parts}


def _objects(text: str) -> Iterator[Row]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                content = json.loads(line)
                clip = content.pop("clip")
                if not isinstance(clip, str) or not clip:
                    raise TypeError("clip must be text")
                yield clip, {name: _values(value) for name, value in content.items() if value not in (None, False)}
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise ValueError(f"line {number} must be an object with a clip: {one_line(error)}") from error


def _values(value: Any) -> list[str]:
    if value is True:
        return [""]
    if isinstance(value, Mapping):
        return [f"{int(frame)}={path}" for frame, path in value.items()]
    if isinstance(value, list):
        return [str(each) for each in value]
    return [str(value)]
