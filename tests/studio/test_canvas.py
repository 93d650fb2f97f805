"""Trimaps edited without any background process: key frames, history, what is told."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest

from mattekit.checks import InputError
from mattekit.media import probe
from mattekit.studio.canvas import Canvas
from mattekit.studio.strokes import Stroke
from studio.clips import FRAMES, SIZE, disc_trimap, make_clip


@pytest.fixture
def canvas(tmp_path: Path) -> Canvas:
    return Canvas(probe(make_clip(tmp_path)))


def keys_of(canvas: Canvas) -> dict[int, bytes]:
    return {frame: canvas.trimap(frame).tobytes() for frame in range(FRAMES) if canvas.trimap(frame) is not None}


def test_painting_on_a_bare_frame_begins_with_background_and_makes_a_key_frame(canvas: Canvas) -> None:
    change = canvas.paint(Stroke(3, "brush", 255, ((10, 10),), size=1))
    painted = canvas.trimap(3)
    assert painted.shape == SIZE and (painted == 255).sum() == 1 and painted[10, 10] == 255
    assert (painted == 0).sum() == painted.size - 1
    assert (change.frame, change.box, change.trimap) == (3, (10, 10, 11, 11), "key")
    assert change.crc == zlib.crc32(painted.tobytes())


def test_undo_and_redo_give_back_pixels_and_key_frames(canvas: Canvas) -> None:
    states = [keys_of(canvas)]
    for stroke in (
        Stroke(0, "box", 255, ((4, 4), (20, 20))),
        Stroke(5, "brush", 128, ((1, 1), (30, 30)), size=5),
        Stroke(0, "edge", grow=3),
        Stroke(0, "band", grow=-1),
    ):
        canvas.paint(stroke)
        states.append(keys_of(canvas))
    for state in states[-2::-1]:
        canvas.undo()
        assert keys_of(canvas) == state
    assert canvas.undo() is None and canvas.depths() == (0, 4)
    for state in states[1:]:
        canvas.redo()
        assert keys_of(canvas) == state
    assert canvas.redo() is None and canvas.depths() == (4, 0)


def test_a_key_frame_that_is_removed_keeps_its_trimap_as_a_stale_one(canvas: Canvas) -> None:
    for frame in (0, 5):
        canvas.paint(Stroke(frame, "box", 255, ((4, 4), (20, 20))))
    before = canvas.trimap(5)
    assert canvas.remove_key(5).trimap == "stale" and (canvas.trimap(5) == before).all()
    assert canvas.remove_key(0).trimap == "none" and canvas.trimap(0) is None and canvas.trimap(5) is None
    canvas.undo()
    canvas.undo()
    assert sorted(keys_of(canvas)) == [0, 5]
    assert canvas.make_key(7).trimap == "key" and not canvas.trimap(7).any()


def test_a_stroke_outside_the_frame_changes_nothing_and_is_no_step(canvas: Canvas) -> None:
    change = canvas.paint(Stroke(0, "brush", 255, ((900, 900),), size=9))
    assert change.box is None and change.trimap == "none" and change.crc == 0
    assert canvas.depths() == (0, 0) and canvas.trimap(0) is None


def test_a_stroke_that_changes_no_pixel_of_a_key_frame_is_no_step(canvas: Canvas) -> None:
    stroke = Stroke(0, "box", 255, ((4, 4), (8, 8)))
    first, again = canvas.paint(stroke), canvas.paint(stroke)
    assert canvas.depths() == (1, 0) and again == first


def test_a_given_trimap_and_a_mask_become_key_frames(canvas: Canvas) -> None:
    canvas.take_trimap(2, disc_trimap(2))
    assert (canvas.trimap(2) == disc_trimap(2)).all()
    mask = np.zeros(SIZE, dtype=np.uint8)
    mask[:, 32:] = 200
    canvas.take_mask(4, mask, 3)
    assert canvas.trimap(4)[7].tolist() == [0] * 29 + [128] * 6 + [255] * 29


def test_what_does_not_fit_is_refused(canvas: Canvas) -> None:
    with pytest.raises(InputError, match="must be 0 to 11; got 12"):
        canvas.paint(Stroke(12, "box", 255, ((0, 0), (1, 1))))
    with pytest.raises(InputError, match="must have a trimap to change; frame 0 has none"):
        canvas.paint(Stroke(0, "band", grow=2))
    with pytest.raises(InputError, match="a key frame must be there to be removed; frame 1 is none"):
        canvas.remove_key(1)
    with pytest.raises(InputError, match="must hold only 0, 128, 255; got 7"):
        canvas.take_trimap(0, np.full(SIZE, 7, dtype=np.uint8))
    with pytest.raises(InputError, match="a mask must have the clip's size"):
        canvas.take_mask(0, np.zeros((3, 3), dtype=np.uint8))
    assert canvas.depths() == (0, 0)


def test_every_change_is_told_once_with_its_frame_and_the_depths(canvas: Canvas) -> None:
    heard: list[dict] = []
    stop = canvas._teller.listen(heard.append)
    change = canvas.paint(Stroke(3, "box", 255, ((0, 0), (9, 9))))
    frame, state = heard
    assert (frame["type"], frame["frame"], frame["trimap"], frame["alpha"]) == ("frame", 3, "key", "none")
    assert frame["revision"] == change.revision == 1
    assert state == {"type": "state", "revision": 1, "undo": 1, "redo": 0, "saved": False}
    canvas.undo()
    assert [message["type"] for message in heard[2:]] == ["frame", "state"] and heard[2]["trimap"] == "none"
    assert heard[3]["saved"] is True  # as in the beginning
    stop()
    canvas.redo()
    assert len(heard) == 4
