"""The background process's work, done in this one: the same trimaps and alphas as one walk along the clip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mattekit.engine import stream
from mattekit.media import probe, read
from mattekit.models import load
from mattekit.studio.board import Held
from mattekit.studio.pictures import pack
from mattekit.studio.tasks import NO_KEY, Bench
from mattekit.studio.worker import Setup
from mattekit.types import Chunk, ClipInfo
from studio.clips import FRAMES, disc_trimap, make_clip


class Desk:
    """A bench, with what it told."""

    def __init__(self, clip: ClipInfo, weights: Path) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.clip = clip
        self.bench = Bench(Setup(clip, weights, "cpu", 1), tell=self.told.append)
        self.bench.find_cuts(lambda: None)

    def put(self, frame: int, trimap: np.ndarray) -> None:
        self.bench.put(frame, Held(pack(trimap)))

    def run(self, kind: str, start: int, end: int) -> list[tuple[Any, ...]]:
        """Do a job to its end and return what was told."""
        before = len(self.told)
        self.bench.add("job", kind, start, end)
        while (task := self.bench.urgent()) is not None:
            self.bench.step(task)
        return self.told[before:]

    def trimaps(self) -> dict[int, np.ndarray]:
        found = {message[1]: message[2] for message in self.told if message[0] == "trimap"}
        return {frame: held.packed.open(self.clip.size) for frame, held in found.items()}

    def alphas(self) -> dict[int, np.ndarray]:
        found = {message[1]: message[2] for message in self.told if message[0] == "alpha"}
        return {frame: held.packed.open(self.clip.size) for frame, held in found.items()}


@pytest.fixture
def desk(tmp_path: Path, random_weights: Path) -> Desk:
    return Desk(probe(make_clip(tmp_path)), random_weights)


def walked(clip: ClipInfo, weights: Path, keys: dict[int, np.ndarray]) -> list[Chunk]:
    """Return the chunks of a clip with trimaps, as the commands carry them, in one walk."""
    trimaps = {frame: (torch.from_numpy(trimap)[None] / 127.5).round() / 2 for frame, trimap in keys.items()}
    frames = np.concatenate([chunk.frames.numpy() for chunk in read(clip)])
    propagator = load("dvm", weights=weights).propagator
    return list(
        stream.propagate(
            read(clip, chunk=4),
            propagator,
            indices=list(keys),
            trimap_at=trimaps.__getitem__,
            frame_at=lambda frame: torch.from_numpy(frames[frame]),
        )
    )


def levels(values: torch.Tensor) -> np.ndarray:
    return (values * 255).round().to(torch.uint8).numpy()


def test_carried_trimaps_are_those_of_one_walk_in_whatever_order_they_are_asked_for(
    desk: Desk, random_weights: Path
) -> None:
    keys = {frame: disc_trimap(frame) for frame in (3, 9)}
    for frame, trimap in keys.items():
        desk.put(frame, trimap)
    expected = np.concatenate([levels(chunk.trimap[:, 0]) for chunk in walked(desk.clip, random_weights, keys)])
    for start, end in ((6, 8), (11, 12), (0, 12)):
        desk.bench.look(start)
        desk.run("propagate", start, end)
    found = desk.trimaps()
    assert sorted(found) == sorted(set(range(FRAMES)) - set(keys))
    assert all(np.array_equal(found[frame], expected[frame]) for frame in found)


def test_after_an_edit_only_what_hangs_on_it_is_carried_again_and_is_that_of_a_new_walk(
    desk: Desk, random_weights: Path
) -> None:
    keys = {0: disc_trimap(0), 6: disc_trimap(6)}
    for frame, trimap in keys.items():
        desk.put(frame, trimap)
    desk.run("propagate", 0, FRAMES)
    keys[6] = keys[6].copy()
    keys[6][:24] = 128
    desk.put(6, keys[6])
    again = [message[1] for message in desk.run("propagate", 0, FRAMES) if message[0] == "trimap"]
    assert again == [2, 3, 4, 5, 7, 8, 9, 10, 11]  # 1 is too far from 6
    expected = np.concatenate([levels(chunk.trimap[:, 0]) for chunk in walked(desk.clip, random_weights, keys)])
    found = desk.trimaps()
    assert all(np.array_equal(found[frame], expected[frame]) for frame in found)


def test_nothing_is_walked_twice_where_the_state_of_the_frame_before_is_kept(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.put(0, disc_trimap(0))
    carried = []
    plain = desk.bench._carrier.carry
    monkeypatch.setattr(desk.bench._carrier, "carry", lambda frame: carried.append(frame) or plain(frame))
    desk.run("propagate", 0, 5)
    desk.run("propagate", 5, 9)
    assert carried == [1, 2, 3, 4, 5, 6, 7, 8]
    desk.put(7, disc_trimap(7))  # frame 1 looks at 0 alone; the state of it was let go, that of none before 2 is needed
    del carried[:]
    desk.run("propagate", 0, 9)
    assert carried == [1, 2, 3, 4, 5, 6, 8]


def test_alphas_of_a_span_are_those_of_matting_the_whole_clip(desk: Desk, random_weights: Path) -> None:
    keys = {0: disc_trimap(0)}
    desk.put(0, keys[0])
    matter = load("dvm", weights=random_weights).matter
    mattes = list(stream.predict(walked(desk.clip, random_weights, keys), matter))
    expected = np.concatenate([levels(matte.alpha[:, 0]) for matte in mattes])
    desk.run("matte", 5, 8)
    assert sorted(desk.alphas()) == [5, 6, 7] and sorted(desk.trimaps()) == list(range(1, 10))
    desk.run("matte", 0, FRAMES)
    found = desk.alphas()
    assert all(np.array_equal(found[frame], expected[frame]) for frame in range(FRAMES))
    assert desk.run("matte", 0, FRAMES)[0][2] == "done"


def test_the_preview_of_one_frame_is_the_matte_of_a_clip_of_that_frame(desk: Desk, random_weights: Path) -> None:
    desk.put(4, disc_trimap(4))
    told = desk.run("matte", 4, 5)
    frame = next(iter(read(desk.clip, start=4, end=5))).frames
    trimap = (torch.from_numpy(disc_trimap(4))[None, None] / 127.5).round() / 2
    chunk = Chunk(0, torch.tensor([0]), frame, trimap)
    (matte,) = stream.predict([chunk], load("dvm", weights=random_weights).matter)
    assert np.array_equal(desk.alphas()[4], levels(matte.alpha[0, 0]))
    assert [message[0] for message in told] == ["alpha", "job"] and told[1] == ("job", "job", "done", 1, 1, "")


def test_a_preview_goes_before_longer_work_and_the_newest_before_older_ones(desk: Desk) -> None:
    desk.put(0, disc_trimap(0))
    desk.bench.add("long", "propagate", 0, FRAMES)
    desk.bench.step(desk.bench.urgent())
    desk.bench.add("old", "matte", 0, 1)
    desk.bench.add("new", "matte", 1, 2)
    order = []
    while (task := desk.bench.urgent()) is not None:
        order.append(task.id)
        desk.bench.step(task)
    assert order[:2] == ["new", "old"] and set(order[2:]) == {"long"}


def test_work_begins_behind_the_key_frame_that_is_nearest_to_what_is_seen(desk: Desk) -> None:
    desk.put(0, disc_trimap(0))
    desk.put(6, disc_trimap(6))
    desk.bench.look(8)
    told = [message[1] for message in desk.run("propagate", 0, FRAMES) if message[0] == "trimap"]
    assert told == [7, 8, 9, 10, 11, 1, 2, 3, 4, 5]


def test_an_edit_in_the_middle_of_a_job_is_taken_up(desk: Desk, random_weights: Path) -> None:
    keys = {0: disc_trimap(0)}
    desk.put(0, keys[0])
    desk.bench.add("job", "matte", 0, FRAMES)
    for step in range(200):
        task = desk.bench.urgent()
        if task is None:
            break
        desk.bench.step(task)
        if step == 9:
            keys[5] = np.full_like(disc_trimap(5), 128)
            desk.put(5, keys[5])
    walk = walked(desk.clip, random_weights, keys)
    expected = np.concatenate([levels(chunk.trimap[:, 0]) for chunk in walk])
    found = desk.trimaps()
    assert all(np.array_equal(found[frame], expected[frame]) for frame in set(range(FRAMES)) - {0, 5})
    mattes = stream.predict(walk, load("dvm", weights=random_weights).matter)
    alphas = np.concatenate([levels(matte.alpha[:, 0]) for matte in mattes])
    assert all(np.array_equal(desk.alphas()[frame], alphas[frame]) for frame in range(FRAMES))


def test_a_span_without_a_key_frame_fails_with_what_to_do(desk: Desk) -> None:
    assert desk.run("propagate", 0, 4) == [("job", "job", "failed", 0, 0, NO_KEY)]
    assert desk.run("matte", 0, 1) == [("job", "job", "failed", 0, 0, NO_KEY)]


def test_scenes_without_a_key_frame_are_left_out_and_said(desk: Desk) -> None:
    desk.bench._board.cuts = (8,)
    desk.put(0, disc_trimap(0))
    told = desk.run("propagate", 0, FRAMES)
    assert sorted(desk.trimaps()) == list(range(1, 8))
    assert told[-1][2] == "done" and told[-1][5].startswith("4 frames are in scenes without a key frame")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    yield
    torch.set_num_threads(1)
