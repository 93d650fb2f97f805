"""The record of quality runs, and the page that is made from it and from nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from composites import SIZE, Collection
from quality_dis import NEAR
from quality_sets import BAND, FURTHER, VALIDATION
from quality_text import BY_CLIP, FURTHER_INTRODUCTION, INTRODUCTION, MEANS

Run = dict[str, Any]
"""One method in one setting on one set of clips: method, weights, setting, set, composites, band, date, commit, clips
(scores by name), mean. Older runs have no set, which is the validation set, and fewer scores."""

MODEL = "dvm-small"
CLOSED_FORM = "closed form (PyMatting)"
KNN = "KNN (PyMatting)"
DIS = "DIS trimaps + "
BARE = f"{MODEL} --stabilise 0"
STEADIED = "closed form, mattekit finish --stabilise 1"
METHODS = (CLOSED_FORM, KNN, STEADIED, DIS + "closed form", DIS + BARE, DIS + MODEL, BARE, MODEL)
SETTINGS = ("full", "every 20", "every 40", "one")
PLOT = "quality.png"

ERRORS = (
    ("sad", "SAD", 3),
    ("mse", "MSE", 4),
    ("grad", "Grad", 3),
    ("conn", "Conn", 3),
    ("dtssd", "dtSSD", 2),
    ("messddt", "MESSDdt", 3),
)
COLUMNS = (
    *ERRORS,
    ("sad_frame", "SAD of the frame", 3),
    ("misled", "misled", 3),
    ("misled_share", "misled / unknown, %", 2),
)


def recorded(folder: Path) -> list[Run]:
    """Return the runs in ``quality.json`` of a folder, oldest first."""
    path = folder / "quality.json"
    runs: list[Run] = json.loads(path.read_text(encoding="utf-8"))["runs"] if path.exists() else []
    return runs


def record(folder: Path, runs: Sequence[Run]) -> None:
    """Add runs to ``quality.json``, each in the place of an older one of the same kind."""
    fresh = {_key(run) for run in runs}
    everything = [run for run in recorded(folder) if _key(run) not in fresh] + list(runs)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "quality.json").write_text(json.dumps({"runs": everything}, indent=1) + "\n", encoding="utf-8")


def write_page(folder: Path) -> None:
    """Write ``quality.md`` from ``quality.json``."""
    (folder / "quality.md").write_text(document(recorded(folder)), encoding="utf-8")


def document(runs: Sequence[Run]) -> str:
    """Return the page: of each set the means of every run, who beats closed form, and errors by clip."""
    size = {"height": SIZE[0], "width": SIZE[1], "band": BAND, "near": NEAR}
    parts = [INTRODUCTION.format(frames=VALIDATION.frames, clips=len(VALIDATION.placements), plot=PLOT, **size)]
    parts += _section(shown(runs, VALIDATION), "##")
    further = shown(runs, FURTHER)
    if further:
        parts.append(FURTHER_INTRODUCTION.format(frames=FURTHER.frames, clips=len(FURTHER.placements)))
        parts += _section(further, "###")
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def shown(runs: Sequence[Run], collection: Collection) -> list[Run]:
    """Return the runs on a set's clips as they are now, in the order of the tables."""
    now = (collection.name, collection.version, BAND)
    fitting = [run for run in runs if (_set(run), run["composites"], run["band"]) == now]
    return sorted(fitting, key=lambda run: (SETTINGS.index(run["setting"]), METHODS.index(run["method"])))


def newest(runs: Sequence[Run]) -> list[Run]:
    """Return the last run of each method in each setting, keeping the order."""
    last = {(run["method"], run["setting"]): run for run in runs}
    return list(last.values())


def find(runs: Sequence[Run], method: str, setting: str) -> Run | None:
    """Return the last run of a method in a setting, or None."""
    return next((run for run in reversed(runs) if (run["method"], run["setting"]) == (method, setting)), None)


def table(runs: Sequence[Run]) -> str:
    """Return the means of several runs as a table, with ratios to the closed form among them."""
    reference = find(runs, CLOSED_FORM, "full")
    lines = [
        "| trimaps | method | weights | " + " | ".join(title for _, title, _ in COLUMNS) + " | date | commit |",
        "| --- | --- | --- |" + " ---: |" * len(COLUMNS) + " --- | --- |",
    ]
    for run in runs:
        base = reference["mean"] if reference is not None and reference is not run else {}
        cells = [_cell(run["mean"], base, column, digits) for column, _, digits in COLUMNS]
        lines.append(
            f"| {run['setting']} | {run['method']} | {run['weights']} | {' | '.join(cells)} "
            f"| {run['date']} | {run['commit']} |"
        )
    return "\n".join(lines)


def wins(runs: Sequence[Run]) -> str:
    """Return in how many clips the newest model run with full trimaps beats closed form, a row a metric."""
    ours, reference = find(runs, MODEL, "full"), find(runs, CLOSED_FORM, "full")
    if ours is None or reference is None:
        return "There is no run of the model with full trimaps."
    lines = [
        f"{MODEL} ({ours['weights']}) with full trimaps against {CLOSED_FORM}, of {ours['date']}:\n",
        "| metric | better in | share | not better in |",
        "| --- | ---: | ---: | --- |",
    ]
    for column, title, _ in ERRORS:
        pairs = {
            name: (row[column], reference["clips"][name][column])
            for name, row in ours["clips"].items()
            if row.get(column) is not None and reference["clips"].get(name, {}).get(column) is not None
        }
        lost = [name for name, (own, other) in pairs.items() if not own < other]
        won = len(pairs) - len(lost)
        share = f"{100 * won / len(pairs):.0f} %" if pairs else "-"
        lines.append(f"| {title} | {won} of {len(pairs)} | {share} | {', '.join(lost) or '-'} |")
    return "\n".join(lines)


def by_clip(runs: Sequence[Run]) -> str:
    """Return each error of every clip, a table each, with a row for every run."""
    parts = []
    clips = list(dict.fromkeys(name for run in runs for name in run["clips"]))
    for column, title, digits in ERRORS:
        if all(run["mean"].get(column) is None for run in runs):
            continue  # measured by newer runs only
        lines = [
            f"**{title}**\n",
            f"| trimaps | method | {' | '.join(clips)} | mean |",
            "| --- | --- |" + " ---: |" * (len(clips) + 1),
        ]
        for run in runs:
            cells = [_number(run["clips"].get(name, {}).get(column), digits) for name in clips]
            cells.append(_number(run["mean"].get(column), digits))
            lines.append(f"| {run['setting']} | {run['method']}{_suffix(run['weights'])} | {' | '.join(cells)} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _section(runs: Sequence[Run], heading: str) -> list[str]:
    return [
        f"{heading} Means\n\n{MEANS}",
        table(runs),
        f"{heading} Against closed form, clip by clip",
        wins(runs),
        f"{heading} By clip\n\n{BY_CLIP}",
        by_clip(newest(runs)),
    ]


def _cell(mean: Run, base: Run, column: str, digits: int) -> str:
    value, other = mean.get(column), base.get(column)
    ratio = f" ({value / other:.2f})" if value is not None and other else ""
    return _number(value, digits) + ratio


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _suffix(weights: str) -> str:
    """Return the digest of a weights name in brackets, or nothing."""
    return f" ({weights.split()[-1]})" if weights else ""


def _set(run: Run) -> str:
    return str(run.get("set", VALIDATION.name))


def _key(run: Run) -> tuple[Any, ...]:
    return (_set(run), *(run[name] for name in ("method", "weights", "setting", "composites", "band")))
