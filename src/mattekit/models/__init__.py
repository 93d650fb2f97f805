"""One folder a family of networks; families do not know each other."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mattekit.checks import InputError, WeightsError, check_choice
from mattekit.types import Matter, Propagator

if TYPE_CHECKING:
    import torch

    from mattekit.weights.convert import Layout

__all__ = ["FAMILIES", "PUBLISHED", "WITHOUT_TRIMAP", "Model", "Wanted", "check_weights", "load", "published_layouts"]

FAMILIES = {"dvm": "mattekit.models.dvm", "person": "mattekit.models.person", "rvm": "mattekit.models.rvm"}
"""Module of each family by its name; each has ``load(weights, device, wanted) -> Model``."""

WITHOUT_TRIMAP = frozenset({"person", "rvm"})
"""Families that take no trimap, choose a working size, and make foreground themselves."""

PUBLISHED = ("mattekit.models.dvm.paper.release", "mattekit.models.rvm.release", "mattekit.models.person.deeplab")
"""Modules of networks whose authors published weights; each has ``layouts() -> list[Layout]``."""

ADVICE = {
    "person": ("person", "train one with `mattekit train person` and give --weights person.safetensors"),
    "prior": (
        "person-segmenter",
        "fetch torchvision's with `mattekit weights fetch deeplabv3_resnet101` and give --prior "
        "deeplabv3_resnet101.safetensors (BSD-3-Clause), or give maps of your own with --prior FOLDER",
    ),
    "rvm": (
        "rvm-mobilenetv3",
        "fetch the authors' with `mattekit weights fetch rvm_mobilenetv3`, or convert their rvm_mobilenetv3.pth with "
        "`mattekit weights convert`, and give --weights rvm_mobilenetv3.safetensors (their licence: GPL-3.0)",
    ),
}
"""Of families, and the network that finds people, whose weights may not be carried: the name these would have, and
what to do without them.
"""


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a family's networks beyond alpha at their usual size.

    Attributes:
        working_size: Px of the long side at which a network works that can choose it; None leaves it to the family.
        foreground: Whether colour is used, by a network that makes it.
        prior: Makes maps of people, as its alpha, for a network that needs some; None leaves it to the family.
    """

    working_size: int | None = None
    foreground: bool = True
    prior: Matter | None = None

    def __post_init__(self) -> None:
        if self.working_size is not None and self.working_size < 1:
            raise InputError(f"the working size must be at least 1 px; got {self.working_size}")


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


def load(
    family: str, *, weights: Path | None = None, device: torch.device | str = "cpu", wanted: Wanted | None = None
) -> Model:
    """Load a family's networks.

    Args:
        family: A name in `FAMILIES`.
        weights: A safetensors file; its metadata say which size of the family it is for. None takes the weights
            that the package carries.
        device: Where the networks run.
        wanted: What is wanted beyond alpha at the usual size.

    Raises:
        InputError: There is no such family, or it cannot choose its working size.
        WeightsError: The weights are not exactly the family's.
    """
    check_choice("model", family, sorted(FAMILIES))
    if wanted is not None and wanted.working_size is not None and family not in WITHOUT_TRIMAP:
        raise InputError(f"{family} must work at the clip's own size; got a working size: leave it out")
    check_weights(family, weights)
    model: Model = import_module(FAMILIES[family]).load(weights, device, wanted)
    return model


def check_weights(family: str, weights: Path | None) -> None:
    """Raise unless weights of a family are given or carried; nothing is loaded.

    Raises:
        WeightsError: There are none; the message says how to get them.
    """
    if weights is not None or family not in ADVICE:
        return
    name, advice = ADVICE[family]
    if not (Path(__file__).parents[1] / "weights" / f"{name}.safetensors").is_file():
        raise WeightsError(f"{family} must be given weights; the package carries none: {advice}")


def published_layouts() -> list[Layout]:
    """Return what the published files that can be converted hold, one layout a network."""
    return [layout for module in PUBLISHED for layout in import_module(module).layouts()]
