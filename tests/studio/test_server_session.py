"""The server over a real session, with its background process and networks that were never trained."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import scenes
from mattekit.media import probe, read
from mattekit.studio.session import Session
from stand_in import Studio, open_studio

FRAMES, SIZE = 6, (48, 64)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory, random_weights: Path) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("server")
    scenes.write_video(folder / "shot.mkv", scenes.soft_disc(FRAMES, SIZE).frames, codec="ffv1", layout="bgr0")
    opened = Session.open(
        folder / "shot.mkv",
        project=folder / "shot.mattekit",
        output=folder / "exports",
        weights=random_weights,
        device="cpu",
        threads=1,
    )
    yield opened
    opened.close()


@pytest.fixture
def studio(session: Session, tmp_path: Path) -> Studio:
    return open_studio(session, pages=tmp_path)  # type: ignore[arg-type]


def follow(socket: Any, job: str) -> list[dict[str, Any]]:
    """Return what is told until a job has ended; check how it ended."""
    told: list[dict[str, Any]] = []
    while not told or told[-1].get("id") != job or told[-1]["state"] in ("queued", "running"):
        told.append(socket.receive_json())
    assert told[-1]["state"] == "done", told[-1]
    return told


def pixels(body: bytes) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(body)))


def test_a_clip_is_painted_carried_matted_and_exported(studio: Studio, session: Session) -> None:
    page = studio.page()
    frame = pixels(page.get("api/frames/2?lossless=1").content)
    (chunk,) = read(session.info, chunk=FRAMES)
    assert np.array_equal(frame, (chunk.frames[2].permute(1, 2, 0) * 255).round().byte().numpy())
    with studio.listen() as socket:
        for asked in (
            {"tool": "brush", "value": 128, "points": [[25, 21]], "size": 30},
            {"tool": "brush", "value": 255, "points": [[25, 21]], "size": 16},
        ):
            changed = page.post("api/strokes", json={"frame": 0, **asked})
            assert changed.status_code == 200 and changed.json()["trimap"] == "key"
        job = page.post("api/propagate", json={"start": 0, "end": FRAMES}).json()["job"]
        told = follow(socket, job)
        assert {message["frame"] for message in told if message["type"] == "frame"} == set(range(FRAMES))
        job = page.post("api/matte", json={"start": 0, "end": FRAMES}).json()["job"]
        follow(socket, job)
        job = page.post("api/export", json={"alpha": "mkv", "cutout": "png"}).json()["job"]
        follow(socket, job)
    state = page.get("api/state").json()
    assert [facts["trimap"] for facts in state["frames"]] == ["key", *["carried"] * 5]
    assert [facts["alpha"] for facts in state["frames"]] == ["done"] * FRAMES
    assert pixels(page.get("api/alphas/3").content).shape == SIZE
    cutout = pixels(page.get("api/cutouts/3").content)
    assert cutout.shape == (*SIZE, 4)
    assert np.array_equal(cutout[..., 3], pixels(page.get("api/alphas/3").content))
    for export, kind in zip(state["exports"], ("video/x-matroska", "application/zip"), strict=True):
        answer = page.get(f"api/exports/{export['id']}")
        assert (answer.headers["content-type"], len(answer.content)) == (kind, export["bytes"])
        assert answer.headers["content-disposition"].startswith("attachment")
    assert studio.told == []


def test_masks_guesses_and_key_frames_are_taken_and_taken_back(studio: Studio, session: Session) -> None:
    page = studio.page()
    before = page.get("api/state").json()["undo"]
    mask = np.zeros(SIZE, np.uint8)
    mask[10:30, 15:40] = 255
    file = io.BytesIO()
    Image.fromarray(mask).save(file, "PNG")
    assert page.post("api/masks/5?band=3", content=file.getvalue()).json()["trimap"] == "key"
    trimap = pixels(page.get("api/trimaps/5").content)
    assert (trimap[20, 27], trimap[10, 27], trimap[0, 0]) == (255, 128, 0)
    assert page.post("api/trimaps/4", content=page.get("api/trimaps/5").content).status_code == 200
    assert page.post("api/guess/4", json={"box": [8, 4, 44, 40]}).status_code == 200
    assert page.post("api/keyframes/3").json()["trimap"] == "key"
    for _ in range(4):
        assert page.post("api/undo").json()["frame"] in (3, 4, 5)
    assert page.get("api/state").json()["undo"] == before
    assert studio.told == []


def test_what_was_saved_says_so(studio: Studio, session: Session) -> None:
    page = studio.page()
    assert page.post("api/save").json() == {"project": "shot.mattekit"}
    state = page.get("api/state").json()
    assert (state["saved"], state["project"]) == (True, "shot.mattekit")
    assert probe(session.project.parent / "shot.mkv").frames == FRAMES


@pytest.mark.parametrize("tool", ["brush", "polygon"])
@pytest.mark.parametrize("size", [1, 999])
def test_the_longest_stroke_that_can_be_asked_for_does_not_hold_the_page_up(
    studio: Studio, tool: str, size: int
) -> None:
    page = studio.page()
    far = 1 << 14
    points = [[-far if number % 2 else far, (number * 7919) % 60 - 6] for number in range(4096)]
    begun = time.monotonic()
    answer = page.post("api/strokes", json={"frame": 1, "tool": tool, "value": 255, "points": points, "size": size})
    assert answer.status_code == 200
    assert time.monotonic() - begun < 10, "a tenth of it on an idle machine"
    page.post("api/undo")


def test_what_a_session_refuses_is_a_sentence_without_its_folders(studio: Studio, session: Session) -> None:
    page = studio.page()
    colour = io.BytesIO()
    Image.fromarray(np.dstack([np.full(SIZE, 9, np.uint8), np.zeros((*SIZE, 2), np.uint8)])).save(colour, "PNG")
    grey = io.BytesIO()
    Image.fromarray(np.full(SIZE, 77, np.uint8)).save(grey, "PNG")
    session.project.parent.joinpath("taken").write_text("in the way", encoding="utf-8")
    project, session.project = session.project, session.project.parent / "taken"
    try:
        answers = [
            page.post("api/masks/0", content=colour.getvalue()),
            page.post("api/trimaps/0", content=grey.getvalue()),
            page.post("api/strokes", json={"frame": FRAMES, "tool": "fill", "points": [[0, 0]]}),
            page.post("api/propagate", json={"start": 3, "end": FRAMES + 1}),
            page.post("api/matte", json={"start": 3, "end": 3}),
            page.post("api/guess/0", json={}),
            page.post("api/export", json={}),
            page.post("api/export", json={"alpha": "txt"}),
            page.post("api/export", json={"composite": "mkv"}),
            page.post("api/save"),
        ]
    finally:
        session.project = project
    for answer in answers:
        assert answer.status_code == 400, answer.text
        assert str(project.parent) not in answer.text and "/" not in answer.json()["error"], answer.text
    assert studio.told == []
