"""Files that are written in one go, at every stage of a disk that fills up: the new one whole, or what was there."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import nn

from mattekit.checks import InputError
from mattekit.data.manifest import Entry, write_manifest
from mattekit.data.pack import Source, write_pack
from mattekit.data.plan import Rules, plan_of_pairs, write_plan
from mattekit.engine.checkpoint import save_state
from mattekit.weights import write_weights
from mattekit.weights.convert import Layout, convert

LAYOUT = Layout("toy", "net", {"weight": (40, 30)})
ENTRIES = [Entry(f"clip {index}", "background", Path(f"{index}.mp4"), None, False) for index in range(40)]
PLAN = plan_of_pairs([(f"a{index}", f"b{index}") for index in range(40)])


def _convert(path: Path) -> None:
    convert(path.parent / "source" / "toy.pth", path, [LAYOUT])


def _pack(path: Path) -> None:
    write_pack(path, iter([Source("one", "photo", torch.full((2, 4, 30, 20), 7, dtype=torch.uint8))]))


def _weights(path: Path) -> None:
    torch.manual_seed(0)
    write_weights(path, {"net": nn.Linear(40, 30)}, family="toy", card={})


WRITERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "converted weights": ("toy.safetensors", _convert),
    "trained weights": ("toy.safetensors", _weights),
    "a pack": ("train.pack", _pack),
    "a checkpoint": ("last.pt", lambda path: save_state(path, {"network": {"weight": torch.ones(40, 30)}, "step": 1})),
    "a list": ("list.csv", lambda path: write_manifest(path, ENTRIES)),
    "a plan": ("plan.jsonl", lambda path: write_plan(path, PLAN, Rules())),
}


@contextmanager
def full_after(size: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes in the block."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("what", WRITERS)
@pytest.mark.parametrize("old", [None, b"what stood there before"])
def test_a_disk_that_fills_up_leaves_what_was_there(tmp_path: Path, what: str, old: bytes | None) -> None:
    (tmp_path / "source").mkdir()
    torch.save({"weight": torch.rand(40, 30, generator=torch.Generator().manual_seed(0))}, tmp_path / "source/toy.pth")
    name, write = WRITERS[what]
    path = tmp_path / name
    write(path)
    size = path.stat().st_size
    path.unlink()
    if old is not None:
        path.write_bytes(old)
    for limit in (0, 1, size // 3, size // 2, size - 1):
        with pytest.raises(InputError) as raised, full_after(limit):
            write(path)
        assert "\n" not in str(raised.value)
        assert str(path) in str(raised.value)
        assert sorted(file.name for file in tmp_path.iterdir()) == sorted(["source"] + [name] * (old is not None))
        assert old is None or path.read_bytes() == old
    write(path)
    assert path.stat().st_size == size
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(["source", name])
