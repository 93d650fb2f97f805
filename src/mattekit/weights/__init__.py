"""The weights that the package carries, and the one way to read and write weights: safetensors, checked in full."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from mattekit.checks import WeightsError, one_line

__all__ = ["carried", "fill", "read_weights", "write_weights"]


def carried(name: str) -> Path:
    """Return the path of weights that the package carries.

    Args:
        name: Without suffix, for example ``"dvm-small"``.

    Raises:
        WeightsError: The package carries none of that name.
    """
    path = Path(__file__).with_name(f"{name}.safetensors")
    if not path.is_file():
        raise WeightsError(f"the package must carry weights named {name!r}; it does not: give a file with --weights")
    return path


def read_weights(path: Path, *, family: str) -> dict[str, Tensor]:
    """Read a safetensors file of one family.

    Args:
        path: The file.
        family: What its metadata must name, for example ``"dvm-small"``.

    Returns:
        Every tensor by key, on the CPU, floating ones as float32.

    Raises:
        WeightsError: The file is missing, damaged, of another family, or holds a value that is not finite.
    """
    if not path.is_file():
        raise WeightsError(f"weights must be a safetensors file; {path} does not exist")
    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            found = (file.metadata() or {}).get("family", "none")
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"weights must be a whole safetensors file; {path} is not ({one_line(error)})") from error
    if found != family:
        raise WeightsError(f"weights must be of family {family!r}; {path} names {found!r}")
    for key, tensor in tensors.items():
        if tensor.is_floating_point():
            tensors[key] = tensor.float()
            if not bool(torch.isfinite(tensors[key]).all()):
                raise WeightsError(f"weights must be finite; {key} in {path} is not")
    return tensors


def write_weights(path: Path, modules: Mapping[str, nn.Module], *, family: str, card: Mapping[str, str]) -> None:
    """Write networks to one safetensors file in half precision, beside its place first.

    Args:
        path: The file to write.
        modules: Networks by the prefix of their keys.
        family: Kept in the metadata.
        card: More metadata: data, recipe, seed and so on.

    Raises:
        WeightsError: The file cannot be written; what stood there still does.
    """
    tensors = {}
    for prefix, module in modules.items():
        for key, tensor in module.state_dict().items():
            if not key.endswith("num_batches_tracked"):
                half = tensor.half() if tensor.is_floating_point() else tensor
                tensors[f"{prefix}.{key}"] = half.detach().cpu().contiguous()
    beside = path.with_suffix(".part")
    try:
        save_file(tensors, str(beside), metadata={**card, "family": family})
        os.replace(beside, path)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"weights must be written to {path}; that failed ({one_line(error)})") from error
    finally:
        beside.unlink(missing_ok=True)


def fill(module: nn.Module, tensors: Mapping[str, Tensor], *, prefix: str, path: Path) -> None:
    """Load a network from the tensors under a prefix; every key and shape must fit.

    Args:
        module: The network; one on the meta device takes the tensors themselves for its own, without a copy.
        tensors: As from `read_weights`.
        prefix: The part of the keys before the network's own, without the dot.
        path: Where they came from, for the message.

    Raises:
        WeightsError: A key is missing, not known, or of another shape.
    """
    wanted = {key: value for key, value in module.state_dict().items() if not key.endswith("num_batches_tracked")}
    given = {key.removeprefix(prefix + "."): value for key, value in tensors.items() if key.startswith(prefix + ".")}
    for key in sorted(wanted.keys() ^ given.keys()):
        side = "misses" if key in wanted else "does not know"
        raise WeightsError(f"weights must hold exactly the network's keys; the {prefix} network {side} {key} in {path}")
    for key, value in wanted.items():
        if given[key].shape != value.shape:
            shapes = f"{tuple(value.shape)}; got {tuple(given[key].shape)}"
            raise WeightsError(f"{prefix}.{key} in {path} must have shape {shapes}")
    module.load_state_dict(given, strict=False, assign=any(value.is_meta for value in wanted.values()))
