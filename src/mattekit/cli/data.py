"""`mattekit data`: checks, lists and packs sources of training material."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mattekit.checks import InputError, check_choice, one_line
from mattekit.cli import options
from mattekit.cli.report import progress_bar
from mattekit.cli.show import show
from mattekit.media import show_path

if TYPE_CHECKING:
    from mattekit.data.check import Problem
    from mattekit.data.manifest import Entry

ALL = "all"
BAD = 2

app = typer.Typer(help="Check, list, pack and show sources of training material.")
app.command("show")(show)

Sources = Annotated[Path, typer.Argument(metavar="MANIFEST|FOLDER", help="List (.csv, .jsonl) or folder of sources.")]
LayoutName = Annotated[str, typer.Option("--layout", help="How a folder is laid out; auto finds out.")]
UseChoice = Annotated[str, typer.Option("--use", help="ship: sources whose weights may be released; or all.")]
SplitChoice = Annotated[str, typer.Option("--split", help="train, validation, test or all.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an output that exists.")]


@app.command("check")
def check(
    source: Sources,
    *,
    layout: LayoutName = "auto",
    use: UseChoice = ALL,
    split: SplitChoice = ALL,
    workers: Annotated[int, typer.Option(min=1, help="Sources decoded at a time.")] = 2,
    as_json: options.AsJson = False,
) -> None:
    """Decode every source to its last frame and print what is wrong; exit 2 when there is an error."""
    entries = choose_sources(source, layout=layout, use=use, split=split)
    begun = time.monotonic()
    from mattekit.data.check import check_entries

    with progress_bar("check", len(entries)) as progress:
        problems = check_entries(entries, workers=workers, report=progress)
    seconds = time.monotonic() - begun
    errors = sum(problem.is_error for problem in problems)
    _print_problems(problems, to_stderr=as_json)
    roles = Counter(entry.role for entry in entries)
    counted = ", ".join(f"{count} {role}" for role, count in sorted(roles.items()))
    warnings = len(problems) - errors
    print(f"{errors} errors and {warnings} warnings in {counted} sources, {seconds:.1f} s", file=sys.stderr)
    if as_json:
        found = [problem.as_dict() for problem in problems]
        summary = {"sources": dict(sorted(roles.items())), "errors": errors, "warnings": warnings, "problems": found}
        print(json.dumps(summary | {"seconds": round(seconds, 3)}), flush=True)
    if errors:
        raise typer.Exit(BAD)


@app.command("list")
def list_sources(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of sources.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="List to write, .csv or .jsonl.")],
    layout: LayoutName = "auto",
    licence: Annotated[str, typer.Option(help="Licence of the sources for which the folder states none.")] = "",
    use: Annotated[str, typer.Option("--use", help="ship or research: what --licence allows.")] = "research",
    overwrite: Overwrite = False,
    as_json: options.AsJson = False,
) -> None:
    """Write the list of the sources in a folder, to be looked over and filled in by hand."""
    from mattekit.data.layouts import AUTO, detect, list_folder
    from mattekit.data.manifest import SUFFIXES, USES, write_manifest

    check_choice("--use", use, USES)
    if use == "ship" and not licence.strip():
        raise InputError('--use ship must come with the licence that allows it; none was given: add --licence "..."')
    if output.suffix.lower() not in SUFFIXES:
        raise InputError(f"a list of sources must be written as {' or '.join(SUFFIXES)}; got {show_path(output)}")
    _check_output(output, overwrite)
    chosen = detect(folder) if layout == AUTO else layout
    entries = [
        entry if entry.licence else replace(entry, licence=licence, use=use if licence else entry.use)
        for entry in list_folder(folder, layout=chosen)
    ]
    write_manifest(output, entries)
    print(f"wrote {show_path(output)}: {len(entries)} sources of layout {chosen}", file=sys.stderr)
    if as_json:
        print(json.dumps({"list": str(output), "layout": chosen, "sources": len(entries)}), flush=True)


@app.command("pack")
def pack(
    source: Annotated[
        Path | None, typer.Argument(metavar="[MANIFEST|FOLDER]", help="List or folder of sources; none at all is fine.")
    ] = None,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="File of packed sources, .safetensors.")],
    layout: LayoutName = "auto",
    use: UseChoice = "ship",
    split: SplitChoice = "train",
    procedural: Annotated[int, typer.Option(min=0, help="Rendered foregrounds to add.")] = 0,
    grounds: Annotated[int, typer.Option(min=0, help="Rendered backgrounds to add.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Chooses the rendered ones.")] = 7,
    longest: Annotated[int, typer.Option(min=16, help="Longest side of foregrounds and people in px.")] = 448,
    background_longest: Annotated[int, typer.Option(min=16, help="Longest side of backgrounds in px.")] = 400,
    every: Annotated[int, typer.Option(min=1, help="Keep every so many frames of a clip; 1 for rvm.")] = 8,
    background_frames: Annotated[
        int, typer.Option(min=1, help="Frames kept of a background clip; 100 for rvm as in the paper.")
    ] = 7,
    most_mib: Annotated[
        float | None, typer.Option(min=0.1, help="Make all pictures smaller so that the file has at most so many MiB.")
    ] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad/--refuse-bad", help="Leave bad sources out, or stop.")] = False,
    overwrite: Overwrite = False,
    as_json: options.AsJson = False,
) -> None:
    """Write sources, made small, to the one file that training reads; a bad source stops it unless --skip-bad.

    With --procedural and --grounds alone the pack is of rendered material, and training needs nobody's footage.
    """
    if source is None and not procedural and not grounds:
        raise InputError("a pack must hold something; name a list or a folder, or add --procedural N --grounds N")
    entries = choose_sources(source, layout=layout, use=use, split=split) if source is not None else []
    _check_output(output, overwrite)
    from mattekit.data.check import usable

    on_bad = "skip" if skip_bad else "refuse"
    if entries:
        usable(entries, on_bad=on_bad)
    begun = time.monotonic()
    from mattekit.data.packing import PackPlan, make_pack

    made = make_pack(
        output,
        entries,
        procedural=procedural,
        grounds=grounds,
        seed=seed,
        on_bad=on_bad,
        plan=PackPlan(longest, every, background_longest, background_frames),
        most_mib=most_mib,
    )
    _print_problems(made.skipped, to_stderr=True)
    counts = {"foregrounds": made.foregrounds, "backgrounds": made.backgrounds, "procedural": made.procedural}
    counts |= {"grounds": made.grounds} if made.grounds else {}
    counts |= {"for segmentation": made.segmentation} if made.segmentation else {}
    what = ", ".join(f"{count} {name}" for name, count in counts.items())
    skipped = f"; {len(made.skipped)} bad ones left out" if made.skipped else ""
    print(f"wrote {show_path(output)}: {what}{skipped}", file=sys.stderr)
    if as_json:
        found = [problem.as_dict() for problem in made.skipped]
        seconds = round(time.monotonic() - begun, 3)
        print(json.dumps({"pack": str(output), **counts, "skipped": found, "seconds": seconds}), flush=True)


def choose_sources(source: Path, *, layout: str = "auto", use: str = ALL, split: str = ALL) -> list[Entry]:
    """Return the sources of a list or a folder that a use and a split leave.

    Args:
        source: List or folder.
        layout: Of a folder.
        use: "ship", or "all".
        split: "train", "validation", "test" or "all".

    Raises:
        InputError: The source cannot be read, or none is left.
    """
    from mattekit.data.layouts import read_sources
    from mattekit.data.manifest import SPLITS, USES

    check_choice("--use", use, (USES[0], ALL))
    check_choice("--split", split, (*SPLITS, ALL))
    entries = read_sources(source, layout=layout)
    kept = [entry for entry in entries if use in (ALL, entry.use) and split in (ALL, entry.split)]
    if not kept:
        raise InputError(
            f"at least one source must be left by --use {use} and --split {split}; none of the {len(entries)} in "
            f"{show_path(source)} is; choose other ones"
        )
    return kept


def _check_output(path: Path, overwrite: bool) -> None:
    """Raise unless a file can be written without harm."""
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise InputError(f"an output must be a file in a folder that exists; got {show_path(path)}; make the folder")
    if path.exists() and not overwrite:
        raise InputError(f"{show_path(path)} must not exist yet; it does: choose another name, or add --overwrite")


def _print_problems(problems: Sequence[Problem], *, to_stderr: bool) -> None:
    """Print a table, a line for each problem: level, kind, and what is wrong with which source."""
    width = max((len(problem.kind) for problem in problems), default=0)
    for problem in problems:
        line = f"{problem.as_dict()['level']:<7}  {problem.kind:<{width}}  {show_path(one_line(problem.message))}"
        print(line, file=sys.stderr if to_stderr else sys.stdout)
