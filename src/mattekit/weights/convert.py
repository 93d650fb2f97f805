"""Published PyTorch files to safetensors: no code of theirs is run, and every key, shape and value is checked."""

from __future__ import annotations

import hashlib
import os
import pickle
import pickletools
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import torch
from safetensors.torch import save_file
from torch import Tensor

from mattekit.checks import WeightsError, one_line

SUFFIX = ".safetensors"
COUNTER = "num_batches_tracked"
"""Counters of batch normalisation; checked where they are, needed nowhere, not written."""
LEGACY_PARTS = 5
"""Pickles one after another in files from before PyTorch 1.6."""
LONGEST_NAME = 1000
WRAPPERS = ("state_dict", "module.")
"""An entry that may hold the state, and a prefix that its keys may have."""


@dataclass(frozen=True)
class Layout:
    """What the published file of one network holds.

    Attributes:
        family: What the metadata of the written file will name.
        prefix: What stands before the keys in the written file, without the dot.
        shapes: Shape by key.
    """

    family: str
    prefix: str
    shapes: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Converted:
    """What a conversion wrote.

    Attributes:
        path: The file.
        family: Of which it is.
        tensors: Number of tensors.
        parameters: Values that training may change, statistics left out.
    """

    path: Path
    family: str
    tensors: int
    parameters: int


def convert(
    source: Path,
    output: Path,
    layouts: Sequence[Layout],
    *,
    half: bool = False,
    card: Mapping[str, str] | None = None,
) -> Converted:
    """Convert a published PyTorch file to safetensors, written beside its place first.

    Args:
        source: The file. A state inside a "state_dict" entry, or whose keys begin with "module.", is unwrapped.
        output: The file to write; what stands there is replaced.
        layouts: What is known; the one with most keys in common is meant.
        half: Write half precision instead of single.
        card: More metadata: licence and so on.

    Raises:
        WeightsError: The source cannot be read safely, is of no known layout, misses a key, holds an unknown one or one
            of another shape, or a value that is not finite; or the output cannot be written.
    """
    state = unwrap(read_state(source), source)
    layout = recognise(state, layouts, source)
    tensors = check_state(state, layout, source, half=half)
    trained = [key for key in tensors if not key.endswith(("running_mean", "running_var"))]
    parameters = sum(tensors[key].numel() for key in trained)
    metadata = {**(card or {}), "family": layout.family, "source": source.name, "source_sha256": _digest(source)}
    beside = output.with_name(f".{output.name}.part")
    try:
        save_file(tensors, str(beside), metadata=metadata)
        beside.chmod(source.stat().st_mode & 0o666 | 0o200)  # whoever may read the source may read what came of it
        os.replace(beside, output)
    except Exception as error:
        raise WeightsError(f"weights must be written to {output}; that failed ({one_line(error)})") from error
    finally:
        beside.unlink(missing_ok=True)
    return Converted(output, layout.family, len(tensors), parameters)


def read_state(source: Path) -> object:
    """Read a PyTorch file of plain tensors.

    Raises:
        WeightsError: It is missing, no such file, cut short, or holds anything that would have to be run.
    """
    if not source.is_file():
        what = "is a folder" if source.is_dir() else "does not exist"
        raise WeightsError(f"published weights must be a PyTorch file; {source} {what}: name the file")
    try:
        _check_harmless(source)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is amiss with a file is said in one line below
            state: object = torch.load(source, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(source))
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"published weights must be a PyTorch file of plain tensors; {source} is damaged or holds other things, "
            "which are not run: download it again from its authors"
        ) from error
    except Exception as error:  # bytes from anywhere raise anything: KeyError, struct.error, UnicodeDecodeError, ...
        reason = one_line(error)[:120] or type(error).__name__
        raise WeightsError(
            f"published weights must be a whole PyTorch file; {source} is not ({reason}): download it again"
        ) from error
    return state


def _check_harmless(source: Path) -> None:
    """Raise if a file holds what no honest one does and PyTorch would take minutes or all memory to refuse.

    Raises:
        UnpicklingError: It names something at a length that no name has, or is compressed, which PyTorch's never are.
    """
    with ExitStack() as stack:
        if zipfile.is_zipfile(source):
            archive = stack.enter_context(zipfile.ZipFile(source))
            if sum(entry.file_size for entry in archive.infolist()) > source.stat().st_size:
                raise pickle.UnpicklingError("it is compressed")
            name = next((name for name in archive.namelist() if name.endswith("data.pkl")), None)
            parts, file = 1, None if name is None else stack.enter_context(archive.open(name))
        else:
            parts, file = LEGACY_PARTS, stack.enter_context(source.open("rb"))
        for _ in range(parts if file is not None else 0):
            if any(len(name) > LONGEST_NAME for name in _names(file)):
                raise pickle.UnpicklingError("a name is too long")


def _names(file: IO[bytes] | None) -> Iterator[str]:
    """Yield what a pickle names, until its end or its first flaw, which PyTorch will find too."""
    with suppress(Exception):
        for operation, argument, _ in pickletools.genops(file):  # type: ignore[arg-type]
            if operation.name == "GLOBAL":
                yield str(argument)


def unwrap(state: object, source: Path) -> dict[str, Tensor]:
    """Return the tensors by key, out of what wrappers there are.

    Raises:
        WeightsError: It is not a table of plain tensors.
    """
    entry, prefix = WRAPPERS
    if isinstance(state, Mapping) and isinstance(state.get(entry), Mapping):
        state = state[entry]
    if not isinstance(state, Mapping) or not state:
        raise WeightsError(f"published weights must be tensors by key; {source} holds a {type(state).__name__}")
    wrapped = all(str(key).startswith(prefix) for key in state)
    found = {}
    for key, tensor in state.items():
        plain = isinstance(tensor, Tensor) and tensor.layout == torch.strided and not tensor.is_quantized
        if not isinstance(key, str) or not plain or tensor.is_meta:
            what = type(tensor).__name__
            raise WeightsError(f"published weights must be plain tensors by key; {key} in {source} is a {what}")
        found[key.removeprefix(prefix) if wrapped else key] = tensor
    return found


def recognise(state: Mapping[str, Tensor], layouts: Sequence[Layout], source: Path) -> Layout:
    """Return the layout that most of a file's keys belong to.

    Raises:
        WeightsError: Fewer than half of the keys belong to any.
    """
    best = max(layouts, key=lambda layout: len(layout.shapes.keys() & state.keys()))
    if 2 * len(best.shapes.keys() & state.keys()) < len(state):
        known = ", ".join(layout.family for layout in layouts)
        first = next(iter(state))
        raise WeightsError(f"published weights must be of a known network ({known}); {source} begins with {first}")
    return best


def check_state(state: Mapping[str, Tensor], layout: Layout, source: Path, *, half: bool) -> dict[str, Tensor]:
    """Return the tensors as they are written, each checked, counters left out.

    Raises:
        WeightsError: A key is missing or unknown, a shape is another, or a value is not finite.
    """
    where = f"in {source}"
    for key in layout.shapes:
        if key not in state and not key.endswith(COUNTER):
            raise WeightsError(f"weights of {layout.family} must hold {key}; it is missing {where}")
    for key, tensor in state.items():
        if key not in layout.shapes:
            raise WeightsError(f"weights of {layout.family} must hold its keys alone; {key} {where} is not one of them")
        if tuple(tensor.shape) != layout.shapes[key]:
            raise WeightsError(f"{key} {where} must have shape {layout.shapes[key]}; got {tuple(tensor.shape)}")
    checked = {}
    for key in layout.shapes:
        if key.endswith(COUNTER):
            continue
        if not state[key].is_floating_point():
            raise WeightsError(f"{key} {where} must hold floating-point values; got {state[key].dtype}")
        value = state[key].detach().to(torch.float16 if half else torch.float32, copy=True).contiguous()
        if not bool(torch.isfinite(value).all()):
            range_ = " in half precision" if half else ""
            raise WeightsError(f"weights must be finite{range_}; {key} {where} is not")
        checked[f"{layout.prefix}.{key}"] = value
    return checked


def _digest(source: Path) -> str:
    """Return the SHA-256 of a file; `mattekit.media` has it too, but training must import nothing that decodes."""
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
