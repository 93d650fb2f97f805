"""What pages are told as it happens, and what they may say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect

from mattekit.studio import answers, events
from stand_in import StandIn, Studio, open_studio


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return open_studio(StandIn("one.mkv"), StandIn("two.mkv"), pages=tmp_path)


def session_of(studio: Studio, number: int = 0) -> Any:
    return studio.entrances[number].session


def test_what_happens_in_a_session_is_told_to_its_pages_and_to_no_other(studio: Studio) -> None:
    one, two = session_of(studio, 0), session_of(studio, 1)
    with (
        studio.listen(0) as first,
        studio.listen(0) as second,
        studio.listen(1) as other,
    ):
        one.say({"type": "state", "undo": 1})
        two.say({"type": "state", "undo": 2})
        assert first.receive_json() == second.receive_json() == {"type": "state", "undo": 1}
        assert other.receive_json() == {"type": "state", "undo": 2}


def test_messages_come_in_order_from_any_thread_and_name_no_folder(studio: Studio) -> None:
    with studio.listen() as socket:
        for number in range(200):
            session_of(studio).say({"type": "job", "done": number, "message": ""})
        session_of(studio).say({"type": "job", "message": "/home/me/clip.mkv must be whole; it is not; copy it again"})
        assert [socket.receive_json()["done"] for _ in range(200)] == list(range(200))
        assert socket.receive_json()["message"] == "clip.mkv must be whole; it is not; copy it again"


def test_a_page_that_leaves_is_not_told_any_more(studio: Studio) -> None:
    for _ in range(3):
        with studio.listen():
            assert len(session_of(studio).listeners) == 1
        assert session_of(studio).listeners == []
    session_of(studio).say({"type": "state"})
    assert studio.told == []


def test_where_the_page_looks_reaches_the_session(studio: Studio) -> None:
    session = session_of(studio)
    with studio.listen() as socket:
        socket.send_json({"type": "at", "frame": 3, "view": "alpha"})
        socket.send_json({"type": "at", "frame": 4})
        session.say({"type": "state"})
        socket.receive_json()
    assert session.calls == [("look", 3, "alpha"), ("look", 4, "")]


@pytest.mark.parametrize(
    "said",
    [
        "",
        "{",
        "null",
        "[1]",
        '{"type": "at"}',
        '{"type": "at", "frame": -1}',
        '{"type": "at", "frame": 5}',
        '{"type": "at", "frame": NaN}',
        '{"type": "at", "frame": 1e400}',
        '{"type": "at", "frame": "1"}',
        '{"type": "at", "frame": 1, "view": "../x"}',
        '{"type": "at", "frame": 1, "more": 1}',
        '{"type": "run", "frame": 1}',
        "[" * 5000,
        b"\xff\xfe",
    ],
)
def test_a_page_that_says_anything_else_is_let_go(studio: Studio, said: str | bytes) -> None:
    with studio.listen() as socket:
        if isinstance(said, bytes):
            socket.send_bytes(said)
        else:
            socket.send_text(said)
        with pytest.raises(WebSocketDisconnect) as ended:
            socket.receive_json()
    assert ended.value.code == events.NOT_UNDERSTOOD
    assert (session_of(studio).listeners, session_of(studio).calls, studio.told) == ([], [], [])


def test_a_page_too_far_behind_is_let_go_and_holds_no_one_up(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_WAITING", 4)
    session = session_of(studio)

    with studio.listen() as socket:
        text = {"type": "state", "saved": True}
        for _ in range(5000):
            session.say(text)
        with pytest.raises(WebSocketDisconnect) as ended:
            for _ in range(5001):
                socket.receive_json()
    assert ended.value.code == events.TOO_SLOW
    assert session.listeners == []


def test_only_so_many_pages_listen_to_a_session(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_PAGES", 2)
    with studio.listen(0), studio.listen(0):
        with pytest.raises(WebSocketDisconnect), studio.listen(0):
            pass
        with studio.listen(1):
            assert len(session_of(studio, 1).listeners) == 1
    with studio.listen(0) as socket:
        session_of(studio).say(json.loads('{"type": "state"}'))
        assert socket.receive_json() == {"type": "state"}


def test_a_fault_while_a_page_listens_is_told_on_the_terminal_in_a_line(studio: Studio) -> None:
    def fail(frame: int, view: str) -> None:
        raise RuntimeError("nowhere to look")

    session_of(studio).look = fail
    with studio.listen() as socket:
        socket.send_json({"type": "at", "frame": 1})
        with pytest.raises(WebSocketDisconnect) as ended:
            socket.receive_json()
    assert ended.value.code == answers.FAULTY
    (line,) = studio.told
    assert line.startswith("RuntimeError in test_events.py:") and line.endswith(", asked to listen to 'events'")
    assert session_of(studio).listeners == []
