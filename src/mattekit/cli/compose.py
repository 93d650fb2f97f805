"""`mattekit compose`: clips with exact truth from foregrounds with alpha and backgrounds, by the rules of DVM."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mattekit.checks import InputError, MattekitError, check_choice, one_line
from mattekit.cli import options
from mattekit.cli.presets import plan_of_folders, plan_of_people
from mattekit.cli.report import progress_bar
from mattekit.media import show_path

if TYPE_CHECKING:
    from mattekit.data.check import Problem
    from mattekit.data.manifest import Entry
    from mattekit.data.plan import Composite, Order, Rules
    from mattekit.scale import Outcome, Task

PLAN, SOURCES, REPORT = "plan.jsonl", "sources.csv", "report.json"
DRAWING = ("split", "hold_out", "backgrounds")
"""Options of what a list of pairs settles."""
LISTING = (*DRAWING, "layout", "use", "pairs", "longest", "frames", "clip_frames", "blur", "seed")
"""Options of what a plan settles."""
PRESET = (*DRAWING, "use", "pairs", "longest", "frames", "clip_frames", "blur", "seed")
"""Options of what a preset settles."""
PRESETS_ALONE = ("still_grounds", "moving_grounds", "resolution", "count")
"""Options of presets alone."""
FAKED = "fake-motion"
"""The preset whose subjects are bent by fake motion."""
FORMS = ("clips", "tree", "plan")
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class _Set:
    """What is to be made: composites, their sources by name, their rules, and the sources left out as bad."""

    plan: Sequence[Composite]
    sources: Mapping[str, Entry]
    rules: Rules
    bad: Sequence[Problem] = ()


def compose(
    context: typer.Context,
    sources: Annotated[
        Path, typer.Argument(help="List of sources, folder of them, or plan.jsonl of a set to be made again.")
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the set; what is missing in it is made.")],
    form: Annotated[
        str, typer.Option(help="clips: FFV1 files; tree: folders of PNG; plan: nothing but the list, for the loader.")
    ] = "clips",
    streams: Annotated[
        str, typer.Option(help="Which of composite, alpha, foreground, background, trimap; with commas.")
    ] = "composite,alpha,foreground,background",
    split: Annotated[
        list[str] | None, typer.Option(help="train, validation, test; all there are unless named.")
    ] = None,
    layout: Annotated[str, typer.Option(help="Of a folder of sources; auto looks.")] = "auto",
    use: Annotated[str, typer.Option(help="all, or ship: sources whose licence lets weights be released.")] = "all",
    pairs: Annotated[Path | None, typer.Option(help="List of kind, foreground and background a line.")] = None,
    hold_out: Annotated[float, typer.Option(help="Share of the training sources moved to validation.")] = 0.0,
    backgrounds: Annotated[
        int | None, typer.Option(min=1, help="A foreground; 16 for training and 4 else unless told.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Name of a composite; nothing else is made.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Make no more than this many.")] = None,
    longest: Annotated[int, typer.Option(min=16, help="Longest side of a frame in px.")] = 1920,
    frames: Annotated[int, typer.Option(min=1, help="Most frames where the foreground is a still.")] = 60,
    clip_frames: Annotated[int, typer.Option(min=1, help="Most frames where it is a clip.")] = 150,
    blur: Annotated[bool, typer.Option("--blur", help="Soften backgrounds.")] = False,
    seed: Annotated[int, typer.Option(help="All randomness follows from it.")] = 2019,
    preset: Annotated[
        str | None, typer.Option(help="Test set: fake-motion, or rvm-vm240k, rvm-d646 or rvm-aim of the RVM paper.")
    ] = None,
    still_grounds: Annotated[Path | None, typer.Option(help="Folder of pictures behind a preset's subjects.")] = None,
    moving_grounds: Annotated[Path | None, typer.Option(help="Folder of clips behind a preset's subjects.")] = None,
    resolution: Annotated[str, typer.Option(help="Of a preset: low or high.")] = "low",
    count: Annotated[int, typer.Option(min=1, help="Clips of preset fake-motion.")] = 100,
    on_bad: Annotated[str, typer.Option(help="refuse or skip bad sources.")] = "refuse",
    engine: Annotated[str, typer.Option(help="local or ray.")] = "local",
    workers: Annotated[int, typer.Option(min=1, help="Composites made at a time.")] = 1,
    address: Annotated[str | None, typer.Option(help="Of a Ray cluster; a local one is started unless named.")] = None,
    retries: Annotated[int, typer.Option(min=0, help="Further tries for a composite whose worker failed.")] = 1,
    as_json: options.AsJson = False,
) -> None:
    """Compose clips: a still foreground walks, turns and zooms over its background, a clip stands in the middle.

    The set is listed in plan.jsonl with a seed for each composite, which makes the same pixels again. Running the
    command again makes only what is missing; report.json says what was made and what could not be.
    """
    begun = time.monotonic()
    for name, value, choices in (("--form", form, FORMS), ("--use", use, ("all", "ship"))):
        check_choice(name, value, choices)
    for each in split or ():
        check_choice("--split", each, SPLITS)
    from mattekit.data.check import ON_BAD
    from mattekit.data.plan import Order, Rules
    from mattekit.scale import ENGINES, run

    check_choice("--on-bad", on_bad, ON_BAD)
    check_choice("--engine", engine, ENGINES)
    parts = tuple(part.strip() for part in streams.split(",") if part.strip())
    order = None if form == "plan" else Order(output, form, parts)
    _check_unused(context, _settled_by(sources, pairs, preset))
    if sources.name == PLAN:
        wanted = _planned(sources)
    elif preset:
        given: dict[str, Any] = {"layout": layout, "clips": moving_grounds, "resolution": resolution, "on_bad": on_bad}
        if preset == FAKED:
            plan, entries, fitted, bad = plan_of_people(sources, count=count, **given)
        else:
            plan, entries, fitted, bad = plan_of_folders(preset, sources, stills=still_grounds, **given)
        wanted = _Set(plan, {entry.name: entry for entry in entries}, fitted, bad)
    else:
        entries, bad = _listed(sources, layout, use=use, hold_out=hold_out, on_bad=on_bad)
        plan = _paired(pairs, entries, seed) if pairs else _drawn(entries, split, each=backgrounds, seed=seed)
        rules = Rules(longest, frames, clip_frames, blur)
        wanted = _Set(plan, {entry.name: entry for entry in entries}, rules, bad)
    wanted = _chosen(wanted, only, limit)
    outcomes = None
    from mattekit.data.materialise import make, write_lists

    if order is not None:
        outcomes = run(make, _tasks(wanted, order), engine=engine, workers=workers, retries=retries, address=address)
    write_lists(output, wanted.plan, wanted.sources, wanted.rules)
    report = {"composites": len(wanted.plan), "bad_sources": [problem.as_dict() for problem in wanted.bad]}
    if outcomes is not None:
        report |= _gather(outcomes, len(wanted.plan))
    report["seconds"] = round(time.monotonic() - begun, 3)
    _tell(report, output, as_json=as_json)
    _raise_failures(report, output, on_bad)


def _settled_by(sources: Path, pairs: Path | None, preset: str | None) -> str | None:
    """Return what settles options, as a message names it: a plan, a preset or a list of pairs; None where none does."""
    if sources.name == PLAN:
        return PLAN
    if preset:
        return f"--preset {FAKED}" if preset == FAKED else "--preset"
    return "--pairs" if pairs else None


def _check_unused(context: typer.Context, settled: str | None) -> None:
    """Raise when an option was given that would have no effect."""
    without: dict[str | None, Sequence[str]] = {
        None: PRESETS_ALONE,
        "--pairs": (*DRAWING, *PRESETS_ALONE),
        "--preset": (*PRESET, "count"),
        f"--preset {FAKED}": (*PRESET, "still_grounds"),
    }
    for name in without.get(settled, (*LISTING, "preset", *PRESETS_ALONE)):
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = f"--{name.replace('_', '-')}"
            if settled is None or (settled == "--pairs" and name in PRESETS_ALONE):
                raise InputError(f"{option} must come with --preset NAME; none was given: add it, or leave this out")
            raise InputError(f"{option} must not be given with {settled}, which has settled it; leave it out")


def _listed(path: Path, layout: str, *, use: str, hold_out: float, on_bad: str) -> tuple[list[Entry], list[Problem]]:
    """Return the foregrounds and backgrounds that can be used, and what is wrong with the others."""
    from mattekit.data.check import usable
    from mattekit.data.layouts import read_sources
    from mattekit.data.plan import hold_out as move

    entries = [entry for entry in read_sources(path, layout=layout) if entry.role in ("foreground", "background")]
    kept = [entry for entry in entries if use in ("all", entry.use)]
    if not kept:
        raise InputError(f"{show_path(path)} must hold sources for use {use}; none of its {len(entries)} is; try all")
    good, bad = usable(kept, on_bad=on_bad)
    return (move(good, share=hold_out) if hold_out else good), bad


def _drawn(entries: Sequence[Entry], splits: list[str] | None, *, each: int | None, seed: int) -> list[Composite]:
    """Return composites of the named splits, or of all that have foregrounds and backgrounds."""
    from mattekit.data.plan import draw_plan

    there = {(entry.role, entry.split) for entry in entries}
    found = [name for name in SPLITS if {("foreground", name), ("background", name)} <= there]
    names = splits or found or ["train"]
    return [composite for name in names for composite in draw_plan(entries, split=name, each=each, seed=seed)]


def _paired(path: Path, entries: Sequence[Entry], seed: int) -> list[Composite]:
    """Return the composites of a list of pairs."""
    from mattekit.data.layouts import match_pairs, read_pairs
    from mattekit.data.plan import plan_of_pairs

    matched = match_pairs(read_pairs(path), entries)
    return plan_of_pairs([(one.name, other.name) for one, other in matched], seed=seed)


def _planned(path: Path) -> _Set:
    """Return a set that is listed already; its sources are listed beside it."""
    from mattekit.data.manifest import read_manifest
    from mattekit.data.plan import read_plan

    plan, rules = read_plan(path)
    named = {entry.name: entry for entry in read_manifest(path.with_name(SOURCES))}
    missing = [name for each in plan for name in (each.foreground, each.background) if name not in named]
    if missing:
        raise InputError(f"every source of {show_path(path)} must be in {SOURCES} beside it; {missing[0]!r} is not")
    return _Set(plan, named, rules)


def _chosen(wanted: _Set, only: list[str] | None, limit: int | None) -> _Set:
    """Return the part of a set that was asked for."""
    known = {composite.name for composite in wanted.plan}
    unknown = [name for name in only or () if name not in known]
    if unknown:
        raise InputError(f"--only must name a composite of the set; {unknown[0]!r} is none of its {len(known)}")
    plan = [composite for composite in wanted.plan if not only or composite.name in only][:limit]
    used = {name for composite in plan for name in (composite.foreground, composite.background)}
    return _Set(plan, {name: entry for name, entry in wanted.sources.items() if name in used}, wanted.rules, wanted.bad)


def _tasks(wanted: _Set, order: Order) -> list[Task]:
    from mattekit.data.materialise import arguments_of
    from mattekit.scale import Task

    return [Task(each.name, arguments_of(order, each, wanted.sources, wanted.rules)) for each in wanted.plan]


def _gather(outcomes: Generator[Outcome, None, None], total: int) -> dict[str, Any]:
    """Wait for every composite and return what came of them."""
    counts = {"made": 0, "found": 0, "frames": 0}
    failed: list[dict[str, object]] = []
    retried: list[str] = []
    with closing(outcomes), progress_bar("compose", total) as progress:
        for done, outcome in enumerate(outcomes, start=1):
            if outcome.result is None:
                failed.append({"name": outcome.name, "error": outcome.error, "attempts": outcome.attempts})
            else:
                made = bool(outcome.result["made"])
                counts["made" if made else "found"] += 1
                counts["frames"] += int(outcome.result["frames"]) if made else 0
            if outcome.attempts > 1:
                retried.append(outcome.name)
            progress(done)
    return {**counts, "failed": sorted(failed, key=lambda each: str(each["name"])), "retried": sorted(retried)}


def _tell(report: dict[str, Any], folder: Path, *, as_json: bool) -> None:
    """Write report.json and say in a line what was made."""
    from mattekit.data.manifest import write_whole

    write_whole(folder / REPORT, json.dumps(report, indent=1) + "\n")
    said = f"{report['composites']} composites"
    if "made" in report:
        said += f": {report['made']} made, {report['found']} there already, {len(report['failed'])} failed"
        said += f"; {report['frames']} frames in {report['seconds']:.1f} s"
    print(f"wrote {show_path(folder)}: {said}", file=sys.stderr)
    for problem in report["bad_sources"]:
        print(f"note: left out {show_path(one_line(problem['message']))}", file=sys.stderr)
    if as_json:
        print(json.dumps({"output": str(folder), **report}), flush=True)


def _raise_failures(report: dict[str, Any], folder: Path, on_bad: str) -> None:
    """Raise when composites failed, unless bad sources are to be skipped."""
    failed = report.get("failed", [])
    if failed and on_bad == "refuse":
        raise InputError(
            f"all composites must be made; {len(failed)} of {report['composites']} failed, the first "
            f"{failed[0]['name']}: {failed[0]['error']}; mend it and run again, {show_path(folder / REPORT)} has all"
        )
    for each in failed:
        print(f"note: {each['name']} failed: {show_path(one_line(each['error']))}", file=sys.stderr)
    if failed and len(failed) == report["composites"]:
        raise MattekitError(f"at least one composite must be made; all {len(failed)} failed: {failed[0]['error']}")
