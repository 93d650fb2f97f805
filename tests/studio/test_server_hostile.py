"""Requests that mean harm, from whoever has got as far as a cookie: each fails, and nothing else happens."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from stand_in import SIZE, StandIn, Studio, open_studio


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return open_studio(StandIn(), pages=tmp_path)


@pytest.fixture
def page(studio: Studio) -> Any:
    return studio.page()


def refused(studio: Studio, answer: Any, *statuses: int) -> str:
    """Check that an answer is one sentence and that nothing was done; return the sentence."""
    session = studio.entrances[0].session
    assert answer.status_code in statuses, answer.text[:500]
    assert list(answer.json()) == ["error"]
    assert len(answer.text) < 600 and "\n" not in answer.json()["error"] and "Traceback" not in answer.text
    assert (session.trimaps, session.calls, session.jobs, studio.told) == ({}, [], {}, [])
    return str(answer.json()["error"])


def png(width: int, height: int, *, kind: int = 0, data: bytes = b"", packed: bytes | None = None) -> bytes:
    """Return a PNG whose head states a size, whatever its pixels are, packed or as they come."""

    def part(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + part(b"IHDR", head)
        + part(b"IDAT", zlib.compress(data) if packed is None else packed)
        + part(b"IEND", b"")
    )


# pictures that are none, or too many pixels


@pytest.mark.parametrize("path", ["api/masks/0", "api/trimaps/0"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a" + b"\0" * 100,
        b"\xff\xd8\xff\xe0" + b"\0" * 100,
        b"%PDF-1.4",
        png(SIZE[1], SIZE[0])[:40],
        png(SIZE[1], SIZE[0]),
        png(0, 0),
        png(1 << 31, 1 << 31),
        png(60_000, 60_000, data=b"\0" * (1 << 24)),
        png(SIZE[1], SIZE[0], packed=b"\x78\x9c" + b"\xff" * 60),
        png(SIZE[1] + 1, SIZE[0], data=(b"\0" * (SIZE[1] + 2)) * SIZE[0]),
    ],
    ids=["nothing", "head", "svg", "gif", "jpeg", "pdf", "cut", "empty", "0x0", "huge", "bomb", "broken", "size"],
)
def test_what_is_no_png_of_the_clip_s_size_is_no_mask(studio: Studio, page: Any, path: str, body: bytes) -> None:
    refused(studio, page.post(path, content=body, headers={"content-type": "image/png"}), 400)


@pytest.mark.parametrize(
    "body",
    [b"", b"RIFF\0\0\0\0WEBP", b"<svg/>", png(60_000, 60_000, kind=2, data=b"\0" * (1 << 24)), png(1 << 30, 4)],
    ids=["nothing", "webp", "svg", "bomb", "wide"],
)
def test_what_is_no_picture_is_no_background(studio: Studio, page: Any, body: bytes) -> None:
    refused(studio, page.put("api/background", content=body), 400)


# JSON that is none, or says what it must not

WRONG = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"1",
    b'"text"',
    b"\xff\xfe",
    b"{'frame': 0}",
    b'{"frame": NaN, "tool": "band", "grow": 1}',
    b"[" * 100_000,
    b'{"frame": 0, "tool": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    b'{"frame": ' + b"9" * 5000 + b"}",
]


@pytest.mark.parametrize("path", ["strokes", "guess/0", "propagate", "matte", "export"])
@pytest.mark.parametrize("body", WRONG, ids=range(len(WRONG)))
def test_bad_json_is_refused(studio: Studio, page: Any, path: str, body: bytes) -> None:
    answer = page.post(f"api/{path}", content=body, headers={"content-type": "application/json"})
    refused(studio, answer, 400)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_json_that_does_not_say_so_is_refused(studio: Studio, page: Any, kind: str) -> None:
    body = json.dumps({"frame": 0, "tool": "band", "grow": 1}).encode()
    refused(studio, page.post("api/strokes", content=body, headers={"content-type": kind}), 400)


@pytest.mark.parametrize(
    "change",
    [
        {"frame": -1},
        {"frame": 5},
        {"frame": 1 << 80},
        {"frame": "1"},
        {"frame": True},
        {"frame": 1.0},
        {"tool": "eraser"},
        {"tool": ["brush"]},
        {"value": 127},
        {"value": -1},
        {"value": True},
        {"size": 0},
        {"size": 1000},
        {"size": 1e300},
        {"points": []},
        {"points": "many"},
        {"points": [[1]]},
        {"points": [[1, 2, 3]]},
        {"points": [[1.5, 2]]},
        {"points": [[1 << 70, 0]]},
        {"points": [[-(1 << 31), 0]]},
        {"points": [["1", "2"]]},
        {"points": [[True, False]]},
        {"points": [[0, 0]] * 100_000},
        {"grow": 5000, "tool": "band"},
        {"grow": 0, "tool": "edge"},
        {"x" * 5000: 1},
        {"__class__": "x"},
    ],
    ids=lambda change: str(change)[:40],
)
def test_strokes_beyond_their_bounds_are_refused(studio: Studio, page: Any, change: dict[str, Any]) -> None:
    stroke = {"frame": 0, "tool": "brush", "value": 255, "points": [[1, 1], [3, 4]], "size": 3, **change}
    refused(studio, page.post("api/strokes", json=stroke), 400)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1e3"])
@pytest.mark.parametrize("name", ["frame", "size", "grow", "value"])
def test_numbers_that_are_none_are_refused(studio: Studio, page: Any, name: str, number: str) -> None:
    rest = {"frame": 0, "value": 255, "size": 3, "grow": 1}
    facts = ", ".join(f'"{key}": {number if key == name else value}' for key, value in rest.items())
    body = f'{{"tool": "brush", "points": [[1, 1]], {facts}}}'
    headers = {"content-type": "application/json"}
    refused(studio, page.post("api/strokes", content=body, headers=headers), 400)
    body = f'{{"tool": "brush", "frame": 0, "points": [[{number}, 1]]}}'
    refused(studio, page.post("api/strokes", content=body, headers=headers), 400)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("guess/0", {"box": [0, 0, 1]}),
        ("guess/0", {"box": [0, 0, 1, 1 << 40]}),
        ("guess/0", {"box": {"x": 0}}),
        ("guess/0", {"rough": "yes"}),
        ("guess/0", {"mask": True}),
        ("propagate", {"start": 0}),
        ("propagate", {"start": -1, "end": 2}),
        ("propagate", {"start": 0, "end": 6}),
        ("propagate", {"start": "0", "end": "2"}),
        ("matte", {"start": 0, "end": 1 << 33}),
        ("export", {"alpha": "../../x"}),
        ("export", {"alpha": "mkv/../../x"}),
        ("export", {"alpha": "mkv\n"}),
        ("export", {"alpha": 5}),
        ("export", {"composite": "mp4", "background": "/etc/passwd"}),
        ("export", {"composite": "mp4", "background": "file.png"}),
        ("export", {"composite": "mp4", "background": "http://evil.example/x.png"}),
        ("export", {"composite": "mp4", "background": "#00b140\n"}),
        ("export", {"output": "/tmp/x"}),
        ("export", {"alpha": "mkv", "overwrite": True}),
    ],
)
def test_what_a_page_does_not_ask_is_not_done(studio: Studio, page: Any, path: str, asked: dict[str, Any]) -> None:
    refused(studio, page.post(f"api/{path}", json=asked), 400)


@pytest.mark.parametrize("query", ["band=-1", "band=100000", "band=x", "band=1e3", "band=NaN"])
def test_a_band_beyond_its_bounds_is_refused(studio: Studio, page: Any, query: str) -> None:
    refused(studio, page.post(f"api/masks/0?{query}", content=b""), 400)


# addresses that are guessed


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "api/jobs/unknown"),
        ("DELETE", "api/jobs/" + "x" * 3000),
        ("GET", "api/exports/0"),
        ("GET", "api/exports/film.mkv"),
        ("GET", "api/exports/%2fetc%2fpasswd"),
        ("GET", "api/exports/%ff%fe"),
        ("POST", "api/keyframes/99"),
        ("DELETE", "api/keyframes/-1"),
        ("GET", "openapi.json"),
        ("GET", "docs"),
        ("GET", "redoc"),
        ("GET", "events"),
        ("POST", "events"),
    ],
)
def test_guesses_find_nothing(studio: Studio, page: Any, method: str, path: str) -> None:
    refused(studio, page.request(method, path), 404, 405)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND"])
def test_other_methods_are_refused(studio: Studio, page: Any, method: str) -> None:
    refused(studio, page.request(method, "api/state"), 405)
