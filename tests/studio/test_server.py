"""What the studio's server answers to its page; the session behind it is a stand-in."""

from __future__ import annotations

import asyncio
import io
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mattekit.checks import MattekitError
from stand_in import FRAMES, ORIGIN, SIZE, StandIn, Studio, open_studio

STROKE = {"frame": 1, "tool": "box", "value": 255, "points": [[2, 3], [5, 6]]}


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    (tmp_path / "view").mkdir()
    for name in ("index.html", "main.js", "style.css", "icon.svg", "view/canvas.js", "notes.txt", "secret.py"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    return open_studio(StandIn(), pages=tmp_path)


@pytest.fixture
def session(studio: Studio) -> StandIn:
    return studio.entrances[0].session


@pytest.fixture
def page(studio: Studio) -> Any:
    return studio.page()


def png(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def pixels(body: bytes) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(body)))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("index.html", "text/html; charset=utf-8"),
        ("main.js", "text/javascript; charset=utf-8"),
        ("view/canvas.js", "text/javascript; charset=utf-8"),
        ("style.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ],
)
def test_a_file_of_the_page_has_a_fixed_type(page: Any, name: str, kind: str) -> None:
    answer = page.get(f"static/{name}")
    assert (answer.status_code, answer.headers["content-type"], answer.text) == (200, kind, name)
    assert page.get("").text == "index.html"


@pytest.mark.parametrize("name", ["notes.txt", "secret.py", "view", "view/", "main", "Main.js", "no.js"])
def test_other_files_are_not_of_the_page(page: Any, name: str) -> None:
    assert page.get(f"static/{name}").status_code == 404


def test_the_page_s_own_files_are_found_where_they_are_installed(session: StandIn) -> None:
    from mattekit.studio.pages import STATIC

    assert "<title>" in open_studio(session, pages=STATIC).page().get("").text


def test_the_state_is_the_session_s_and_is_kept_by_no_one(page: Any, session: StandIn) -> None:
    answer = page.get("api/state")
    assert answer.json() == session.state()
    assert answer.headers["cache-control"] == "no-store"


def test_a_frame_is_a_jpeg_that_may_be_kept_or_the_very_pixels(page: Any, session: StandIn) -> None:
    answer = page.get("api/frames/3")
    assert answer.headers["content-type"] == "image/jpeg" and "immutable" in answer.headers["cache-control"]
    assert np.abs(pixels(answer.content).astype(int) - session.frame(3)).max() <= 2
    exact = page.get("api/frames/3?lossless=1")
    assert exact.headers["content-type"] == "image/png"
    assert np.array_equal(pixels(exact.content), session.frame(3))


@pytest.mark.parametrize("what", ["frames", "trimaps", "alphas", "cutouts"])
@pytest.mark.parametrize("number", [str(FRAMES), "-1", "x", "1.5", "9" * 30, "9" * 5000, "1e1", "%00", "١x"])
def test_there_is_no_picture_of_a_frame_that_is_not_there(page: Any, what: str, number: str) -> None:
    answer = page.get(f"api/{what}/{number}")
    assert answer.status_code == 404 and list(answer.json()) == ["error"]
    assert len(answer.text) < 500


def test_a_trimap_is_the_same_pixels_and_is_not_sent_twice(page: Any, session: StandIn) -> None:
    assert page.get("api/trimaps/1").status_code == 404
    changed = page.post("api/strokes", json=STROKE).json()
    answer = page.get("api/trimaps/1")
    assert answer.headers["content-type"] == "image/png"
    trimap = pixels(answer.content)
    assert trimap.shape == SIZE and np.array_equal(trimap, session.trimap(1))
    assert zlib.crc32(trimap.tobytes()) == changed["crc"]
    again = page.get("api/trimaps/1", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    page.post("api/strokes", json={**STROKE, "value": 128})
    assert page.get("api/trimaps/1", headers={"if-none-match": answer.headers["etag"]}).status_code == 200


def test_a_cut_out_has_straight_colour_and_alpha(page: Any, session: StandIn) -> None:
    page.post("api/strokes", json=STROKE)
    assert np.array_equal(pixels(page.get("api/cutouts/1").content), session.cutout(1))
    assert pixels(page.get("api/alphas/1").content).shape == SIZE


def test_a_stroke_says_what_it_changed_and_can_be_taken_back(page: Any) -> None:
    changed = page.post("api/strokes", json=STROKE).json()
    assert changed["box"] == [2, 3, 6, 7]
    assert (changed["frame"], changed["trimap"], changed["undo"], changed["redo"]) == (1, "key", 1, 0)
    back = page.post("api/undo").json()
    assert (back["frame"], back["trimap"], back["crc"], back["undo"], back["redo"]) == (1, "none", 0, 0, 1)
    assert page.post("api/undo").json() == {"frame": None, "undo": 0, "redo": 1}


def test_masks_and_trimaps_are_taken_as_they_are(page: Any, session: StandIn) -> None:
    mask = np.zeros(SIZE, np.uint8)
    mask[2:5, 3:7] = 255
    assert page.post("api/masks/2?band=7", content=png(mask)).json()["frame"] == 2
    assert page.post("api/masks/3", content=png(mask)).status_code == 200
    assert session.calls == [("mask", 2, 7), ("mask", 3, None)]
    trimap = np.where(mask > 0, 128, 0).astype(np.uint8)
    page.post("api/trimaps/4", content=png(trimap))
    assert np.array_equal(session.trimap(4), trimap)


def test_key_frames_guesses_jobs_and_the_project_reach_the_session(page: Any, session: StandIn) -> None:
    assert page.post("api/keyframes/0").json()["trimap"] == "key"
    assert page.delete("api/keyframes/0").json()["frame"] is None
    assert page.post("api/guess/1", json={"box": [1, 2, 3, 4]}).json()["frame"] == 1
    assert page.post("api/guess/1", json={"person": True}).status_code == 200
    assert session.calls == [("guess", 1, (1, 2, 3, 4), False, False), ("guess", 1, None, False, True)]
    job = page.post("api/propagate", json={"start": 0, "end": 5}).json()["job"]
    assert session.jobs[job]["total"] == 5
    assert page.delete(f"api/jobs/{job}").json() == {"job": job}
    assert page.delete(f"api/jobs/{job}").status_code == 404
    assert "job" in page.post("api/matte", json={"start": 0, "end": 1}).json()
    assert page.post("api/save").json() == {"project": "clip.mattekit"}
    picture = png(np.zeros((*SIZE, 3), np.uint8))
    assert page.put("api/background", content=picture).status_code == 200


def test_an_export_is_asked_for_by_formats_and_comes_as_a_file(page: Any, session: StandIn, tmp_path: Path) -> None:
    asked = {"alpha": "mkv", "cutout": "mov", "composite": "mp4", "background": "#00b140", "start": 1, "end": 4}
    assert "job" in page.post("api/export", json=asked).json()
    wanted = session.calls[-1][1]
    assert (wanted.alpha, wanted.foreground, wanted.background, wanted.end) == ("mkv", None, "#00b140", 4)
    session.files["a1"] = tmp_path / 'clïp "one"\n.mkv'
    session.files["a1"].write_bytes(b"film")
    answer = page.get("api/exports/a1")
    assert (answer.content, answer.headers["content-type"]) == (b"film", "video/x-matroska")
    assert answer.headers["content-disposition"].startswith("attachment; filename*=utf-8''cl%C3%AFp")
    assert page.get("api/exports/a1", headers={"range": "bytes=1-2"}).content == b"il"
    session.files["a2"] = tmp_path / "gone.mkv"
    assert page.get("api/exports/a2").status_code == 404


def test_an_export_of_an_unknown_kind_or_a_name_that_is_no_text_is_still_only_a_file(
    page: Any, session: StandIn, tmp_path: Path
) -> None:
    session.files["a"] = Path(str(tmp_path) + "/page\udcff.html")
    session.files["a"].write_bytes(b"<script>")
    answer = page.get("api/exports/a")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")


def test_two_sessions_have_nothing_of_each_other(tmp_path: Path) -> None:
    one, two = StandIn("one.mkv"), StandIn("two.mkv")
    studio = open_studio(one, two, pages=tmp_path)
    first, second = studio.page(0), studio.page(1)
    first.post("api/strokes", json=STROKE)
    job = first.post("api/propagate", json={"start": 0, "end": 5}).json()["job"]
    one.files["film"] = tmp_path / "film.mkv"
    one.files["film"].write_bytes(b"film")
    assert second.get("api/trimaps/1").status_code == 404
    assert second.post("api/undo").json()["frame"] is None
    assert second.get("api/exports/film").status_code == 404
    assert second.delete(f"api/jobs/{job}").status_code == 404
    assert second.get("api/state").json()["jobs"] == [] and job in one.jobs
    assert "one.mkv" not in second.get("api/state").text


def test_what_the_session_cannot_do_is_said_in_its_sentence_without_folders(page: Any, session: StandIn) -> None:
    answer = page.post("api/propagate", json={"start": 3, "end": 3})
    assert answer.status_code == 400
    assert answer.json() == {"error": "a span must lie in 0 to 5; got 3 to 3; give another"}

    def fail() -> str:
        raise MattekitError(f"the project must be writable; got {Path.cwd()}/a b/one.mattekit; look at /var/log/x.log")

    session.save = fail  # type: ignore[method-assign]
    answer = page.post("api/save")
    assert answer.status_code == 500
    assert answer.json()["error"] == "the project must be writable; got a b/one.mattekit; look at x.log"


def test_a_fault_is_told_on_the_terminal_in_a_line_and_to_the_page_not_at_all(studio: Studio, session: StandIn) -> None:
    def fail() -> None:
        raise RuntimeError(f"{__file__} went wrong")

    session.undo = fail  # type: ignore[method-assign, assignment]
    answer = studio.page().post("api/undo")
    assert answer.status_code == 500 and "fault of its own" in answer.json()["error"]
    assert "went wrong" not in answer.text and "Traceback" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    (line,) = studio.told
    assert re.fullmatch(r"RuntimeError in test_server.py:\d+, asked POST 'api/undo'", line)


def test_an_answer_that_reaches_no_one_is_no_fault(studio: Studio) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        raise RuntimeError("the line is dead")

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [(b"host", b"x")]}
    asyncio.run(studio.app(scope, receive, send))
    assert studio.told == []


def test_messages_of_jobs_name_no_folder(page: Any, session: StandIn) -> None:
    name = session.propagate(0, 5)
    session.jobs[name]["message"] = "/home/someone/films/clip.mkv must be whole; it breaks off; copy it again"
    (job,) = page.get("api/state").json()["jobs"]
    assert job["message"] == "clip.mkv must be whole; it breaks off; copy it again"


def test_browsers_that_ask_for_an_icon_by_themselves_get_nothing(studio: Studio) -> None:
    assert studio.stranger().get(f"{ORIGIN}/favicon.ico").status_code == 204
