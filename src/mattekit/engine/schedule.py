"""Where in a recipe a step is: its stage, the kind and size of its batch, and the learning rate of each part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from mattekit.checks import InputError
from mattekit.types import Stage

BEGINNING = "beginning"
"""Key of a group of parameters under which the beginning of their names stands."""


@dataclass(frozen=True)
class Place:
    """A step's place in a recipe.

    Attributes:
        whole: Its stage.
        turn: What its batch is drawn for: the stage, or the one whose turn it is, with the size of this step.
        done: Steps of the stage before this one.
    """

    whole: Stage
    turn: Stage
    done: int

    @property
    def rate(self) -> float:
        """The learning rate where no factor is."""
        first, last = self.whole.rate
        return first + (last - first) * self.done / self.whole.steps

    @property
    def begins_fresh(self) -> bool:
        """Whether the optimiser forgets before this step."""
        return self.whole.fresh and self.done == 0

    def rate_of(self, group: Mapping[str, Any]) -> float:
        """Return the learning rate of a group of parameters."""
        return self.rate * self.whole.factors.get(group.get(BEGINNING, ""), 1.0)

    def with_batch(self, batch: int) -> Place:
        """Return the place with so many clips a step; where stages take turns, the others change in proportion."""
        first = (self.whole.turns or (self.whole,))[0].batch
        return replace(self, turn=replace(self.turn, batch=max(1, self.turn.batch * batch // first)))


def place_of(stages: Sequence[Stage], step: int, *, seed: int) -> Place:
    """Return where a step of a recipe is.

    Args:
        stages: Of the recipe.
        step: Number of the step in the whole run, from 0.
        seed: Of the run; the size that a step draws hangs on it and on the step.

    Raises:
        InputError: The recipe has fewer steps.
    """
    left = step
    for stage in stages:
        if left < stage.steps:
            turn = stage.turns[left % len(stage.turns)] if stage.turns else stage
            return Place(stage, _sized(turn, seed * 1_000_003 + step), left)
        left -= stage.steps
    raise InputError(f"the recipe has {step - left} steps; step {step} is past its end")


def grouped(network: nn.Module, stages: Sequence[Stage]) -> list[dict[str, Any]]:
    """Return the parameters of a network in groups whose learning rates a recipe tells apart.

    Args:
        network: With all its parameters.
        stages: Whose factors name beginnings; the longest that fits a parameter counts.

    Returns:
        A group for each beginning, in their order, and one of the rest where there is any.

    Raises:
        InputError: No parameter's name begins as a factor says.
    """
    beginnings = list(dict.fromkeys(key for stage in stages for key in stage.factors))
    groups: dict[str, list[nn.Parameter]] = {key: [] for key in (*beginnings, "")}
    for name, parameter in network.named_parameters():
        fits = [key for key in beginnings if name.startswith(key)]
        groups[max(fits, key=len, default="")].append(parameter)
    empty = [key for key in beginnings if not groups[key]]
    if empty:
        raise InputError(f"factors of the learning rate must be for parts of the network; it has no {empty[0]}")
    return [{"params": members, BEGINNING: key} for key, members in groups.items() if members]


def _sized(stage: Stage, number: int) -> Stage:
    """Return a stage with the height and width that a step draws."""
    if stage.smallest is None:
        return stage
    generator = torch.Generator().manual_seed(number % 2**63)
    ranges = zip(stage.smallest, stage.size, strict=True)
    height, width = (int(torch.randint(low, max(low + 1, high), (), generator=generator)) for low, high in ranges)
    return replace(stage, size=(height, width), smallest=None)
