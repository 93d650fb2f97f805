"""Lists of which foreground goes over which background, as published with the deep video matting test set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mattekit.checks import InputError
from mattekit.data.layouts.listing import VIDEOS
from mattekit.data.manifest import Entry
from mattekit.media import show_path
from mattekit.media.formats import IMAGES

FORMS = (
    re.compile(r"(?P<kind>\w+)\s*\+\s*(?P<foreground>.*\S)\s*\+\s*(?P<background>[^+]+)"),
    re.compile(r"(?P<kind>\w+) *\t\s*(?P<foreground>[^\t]*[^\t ]) *\t\s*(?P<background>[^\t]+)"),
    re.compile(r"(?P<kind>\w+)\s+(?P<foreground>.*\S)\s+(?P<background>\S+)"),
)
"""Ways to write a line, tried in turn: only with plus signs and tabs may the name of a background hold spaces."""

KINDS = ("image", "video")


@dataclass(frozen=True)
class Pair:
    """One line of a list.

    Attributes:
        kind: "image", a still foreground, or "video".
        foreground: Its name, with or without suffix.
        background: Likewise.
        line: Number of the line in the list, from 1; 0 where there is none.
    """

    kind: str
    foreground: str
    background: str
    line: int = 0


def read_pairs(path: Path) -> list[Pair]:
    """Return the pairs of a list, in its order.

    A line is kind, foreground and background, with plus signs, tabs or spaces between; empty lines and lines that begin
    with # are left out.

    Raises:
        InputError: The list cannot be read or is empty, or lines have another form; all of them are named.
    """
    try:
        lines = path.read_bytes().decode("utf-8-sig", "surrogateescape").split("\n")
    except OSError as error:
        raise InputError(
            f"a list of pairs must be a file that can be read; {show_path(path)}: {error.strerror}; check the name"
        ) from error
    found, wrong = [], []
    for number, text in enumerate((line.strip() for line in lines), start=1):
        if not text or text.startswith("#"):
            continue
        pair = _parse(text, number)
        found += [pair] if pair else []
        wrong += [] if pair else [f"line {number} {text!r}"]
    if wrong or not found:
        raise InputError(
            f"lines of {show_path(path)} must be image or video, foreground, background, as image+cat.png+0105.mp4; "
            f"got {', '.join(wrong) or 'none'}; mend them"
        )
    return found


def match_pairs(pairs: Sequence[Pair], entries: Sequence[Entry], *, split: str = "test") -> list[tuple[Entry, Entry]]:
    """Return the foreground and the background that each pair names, in their order.

    A source is known by the last part of its name, with or without a suffix.

    Args:
        pairs: From `read_pairs`.
        entries: Sources to choose from.
        split: Only sources of this split count.

    Raises:
        InputError: Lines name what is not there, or is there twice; all of them are named.
    """
    known: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        kind = entry.role if entry.role != "foreground" else KINDS[0] if entry.still else KINDS[1]
        if entry.split == split:
            known.setdefault((kind, entry.name.rsplit("/", 1)[-1]), []).append(entry)
    found, wrong = [], []
    for pair in pairs:
        foregrounds = known.get((pair.kind, _stem(pair.foreground)), [])
        backgrounds = known.get(("background", _stem(pair.background)), [])
        if len(foregrounds) == len(backgrounds) == 1:
            found.append((foregrounds[0], backgrounds[0]))
        for what, name, choices in (
            (f"{pair.kind} foreground", pair.foreground, foregrounds),
            ("background", pair.background, backgrounds),
        ):
            if len(choices) != 1:
                wrong.append(f"line {pair.line} {what} {name!r} ({len(choices)} of that name)")
    if wrong:
        raise InputError(
            f"every pair must name one source of split {split} on either side; got "
            f"{', '.join(wrong)}; add or rename them"
        )
    return found


def _parse(text: str, line: int) -> Pair | None:
    for form in FORMS:
        match = form.fullmatch(text)
        if match and match["kind"].lower() in KINDS:
            return Pair(match["kind"].lower(), match["foreground"], match["background"].strip(), line)
    return None


def _stem(name: str) -> str:
    """Return a name without folders and without the suffix of a picture or a video."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return Path(last).stem if Path(last).suffix.lower() in (*IMAGES, *VIDEOS) else last
