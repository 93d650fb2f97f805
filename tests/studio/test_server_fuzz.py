"""Random requests, most of them nearly right: the server never fails, and never says where its files are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from stand_in import ORIGIN, StandIn, Studio, open_studio

METHODS = some.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"])
PLACES = some.sampled_from(
    [
        *("api/state", "api/strokes", "api/undo", "api/redo", "api/propagate", "api/matte", "api/export", "api/save"),
        *("api/frames/", "api/trimaps/", "api/alphas/", "api/cutouts/", "api/keyframes/", "api/masks/", "api/guess/"),
        *("api/jobs/", "api/background", "api/exports/", "events", "static/"),
    ]
)
NUMBERS = some.one_of(some.integers(-3, 8), some.integers(), some.floats(), some.booleans(), some.text(max_size=5))
POINTS = some.lists(some.lists(NUMBERS, max_size=3), max_size=6)
ODD = some.recursive(
    some.one_of(some.none(), NUMBERS),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(), inner),
)
NAMES = {
    "frame": NUMBERS,
    "tool": some.sampled_from(["brush", "box", "polygon", "fill", "band", "edge", "other"]),
    "value": some.sampled_from([0, 128, 255, 1, None]),
    "points": POINTS | some.lists(some.lists(some.integers(-99, 99), min_size=2, max_size=2), max_size=6),
    "size": NUMBERS | some.integers(1, 999),
    "grow": NUMBERS,
    "start": NUMBERS,
    "end": NUMBERS,
    "box": some.lists(NUMBERS, max_size=5),
    "rough": some.booleans(),
    "person": ODD,
    "alpha": some.sampled_from(["mkv", "png", "../x", "", None]),
    "background": some.sampled_from(["#00ff00", "image", "/etc/passwd", "x"]),
    "other": ODD,
}
RIGHT = (
    ("POST", "api/strokes", {"frame": 1, "tool": "brush", "value": 255, "points": [[1, 2], [9, 5]], "size": 3}),
    ("POST", "api/strokes", {"frame": 1, "tool": "band", "grow": 2}),
    ("POST", "api/guess/", {"box": [1, 1, 5, 5]}),
    ("POST", "api/propagate", {"start": 0, "end": 5}),
    ("POST", "api/export", {"alpha": "mkv", "background": "image"}),
    ("POST", "api/undo", {}),
)
CHANGES = some.lists(some.sampled_from(sorted(NAMES)), unique=True, max_size=2).flatmap(
    lambda names: some.fixed_dictionaries({name: NAMES[name] for name in names})
)
NEARLY = some.tuples(some.sampled_from(RIGHT), CHANGES).map(
    lambda pair: (pair[0][0], pair[0][1], json.dumps({**pair[0][2], **pair[1]}).encode())
)
BODIES = some.one_of(ODD.map(json.dumps).map(str.encode), some.binary(max_size=99))
REQUESTS = some.one_of(NEARLY, some.tuples(METHODS, PLACES, BODIES), NEARLY)
HEADERS = some.dictionaries(
    some.sampled_from(
        ["content-type", "if-none-match", "range", "accept", "cookie", "sec-fetch-site", "x-forwarded-host"]
    ),
    some.sampled_from(
        ["application/json", "image/png", "bytes=0-", "bytes=9-1", "none", '"0"', "a=b; mattekit=x", "=;=;;"]
    ),
    max_size=3,
)
TAILS = some.one_of(
    some.integers(0, 5).map(str),
    some.just(""),
    some.text(max_size=12).map(lambda text: quote(text, errors="replace")),
    some.sampled_from(
        ["%00", "..%2f..", "%2e%2e/", "0?lossless=x", "1?band=9999999999999", "0?band=3", "0/", "//", "%ff"]
    ),
)


@settings(max_examples=400, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(request=REQUESTS, tail=TAILS, headers=HEADERS, known=some.integers(0, 9))
def ask(studio: Studio, request: tuple[str, str, bytes], tail: str, headers: dict[str, str], known: int) -> None:
    method, place, body = request
    client = studio.page() if known else studio.stranger(origin=ORIGIN)
    address = f"{ORIGIN}{studio.entrances[0].path}{place}{tail if place.endswith('/') else ''}"
    if "content-type" not in headers and known != 1:
        headers = {**headers, "content-type": "application/json"}
    answer = client.request(method, address, headers=headers, content=body)
    assert answer.status_code < 500, (request, tail, headers, answer.text)
    if answer.status_code >= 400 and method != "HEAD" and answer.headers["content-type"] == "application/json":
        facts: dict[str, Any] = answer.json()
        assert list(facts) == ["error"] and len(facts["error"]) <= 400
    assert known or answer.status_code in (403, 404)
    assert b"Traceback" not in answer.content and b"/somewhere/secret" not in answer.content


def test_no_request_is_a_fault_of_the_server(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<title>", encoding="utf-8")
    session = StandIn()
    studio = open_studio(session, pages=tmp_path)
    ask(studio)
    assert studio.told == []
    assert (session.past or session.future) and session.jobs and session.calls, (
        "some of the random requests must be right"
    )
