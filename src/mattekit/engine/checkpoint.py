"""Checkpoints: a state of training in one file that is whole or not there."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mattekit.checks import InputError, one_line

_WRAPPED = "module."


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state beside its place, and put it there at once.

    Args:
        path: The file; one that stands there is replaced.
        state: Tensors, numbers and words in dictionaries and lists.

    Raises:
        InputError: The file cannot be written.
    """
    beside = path.with_suffix(".part")
    try:
        torch.save(dict(state), beside)
        os.replace(beside, path)
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"{path} must be writable; {one_line(error)}; check the disk, or choose another place"
        ) from error
    finally:
        beside.unlink(missing_ok=True)


def read_state(path: Path, *, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read what `save_state` wrote.

    Args:
        path: The file.
        device: Where its tensors are put.

    Raises:
        InputError: The file is missing, damaged or no checkpoint.
    """
    if not path.is_file():
        raise InputError(f"a checkpoint must exist; {path} does not")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is amiss with a file is said in one line below
            state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # whatever a damaged file makes the reader say
        raise InputError(f"{path} must be a whole checkpoint; {one_line(error)[:120]}: remove it") from error
    if not isinstance(state, dict) or not {"network", "step"} <= state.keys():
        raise InputError(f"{path} must be a checkpoint of training; it holds something else")
    return state


def fill_averaged(network: nn.Module, state: Mapping[str, Any]) -> None:
    """Load the averaged weights of a checkpoint into a plain network.

    Args:
        network: Of the kind that was trained.
        state: As from `read_state`.

    Raises:
        InputError: They are of another network.
    """
    averaged = {
        key.removeprefix(_WRAPPED): value for key, value in state["averaged"].items() if key.startswith(_WRAPPED)
    }
    try:
        network.load_state_dict(averaged)
    except RuntimeError as error:
        raise InputError("a checkpoint must be of the network that it is to fill; it is of another") from error
