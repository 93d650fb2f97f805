"""The test sets of Robust Video Matting, planned anew from a user's own foregrounds and backgrounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mattekit.checks import InputError, check_choice
from mattekit.data.manifest import Entry
from mattekit.data.plan import Composite, FittedRules

EACH = 5
"""Still backgrounds, and background clips, a foreground."""
FRAMES = 100
RESOLUTIONS = ("low", "high")
MOST = 10_000
"""Composites of one kind of background that have numbers of their own."""


@dataclass(frozen=True)
class Preset:
    """One test set.

    Attributes:
        still: Whether its foregrounds are pictures.
        count: Foregrounds that the paper has, or the released list where the two differ.
        sizes: (height, width) in px at low and at high resolution.
        seeds: Of the composites with still backgrounds and with clips.
    """

    still: bool
    count: int
    sizes: tuple[tuple[int, int], tuple[int, int]]
    seeds: tuple[int, int]


PRESETS = {
    "rvm-vm240k": Preset(False, 5, ((288, 512), (1080, 1920)), (10, 10)),
    "rvm-d646": Preset(True, 11, ((512, 512), (2048, 2048)), (10, 11)),
    "rvm-aim": Preset(True, 11, ((512, 512), (2048, 2048)), (12, 13)),
}
"""Test sets by name, made from the test clips of VideoMatte240K and the people of Distinctions-646 and of Adobe's."""


def rules_of_preset(name: str, resolution: str) -> FittedRules:
    """Return the rules of a test set at a resolution, "low" or "high"."""
    check_choice("--preset", name, tuple(PRESETS))
    check_choice("--resolution", resolution, RESOLUTIONS)
    height, width = PRESETS[name].sizes[RESOLUTIONS.index(resolution)]
    return FittedRules(max(height, width), FRAMES, FRAMES, height=height, width=width)


def plan_preset(
    name: str, foregrounds: Sequence[Entry], still_grounds: Sequence[Entry], moving_grounds: Sequence[Entry]
) -> list[Composite]:
    """Return the composites of a test set: each foreground over five still backgrounds and five clips.

    Foregrounds are taken in turn, five rounds over all of them, in the order of their names. Each has five backgrounds
    that follow each other by name, from the first again when all have come. In the second round foreground clips are
    mirrored. Composites are called static-0000 and so on, and motion-0000.

    Args:
        name: A key of `PRESETS`.
        foregrounds: Those of the set.
        still_grounds: Pictures.
        moving_grounds: Clips.

    Raises:
        InputError: Sources of a kind are missing, or are of the other kind.

    Source:
        Lin et al., WACV 2022, section 5. Which backgrounds they chose by hand is not known here, and the numbers
        that their seeds give are not ours.
    """
    check_choice("--preset", name, tuple(PRESETS))
    preset = PRESETS[name]
    for what, entries, still, least in (
        ("foregrounds", foregrounds, preset.still, 1),
        ("still backgrounds", still_grounds, True, EACH),
        ("background clips", moving_grounds, False, EACH),
    ):
        if len(entries) < least:
            raise InputError(f"{name} must have {least} {what} or more; got {len(entries)}; add some")
        odd = next((entry for entry in entries if entry.still is not still), None)
        if odd is not None:
            wanted = "pictures" if still else "clips"
            raise InputError(f"{odd.name}: {what} of {name} must be {wanted}; it is none; name another folder")
    plan = []
    for kind, grounds, seed in zip(("static", "motion"), (still_grounds, moving_grounds), preset.seeds, strict=True):
        plan += _group(kind, foregrounds, grounds, seed=seed, mirror=not preset.still)
    return plan


def _group(
    kind: str, foregrounds: Sequence[Entry], grounds: Sequence[Entry], *, seed: int, mirror: bool
) -> list[Composite]:
    """Return the composites with one kind of background."""
    ordered = [sorted(entry.name for entry in entries) for entries in (foregrounds, grounds)]
    plan = []
    for number in range(EACH * len(ordered[0])):
        turn, place = divmod(number, len(ordered[0]))
        mirrored = mirror and turn == 1
        drawn = 2 * ((seed * 2 + (kind == "motion")) * MOST + number) + mirrored
        ground = ordered[1][(EACH * place + turn) % len(ordered[1])]
        plan.append(Composite(f"{kind}-{number:04d}", "test", ordered[0][place], ground, drawn))
    return plan
