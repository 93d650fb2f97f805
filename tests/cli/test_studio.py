"""`mattekit studio` through the command: refusals in one line, links, the browser, what is saved at the end."""

from __future__ import annotations

import json
import queue
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import scenes
from mattekit.checks import MediaError
from mattekit.cli import main, studio
from stand_in import StandIn


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("studio") / "shot.mkv"
    scenes.write_video(path, scenes.soft_disc(5).frames, codec="ffv1", layout="bgr0")
    return path


@pytest.fixture
def folder(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command is run, with the clip in it."""
    (tmp_path / "shot.mkv").write_bytes(clip.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str], words: str) -> None:
    assert main(["studio", "--no-browser", *arguments]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    (line,) = written.err.splitlines()
    assert words in line and "Traceback" not in line


# refusals


def test_without_its_libraries_the_command_says_what_to_install(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studio, "find_spec", lambda name: None if name == "uvicorn" else object())
    refused(["shot.mkv"], capsys, "uvicorn not installed: pip install 'mattekit[studio]'")


def test_a_port_that_is_taken_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused(
            ["shot.mkv", "--port", str(port)], capsys, f"port {port} of 127.0.0.1 to itself; address already in use"
        )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "evil.example", "224.0.0.1", "192.0.2.1", "", "127.0.0.1:80"])
def test_an_address_that_is_not_one_of_this_machine_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], host: str
) -> None:
    words = "192.0.2.1 to itself; cannot assign" if host == "192.0.2.1" else "--host must be one IP address"
    refused(["shot.mkv", "--host", host], capsys, words)


def test_a_clip_that_is_none_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "text.mkv").write_text("no film", encoding="utf-8")
    refused(["text.mkv"], capsys, "text.mkv")
    refused(["missing.mkv"], capsys, "missing.mkv")
    refused(["shot.mkv", "missing.mkv"], capsys, "missing.mkv")


def test_weights_and_devices_are_looked_at_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused(["shot.mkv", "--weights", "none.safetensors"], capsys, "none.safetensors must be a file")
    refused(["shot.mkv", "--device", "abacus"], capsys, "--device must be one of")


def test_each_clip_has_a_project_of_its_own(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "shot.mattekit").mkdir()
    refused(["shot.mkv", "shot.mkv"], capsys, "two would share shot.mattekit")
    refused(["shot.mkv", "missing.mkv", "--project", "p.mattekit"], capsys, "--project must go with one CLIP")
    refused(["shot.mattekit", "--project", "p.mattekit"], capsys, "got the project shot.mattekit beside it")


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[]", '{"version": 99}', "\xff", json.dumps({"version": 1, "clip": {"path": "/etc/passwd"}})],
)
def test_a_broken_project_is_refused_in_a_line(folder: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    project = folder / "shot.mattekit"
    project.mkdir()
    (project / "project.json").write_text(text, encoding="latin-1")
    refused(["shot.mkv"], capsys, "project")
    refused(["shot.mattekit"], capsys, "project")


# what it says and does around the server

Opened = list[tuple[StandIn, dict[str, Any]]]


@pytest.fixture
def opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Sessions that stand in for real ones as they are opened; the server ends as soon as it begins."""
    there: Opened = []

    def open_one(clip: Path | None, **options: Any) -> StandIn:
        there.append((StandIn(str(clip)), options))
        return there[-1][0]

    def serve(app: object, door: object, *, begun: Callable[[], None]) -> None:
        begun()

    monkeypatch.setattr("mattekit.studio.session.Session.open", open_one)
    monkeypatch.setattr("mattekit.studio.server.serve", serve)
    return there


def test_each_clip_has_its_link_its_project_and_its_folder(
    folder: Path, opened: Opened, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "old.mattekit").mkdir()
    clips = ["a/shot.mkv", "frames", "old.mattekit"]
    (folder / "frames").mkdir()
    assert main(["studio", "--no-browser", *clips, "-o", "out", "--threads", "2", "--device", "cpu"]) == 0
    written = capsys.readouterr()
    names, links = zip(*(line.split(": ", 1) for line in written.out.splitlines()), strict=True)
    assert names == ("shot.mkv", "frames", "old")
    assert len({urlsplit(link).path for link in links}) == 3
    assert written.err == "mattekit: the studio is open; Ctrl-C ends it\n"
    assert [session.name for session, _ in opened] == ["a/shot.mkv", "frames", "None"]
    places = [(options["project"], options["output"]) for _, options in opened]
    assert places == [(folder / f"{name}.mattekit", folder / "out" / name) for name in ("shot", "frames", "old")]
    assert all((options["threads"], options["device"]) == (2, "cpu") for _, options in opened)
    assert all(session.closed for session, _ in opened)


def test_one_clip_is_alone_in_its_folders(folder: Path, opened: Opened, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["studio", "--no-browser", "shot.mkv"]) == 0
    assert main(["studio", "--no-browser", "shot.mkv", "--project", "p", "-o", "out"]) == 0
    assert capsys.readouterr().out.startswith("http://127.0.0.1:")
    places = [(options["project"], options["output"]) for _, options in opened]
    assert places == [(folder / "shot.mattekit", folder / "shot-studio"), (folder / "p", folder / "out")]


def test_a_browser_is_shown_the_link_where_there_is_a_screen(
    opened: Opened, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: queue.Queue[str] = queue.Queue()
    monkeypatch.setattr("webbrowser.open", shown.put)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    assert main(["studio", "shot.mkv"]) == 0
    monkeypatch.setenv("DISPLAY", ":0")
    assert main(["studio", "shot.mkv", "--no-browser"]) == 0
    assert shown.empty()
    capsys.readouterr()
    assert main(["studio", "shot.mkv"]) == 0
    assert shown.get(timeout=10) == capsys.readouterr().out.strip()


def test_an_address_that_others_can_reach_is_said_to_be_one(
    opened: Opened, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mattekit.studio.server.origins_of", lambda door: ["http://192.0.2.1:8000"])
    assert main(["studio", "--no-browser", "shot.mkv"]) == 0
    written = capsys.readouterr()
    assert written.out.startswith("http://192.0.2.1:8000/s/")
    assert "not encrypted" in written.err.splitlines()[0]


def test_all_that_can_be_saved_is_saved_and_everything_is_closed(
    opened: Opened, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def serve(app: object, door: object, *, begun: Callable[[], None]) -> None:
        begun()
        for session, _ in opened[:2]:
            session.saved = False

        def fail() -> str:
            raise MediaError("a project must be writable; the disk is full; make room")

        opened[0][0].save = fail  # type: ignore[method-assign]

    monkeypatch.setattr("mattekit.studio.server.serve", serve)
    assert main(["studio", "--no-browser", "a.mkv", "b.mkv", "c.mkv"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[1:] == [
        "mattekit: saved clip.mattekit",
        "mattekit: a project must be writable; the disk is full; make room",
    ]
    assert [session.saved for session, _ in opened] == [False, True, True]
    assert all(session.closed for session, _ in opened)
