"""Where the outputs of a batch go: names made of a template, checked before anything begins."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from string import Formatter

from mattekit.checks import InputError
from mattekit.media import show_path

FIELDS = ("stem", "folder", "number", "content")
"""What a template may hold: the clip's name without suffix, the name of the folder it lies in, its place in the batch
from 1, and what the output shows."""

SEQUENCES = ("png", "exr", "jpg")
"""Formats that become a folder of numbered pictures."""

FRAME = "%05d"


def check_template(template: str) -> None:
    """Raise unless a template holds the known fields alone, and names a file in the folder of the batch.

    Raises:
        InputError: It does not.

    Example:
        >>> check_template("{stem}/{content}")
    """
    try:
        parts = list(Formatter().parse(template))
        for _, field, form, conversion in parts:
            if field is not None and (field not in FIELDS or conversion or not _is_form(field, form or "")):
                raise ValueError(field)
        filled = template.format(stem="a", folder="a", number=1, content="a")
    except (ValueError, IndexError, KeyError, AttributeError) as error:
        raise InputError(
            f"--name must be text with the fields {', '.join(f'{{{field}}}' for field in FIELDS)}, the number as "
            f"{{number:04d}} if it is to have zeros; got {show_path(template)}"
        ) from error
    _check_inside(filled, template)


def _is_form(field: str, form: str) -> bool:
    return not form or (field == "number" and form.startswith("0") and form[1:-1].isdigit() and form.endswith("d"))


def _check_inside(name: str, shown: str) -> None:
    pieces = name.split("/")
    bad = any(piece in ("", ".", "..") or piece.startswith(".") for piece in pieces)
    if bad or "\\" in name or "\0" in name or os.path.isabs(name):
        raise InputError(
            f"--name must lead to visible files inside the folder of the batch; got {show_path(shown)}; "
            "leave out dots and slashes at the ends of its parts"
        )


def name_output(template: str, clip: Path, *, number: int, content: str, suffix: str) -> Path:
    """Return the path of one output, relative to the folder of the batch.

    Args:
        template: As `check_template` takes it.
        clip: The clip.
        number: Its place in the batch, from 1.
        content: What the output shows.
        suffix: mov, mkv and so on; a format of pictures becomes a folder of files numbered by frame.

    Raises:
        InputError: The clip's name leads out of the folder.
    """
    place = Path(os.path.abspath(clip))
    stem = place.name if place.is_dir() else place.stem
    name = template.format(stem=stem, folder=place.parent.name, number=number, content=content)
    _check_inside(name, name)
    return Path(name, f"{FRAME}.{suffix}") if suffix in SEQUENCES else Path(f"{name}.{suffix}")


def check_collisions(outputs: Mapping[str, Mapping[str, Path]], inputs: Mapping[Path, str]) -> None:
    """Raise where two outputs share a place, one lies inside another, or one is an input.

    Names that differ in case or in how their letters are composed count as one, since some disks take them so.

    Args:
        outputs: By clip, the absolute path of each output by what it shows.
        inputs: Every file that is read, by its absolute path, with the clip that reads it.

    Raises:
        InputError: The message names both clips.
    """
    taken: dict[str, str] = {}
    for name, named in outputs.items():
        for path in named.values():
            place = _folded(path)
            if place in taken:
                raise InputError(
                    f"every output must have a name of its own; {show_path(taken[place])} and {show_path(name)} would "
                    f"both be {show_path(path)}; add a field such as {{number}} or {{folder}} to --name"
                )
            taken[place] = name
    read = {_folded(path): name for path, name in inputs.items()}
    for place, name in taken.items():
        if place in read:
            raise InputError(
                f"an output must not be an input; that of {show_path(name)} would be one of {show_path(read[place])}; "
                "choose another -o or --name"
            )
        parent = next((str(above) for above in Path(place).parents if str(above) in taken), None)
        if parent is not None:
            raise InputError(
                f"an output must not lie in another; that of {show_path(name)} would lie in that of "
                f"{show_path(taken[parent])}; choose another --name"
            )


def _folded(path: Path) -> str:
    text = os.fsencode(os.path.realpath(path)).decode("utf-8", "surrogateescape")
    return unicodedata.normalize("NFC", text).casefold()
