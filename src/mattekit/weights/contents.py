"""What a weights file holds, read a tensor at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from mattekit.checks import WeightsError, one_line

UNNAMED = "none"


@dataclass(frozen=True)
class Contents:
    """What a weights file holds.

    Attributes:
        path: The file.
        family: What the metadata names, or "none".
        metadata: The rest of the metadata.
        tensors: Number of tensors.
        values: Number of values in all of them.
        kinds: Their types, for example "float16", sorted.
        not_finite: The first tensor with a value that is not finite, or None.
    """

    path: Path
    family: str
    metadata: dict[str, str]
    tensors: int
    values: int
    kinds: tuple[str, ...]
    not_finite: str | None


def read_family(path: Path) -> str:
    """Return the family that a weights file's metadata names, or "none"; no tensor is read.

    Raises:
        WeightsError: The file is missing or damaged.
    """
    return read_metadata(path).get("family", UNNAMED)


def read_metadata(path: Path) -> dict[str, str]:
    """Read what a weights file's metadata say, the family among it; no tensor is read.

    Raises:
        WeightsError: The file is missing or damaged.
    """
    with _opened(path) as file:
        return dict(file.metadata() or {})


def read_contents(path: Path) -> Contents:
    """Look at every tensor of a weights file of any family.

    Raises:
        WeightsError: The file is missing or damaged.
    """
    values, kinds, not_finite = 0, set(), None
    with _opened(path) as file:
        metadata = dict(file.metadata() or {})
        keys = list(file.keys())
        for key in keys:
            tensor = file.get_tensor(key)
            values += tensor.numel()
            kinds.add(str(tensor.dtype).removeprefix("torch."))
            finite = not tensor.is_floating_point() or bool(torch.isfinite(tensor).all())
            if not_finite is None and not finite:
                not_finite = key
    family = metadata.pop("family", UNNAMED)
    return Contents(path, family, metadata, len(keys), values, tuple(sorted(kinds)), not_finite)


def list_carried() -> list[Path]:
    """Return the weights files that the package carries, by name."""
    return sorted(Path(__file__).parent.glob("*.safetensors"))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise WeightsError(f"weights must be a safetensors file; {path} {what}")
    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"weights must be a whole safetensors file; {path} is not ({one_line(error)})") from error
