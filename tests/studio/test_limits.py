"""How much a request may bring: more is not read, and never has an effect."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mattekit.studio.limits import MOST_JSON, MOST_PICTURE
from stand_in import ORIGIN, SIZE, StandIn, Studio, open_studio


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return open_studio(StandIn(), pages=tmp_path)


def untouched(studio: Studio) -> bool:
    session = studio.entrances[0].session
    return (session.trimaps, session.calls, session.jobs, studio.told) == ({}, [], {}, [])


def test_a_body_that_states_to_be_too_large_is_not_read(studio: Studio) -> None:
    read = 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    assert _status(studio, "api/masks/0", receive, length=str(MOST_PICTURE + 1)) == 413
    assert _status(studio, "api/strokes", receive, length=str(MOST_JSON + 1)) == 413
    assert _status(studio, "api/strokes", receive, length="-5") == 413
    assert _status(studio, "api/strokes", receive, length="9" * 5000) == 413
    assert read == 0


@pytest.mark.parametrize(("path", "most"), [("api/masks/0", MOST_PICTURE), ("api/strokes", MOST_JSON)])
def test_a_body_that_states_no_length_is_read_up_to_the_limit_alone(studio: Studio, path: str, most: int) -> None:
    read = 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1 << 18
        return {"type": "http.request", "body": b"x" * (1 << 18), "more_body": True}

    assert _status(studio, path, receive) == 413
    assert read == most + (1 << 18)


def test_a_body_that_states_less_than_it_brings_is_counted_all_the_same(studio: Studio) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"x" * (1 << 18), "more_body": True}

    assert _status(studio, "api/strokes", receive, length="10") == 413


def test_a_client_that_leaves_in_the_middle_has_asked_nothing(studio: Studio) -> None:
    messages = iter(
        [
            {"type": "http.request", "body": b'{"frame": 0, "tool": "band", "grow": 1}', "more_body": True},
            {"type": "http.disconnect"},
        ]
    )

    async def receive() -> dict[str, Any]:
        return next(messages)

    assert _status(studio, "api/strokes", receive) is None
    assert untouched(studio)


def _status(studio: Studio, path: str, receive: Any, *, length: str | None = None) -> int | None:
    """Return the status of the answer to a POST whose body is given out piece by piece."""
    entrance = studio.entrances[0]
    headers = {
        "host": "127.0.0.1:8000",
        "origin": ORIGIN,
        "cookie": f"mattekit={entrance.pass_word}",
        "content-type": "application/json",
        **({} if length is None else {"content-length": length}),
    }
    scope = {
        "type": "http",
        "method": "POST",
        "path": f"{entrance.path}{path}",
        "raw_path": b"",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "server": ("127.0.0.1", 8000),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(studio.app(scope, receive, send))
    return sent[0]["status"] if sent else None


def test_more_than_a_mebibyte_of_json_is_refused_and_a_picture_of_that_size_is_not(studio: Studio) -> None:
    page = studio.page()
    large = json.dumps({"frame": 0, "tool": "brush", "points": [[1, 1]] * 200_000})
    assert len(large) > MOST_JSON
    headers = {"content-type": "application/json"}
    answer = page.post("api/strokes", content=large, headers=headers)
    assert answer.status_code == 413 and "at most 1 MiB" in answer.json()["error"]

    def parts() -> Iterator[bytes]:
        yield from (large[start : start + 65536].encode() for start in range(0, len(large), 65536))

    assert page.post("api/strokes", content=parts(), headers=headers).status_code == 413
    assert untouched(studio)
    noise = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    padded = file.getvalue() + b"\0" * (MOST_JSON + 1)
    assert page.put("api/background", content=padded).status_code == 200
