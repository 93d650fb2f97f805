"""The fake-motion test set: people bent by random flow over running backgrounds, planned from a user's own folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mattekit.checks import InputError, check_choice
from mattekit.data.manifest import Entry
from mattekit.data.plan import Composite, FakedRules, draw_plan

NAME = "fake-motion"
COUNT = 100
"""Clips that the paper scores."""
FRAMES = 10
SIDES = {"low": 256, "high": 512}
"""Height and width of the frames in px."""
SEED = 2022


def rules_of_faked(resolution: str) -> FakedRules:
    """Return the rules of the set at a resolution, "low" or "high"."""
    check_choice("--resolution", resolution, tuple(SIDES))
    side = SIDES[resolution]
    return FakedRules(side, FRAMES, FRAMES, height=side, width=side)


def plan_faked(foregrounds: Sequence[Entry], grounds: Sequence[Entry], *, count: int = COUNT) -> list[Composite]:
    """Return so many composites: round after round over all foregrounds, each with another background.

    Backgrounds are dealt as `draw_plan` deals them, so that none comes twice for a foreground while there are others.

    Args:
        foregrounds: Pictures or clips of people, of which a clip gives one frame each time; of any split.
        grounds: Backgrounds, of any split.
        count: Clips of the set.

    Raises:
        InputError: There are no foregrounds, no backgrounds, or no clips to make.

    Source:
        Molodetskikh et al., Temporally coherent person matting trained on fake-motion dataset, 2022, which scores 100
        such clips; their length, their size and which photos they show are not told.
    """
    if count < 1 or not foregrounds or not grounds:
        raise InputError(
            f"{NAME} must have clips, foregrounds and backgrounds; got {count}, {len(foregrounds)} and {len(grounds)}"
        )
    entries = [replace(entry, split="test") for entry in (*foregrounds, *grounds)]
    rounds = -(-count // len(foregrounds))
    drawn = draw_plan(entries, split="test", each=rounds, seed=SEED)
    return [drawn[person * rounds + turn] for turn in range(rounds) for person in range(len(foregrounds))][:count]
