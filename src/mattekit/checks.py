"""Errors and guards. Every message says what must hold, what was given, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


class MattekitError(Exception):
    """Base of every error that mattekit raises on purpose; its text is one sentence."""


class InputError(MattekitError):
    """What the user gave cannot be used: a file, a trimap, an option. The command line exits with 2."""


class MediaError(InputError):
    """A media file is missing, damaged, not media, or cannot be written."""


class WeightsError(InputError):
    """A weights file does not hold exactly what the network needs."""


def one_line(text: object) -> str:
    """Return a text with every run of white space, line ends too, as one space."""
    return " ".join(str(text).split())


def check_rank(name: str, tensor: Tensor, layout: str) -> None:
    """Raise unless a tensor has the number of dimensions, and the fixed sizes, that a layout names.

    Args:
        name: The argument's name, for the message.
        tensor: Any tensor.
        layout: Letters and numbers by dimension, for example ``"T 3 H W"``; a number must hold exactly.

    Raises:
        InputError: The shape does not fit the layout.

    Example:
        >>> import torch
        >>> check_rank("frames", torch.zeros(8, 3, 4, 4), "T 3 H W")
    """
    wanted = layout.split()
    shape = tuple(tensor.shape)
    fits = len(shape) == len(wanted) and all(
        not size.isdigit() or int(size) == got for size, got in zip(wanted, shape, strict=True)
    )
    if not fits:
        raise InputError(f"{name} must have shape ({', '.join(wanted)}); got {shape}")


def check_same_size(first: str, one: Tensor, second: str, other: Tensor) -> None:
    """Raise unless two tensors agree in their last two dimensions (height, width).

    Raises:
        InputError: The sizes differ.
    """
    if one.shape[-2:] != other.shape[-2:]:
        raise InputError(
            f"{first} and {second} must have one size (height, width); "
            f"got {tuple(one.shape[-2:])} and {tuple(other.shape[-2:])}"
        )


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise unless a value is one of the choices.

    Raises:
        InputError: It is none of them.
    """
    if value not in choices:
        raise InputError(f"{name} must be one of {', '.join(choices)}; got {value!r}")


def list_values(values: Iterable[float], *, most: int = 8) -> str:
    """Return numbers as a short text, the first few and how many more there are.

    Example:
        >>> list_values([0, 128, 255])
        '0, 128, 255'
    """
    found = [f"{value:g}" for value in values]
    rest = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + rest
