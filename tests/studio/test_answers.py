"""Sentences without folders, and the address that the studio's server listens at."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from mattekit.studio.answers import plain
from mattekit.studio.server import listen, origins_of


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a span must lie in 1/2; got 3/4", "a span must lie in 1/2; got 3/4"),
        ("cannot open '/tmp/a/b.png' or \"/x/y.png\"", "cannot open 'b.png' or \"y.png\""),
        ("two\nlines in /a/b/c", "two lines in c"),
        ("C:\\Users\\me\\clip.mkv is gone", "clip.mkv is gone"),
        ("see http://127.0.0.1:8000/s/x", "see http://127.0.0.1:8000/s/x"),
        ("x" * 1000, "x" * 397 + "..."),
    ],
)
def test_a_sentence_is_one_line_without_folders(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_the_folders_that_are_known_are_left_out_whatever_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my films").mkdir()
    monkeypatch.chdir(tmp_path / "my films")
    assert plain(f"{tmp_path}/my films/a b.mkv must be whole") == "a b.mkv must be whole"
    assert plain(f"'{tmp_path}/my films' must be writable") == "'' must be writable"
    monkeypatch.chdir("/")
    assert plain("/films/a.mkv must be whole; got 1/2") == "a.mkv must be whole; got 1/2"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.5", "::1"])
def test_a_server_listens_at_one_address_and_knows_what_browsers_call_it(host: str) -> None:
    if host == "::1" and not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with listen(host, 0) as door:
        port = door.getsockname()[1]
        name = {"localhost": "127.0.0.1", "::1": "[::1]"}.get(host, host)
        assert origins_of(door) == [f"http://{name}:{port}", f"http://localhost:{port}"]


def test_answers_do_not_wait_for_what_went_before_them_to_be_acknowledged() -> None:
    async def connection() -> int:
        begun: asyncio.Future[asyncio.BaseTransport] = asyncio.get_running_loop().create_future()

        class Line(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                begun.set_result(transport)

        with listen("127.0.0.1", 0) as door:
            server = await asyncio.get_running_loop().create_server(Line, sock=door)
            with socket.create_connection(door.getsockname()):
                line = (await begun).get_extra_info("socket")
                option = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            server.close()
        return int(option)

    assert asyncio.run(connection()) != 0
