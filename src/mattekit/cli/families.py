"""What a family of networks takes: trimaps or none, a working size or none; told before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from mattekit.checks import InputError

if TYPE_CHECKING:
    from mattekit.models import Wanted

WorkingSize = Annotated[
    int | None, typer.Option(min=32, metavar="PX", help="Long side at which --model rvm works; 512 unless given.")
]


def takes_trimaps(model: str) -> bool:
    """Return whether a family is given trimaps."""
    from mattekit.models import WITHOUT_TRIMAP

    return model not in WITHOUT_TRIMAP


def check_family(model: str, *, trimaps: Mapping[str, object], working_size: int | None) -> None:
    """Raise unless the options suit the family.

    Args:
        model: Name of the family.
        trimaps: What was given by option, of those that have to do with trimaps.
        working_size: As given.

    Raises:
        InputError: It takes no trimap and one was given, or a working size and it has none.
    """
    given = [option for option, value in trimaps.items() if value is not None and value != []]
    if takes_trimaps(model):
        if working_size is not None:
            raise InputError(f"--working-size must go with --model rvm; got --model {model}; leave it out")
    elif given:
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


def steadiness_of(model: str, stabilise: float | None) -> float:
    """Return how far alpha is stabilised: as asked, else fully, but not after a network that remembers by itself."""
    if stabilise is not None:
        return stabilise
    return 1.0 if takes_trimaps(model) else 0.0


def wanted_of(model: str, *, working_size: int | None, colour: bool) -> Wanted | None:
    """Return what is wanted of a family that can choose it, or None.

    Args:
        model: Name of the family.
        working_size: As given.
        colour: Whether an output shows colour.
    """
    if takes_trimaps(model):
        return None
    from mattekit.models import Wanted

    return Wanted(working_size=working_size, foreground=colour)
