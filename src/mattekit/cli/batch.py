"""`mattekit batch`: a folder or a list of clips, each matted as a task of its own, and a report of all."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from mattekit.checks import InputError, check_choice, one_line
from mattekit.cli import options
from mattekit.cli.one_clip import matte_clip, spell, understand
from mattekit.cli.report import progress_bar
from mattekit.cli.shots import Shot, check_places, check_shot, find_shot, plan_shots, task_of, understand_shot
from mattekit.media import show_path
from mattekit.media.leftovers import remove_temporaries
from mattekit.media.outputs import plan_output
from mattekit.scale import ENGINES
from mattekit.scale.batch import DONE, FAILED, INTERRUPTED, SKIPPED, Report, Row, run_batch
from mattekit.scale.clips import find_clips, read_list
from mattekit.scale.done import Hold
from mattekit.scale.naming import check_template

REPORT = "report.jsonl"


def batch(
    clips: Annotated[Path, typer.Argument(metavar="FOLDER|LIST", help="Folder of clips, or .txt, .csv, .jsonl list.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the outputs; this batch's own.")],
    alpha: Annotated[str | None, typer.Option(metavar="SUFFIX", help="Output: alpha, as mkv, mov, png ...")] = None,
    foreground: Annotated[str | None, typer.Option(metavar="SUFFIX", help="Output: straight colour.")] = None,
    cutout: Annotated[str | None, typer.Option(metavar="SUFFIX", help="Output: colour and alpha.")] = None,
    composite: Annotated[str | None, typer.Option(metavar="SUFFIX", help="Output: over --background.")] = None,
    preview: Annotated[str | None, typer.Option(metavar="SUFFIX", help="Output: side by side.")] = None,
    background: Annotated[str | None, typer.Option(help="Colour, image or video for every clip.")] = None,
    name: Annotated[
        str, typer.Option(help="Of outputs: {stem}, {folder}, {number}, {content}, and slashes.")
    ] = "{stem}_{content}",
    options: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An option of matte for every clip.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads an operation of one clip may use.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on inside a clip that was being made too.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Make all anew and replace what is there.")] = False,
    engine: Annotated[str, typer.Option(help="local or ray.")] = "local",
    workers: Annotated[int, typer.Option(min=1, help="Clips matted at a time, each in a process of its own.")] = 1,
    address: Annotated[str | None, typer.Option(help="Of a Ray cluster; a local one is started unless named.")] = None,
    retries: Annotated[int, typer.Option(min=0, help="Further tries for a clip whose worker failed.")] = 1,
    report: Annotated[
        Path | None, typer.Option(help="JSON lines, one a clip; report.jsonl beside the outputs.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Matte many clips, each apart from all others, and tell what came of every one.

    In a folder, shot.mov takes shot.trimaps/, shot.12.trimap.png, shot.12.mask.png, and for frame 0 shot.trimap.png or
    shot.mask.png. A list names clips, their trimaps and options of matte. What is whole already is skipped.
    """
    begun = time.monotonic()
    check_choice("--engine", engine, ENGINES)
    check_template(name)
    named = {"alpha": alpha, "foreground": foreground, "cutout": cutout, "composite": composite, "preview": preview}
    suffixes = _check_suffixes(named)
    shared = _shared(options or (), background, threads)
    if clips.is_dir() and os.path.realpath(clips) == os.path.realpath(output):
        raise InputError(f"-o must be another folder than that of the clips; got {show_path(output)} for both")
    entries = find_clips(clips, leave_out=output) if clips.is_dir() else read_list(clips)
    shots = plan_shots(entries, output, name, suffixes)
    for shot in shots:
        understand_shot(shot, shared, resume=resume)
    check_places(shots)
    run = {"engine": engine, "workers": workers, "address": address, "retries": retries}
    with closing(Hold(output)):
        rows = _run(shots, report or output / REPORT, overwrite=overwrite, options=run)
    _tell(rows, output, report or output / REPORT, seconds=time.monotonic() - begun, as_json=as_json)


def _check_suffixes(named: Mapping[str, str | None]) -> dict[str, str]:
    """Return the suffixes of the outputs that are wanted, without dots."""
    suffixes = {content: suffix.removeprefix(".").lower() for content, suffix in named.items() if suffix is not None}
    if not suffixes:
        raise InputError("an output must be named; got none: add --alpha mkv, --foreground mkv or --cutout mov")
    for content, suffix in suffixes.items():
        if not suffix.isalnum():
            raise InputError(f"--{content} must be a suffix such as mkv, mov or png; got {show_path(suffix)}")
        plan_output(Path(f"name.{suffix}"), content=content)
    return suffixes


def _shared(options: Sequence[str], background: str | None, threads: int) -> dict[str, list[str]]:
    """Return the options that hold for every clip."""
    shared: dict[str, list[str]] = {"threads": [str(threads)]}
    for text in options:
        option, _, value = text.removeprefix("--").partition("=")
        shared.setdefault(option, []).append(value)
    if background is not None:
        shared["background"] = [background]
    understand(spell(shared, Path.cwd()), Path("clip"))
    return shared


def _run(shots: Sequence[Shot], path: Path, *, overwrite: bool, options: Mapping[str, Any]) -> list[Row]:
    """Matte what is to be matted and return what came of every clip; an interrupt passes on with the report done."""
    names = {shot.name: show_path(shot.entry.clip) for shot in shots}
    places = {output.parent for shot in shots for output in shot.outputs.values()}
    report = Report(path, names)
    remove_temporaries(places)
    try:
        tasks = []
        for shot in shots:
            row = None if overwrite else find_shot(shot)
            if row is None and shot.fault is None:
                check_shot(shot, overwrite=overwrite)
            if row is None and shot.fault is not None:
                row = Row(names[shot.name], FAILED, error=one_line(shot.fault))
            if row is None:
                tasks.append(task_of(shot, overwrite=overwrite))
            else:
                report.add(shot.name, row)
        with progress_bar("batch", len(tasks)) as progress:
            run_batch(matte_clip, tasks, report, options=options, clips=names, progress=progress)
    finally:
        rows = report.close()
        remove_temporaries(places)
        if any(row.state == INTERRUPTED for row in rows):
            print(f"note: stopped; {show_path(path)} tells what was done", file=sys.stderr)
    return rows


def _tell(rows: Sequence[Row], folder: Path, path: Path, *, seconds: float, as_json: bool) -> None:
    """Say in a line what came of the batch, and raise where a clip failed."""
    counts = Counter(row.state for row in rows)
    frames = sum(row.frames for row in rows if row.state == DONE)
    said = f"{counts[DONE]} done, {counts[SKIPPED]} there already, {counts[FAILED]} failed"
    print(f"wrote {show_path(folder)}: {len(rows)} clips: {said}; {frames} frames in {seconds:.1f} s", file=sys.stderr)
    if as_json:
        summary = {"output": show_path(folder), "report": show_path(path), "clips": len(rows), "frames": frames}
        states = {state: counts[state] for state in (DONE, SKIPPED, FAILED)}
        print(json.dumps({**summary, **states, "seconds": round(seconds, 3)}), flush=True)
    failed = [row for row in rows if row.state == FAILED]
    if failed:
        raise InputError(
            f"all clips must be matted; {len(failed)} of {len(rows)} failed, the first {failed[0].clip}: "
            f"{failed[0].error}; mend it and run again, {show_path(path)} has all"
        )
