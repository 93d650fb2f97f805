"""The plot of the quality page: ratios to closed form by setting, and SAD by clip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from composites import Collection
from matplotlib.axes import Axes
from quality_report import CLOSED_FORM, DIS, KNN, MODEL, SETTINGS, Run, find, shown
from quality_sets import FURTHER, VALIDATION

STYLES = {
    CLOSED_FORM: ("0.35", "s"),
    KNN: ("#b07aa1", "D"),
    DIS + "closed form": ("#9c755f", "v"),
    DIS + MODEL: ("#f28e2b", "^"),
    MODEL: ("#1f77b4", "o"),
}
"""Colour and marker of each method."""


def draw(runs: Sequence[Run], path: Path) -> None:
    """Draw the newest run of each method: ratios of SAD and dtSSD by setting above, SAD by clip of each set below."""
    plt.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    validation, further = shown(runs, VALIDATION), shown(runs, FURTHER)
    figure, axes = plt.subplots(2, 2, figsize=(11, 8.2), layout="constrained")
    for axis, column, title in zip(axes[0], ("sad", "dtssd"), ("SAD", "dtSSD"), strict=True):
        _ratios(axis, validation, column, f"{title}, ratio to closed form with full trimaps")
    for axis, found, collection in zip(axes[1], (validation, further), (VALIDATION, FURTHER), strict=True):
        _by_clip(axis, found, collection)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def _ratios(axis: Axes, runs: Sequence[Run], column: str, title: str) -> None:
    """Draw a line for each method over the settings, marked where it was measured."""
    reference = find(runs, CLOSED_FORM, "full")
    base = reference["mean"][column] if reference is not None else None
    for method, (colour, marker) in STYLES.items() if base else ():
        measured = [(place, find(runs, method, setting)) for place, setting in enumerate(SETTINGS)]
        points = [
            (place, run["mean"][column] / base)
            for place, run in measured
            if run is not None and run["mean"].get(column) is not None
        ]
        if points:
            axis.plot(*zip(*points, strict=True), color=colour, marker=marker, label=method, markersize=5)
    axis.axhline(1, color="0.35", linewidth=0.8, linestyle=":")
    axis.set_xticks(range(len(SETTINGS)), SETTINGS)
    axis.set_ylim(bottom=0)
    axis.set_title(title, loc="left")
    axis.set_xlabel("trimaps given (validation clips)")


def _by_clip(axis: Axes, runs: Sequence[Run], collection: Collection) -> None:
    """Draw the SAD of every clip with full trimaps, on a scale of decades."""
    axis.set_visible(bool(runs))
    names = [placement.name for placement in collection.placements]
    for method, (colour, marker) in STYLES.items():
        run = find(runs, method, "full")
        if run is not None:
            values = [run["clips"].get(name, {}).get("sad") for name in names]
            axis.plot(values, range(len(names)), marker, color=colour, markersize=5)
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.set_xscale("log", base=2)
    axis.xaxis.set_major_formatter("{x:g}")
    axis.grid(axis="y", color="0.9")
    axis.set_xlabel("SAD, scale of doublings")
    axis.set_title(f"SAD by clip with full trimaps, {collection.name} clips", loc="left")
