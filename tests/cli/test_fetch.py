"""`mattekit weights fetch` from a server on this machine: what is said, checked, kept and not kept."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

import people
from mattekit.cli import fetch, main
from mattekit.models import load

NAME = "rvm_mobilenetv3"


class Server(ThreadingHTTPServer):
    """Serves one file, or something worse, by its path."""

    content = b""
    asked = 0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked += 1
        if self.path == "/missing.pth":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content[: 1000 if self.path == "/cut.pth" else None])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server with a published file, and a folder to work in."""
    torch.save(people.network().state_dict(), tmp_path / "held")
    monkeypatch.chdir(tmp_path)
    with Server(("127.0.0.1", 0), Handler) as found:
        found.content = (tmp_path / "held").read_bytes()
        (tmp_path / "held").unlink()
        offer(monkeypatch, found)
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def offer(monkeypatch: pytest.MonkeyPatch, server: Server, path: str = f"{NAME}.pth", *, largest: int = 10**8) -> None:
    published = fetch.Published(f"http://127.0.0.1:{server.server_port}/{path}", "whose it is", "GPL-3.0", largest)
    monkeypatch.setitem(fetch.FILES, NAME, published)


def test_what_has_the_right_checksum_is_kept_as_weights_that_can_be_used(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = hashlib.sha256(server.content).hexdigest()
    assert main(["weights", "fetch", NAME, "--sha256", digest.upper(), "--json"]) == 0
    said, told = capsys.readouterr()
    summary = json.loads(said)
    assert (summary["family"], summary["sha256"], summary["licence"]) == ("rvm-mobilenetv3", digest, "GPL-3.0")
    lines = told.splitlines()
    assert lines[0] == "whose it is" and lines[1].endswith("GPL-3.0") and lines[3] == f"SHA-256 {digest}"
    assert [path.name for path in Path().iterdir()] == [f"{NAME}.safetensors"]
    assert load("rvm", weights=Path(f"{NAME}.safetensors")).family == "rvm"
    assert main(["weights", "show", f"{NAME}.safetensors"]) == 0
    assert f"{NAME}.pth" in (shown := capsys.readouterr().out) and "GPL-3.0" in shown and digest in shown


def test_without_a_checksum_it_is_shown_and_nothing_is_kept_until_it_is_accepted(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["weights", "fetch", NAME, "-o", "w.safetensors"]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert f"run it again with --sha256 {hashlib.sha256(server.content).hexdigest()}" in error
    assert list(Path().iterdir()) == []
    assert main(["weights", "fetch", NAME, "-o", "w.safetensors", "--accept", "--half"]) == 0
    assert [path.name for path in Path().iterdir()] == ["w.safetensors"]


@pytest.mark.parametrize(
    ("path", "largest", "message"),
    [
        ("missing.pth", 10**8, "that failed (Not Found)"),
        ("cut.pth", 10**8, "that failed (1000 of "),
        ("whole.pth", 10**6, "that failed (it is larger than 1000000 bytes)"),
    ],
)
def test_what_does_not_come_whole_is_refused_in_one_line(
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    path: str,
    largest: int,
    message: str,
) -> None:
    offer(monkeypatch, server, path, largest=largest)
    assert main(["weights", "fetch", NAME, "--accept"]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert list(Path().iterdir()) == []


def test_nothing_is_asked_of_the_network_before_all_else_is_right(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("there.safetensors").write_bytes(b"mine")
    for arguments, message in (
        (["other"], "NAME must be one of deeplabv3_resnet101, rvm_mobilenetv3, rvm_resnet50; got 'other'"),
        ([NAME, "--sha256", "12"], "must be 64 hexadecimal digits; got 12"),
        ([NAME, "-o", "w.pth"], "must be written as .safetensors"),
        ([NAME, "-o", "there.safetensors"], "add --overwrite"),
        ([NAME, "-o", "nowhere/w.safetensors"], "make the folder"),
    ):
        assert main(["weights", "fetch", *arguments]) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1
    assert server.asked == 0 and Path("there.safetensors").read_bytes() == b"mine"
    assert main(["weights", "fetch", NAME, "--sha256", "0" * 64]) == 2
    assert "nothing was kept" in capsys.readouterr().err and server.asked == 1


def test_what_is_no_weights_is_refused_even_if_accepted(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.content = b"<html>sign in</html>"
    assert main(["weights", "fetch", NAME, "--accept"]) == 2
    assert "must be a" in capsys.readouterr().err.splitlines()[-1]
    assert list(Path().iterdir()) == []


def test_published_files_are_offered_over_https_with_their_licence() -> None:
    homes = ("https://github.com/", "https://download.pytorch.org/")
    assert all(each.url.startswith(homes) and each.licence for each in fetch.FILES.values())


def test_a_checksum_that_its_name_contradicts_is_refused_even_if_accepted(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = hashlib.sha256(server.content).hexdigest()
    for begins, code in (("0" * 8 if digest[0] != "0" else "1" * 8, 2), (digest[:8], 0)):
        monkeypatch.setitem(fetch.FILES, NAME, dataclasses.replace(fetch.FILES[NAME], begins=begins))
        assert main(["weights", "fetch", NAME, "--accept"]) == code
        assert ("begins with" in capsys.readouterr().err) == (code == 2)
    assert [path.name for path in Path().iterdir()] == [f"{NAME}.safetensors"]
