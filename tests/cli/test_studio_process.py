"""`mattekit studio` as a process of its own: a page at once, and an end without traces."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

import scenes

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
