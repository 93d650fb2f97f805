"""Trimaps of people in a frame, with a finder that sees what it is told to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.media import probe, read
from mattekit.ops.graph_cut import cut_map
from mattekit.ops.people import trimap_from_map
from mattekit.studio import people
from mattekit.studio.board import Board
from mattekit.studio.near import NearFrames
from scenes import soft_disc
from studio.clips import SIZE, make_clip


class Told:
    """Sees people where it is told, and how many frames it was given."""

    needs_trimap, context = False, 2

    def __init__(self, alpha: Tensor) -> None:
        self.alpha, self.given = alpha, 0

    def step(self, frames: Tensor, trimap: Tensor | None, state: Any) -> tuple[Tensor, None, Any]:
        self.given += len(frames)
        return self.alpha.expand(len(frames), -1, -1, -1), None, None


def finder(folder: Path, told: Told, monkeypatch: pytest.MonkeyPatch, *, cuts: tuple[int, ...] = ()) -> Any:
    monkeypatch.setattr(people, "carried_prior", lambda _: told)
    board = Board(SIZE, 12)
    board.cuts = cuts
    return people.PeopleFinder(NearFrames(probe(make_clip(folder))), board, torch.device("cpu"))


def test_the_trimap_is_that_of_the_map_and_the_frame_from_the_frames_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alpha = soft_disc(6, SIZE, speed=(1, 0)).alpha[5:]
    told = Told(alpha)
    found = finder(tmp_path, told, monkeypatch).trimap(5).open(SIZE)
    frame = next(iter(read(probe(tmp_path / "disc.mkv"), start=5, end=6))).frames[0]
    expected = trimap_from_map(alpha[0], SIZE, mask=cut_map(frame, alpha[0]))
    assert np.array_equal(found, (expected[0] * 255).round().byte().numpy()) and told.given == 5
    assert np.unique(found).tolist() == [0, 128, 255]


def test_frames_beyond_a_cut_are_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told(soft_disc(1, SIZE).alpha)
    finder(tmp_path, told, monkeypatch, cuts=(5,)).trimap(5)
    assert told.given == 3


def test_a_frame_without_people_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="a person must be in the frame; none was found: draw a box"):
        finder(tmp_path, Told(torch.zeros(1, 1, *SIZE)), monkeypatch).trimap(0)
