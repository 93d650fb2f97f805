"""States as files, bit for bit, and mattes that go on from them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

import scenes
import shots
from mattekit.checks import MattekitError
from mattekit.engine.prediction import Prediction
from mattekit.engine.propagation import Propagation
from mattekit.engine.resume import Notes, Resumable
from mattekit.engine.snapshot import FORMAT, read_state, write_state
from mattekit.models import Model, load
from mattekit.types import Chunk, Matte, State


@dataclass(frozen=True)
class Pair:
    one: Tensor
    other: Any


@dataclass(frozen=True)
class Stranger:
    one: Tensor


def same(one: State, other: State) -> bool:
    """Return whether two states agree in every type, value, bit and stride."""
    if isinstance(one, Tensor):
        return (
            (one.dtype, one.shape, one.stride()) == (other.dtype, other.shape, other.stride())
            and one.contiguous().view(torch.uint8).equal(other.contiguous().view(torch.uint8))
            if one.numel() and one.ndim
            else one.shape == other.shape and bool(torch.equal(one, other))
        )
    if type(one) is not type(other):
        return False
    if isinstance(one, (tuple, list)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if hasattr(one, "__dataclass_fields__"):
        return all(same(getattr(one, name), getattr(other, name)) for name in one.__dataclass_fields__)
    return bool(one == other)


def round_trip(path: Path, state: State, *types: type) -> State:
    write_state(path, state)
    return read_state(path, types=types)


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    picture = torch.rand(1, 4, 6, 5)
    state = {
        "plain": [None, True, 3, 0.1, float("inf"), "text", ()],
        "pair": Pair(picture.to(memory_format=torch.channels_last), (picture, picture[:, 1:3, ::2])),
        "kinds": [torch.tensor([-0.0, float("nan")]), torch.arange(3), torch.tensor(2.5), torch.empty(0, 3).half()],
    }
    assert same(round_trip(tmp_path / "s", state, Pair), state)
    expanded = torch.rand(3, 1).expand(3, 4)
    assert torch.equal(round_trip(tmp_path / "s", expanded), expanded)


@pytest.mark.parametrize("state", [{1: 2}, {3}, object(), [lambda: 1], Pair])
def test_what_is_no_state_is_refused(tmp_path: Path, state: object) -> None:
    with pytest.raises(MattekitError, match="a state must be made of tensors, numbers, text"):
        write_state(tmp_path / "s", state)


def test_only_the_dataclasses_of_the_model_are_made(tmp_path: Path) -> None:
    write_state(tmp_path / "s", Stranger(torch.zeros(1)))
    with pytest.raises(MattekitError, match=r"must hold dataclasses of its model alone; got '.*Stranger'"):
        read_state(tmp_path / "s", types=(Pair,))
    for tree in ({"type": "os.system", "fields": {"command": {"plain": "true"}}}, {"tensor": "9", "strides": []}, {}):
        save_file({}, str(tmp_path / "s"), metadata={"format": FORMAT, "tree": json.dumps(tree)})
        with pytest.raises(MattekitError, match="a state must"):
            read_state(tmp_path / "s", types=(Pair,))


def test_a_damaged_or_foreign_file_is_refused(tmp_path: Path) -> None:
    save_file({"0": torch.zeros(1)}, str(tmp_path / "s"))
    with pytest.raises(MattekitError, match="must be of format"):
        read_state(tmp_path / "s")
    for content in (b"", b"\x80\x04cos\nsystem\n."):
        (tmp_path / "s").write_bytes(content)
        with pytest.raises(MattekitError, match="must be read as it was written"):
            read_state(tmp_path / "s")


def test_states_of_the_carried_networks_come_back_bit_for_bit(tmp_path: Path) -> None:
    model, scene = load("dvm"), scenes.soft_disc(3)
    assert model.propagator is not None
    reference = model.propagator.reference(scene.frames[0], scene.trimap()[0])
    found = model.propagator.step(scene.frames[1], [reference], None)
    *_, window = model.matter.step(scene.frames[:2], scene.trimap()[:2], None)
    for state in (reference, found.state, window):
        assert same(round_trip(tmp_path / "s", state, *model.states), state)
    again = round_trip(tmp_path / "s", [found.state, window], *model.states)
    ones = [model.propagator.step(scene.frames[2], [reference], each) for each in (found.state, again[0])]
    assert torch.equal(ones[0].trimap, ones[1].trimap) and ones[0].confidence == ones[1].confidence
    alphas = [model.matter.step(scene.frames[2:], scene.trimap()[2:], each)[0] for each in (window, again[1])]
    assert torch.equal(*alphas)


class Memory:
    """Keeps segments in memory, and in files what the states must be kept in."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.planes, self.done = folder, list[Any](), list[Any]()
        self.waiting = 0

    @property
    def end(self) -> int:
        return len(self.planes) - self.waiting

    @property
    def snapshot(self) -> Path | None:
        return self.folder / str(len(self.done)) if self.done else None

    def frames(self) -> Iterator[dict[str, Any]]:
        yield from self.planes[: self.end]

    def add(self, planes: Mapping[str, Any]) -> None:
        self.planes.append({name: values.copy() for name, values in planes.items()})
        self.waiting += 1

    def commit(self, facts: Mapping[str, Any], save: Callable[[Path], None]) -> None:
        self.done.append(type("Done", (), {"facts": facts})())
        self.waiting = 0
        save(self.folder / str(len(self.done)))


def mattes(keep: Memory | None, *, length: int, cuts: tuple[int, ...], stop: int = 99) -> tuple[list[Matte], list[Any]]:
    """Return the mattes of a clip of 14 frames, and what was told of its trimaps; the clip breaks off at a frame."""
    scene, told = scenes.soft_disc(14), list[Any]()
    model: Model = shots.Loader()("none")
    notes = Notes(lambda *each: told.append(each))

    def chunks() -> Iterator[Chunk]:
        for first in range(0, 14, length):
            if first >= stop:
                raise KeyboardInterrupt
            numbers = torch.arange(first, min(first + length, 14))
            yield Chunk(first, numbers * 7, scene.frames[numbers])

    def trimap_at(index: int) -> Tensor:
        return scene.trimap()[index]

    propagation = Propagation(
        model.propagator,
        indices=[0, 9],
        trimap_at=trimap_at,
        frame_at=lambda index: scene.frames[index],
        cuts=cuts,
        watch=notes.add,
    )
    prediction = Prediction(model.matter, cuts=cuts)
    if keep is None:
        return list(prediction.run(propagation.run(chunks()))), told
    run, found = Resumable(keep, propagation, prediction, segment=3, notes=notes).run(chunks()), []
    try:
        found += run
    except KeyboardInterrupt:
        keep.planes, keep.waiting = keep.planes[: keep.end], 0
    return found, told


@pytest.mark.parametrize("length", [1, 2, 5])
@pytest.mark.parametrize("cuts", [(), (6,), (9,)])
@pytest.mark.parametrize("stops", [(4, 8), (5, 10), (12,), (99,)])
def test_stopped_at_a_frame_and_gone_on_everything_is_as_in_one_run(
    tmp_path: Path, length: int, cuts: tuple[int, ...], stops: tuple[int, ...]
) -> None:
    plain, told = mattes(None, length=length, cuts=cuts)
    keep = Memory(tmp_path)
    for stop in stops:
        mattes(keep, length=length, cuts=cuts, stop=stop)
    again, told_again = mattes(keep, length=length, cuts=cuts)
    assert told_again == told
    for name in ("alpha", "frames", "trimap", "pts"):
        one, other = (
            torch.cat([each.alpha if name == "alpha" else getattr(each.chunk, name) for each in found])
            for found in (plain, again)
        )
        assert torch.equal(one, other), name
    assert [each.chunk.start for each in again] == sorted(each.chunk.start for each in again)
