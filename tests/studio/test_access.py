"""Who may come in to the studio, and who not."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.websockets import WebSocketDisconnect

from stand_in import ORIGIN, StandIn, Studio, open_studio


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    (tmp_path / "index.html").write_text("<title>studio</title>", encoding="utf-8")
    return open_studio(StandIn("one.mkv"), StandIn("two.mkv"), pages=tmp_path)


def refused(answer: object, status: int, words: str) -> None:
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    assert words in answer.json()["error"]


def test_a_link_gives_a_cookie_for_its_session_alone_and_leads_to_the_page(studio: Studio) -> None:
    entrance = studio.entrances[0]
    client = studio.stranger()
    answer = client.get(entrance.link(ORIGIN))
    assert (answer.status_code, answer.headers["location"]) == (303, entrance.path)
    cookie = answer.headers["set-cookie"]
    assert cookie.split("; ")[1:] == ["HttpOnly", "SameSite=Strict", f"Path={entrance.path}"]
    assert "token" not in answer.headers["location"]
    assert "<title>" in client.get(entrance.path).text
    assert client.get(f"{entrance.path}api/state").json()["clip"]["name"] == "one.mkv"


def test_a_link_opens_once_and_whoever_has_the_cookie_may_reload_it(studio: Studio) -> None:
    entrance = studio.entrances[0]
    link = entrance.link(ORIGIN)
    client = studio.stranger()
    client.get(link)
    again = client.get(link)
    assert (again.status_code, again.headers["location"], "set-cookie" in again.headers) == (303, entrance.path, False)
    refused(studio.stranger().get(link), 403, "it is wrong or was used")


@pytest.mark.parametrize("token", ["wrong", "", "%FF%00", "a&token=b", "None"])
def test_a_wrong_token_opens_nothing_and_uses_nothing_up(studio: Studio, token: str) -> None:
    entrance = studio.entrances[0]
    link = entrance.link(ORIGIN)
    answer = studio.stranger().get(f"{entrance.path}?token={token}")
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    assert studio.stranger().get(link).status_code == 303


def test_a_token_beside_another_and_the_token_of_another_session_open_nothing(studio: Studio) -> None:
    one, two = studio.entrances
    refused(studio.stranger().get(f"{one.path}?token={one.token}&token=x"), 403, "once")
    refused(studio.stranger().get(f"{one.path}?token={two.token}"), 403, "once")
    refused(studio.stranger().get(f"{one.path}?{'&'.join(['a=1'] * 40)}&token={one.token}"), 403, "link")


def test_a_token_counts_at_the_page_alone_and_only_when_it_is_got(studio: Studio) -> None:
    entrance = studio.entrances[0]
    refused(studio.stranger().get(f"{entrance.path}api/state?token={entrance.token}"), 403, "open that link first")
    refused(studio.stranger(origin=ORIGIN).post(f"{entrance.path}?token={entrance.token}"), 403, "open that link first")
    assert entrance.token is not None


@pytest.mark.parametrize(
    "rest", ["", "api/state", "api/frames/0", "static/index.html", "api/exports/x", "nothing", "api/trimaps/0"]
)
def test_nothing_of_a_session_is_shown_without_its_cookie(studio: Studio, rest: str) -> None:
    one, two = studio.entrances
    refused(studio.stranger().get(f"{one.path}{rest}"), 403, "open that link first")
    stranger = studio.stranger(cookie=f"mattekit={two.pass_word}; other=1")
    refused(stranger.get(f"{one.path}{rest}"), 403, "open that link first")
    assert stranger.get(f"{two.path}api/state").json()["clip"]["name"] == "two.mkv"


def test_the_cookie_of_one_session_is_not_sent_to_another(studio: Studio) -> None:
    page = studio.page(0)
    assert page.get("api/state").status_code == 200
    refused(page.get(f"{ORIGIN}{studio.entrances[1].path}api/state"), 403, "open that link first")


@pytest.mark.parametrize("path", ["/", "/s", "/s/", "/s/x", "/s/x/", "/s/x/api/state", "/api/state", "/docs", "//s//"])
def test_there_is_nothing_outside_the_sessions(studio: Studio, path: str) -> None:
    refused(studio.stranger().get(f"{ORIGIN}{path}"), 404, "nothing at this address")


@pytest.mark.parametrize(
    "rest",
    [
        "../{two}/api/state",
        "%2e%2e/{two}/api/state",
        "..%2f{two}%2fapi%2fstate",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "static/../../../../../../etc/passwd",
        "static/%2e%2e/%2e%2e/server.py",
        "static/..%2f..%2fserver.py",
        "static/%2fetc%2fpasswd",
        "static//etc/passwd",
        "static/..%5c..%5cserver.py",
        "static/index.html%00.js",
        "static/",
        "static",
        "api/exports/..%2f..%2fserver.py",
        "api/exports/%2e%2e",
        "api/jobs/..%2fstate",
        "api/frames/..%2fstate",
        "api//state",
    ],
)
def test_no_path_leads_out_of_a_session_or_of_the_page(studio: Studio, rest: str) -> None:
    two = studio.entrances[1].name
    page = studio.page(0)
    answer = page.send(page.build_request("GET", f"{studio.entrances[0].path}{rest.format(two=two)}"))
    assert answer.status_code in (403, 404, 405)
    assert list(answer.json()) == ["error"]


@pytest.mark.parametrize(
    "host",
    ["evil.example:8000", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:8000.evil.example", "localhost", "", "[::1]:8000"],
)
def test_another_host_is_refused_even_with_the_cookie(studio: Studio, host: str) -> None:
    refused(studio.page().get("api/state", headers={"host": host}), 403, "got another host")
    link = studio.entrances[0].link(ORIGIN)
    refused(studio.stranger().get(link, headers={"host": host}), 403, "got another host")
    assert studio.entrances[0].token is not None


def test_two_hosts_are_refused(studio: Studio) -> None:
    headers = [("host", "127.0.0.1:8000"), ("host", "127.0.0.1:8000")]
    refused(studio.page().get("api/state", headers=headers), 403, "got another host")


def test_localhost_is_the_same_place_but_not_the_same_origin(studio: Studio) -> None:
    page = studio.page(base="http://localhost:8000")
    assert page.post("api/undo").status_code == 200
    refused(page.post("api/undo", headers={"origin": ORIGIN}), 403, "got another origin")


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "http://127.0.0.1", "https://127.0.0.1:8000", ""]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_another_origin_is_refused_whatever_it_asks(studio: Studio, method: str, origin: str) -> None:
    answer = studio.page().request(method, "api/undo", headers={"origin": origin})
    refused(answer, 403, "got another origin")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_is_changed_without_an_origin(studio: Studio, method: str) -> None:
    page = studio.page()
    del page.headers["origin"]
    refused(page.request(method, "api/undo"), 403, "got another origin")
    assert page.get("api/state").status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_elsewhere_may_not_load_pictures_but_may_lead_here(studio: Studio, site: str) -> None:
    page = studio.page()
    del page.headers["origin"]
    refused(
        page.get("api/frames/0", headers={"sec-fetch-site": site, "sec-fetch-mode": "no-cors"}), 403, "another site"
    )
    assert page.get("", headers={"sec-fetch-site": site, "sec-fetch-mode": "navigate"}).status_code == 200


def test_its_own_page_may_listen(studio: Studio) -> None:
    with studio.listen():
        assert len(studio.entrances[0].session.listeners) == 1
    one = studio.entrances[0]
    with studio.listen(client=studio.stranger(), cookie=f"a=b; mattekit={one.pass_word}", origin=ORIGIN):
        assert len(one.session.listeners) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "null"},
        {"host": "evil.example"},
        {"host": "evil.example", "origin": "http://evil.example"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_no_other_page_may_listen_even_with_the_cookie(studio: Studio, headers: dict[str, str]) -> None:
    with pytest.raises(WebSocketDisconnect), studio.listen(**headers):
        pass
    assert studio.entrances[0].session.listeners == []


def test_who_has_no_cookie_or_states_no_origin_may_not_listen(studio: Studio) -> None:
    one, two = studio.entrances
    for client, headers in (
        (studio.stranger(), {"cookie": f"mattekit={one.pass_word}"}),
        (studio.stranger(), {"origin": ORIGIN}),
        (studio.stranger(), {"origin": ORIGIN, "cookie": f"mattekit={two.pass_word}"}),
        (studio.stranger(), {"origin": ORIGIN, "cookie": f"other={one.pass_word}"}),
    ):
        with pytest.raises(WebSocketDisconnect), studio.listen(client=client, **headers):
            pass
    for path in ("/events", "/s/events", f"/s/{one.name}x/events", f"{one.path}api/state", f"{one.path}../events"):
        with pytest.raises(WebSocketDisconnect), studio.listen(path=path):
            pass
    assert one.session.listeners == two.session.listeners == []


def test_every_answer_says_what_a_page_may_load_and_that_it_is_not_to_be_framed(studio: Studio) -> None:
    one = studio.entrances[0]
    answers = [
        studio.page().get("api/state"),
        studio.page().get(""),
        studio.page().get("nothing"),
        studio.stranger().get(one.path),
        studio.stranger(host="evil.example").get(one.path),
        studio.stranger().get(one.link(ORIGIN)),
    ]
    for answer in answers:
        rules = answer.headers["content-security-policy"]
        assert rules.startswith("default-src 'self'; connect-src 'self' ws://127.0.0.1:8000 ws://localhost:8000;")
        assert "unsafe" not in rules and "frame-ancestors 'none'" in rules
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers


def test_names_tokens_and_cookies_are_long_and_never_twice_the_same(studio: Studio) -> None:
    one, two = studio.entrances
    for first, second, least in (
        (one.name, two.name, 16),
        (one.token, two.token, 43),
        (one.pass_word, two.pass_word, 43),
        (one.token, one.pass_word, 43),
    ):
        assert first != second and len(first) >= least
