"""A session with its background process: what is done there arrives, and its end is survived."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import pytest

from mattekit.checks import InputError
from mattekit.media import probe, read_alpha
from mattekit.studio import work
from mattekit.studio.background import LOST
from mattekit.studio.session import Export, Session
from mattekit.studio.strokes import Stroke
from mattekit.studio.worker import Setup
from studio.clips import FRAMES, SIZE, disc_trimap, make_clip, open_session, statuses, wait_for, wait_until


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, random_weights: Path) -> Iterator[Session]:
    """A session that several tests use, for its process takes a while to start; each undoes what it did."""
    with open_session(tmp_path_factory.mktemp("session"), random_weights) as session:
        yield session


@pytest.fixture
def session(shared: Session) -> Iterator[Session]:
    yield shared
    while shared.undo() is not None:
        pass
    assert statuses(shared) == ["none"] * FRAMES


def test_trimaps_are_carried_alphas_made_and_an_edit_makes_stale_what_hangs_on_it(session: Session) -> None:
    heard: list[dict] = []
    stop = session.listen(heard.append)
    session.take_trimap(0, disc_trimap(0))
    assert wait_for(session, session.propagate(0, 6))["done"] == 5
    assert statuses(session) == ["key", *["carried"] * 5, *["none"] * 6]
    assert wait_for(session, session.matte(0, FRAMES))["state"] == "done"
    assert statuses(session, "alpha") == ["done"] * FRAMES
    facts = session.state()["frames"][4]
    assert 0 <= facts["confidence"] <= 1 and session.alpha(4).shape == SIZE and session.cutout(4).shape == (*SIZE, 4)
    session.paint(Stroke(8, "brush", 255, ((10, 10),), size=5))
    assert statuses(session)[:3] == ["key", "carried", "stale"] and statuses(session)[8] == "key"
    stop()
    told = [message["frame"] for message in heard if message["type"] == "frame" and message["trimap"] == "carried"]
    assert sorted(set(told)) == list(range(1, FRAMES))


def test_a_session_never_waits_for_its_process(session: Session) -> None:
    session.take_trimap(0, disc_trimap(0))
    job = session.matte(0, FRAMES)
    begun = time.monotonic()
    for place in range(20):
        session.paint(Stroke(3, "brush", 255, ((place, place),), size=3))
        session.state()
        session.frame(place % FRAMES)
    assert time.monotonic() - begun < 5
    assert wait_for(session, job)["state"] == "done"


def test_a_job_that_is_cancelled_ends_at_once_and_what_was_done_stays(session: Session) -> None:
    session.take_trimap(0, disc_trimap(0))
    job = session.matte(0, FRAMES)
    assert session.cancel(job) and not session.cancel("nothing")
    assert wait_for(session, job)["state"] == "cancelled"
    assert wait_for(session, session.matte(0, 1))["state"] == "done"


def test_the_process_may_be_killed_and_the_next_job_starts_another(session: Session) -> None:
    session.take_trimap(0, disc_trimap(0))
    wait_for(session, session.propagate(0, 4))
    job, killed = session.matte(0, FRAMES), session.worker
    os.kill(killed, signal.SIGKILL)
    assert wait_for(session, job) | {"done": 0, "total": 0} == {
        "id": job,
        "kind": "matte",
        "state": "failed",
        "done": 0,
        "total": 0,
        "message": LOST,
    }
    wait_until(lambda: session.worker is None)
    again = session.matte(0, FRAMES)
    assert wait_for(session, again)["state"] == "done" and session.worker not in (None, killed)
    assert statuses(session, "alpha") == ["done"] * FRAMES


def test_an_export_is_written_by_the_command_and_never_over_a_file(session: Session) -> None:
    session.take_trimap(0, disc_trimap(0))
    folder = session.info.path.with_name("disc-studio")
    folder.mkdir()
    (folder / "alpha.mkv").write_text("mine")
    done = wait_for(session, session.export(Export(alpha="mkv", cutout="png", start=0, end=3)))
    assert (done["state"], done["message"]) == ("done", "wrote alpha-2.mkv, cutout-2.zip")
    made = session.state()["exports"]
    assert [export["name"] for export in made] == ["alpha-2.mkv", "cutout-2.zip"] and made[0]["bytes"] > 0
    path = session.export_file(made[0]["id"])
    assert len(list(read_alpha(probe(path)))) == 3 and session.export_file("../alpha.mkv") is None
    assert (folder / "alpha.mkv").read_text() == "mine"


def test_an_export_that_cannot_be_is_refused_before_anything_runs(session: Session) -> None:
    session.take_trimap(0, disc_trimap(0))
    for export, said in (
        (Export(), "must write something"),
        (Export(alpha="gif"), "format of alpha must be one of"),
        (Export(cutout="mp4"), "alpha"),
        (Export(alpha="mkv", start=3, end=3), "must be of the clip's 12 frames"),
        (Export(composite="mkv"), "must have a background"),
        (Export(composite="mkv", background="image"), "there is none yet"),
        (Export(composite="mkv", background="/etc/passwd"), "must be #rrggbb, checkerboard or image"),
    ):
        with pytest.raises(InputError, match=said):
            session.export(export)
    session.undo()
    with pytest.raises(InputError, match="must have a key frame"):
        session.export(Export(alpha="mkv"))


def test_a_saved_session_is_found_as_it_was(session: Session, tmp_path: Path, random_weights: Path) -> None:
    session.take_trimap(0, disc_trimap(0))
    session.paint(Stroke(5, "box", 255, ((4, 4), (20, 20))))
    session.look(5, "alpha")
    assert not session.saved and session.save() == "disc.mattekit" and session.saved
    session.undo()
    assert not session.saved
    session.redo()
    assert session.saved and session.state()["project"] == "disc.mattekit"
    with open_session(tmp_path, random_weights, clip=session.info.path, project=session.project) as other:
        keys = [frame for frame, status in enumerate(statuses(other)) if status == "key"]
        assert keys == [0, 5] and other.saved and other.depths() == (0, 0)
        assert all(np.array_equal(other.trimap(frame), session.trimap(frame)) for frame in (0, 5))
        assert other.state()["view"] == {"frame": 5, "view": "alpha"}


def test_wrong_frames_and_spans_are_refused(session: Session) -> None:
    for call in (session.frame, session.trimap, session.alpha, session.cutout, session.look, session.make_key):
        with pytest.raises(InputError, match="must be 0 to 11; got 12"):
            call(12)
    with pytest.raises(InputError, match="at least one; got 3 to 3"):
        session.propagate(3, 3)
    with pytest.raises(InputError, match="must start from one thing"):
        session.guess(0)


def test_a_guess_from_a_box_makes_a_key_frame(session: Session) -> None:
    change = session.guess(2, box=(4, 2, 50, 40), band=2)
    assert change.trimap == "key" and np.unique(session.trimap(2)).tolist() == [0, 128, 255]


def test_weights_that_cannot_be_used_are_told_by_their_fault(tmp_path: Path) -> None:
    (tmp_path / "bad.safetensors").write_bytes(b"not weights")
    ours, theirs = Pipe()
    assert work._open(theirs, Setup(probe(make_clip(tmp_path)), tmp_path / "bad.safetensors", "cpu", 1)) is None
    kind, message = ours.recv()
    assert kind == "broken" and "bad.safetensors" in message


def test_neither_clip_nor_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a clip must be given"):
        Session.open(None)


def test_closing_twice_leaves_no_process(tmp_path: Path, random_weights: Path) -> None:
    session = Session.open(make_clip(tmp_path), weights=random_weights, device="cpu", threads=1)
    process = session.worker
    session.close()
    session.close()
    assert process is not None and session.worker is None and not Path(f"/proc/{process}").exists()
