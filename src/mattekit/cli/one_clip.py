"""One clip of a batch: its options checked as `mattekit matte` would, and the work of its task, which is that verb."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import typer

from mattekit.checks import InputError
from mattekit.cli.backdrop import check_backdrop
from mattekit.cli.families import is_guided, takes_trimaps
from mattekit.cli.guide import find_guide
from mattekit.cli.keyframes import collect_keyframes, split_assignment
from mattekit.cli.matte import matte
from mattekit.media import probe, show_path
from mattekit.media.encoders import CONTENTS
from mattekit.media.paths import cannot_write
from mattekit.media.reader import check_span
from mattekit.scale.done import Memory, marks

OWN = (*CONTENTS, "overwrite", "resume", "json", "help", "debug")
"""Options that the batch gives itself."""
FRAMED = ("trimap", "mask")
WRITTEN = ("keep_trimaps",)
"""Options that name what is written beside the outputs."""


@cache
def path_options() -> tuple[str, ...]:
    """Return the options of `mattekit matte` that name a file or folder, outputs aside."""
    hints = get_type_hints(matte)
    return tuple(name for name, hint in hints.items() if name not in ("clip", *OWN) and Path in (hint, *get_args(hint)))


@cache
def _command() -> Any:
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command("matte")(matte)
    return typer.main.get_command(app)


def spell(options: Mapping[str, Sequence[str]], home: Path) -> list[str]:
    """Return options as words of a command line, with absolute paths.

    Args:
        options: Values by name without dashes; a switch has "".
        home: The folder that paths are relative to.

    Raises:
        InputError: One is the batch's own, or is not known.
    """
    words = []
    for name, values in options.items():
        if name in OWN:
            raise InputError(f"--{show_path(name)} must be given to the batch, not for one clip; leave it out there")
        for value in values:
            words.append(f"--{name}={_absolute(name, value, home)}" if value else f"--{name}")
    return words


def _absolute(name: str, value: str, home: Path) -> str:
    if name in FRAMED:
        frame, path = split_assignment(f"--{name}", value)
        return f"{frame}={os.path.abspath(home / path)}"
    beside = home / value
    is_file = name == "background" and not value.startswith("#") and beside.exists()
    return os.path.abspath(beside) if name.replace("-", "_") in path_options() or is_file else value


def understand(words: Sequence[str], clip: Path) -> dict[str, Any]:
    """Return the options of `mattekit matte` by parameter, from words of a command line.

    Raises:
        InputError: One is not known or has a value that it cannot have.
    """
    try:
        return dict(_command().make_context("matte", [*words, "--", str(clip)]).params)
    except Exception as error:
        says = getattr(error, "format_message", None)
        if not callable(says):
            raise
        raise InputError(str(says()).strip().rstrip(".")) from error


def files_of(given: Mapping[str, Any]) -> list[Path]:
    """Return the files and folders that a clip's options name, the clip first."""
    read = [name for name in path_options() if name not in WRITTEN]
    named = [given["clip"], *(given[name] for name in read if given[name] is not None)]
    named += [split_assignment("", text)[1] for name in FRAMED for text in given[name] or ()]
    background = given["background"]
    return [*named, *([Path(background)] if background is not None and Path(background).exists() else [])]


def check_clip(given: Mapping[str, Any], outputs: Mapping[str, Path]) -> None:
    """Raise unless a clip, its trimaps and its background can be used; no network is loaded.

    Args:
        given: From `understand`.
        outputs: Path by what it shows.

    Raises:
        InputError: A trimap is missing or is not what it should be, or the span leaves the clip.
        MediaError: The clip cannot be read.
    """
    if given["salvage"]:
        return  # what is left of a damaged clip is known once all of it was decoded
    clip = probe(given["clip"])
    span = given["start"], check_span(clip, given["start"], given["end"])
    ends = {"fit": given["background_fit"], "end": given["background_end"]}
    check_backdrop(given["background"], outputs, clip, span=span, **ends)
    if is_guided(given["model"]):
        find_guide(given["prior"], clip, span)
    if not takes_trimaps(given["model"]):
        return
    if not (given["trimap"] or given["mask"] or given["trimaps"]):
        name = show_path(given["clip"].stem)
        raise InputError(f"a clip must have a trimap or mask; this one has none; put {name}.trimap.png beside it")
    collect_keyframes(clip, trimaps=given["trimap"] or (), folder=given["trimaps"], masks=given["mask"] or ())


def matte_clip(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Matte one clip and remember how; the work of one task.

    Args:
        arguments: clip, words (options as on the command line), outputs (path by content), inputs (files that are
            read), record and begun (paths of the memory), settings; overwrite.

    Returns:
        frames, outputs and notes.

    Raises:
        InputError: Something of the clip's cannot be used.
    """
    memory = Memory(Path(arguments["record"]), Path(arguments["begun"]))
    again = memory.begun.exists()  # an attempt ended without warning, so that what stands there is from it
    inputs = marks(map(Path, arguments["inputs"]))
    words = [*arguments["words"], *(f"--{content}={path}" for content, path in arguments["outputs"].items()), "--json"]
    if arguments["overwrite"] or again:
        words.append("--overwrite")
    memory.begin()
    said, heard = io.StringIO(), io.StringIO()
    try:
        _make_folders(arguments["outputs"].values())
        with redirect_stdout(said), redirect_stderr(heard):
            context = _command().make_context("matte", [*words, "--", arguments["clip"]])
            with context:
                _command().invoke(context)
    except BaseException:
        _remove_empty(arguments["outputs"].values())
        memory.forget()
        raise
    summary = json.loads(said.getvalue())
    notes = [*summary["notes"], *(line for line in heard.getvalue().splitlines() if line.startswith("confidence:"))]
    facts = {"frames": summary["frames"], "outputs": summary["outputs"], "notes": notes}
    made = marks(map(Path, summary["outputs"].values()))
    memory.keep({"settings": arguments["settings"], "inputs": inputs, "outputs": made, "facts": facts})
    return facts


def _make_folders(paths: Iterable[str]) -> None:
    """Make the folders of outputs where they are missing."""
    for path in map(Path, paths):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(path, error) from error


def _remove_empty(paths: Iterable[str]) -> None:
    """Take away the folders of outputs in which nothing came to be."""
    for path in paths:
        folder = Path(path).parent
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
