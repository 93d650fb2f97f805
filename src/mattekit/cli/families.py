"""What a family of networks takes: trimaps or none, a working size or none; told before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mattekit.checks import InputError

if TYPE_CHECKING:
    from mattekit.models import Wanted
    from mattekit.types import Matter

AUTO = "auto"
"""Not a family: dvm, given trimaps of people that are found."""

ModelName = Annotated[
    str,
    typer.Option(
        "--model", help="dvm takes trimaps; rvm and person find people by themselves; auto finds people for dvm."
    ),
]
WorkingSize = Annotated[
    int | None,
    typer.Option(min=32, metavar="PX", help="Long side at which --model rvm or person works; 512 unless given."),
]


def network_of(model: str) -> str:
    """Return the family whose networks matte for what ``--model`` may name."""
    return "dvm" if model == AUTO else model


def takes_trimaps(model: str) -> bool:
    """Return whether a user gives trimaps to it."""
    return model != AUTO and needs_trimaps(model)


def needs_trimaps(model: str) -> bool:
    """Return whether its networks need trimaps, whoever makes them."""
    from mattekit.models import WITHOUT_TRIMAP

    return network_of(model) not in WITHOUT_TRIMAP


def check_family(
    model: str,
    *,
    trimaps: Mapping[str, object],
    working_size: int | None,
    prior: Path | None = None,
    keep_trimaps: Path | None = None,
) -> None:
    """Raise unless the options suit the family.

    Args:
        model: Name of the family, or ``auto``.
        trimaps: What was given by option, of those that have to do with trimaps.
        working_size: As given.
        prior: As given.
        keep_trimaps: As given.

    Raises:
        InputError: It takes no trimap and one was given, or what it has no use for.
    """
    given = [option for option, value in trimaps.items() if value is not None and value != []]
    if working_size is not None and needs_trimaps(model):
        raise InputError(f"--working-size must go with --model rvm or person; got --model {model}; leave it out")
    if prior is not None and not is_guided(model):
        raise InputError(f"--prior must go with --model person or auto; got --model {model}; leave it out")
    if keep_trimaps is not None and model != AUTO:
        raise InputError(f"--keep-trimaps must go with --model auto; got --model {model}; leave it out")
    if given and not takes_trimaps(model):
        raise InputError(
            f"--model {model} finds people by itself and must be given no trimap; got {', '.join(given)}; "
            "leave it out, or take --model dvm"
        )


def check_carries(model: str) -> None:
    """Raise where a family is known to carry no trimaps.

    Raises:
        InputError: It does not.
    """
    if not takes_trimaps(model):
        raise InputError(f"trimaps must be carried by a model that takes some; got --model {model}: take --model dvm")


def is_guided(model: str) -> bool:
    """Return whether it is told by maps where people are."""
    return model in (AUTO, "person")


def steadiness_of(model: str, stabilise: float | None) -> float:
    """Return how far alpha is stabilised: as asked, else fully, but not after a network that remembers by itself."""
    if stabilise is not None:
        return stabilise
    return 1.0 if needs_trimaps(model) else 0.0


def wanted_of(model: str, *, working_size: int | None, colour: bool, prior: Matter | None = None) -> Wanted | None:
    """Return what is wanted of a family that can choose it, or None.

    Args:
        model: Name of the family.
        working_size: As given.
        colour: Whether an output shows colour.
        prior: What makes maps of people, where that is not left to the family.
    """
    if needs_trimaps(model):
        return None
    from mattekit.models import Wanted

    return Wanted(working_size=working_size, foreground=colour, prior=prior)
