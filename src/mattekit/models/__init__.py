"""One folder a family of networks; families do not know each other."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mattekit.checks import check_choice
from mattekit.types import Matter, Propagator

if TYPE_CHECKING:
    import torch

    from mattekit.weights.convert import Layout

__all__ = ["FAMILIES", "PUBLISHED", "Model", "load", "published_layouts"]

FAMILIES = {"dvm": "mattekit.models.dvm"}
"""Module of each family by its name; each has ``load(weights, device) -> Model``."""

PUBLISHED = ("mattekit.models.dvm.paper.release",)
"""Modules of networks whose authors published weights; each has ``layout() -> Layout``."""


@dataclass(frozen=True)
class Model:
    """A family's networks with their weights, ready to run.

    Attributes:
        family: Name in `FAMILIES`.
        matter: Makes alpha.
        propagator: Carries key-frame trimaps to other frames, or None for families without trimaps.
        weights: The file the weights came from.
        states: The dataclasses that the states of both are made of.
    """

    family: str
    matter: Matter
    propagator: Propagator | None
    weights: Path
    states: tuple[type, ...] = ()


def load(family: str, *, weights: Path | None = None, device: torch.device | str = "cpu") -> Model:
    """Load a family's networks.

    Args:
        family: A name in `FAMILIES`.
        weights: A safetensors file; its metadata say which size of the family it is for. None takes the weights
            that the package carries.
        device: Where the networks run.

    Raises:
        InputError: There is no such family.
        WeightsError: The weights are not exactly the family's.
    """
    check_choice("model", family, sorted(FAMILIES))
    model: Model = import_module(FAMILIES[family]).load(weights, device)
    return model


def published_layouts() -> list[Layout]:
    """Return what the published files that can be converted hold, one layout a network."""
    return [import_module(module).layout() for module in PUBLISHED]
