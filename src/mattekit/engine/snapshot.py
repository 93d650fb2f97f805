"""A model's state as a file: tensors as safetensors and their arrangement as JSON, so that reading it runs no code."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mattekit.checks import MattekitError, one_line
from mattekit.types import State

FORMAT = "mattekit state 1"


def write_state(path: Path, state: State) -> None:
    """Write a state to a file.

    Args:
        path: The file.
        state: Made of tensors, None, truth values, numbers, text, tuples, lists, mappings with keys of text, and
            dataclasses of these. Tensors keep their type, their values to the bit, and their strides.

    Raises:
        MattekitError: It holds something else.
        OSError: The disk does not take it.
    """
    tensors: dict[str, Tensor] = {}
    tree = _flatten(state, tensors)
    try:
        save_file(tensors, str(path), metadata={"format": FORMAT, "tree": json.dumps(tree)})
    except SafetensorError as error:
        raise OSError(one_line(error)) from error


def read_state(path: Path, *, types: Sequence[type] = (), device: torch.device | str = "cpu") -> State:
    """Return a state from a file.

    Args:
        path: As from `write_state`.
        types: The dataclasses that it may hold; only these are made, by their fields.
        device: Where its tensors go.

    Raises:
        MattekitError: The file is damaged, of another format, or holds a dataclass that is not among the types.
    """
    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
        if metadata.get("format") != FORMAT:
            raise MattekitError(f"a state must be of format {FORMAT!r}; {path} names {metadata.get('format')!r}")
        known = {_name(each): each for each in types}
        return _rebuild(json.loads(metadata["tree"]), tensors, known, device)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise MattekitError(f"a state must be read as it was written; {path} is damaged ({one_line(error)})") from error


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _flatten(part: State, tensors: dict[str, Tensor]) -> Any:
    """Return the arrangement of a part as JSON holds it; its tensors go into the mapping."""
    if isinstance(part, Tensor):
        key = str(len(tensors))
        tensors[key] = _own(part.detach().cpu().contiguous(), tensors)
        return {"tensor": key, "strides": list(part.stride())}
    if part is None or type(part) in (bool, int, float, str):
        return {"plain": part}
    if type(part) in (tuple, list):
        return {type(part).__name__: [_flatten(each, tensors) for each in part]}
    if type(part) is dict and all(type(key) is str for key in part):
        return {"dict": {key: _flatten(each, tensors) for key, each in part.items()}}
    if is_dataclass(part) and not isinstance(part, type):
        content = {each.name: _flatten(getattr(part, each.name), tensors) for each in fields(part)}
        return {"type": _name(type(part)), "fields": content}
    raise MattekitError(
        "a state must be made of tensors, numbers, text, tuples, lists, mappings and dataclasses; "
        f"got {_name(type(part))}"
    )


def _own(tensor: Tensor, others: Mapping[str, Tensor]) -> Tensor:
    """Return a tensor as it is where its memory is its own, else a copy, as a file of tensors needs it."""
    memory = tensor.untyped_storage()
    shared = any(each.untyped_storage().data_ptr() == memory.data_ptr() for each in others.values() if each.numel())
    return tensor.clone() if shared or memory.nbytes() != tensor.nbytes else tensor


def _rebuild(tree: Any, tensors: Mapping[str, Tensor], known: Mapping[str, type], device: torch.device | str) -> State:
    """Return the part that an arrangement describes."""
    if "tensor" in tree:
        return _placed(tensors[tree["tensor"]], tree["strides"], device)
    if "plain" in tree:
        return tree["plain"]
    if "tuple" in tree:
        return tuple(_rebuild(each, tensors, known, device) for each in tree["tuple"])
    if "list" in tree:
        return [_rebuild(each, tensors, known, device) for each in tree["list"]]
    if "dict" in tree:
        return {key: _rebuild(each, tensors, known, device) for key, each in tree["dict"].items()}
    if tree["type"] not in known:
        raise MattekitError(f"a state must hold dataclasses of its model alone; got {tree['type']!r}")
    content = {key: _rebuild(each, tensors, known, device) for key, each in tree["fields"].items()}
    return known[tree["type"]](**content)


def _placed(tensor: Tensor, strides: list[int], device: torch.device | str) -> Tensor:
    """Return a tensor on a device with the strides that it had, on which the order of sums may hang.

    One whose elements shared memory, such as an expanded one, is laid out plainly.
    """
    reach = 1 + sum((size - 1) * stride for size, stride in zip(tensor.shape, strides, strict=True))
    if list(tensor.stride()) == strides or reach < tensor.numel() or 0 in tensor.shape:
        return tensor.to(device)
    laid = torch.empty_strided(tensor.shape, strides, dtype=tensor.dtype, device=device)
    return laid.copy_(tensor)
