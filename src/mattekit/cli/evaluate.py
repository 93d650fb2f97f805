"""`mattekit evaluate`: predicted alpha against the true one, in a named convention, clip by clip and frame by frame."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from mattekit.checks import InputError, check_choice
from mattekit.cli import options
from mattekit.cli.evaluation import PICTURES, check_place, growing, write_report
from mattekit.cli.report import progress_bar
from mattekit.media import probe, show_path
from mattekit.media.encoders import VIDEOS
from mattekit.media.formats import IMAGES
from mattekit.types import ClipInfo

CONVENTIONS = ("adobe", "dvm", "fake-motion", "rvm-hr", "rvm-lr", "videomatting")
MOVING = ("dvm", "videomatting")
"""Conventions with MESSDdt along a motion that is estimated."""
STORED = ("fake-motion",)
"""Conventions with MESSDdt along the motion that a composed clip is known to have."""
RECORD = "sample.json"
"""What lies beside the alpha of a composed clip."""
PARTS = ("alpha", "pha")
"""Names that alpha has inside the folder of a composed clip."""


def evaluate(
    predicted: Annotated[Path, typer.Argument(help="Alpha: a clip, or a folder of clips.")],
    true: Annotated[Path, typer.Argument(help="True alpha likewise; clips are matched by name.")],
    *,
    convention: Annotated[str, typer.Option(help="adobe, dvm, fake-motion, rvm-hr, rvm-lr or videomatting.")] = "dvm",
    trimaps: Annotated[
        Path | None, typer.Option(help="Folder of trimaps for one clip, or a folder of such folders.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force/--no-force", help="Set what the trimap knows to it, as trimap methods do.")
    ] = True,
    clips: Annotated[Path | None, typer.Option(help="The clips themselves, for the pictures of worst frames.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="New folder for index.html, CSV, JSON and pictures.")
    ] = None,
    worst: Annotated[int, typer.Option(min=0, help="Worst frames of each clip in the report.")] = 3,
    flow_cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps the true motion for MESSDdt, which takes longest.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Clips scored at a time.")] = 1,
    as_json: options.AsJson = False,
) -> None:
    """Score alpha against the truth: a table, and with -o a page with curves over time and the worst frames."""
    check_choice("--convention", convention, CONVENTIONS)
    pairs = match(predicted, true)
    known = _beside(trimaps, pairs, "trimaps") if trimaps is not None else {}
    shown = _beside(clips, pairs, "clips") if clips is not None else {}
    for name, (one, other) in pairs.items():
        _check_same(name, probe(one), probe(other))
        if convention in STORED:
            _check_composed(name, other)
    if output is not None:
        check_place(output)
    with nullcontext() if output is None else growing(output) as hidden:
        settings = {
            "convention": convention,
            "force": force,
            "worst": worst,
            "pictures": None if hidden is None else str(hidden / PICTURES),
            "flows": None if flow_cache is None else str(flow_cache.absolute()),
        }
        results = _score_all(pairs, known, shown, settings, workers=workers)
        means = _means(results)
        if hidden is not None:
            write_report(hidden, convention, results, means)
    _print_table(convention, results, means)
    if output is not None:
        print(f"wrote {show_path(output / 'index.html')}", file=sys.stderr)
    if as_json:
        scores = {name: result["means"] for name, result in results.items()}
        print(json.dumps({"convention": convention, "clips": scores, "mean": means}), flush=True)


def match(predicted: Path, true: Path) -> dict[str, tuple[Path, Path]]:
    """Return predicted and true alpha by the clip's name; two single clips belong together whatever their names.

    Raises:
        InputError: One of them does not exist or holds no clip, or a true clip has no prediction.
    """
    one, other = clips_in(predicted), clips_in(true)
    if _is_clip(predicted) and _is_clip(true):
        return {next(iter(other)): (next(iter(one.values())), next(iter(other.values())))}
    missing = [name for name in other if name not in one]
    if missing:
        raise InputError(
            f"every clip of {show_path(true)} must have its prediction; {show_path(predicted)} lacks "
            f"{', '.join(missing[:5])}{' and more' if len(missing) > 5 else ''}"
        )
    return {name: (one[name], path) for name, path in other.items()}


def clips_in(path: Path) -> dict[str, Path]:
    """Return the clips of a path by name: itself, or those in the folder.

    Raises:
        InputError: There are none.
    """
    if not path.exists():
        raise InputError(f"alpha must be a clip or a folder of clips; {show_path(path)} does not exist")
    if _is_clip(path):
        return {path.stem if path.is_file() else path.name: path}
    found = {}
    for child in sorted(path.iterdir()):
        if child.name.startswith("."):
            continue
        inside = [child / f"{part}{end}" for part in PARTS for end in ("", ".mkv")] if child.is_dir() else []
        clip = next((place for place in (child, *inside) if place.exists() and _is_clip(place)), None)
        if clip is not None:
            found[child.stem if child.is_file() else child.name] = clip
    if not found:
        raise InputError(f"a folder of clips must hold videos or folders of images; {show_path(path)} holds none")
    return found


def _is_clip(path: Path) -> bool:
    """Return whether a path is a video, a picture, or a folder of pictures."""
    if path.is_file():
        return path.suffix.lower() in (*VIDEOS, *IMAGES)
    return path.is_dir() and any(child.suffix.lower() in IMAGES for child in path.iterdir())


def _beside(path: Path, pairs: Mapping[str, tuple[Path, Path]], what: str) -> dict[str, Path]:
    """Return what belongs to each clip."""
    found = clips_in(path)
    if len(pairs) == 1 and len(found) == 1:
        return dict(zip(pairs, found.values(), strict=True))
    missing = [name for name in pairs if name not in found]
    if missing:
        raise InputError(f"{what} must be there for every clip; {show_path(path)} lacks {', '.join(missing[:5])}")
    return {name: found[name] for name in pairs}


def _check_same(name: str, one: ClipInfo, other: ClipInfo) -> None:
    if one.size != other.size or one.frames != other.frames:
        raise InputError(
            f"{name}: predicted must have the truth's {other.frames} frames of size {other.size} (height, width); "
            f"got {one.frames} of {one.size}"
        )


def _check_composed(name: str, true: Path) -> None:
    """Raise unless a true alpha lies in the folder of a composed clip, whose record tells its motion."""
    if not (true.parent / RECORD).is_file():
        raise InputError(
            f"{name}: the true alpha must lie where `mattekit compose` wrote it, beside {RECORD}; "
            f"{show_path(true.parent)} has none; name the folder of the set, or take convention videomatting"
        )


def _score_all(
    pairs: Mapping[str, tuple[Path, Path]],
    trimaps: Mapping[str, Path],
    clips: Mapping[str, Path],
    settings: Mapping[str, object],
    *,
    workers: int,
) -> dict[str, dict[str, Any]]:
    """Return the scores of every clip by name."""
    from mattekit.scale import Task, run
    from mattekit.scale.score import score_clip

    def told(path: Path | None) -> str | None:
        return None if path is None else str(path.absolute())

    tasks = []
    for number, (name, (one, other)) in enumerate(pairs.items()):
        files = {"predicted": one, "true": other, "trimaps": trimaps.get(name), "frames": clips.get(name)}
        files["home"] = other.parent
        paths = {what: told(path) for what, path in files.items()}
        tasks.append(Task(name, {"name": name, "number": number, **paths, **settings}))
    found: dict[str, dict[str, Any]] = {}
    with closing(run(score_clip, tasks, workers=workers)) as outcomes, progress_bar("score", len(tasks)) as progress:
        for done, outcome in enumerate(outcomes, start=1):
            if outcome.result is None:
                raise InputError(str(outcome.error))
            found[outcome.name] = dict(outcome.result)
            progress(done)
    return {name: found[name] for name in pairs}


def _means(results: Mapping[str, Mapping[str, Any]]) -> dict[str, float | None]:
    """Return the mean of each metric over the clips that have it, each clip counting once."""
    names = dict.fromkeys(name for result in results.values() for name in result["means"])
    means: dict[str, float | None] = {}
    for name in names:
        values = [result["means"][name] for result in results.values() if result["means"].get(name) is not None]
        means[name] = sum(values) / len(values) if values else None
    return means


def _print_table(convention: str, results: Mapping[str, Mapping[str, Any]], means: Mapping[str, float | None]) -> None:
    """Print the scores on stderr."""
    table = Table(title=f"convention {convention}", title_justify="left")
    table.add_column("clip")
    for name in means:
        table.add_column(name, justify="right")
    for clip, result in results.items():
        table.add_row(clip, *_cells([result["means"].get(name) for name in means]))
    if len(results) > 1:
        table.add_section()
        table.add_row("mean", *_cells(list(means.values())))
    Console(stderr=True, soft_wrap=True).print(table)
    if convention in MOVING and "MESSDdt" not in means:
        print("note: MESSDdt left out: it needs opencv-python-headless", file=sys.stderr)
    empty = sum(result["empty"] for result in results.values())
    if empty:
        print(f"note: {empty} frames without an unknown pixel were left out", file=sys.stderr)


def _cells(values: Sequence[float | None]) -> list[str]:
    return ["-" if value is None else f"{value:.4g}" for value in values]
