"""The stream with a network that remembers and takes no trimap: cuts, seams between chunks, going on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

import people
from mattekit.engine.snapshot import read_state, write_state
from mattekit.engine.stream import predict
from mattekit.models import Model, Wanted, load
from mattekit.models.person.prior import Given, Smoothed
from mattekit.types import Chunk


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = people.write_people(tmp_path_factory.mktemp("people") / "w.safetensors")
    return load("rvm", weights=path, wanted=Wanted(working_size=64))


def chunks(frames: Tensor, length: int) -> Iterator[Chunk]:
    for start in range(0, len(frames), length):
        piece = frames[start : start + length]
        yield Chunk(start, torch.arange(start, start + len(piece)), piece)


def matted(model: Model, frames: Tensor, *, length: int, cuts: Sequence[int] = ()) -> tuple[Tensor, Tensor]:
    mattes = list(predict(chunks(frames, length), model.matter, cuts=cuts))
    colours = [matte.foreground for matte in mattes if matte.foreground is not None]
    return torch.cat([matte.alpha for matte in mattes]), torch.cat(colours)


def test_a_cut_resets_what_is_remembered_wherever_it_falls_in_a_chunk(model: Model) -> None:
    first, second = people.clip(4, 75, 101, seed=1), people.clip(4, 75, 101, seed=2)
    alone, _ = matted(model, second, length=2)
    carried, _ = matted(model, torch.cat((first, second)), length=3)
    assert float((carried[4:] - alone).abs().max()) > 1e-3
    for length in (1, 3, 4, 8):
        cut, _ = matted(model, torch.cat((first, second)), length=length, cuts=[4])
        torch.testing.assert_close(cut[4:], alone, atol=1e-5, rtol=0)
        torch.testing.assert_close(cut[:4], carried[:4], atol=1e-5, rtol=0)


def test_a_seam_between_chunks_does_not_show(model: Model) -> None:
    frames = people.clip(7, 75, 101)
    whole = matted(model, frames, length=7)
    for length in (1, 2, 3):
        for one, other in zip(matted(model, frames, length=length), whole, strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test_what_is_remembered_can_be_written_and_gone_on_from_and_does_not_grow(model: Model, tmp_path: Path) -> None:
    frames, state, sizes = people.clip(6, 75, 101), None, []
    for time in range(3):
        _, _, state = model.matter.step(frames[time : time + 1], None, state)
        write_state(tmp_path / "state", state)
        sizes.append((tmp_path / "state").stat().st_size)
    assert len(set(sizes)) == 1
    again = read_state(tmp_path / "state", types=model.states)
    resumed, straight = (model.matter.step(frames[3:], None, held) for held in (again, state))
    assert bool((resumed[0] == straight[0]).all()) and bool((resumed[1] == straight[1]).all())


@pytest.mark.parametrize("length", [1, 3, 8])
def test_a_matter_that_asks_by_number_is_told_where_it_begins_and_where_it_begins_anew(length: int) -> None:
    given = Given(lambda number: torch.full((1, 8, 8), number / 100))
    frames = torch.zeros(9, 3, 8, 8)
    moved = [Chunk(40 + each.start, each.pts, each.frames) for each in chunks(frames, length)]
    for matter in (given, Smoothed(given)):
        alpha = torch.cat([matte.alpha for matte in predict(moved, matter, cuts=[44, 45])])[:, 0, 0, 0]
        assert alpha[4] == pytest.approx(0.44) and len(alpha) == 9  # a scene of its own
        if matter is given:
            assert alpha.tolist() == pytest.approx([number / 100 for number in range(40, 49)])
