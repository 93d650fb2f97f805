"""Folders as people have them, read as lists of sources: one layout a file, and the table that chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from mattekit.checks import InputError, check_choice
from mattekit.data.layouts import (
    adobe,
    backgrounds,
    coco,
    dvm,
    index,
    people,
    portraits,
    videomatte,
    videomatting108,
)
from mattekit.data.layouts.pairs import Pair, match_pairs, read_pairs
from mattekit.data.manifest import SUFFIXES, Entry, read_manifest
from mattekit.media import show_path

__all__ = ["AUTO", "LAYOUTS", "Layout", "Pair", "detect", "list_folder", "match_pairs", "read_pairs", "read_sources"]

AUTO = "auto"


@dataclass(frozen=True)
class Layout:
    """One way in which people keep sources.

    Attributes:
        looks_for: What a folder must hold, in words.
        matches: Whether a folder holds it.
        entries: The sources in such a folder.
        by_name: Whether it is taken only when it is named.
    """

    looks_for: str
    matches: Callable[[Path], bool]
    entries: Callable[[Path], Iterable[Entry]]
    by_name: bool = False


LAYOUTS = {
    "index": Layout(index.LOOKS_FOR, index.matches, index.entries),
    "videomatting108": Layout(videomatting108.LOOKS_FOR, videomatting108.matches, videomatting108.entries),
    "dvm": Layout(dvm.LOOKS_FOR, dvm.matches, dvm.entries),
    "coco": Layout(coco.LOOKS_FOR, coco.matches, coco.entries),
    "videomatte": Layout(videomatte.LOOKS_FOR, videomatte.matches, videomatte.entries),
    "portraits": Layout(portraits.LOOKS_FOR, portraits.matches, portraits.entries),
    "people": Layout(people.LOOKS_FOR, people.matches, people.entries),
    "adobe": Layout(adobe.LOOKS_FOR, adobe.matches, adobe.entries),
    "backgrounds": Layout(backgrounds.LOOKS_FOR, backgrounds.matches, backgrounds.entries, by_name=True),
}
"""Layouts by name; a folder is taken as the first that it matches."""


def detect(folder: Path) -> str:
    """Return the name of the layout of a folder.

    Raises:
        InputError: It is no folder, or none fits; the message tells what was looked for.
    """
    if not folder.is_dir():
        raise InputError(f"a folder of sources must exist; {show_path(folder)} does not: check the name")
    for name, layout in LAYOUTS.items():
        if not layout.by_name and layout.matches(folder):
            return name
    looked = "; ".join(f"{name}: {layout.looks_for}" for name, layout in LAYOUTS.items())
    raise InputError(f"{show_path(folder)} must be laid out in a known way; it fits none of these: {looked}")


def list_folder(folder: Path, *, layout: str = AUTO) -> list[Entry]:
    """Return the sources in a folder.

    Args:
        folder: Any depth of it is read as the layout says.
        layout: A key of `LAYOUTS`, or "auto".

    Raises:
        InputError: The folder does not fit the layout, or holds no source.
    """
    check_choice("layout", layout, (AUTO, *LAYOUTS))
    name = detect(folder) if layout == AUTO else layout
    if not folder.is_dir() or not LAYOUTS[name].matches(folder):
        raise InputError(f"layout {name} must have {LAYOUTS[name].looks_for}; {show_path(folder)} has not")
    found = list(LAYOUTS[name].entries(folder))
    if not found:
        raise InputError(f"{show_path(folder)} must hold sources; it holds none as layout {name}: name another folder")
    return found


def read_sources(path: Path, *, layout: str = AUTO) -> list[Entry]:
    """Return the sources that a list names or a folder holds.

    Args:
        path: A list (.csv, .jsonl) or a folder.
        layout: Of a folder, as for `list_folder`; a list has none.

    Raises:
        InputError: It is neither, or cannot be read; or there is no layout of that name.
    """
    check_choice("layout", layout, (AUTO, *LAYOUTS))
    if path.suffix.lower() in SUFFIXES and not path.is_dir():
        return list_folder(path.parent, layout="index") if path.name == "INDEX.csv" else read_manifest(path)
    if path.exists() and not path.is_dir():
        raise InputError(f"sources must be a list, {' or '.join(SUFFIXES)}, or a folder; {show_path(path)} is neither")
    return list_folder(path, layout=layout)
