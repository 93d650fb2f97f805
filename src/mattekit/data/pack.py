"""One file of training sources: foregrounds with alpha and background clips as 8-bit tensors, memory-mapped."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mattekit.checks import InputError, one_line
from mattekit.ops.resize import resize

WEIGHTS = {"photo": 10.0, "cutout": 1.0, "effect": 0.12, "clip": 2.0, "procedural": 1.0}
"""How often a foreground of each kind is drawn, against the others."""
BACKGROUND, SEGMENTATION = "background", "segmentation"
"""Kinds of sources that are no foregrounds; the latter are pictures and clips with masks of the people in them."""


@dataclass(frozen=True)
class Source:
    """One packed foreground or background.

    Attributes:
        name: Unique name.
        kind: A key of `WEIGHTS`, "background" or "segmentation".
        pixels: (T, C, H, W) uint8; C is 4 for foregrounds (straight colour, alpha) and for segmentation (colour, mask),
            3 for backgrounds.
    """

    name: str
    kind: str
    pixels: Tensor


def write_pack(path: Path, sources: Iterator[Source]) -> int:
    """Write sources to one safetensors file, beside its place first.

    Args:
        path: The file to write; one that stands there is replaced when the new one is whole.
        sources: Any number; names must differ.

    Returns:
        How many were written.

    Raises:
        InputError: There are none, a name comes twice, or the file cannot be written.
    """
    tensors: dict[str, Tensor] = {}
    kinds: dict[str, str] = {}
    for source in sources:
        if source.name in tensors:
            raise InputError(f"each source must have its own name; got {source.name!r} twice")
        tensors[source.name] = source.pixels.contiguous()
        kinds[source.name] = source.kind
    if not tensors:
        raise InputError(f"a pack must hold at least one source; none was given for {path}")
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        save_file(tensors, str(beside), metadata={"kinds": json.dumps(kinds)})
        beside.chmod(0o666 & ~_umask())  # as any other file: safetensors gives it to its owner alone
        os.replace(beside, path)
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{path} must be writable; {one_line(error)}; check the disk, or choose another place"
        ) from error
    finally:
        beside.unlink(missing_ok=True)
    return len(tensors)


def _umask() -> int:
    """Return the rights that new files are not given."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def read_pack(path: Path, *, device: torch.device | str = "cpu") -> tuple[list[Source], list[Source]]:
    """Open a pack.

    Args:
        path: A file that `write_pack` made.
        device: Where the 8-bit tensors are put.

    Returns:
        Foregrounds and backgrounds.

    Raises:
        InputError: The file is missing, is no pack or is damaged.
    """
    sources = _read(path, device, segmentation=False)
    backgrounds = [source for source in sources if source.kind == BACKGROUND]
    return [source for source in sources if source.kind != BACKGROUND], backgrounds


def read_segmentation(path: Path, *, device: torch.device | str = "cpu") -> list[Source]:
    """Return the segmentation sources of a pack, often none; arguments and errors are those of `read_pack`."""
    return _read(path, device, segmentation=True)


def _read(path: Path, device: torch.device | str, *, segmentation: bool) -> list[Source]:
    """Return the sources of a pack that are for segmentation, or the others."""
    if not path.is_file():
        raise InputError(f"a pack of training sources must exist; {path} does not: make it with `mattekit data pack`")
    try:
        with safe_open(str(path), framework="pt", device=str(device)) as file:
            metadata = file.metadata() or {}
            if "kinds" not in metadata:
                raise InputError(f"{path} must be a pack of training sources; it has no list of kinds")
            kinds: dict[str, str] = json.loads(metadata["kinds"])
            wanted = {name: kind for name, kind in kinds.items() if (kind == SEGMENTATION) is segmentation}
            return [Source(name, kind, file.get_tensor(name)) for name, kind in wanted.items()]
    except (OSError, SafetensorError, ValueError, RecursionError) as error:
        raise InputError(f"{path} must be a whole pack of training sources; {one_line(error)}: make it anew") from error


def shrink(pixels: Tensor, longest: int) -> Tensor:
    """Return (T, C, H, W) uint8 pictures with no side above ``longest``; colour is weighted by alpha where C is 4."""
    height, width = pixels.shape[-2:]
    scale = longest / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    return (resize(pixels.float() / 255, size, mode="area") * 255).round().clamp(0, 255).to(torch.uint8)
