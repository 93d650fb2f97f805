"""`mattekit studio` through the command: refusals in one line, a page at once, and an end without traces."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

import scenes
from mattekit.checks import MediaError
from mattekit.cli import main, studio
from stand_in import StandIn

PROCESSES = Path("/proc")


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


# a process of its own


class Running:
    """The command, in a process of its own, and its page."""

    def __init__(self, *arguments: str, folder: Path) -> None:
        command = [sys.executable, "-m", "mattekit", "studio", "--no-browser", "--threads", "1", *arguments]
        self.process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def links(self, count: int = 1) -> list[str]:
        assert self.process.stdout is not None
        lines = [self.process.stdout.readline().strip() for _ in range(count)]
        assert all("http://" in line for line in lines), self.process.communicate()[1]
        return [line[line.index("http://") :] for line in lines]

    def page(self, link: str) -> httpx.Client:
        parts = urlsplit(link)
        origin = f"{parts.scheme}://{parts.netloc}"
        client = httpx.Client(base_url=f"{origin}{parts.path}", headers={"origin": origin}, timeout=60)
        assert client.get(link).status_code == 303
        return client

    def children(self) -> list[int]:
        """Return all processes of the command's own group but itself."""
        found = []
        for entry in PROCESSES.iterdir():
            with contextlib.suppress(OSError, ValueError):
                state, group = (entry / "stat").read_text().rpartition(")")[2].split()[0:3:2]
                if int(group) == self.process.pid and int(entry.name) != self.process.pid and state != "Z":
                    found.append(int(entry.name))
        return found

    def left(self, patience: float = 60.0) -> list[int]:
        """Return what is left of the command after a while; what ends by itself is given the time."""
        until = time.monotonic() + patience
        while self.children() and time.monotonic() < until:
            time.sleep(0.05)
        return self.children()

    def end(self, number: int = signal.SIGINT) -> tuple[int, str, str]:
        """Ask the whole group to end, as a terminal does; return the exit code and what was written."""
        os.killpg(self.process.pid, number)
        written = self.process.communicate(timeout=120)
        return self.process.returncode, *written


@pytest.fixture
def started() -> Iterator[Any]:
    """Starts commands, and sees to it that nothing of them is left."""
    running: list[Running] = []

    def start(*arguments: str, folder: Path) -> Running:
        running.append(Running(*arguments, folder=folder))
        return running[-1]

    yield start
    for each in running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(each.process.pid, signal.SIGKILL)
        each.process.communicate()


needs_proc = pytest.mark.skipif(not (PROCESSES / "self" / "maps").exists(), reason="needs /proc, to look at processes")


@needs_proc
def test_the_first_frame_is_there_before_torch_is_and_what_is_painted_is_found_again(
    folder: Path, started: Any
) -> None:
    running = started("shot.mkv", folder=folder)
    (link,) = running.links()
    page = running.page(link)
    assert page.get("").text.startswith("<!doctype html>")
    assert page.get("api/frames/0").headers["content-type"] == "image/jpeg"
    assert "libtorch" not in (PROCESSES / str(running.process.pid) / "maps").read_text()
    stroke = {"frame": 2, "tool": "brush", "value": 255, "points": [[4, 5], [20, 9]], "size": 7}
    crc = page.post("api/strokes", json=stroke).json()["crc"]
    trimap = page.get("api/trimaps/2").content
    assert httpx.get(link).status_code == 403
    code, out, err = running.end()
    assert (code, out) == (0, "")
    assert err.splitlines() == ["mattekit: the studio is open; Ctrl-C ends it", "mattekit: saved shot.mattekit"]
    assert running.left() == []
    again = started("shot.mattekit", folder=folder)
    page = again.page(again.links()[0])
    state = page.get("api/state").json()
    assert [frame["trimap"] for frame in state["frames"]] == ["none", "none", "key", "none", "none"]
    assert page.get("api/trimaps/2").content == trimap
    assert page.post("api/strokes", json=stroke).json()["crc"] == crc
    again.end(signal.SIGTERM)
    assert again.left() == []
    assert sorted(path.name for path in folder.iterdir()) == ["shot.mattekit", "shot.mkv"]


@needs_proc
def test_two_clips_have_two_links_and_neither_sees_the_other(folder: Path, started: Any) -> None:
    (folder / "other.mkv").write_bytes((folder / "shot.mkv").read_bytes())
    running = started("shot.mkv", "other.mkv", folder=folder)
    one, other = (running.page(link) for link in running.links(2))
    assert one.get("api/state").json()["clip"]["name"] == "shot.mkv"
    assert other.get("api/state").json()["clip"]["name"] == "other.mkv"
    one.post("api/keyframes/0")
    assert other.get("api/trimaps/0").status_code == 404
    assert one.get(f"{other.base_url}api/state").status_code == 403
    assert running.end()[0] == 0
    assert running.left() == []
    assert (folder / "shot.mattekit").is_dir() and not (folder / "other.mattekit").exists()


@needs_proc
def test_bytes_that_are_no_request_leave_the_server_up_and_its_terminal_quiet(folder: Path, started: Any) -> None:
    running = started("shot.mkv", folder=folder)
    (link,) = running.links()
    page = running.page(link)
    place = (urlsplit(link).hostname, urlsplit(link).port)
    host = f"Host: {place[0]}:{place[1]}\r\n".encode()
    upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n"
    for said in (
        b"\0" * 100,
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /" + b"x" * 200_000,
        b"GET / HTTP/9.9\r\n" + host + b"\r\n",
        b"POST / HTTP/1.1\r\n" + host + b"Content-Length: abc\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"POST / HTTP/1.1\r\n" + host + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /%ff%fe\xc3\xa9 HTTP/1.1\r\n" + host + b"\r\n",
        b"GET /s/x/events HTTP/1.1\r\n" + host + upgrade + b"\r\n",
        b"GET /s/\xe9/events HTTP/1.1\r\n" + host + upgrade + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 50,
    ):
        with socket.create_connection(place, timeout=60) as line, contextlib.suppress(ConnectionError):
            line.sendall(said)
            line.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda line=line: line.recv(65536), b""))
            assert b"Traceback" not in answer and not answer.startswith(b"HTTP/1.1 2")
    assert page.get("api/state").status_code == 200
    code, _, err = running.end()
    assert (code, err) == (0, "mattekit: the studio is open; Ctrl-C ends it\n")


@needs_proc
def test_an_end_in_the_first_moment_is_as_quiet_as_any(folder: Path, started: Any) -> None:
    running = started("shot.mkv", folder=folder)
    running.links()
    code, _, err = running.end()
    assert code == 0 and err in ("", "mattekit: the studio is open; Ctrl-C ends it\n")
    assert running.left() == []


@needs_proc
def test_nothing_is_left_where_the_command_is_killed_outright(folder: Path, started: Any) -> None:
    running = started("shot.mkv", folder=folder)
    running.page(running.links()[0]).get("api/state")
    running.process.kill()
    running.process.wait()
    assert running.left() == []
