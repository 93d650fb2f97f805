"""Test sets by name for `mattekit compose --preset`, from folders that the user has."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mattekit.checks import InputError, check_choice
from mattekit.media import show_path

if TYPE_CHECKING:
    from mattekit.data.check import Problem
    from mattekit.data.manifest import Entry
    from mattekit.data.plan import Composite, Rules


def plan_of_folders(
    preset: str,
    source: Path,
    *,
    layout: str,
    stills: Path | None,
    clips: Path | None,
    resolution: str,
    on_bad: str,
) -> tuple[list[Composite], list[Entry], Rules, list[Problem]]:
    """Return composites, sources, rules and bad sources of a test set.

    Args:
        preset: Name of the set.
        source: Folder or list of its foregrounds; where some are set apart for testing, only those count.
        layout: Of that folder.
        stills: Folder of pictures, or list.
        clips: Folder of clips, or list.
        resolution: "low" or "high".
        on_bad: What is done with bad sources, "refuse" or "skip".

    Raises:
        InputError: A folder is not named or does not hold what the set needs.
    """
    from mattekit.data.check import usable
    from mattekit.data.faked_set import NAME
    from mattekit.data.rvm_sets import PRESETS, plan_preset, rules_of_preset

    check_choice("--preset", preset, (NAME, *PRESETS))
    rules = rules_of_preset(preset, resolution)
    if stills is None or clips is None:
        raise InputError("--preset must come with --still-grounds FOLDER and --moving-grounds FOLDER; one is missing")
    foregrounds = _foregrounds(source, layout)
    wanted = PRESETS[preset].count
    if len(foregrounds) != wanted:
        told = f"{show_path(source)} gives {len(foregrounds)} foregrounds where the paper's {preset} has {wanted}"
        print(f"note: {told}", file=sys.stderr)
    grounds = [_grounds(path, still=path is stills) for path in (stills, clips)]
    good, bad = usable([*foregrounds, *grounds[0], *grounds[1]], on_bad=on_bad)
    names = {entry.name for entry in good}
    parts = [[entry for entry in part if entry.name in names] for part in (foregrounds, *grounds)]
    return plan_preset(preset, *parts), good, rules, bad


def plan_of_people(
    source: Path, *, layout: str, clips: Path | None, count: int, resolution: str, on_bad: str
) -> tuple[list[Composite], list[Entry], Rules, list[Problem]]:
    """Return what `plan_of_folders` does for the fake-motion set.

    Args:
        source: Folder or list of people; where some are set apart for testing, only those count.
        layout: Of that folder.
        clips: Folder of background clips, or list.
        count: Clips of the set.
        resolution: "low" or "high".
        on_bad: What is done with bad sources, "refuse" or "skip".

    Raises:
        InputError: A folder is not named or does not hold what the set needs.
    """
    from mattekit.data.check import usable
    from mattekit.data.faked_set import plan_faked, rules_of_faked

    rules = rules_of_faked(resolution)
    if clips is None:
        raise InputError("--preset fake-motion must come with --moving-grounds FOLDER; it is missing")
    foregrounds, grounds = _foregrounds(source, layout), _grounds(clips, still=False)
    good, bad = usable([*foregrounds, *grounds], on_bad=on_bad)
    parts = ([entry for entry in good if entry.role == role] for role in ("foreground", "background"))
    return plan_faked(*parts, count=count), good, rules, bad


def _foregrounds(source: Path, layout: str) -> list[Entry]:
    """Return the foregrounds of a folder or a list, only those set apart for testing where there are some."""
    from mattekit.data.layouts import read_sources

    there = [entry for entry in read_sources(source, layout=layout) if entry.role == "foreground"]
    return [entry for entry in there if entry.split == "test"] or there


def _grounds(path: Path, *, still: bool) -> list[Entry]:
    """Return the backgrounds of a folder or a list that are pictures, or clips, under names that no other kind has."""
    from dataclasses import replace

    from mattekit.data.layouts import read_sources
    from mattekit.data.manifest import SUFFIXES

    entries = read_sources(path, layout="auto" if path.suffix.lower() in SUFFIXES else "backgrounds")
    kind = "still" if still else "moving"
    return [
        replace(entry, name=f"{kind}/{entry.name}")
        for entry in entries
        if entry.role == "background" and entry.still is still
    ]
