"""Who may come in: one link for each session, a cookie for whoever used it, and requests from its own page alone.

Nothing of a request is parsed before it has been let in. It must name the server by an address that the server has
(another name that leads here is another site's), belong to a session, carry that session's cookie and, where it changes
something or listens, come from a page of the server's own.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mattekit.studio.answers import refusal

if TYPE_CHECKING:
    from mattekit.studio.session import Session

COOKIE = "mattekit"
SAFE = ("GET", "HEAD")
OWN_PAGE = ("same-origin", "none")
"""What a browser says of where a request comes from, if it is the page itself or what the user typed."""


@dataclass
class Entrance:
    """A session that the server shows, and what opens it.

    Attributes:
        session: The clip and the work on it.
        name: What stands for it in addresses; not a secret, but not to be guessed.
        token: What its link carries, until it is used.
        pass_word: What the cookie of whoever used the link holds.
    """

    session: Session
    name: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    token: str | None = field(default_factory=lambda: secrets.token_urlsafe(32))
    pass_word: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def path(self) -> str:
        """The path under which everything of the session lies."""
        return f"/s/{self.name}/"

    def link(self, origin: str) -> str:
        """Return the address that opens the session, once."""
        return f"{origin}{self.path}?token={self.token}"

    def use(self, token: str) -> bool:
        """Return whether a token opens the session; it then does so no more."""
        if self.token is None or not _equal(token, self.token):
            return False
        self.token = None
        return True

    def knows(self, words: Iterable[str]) -> bool:
        """Return whether one of the cookies of a request is this session's."""
        return any(_equal(word, self.pass_word) for word in words)


class Access:
    """Lets requests in, each with its session and a path within it, or answers them itself.

    Args:
        app: Answers what is let in; finds the session in ``scope["session"]``.
        entrances: The sessions.
        origins: Scheme, host and port of the server, as a browser may write them.
    """

    def __init__(self, app: ASGIApp, entrances: Sequence[Entrance], *, origins: Iterable[str]) -> None:
        self._app = app
        self._entrances = {entrance.name: entrance for entrance in entrances}
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        answer = self._refuse_place(scope) or self._refuse_origin(scope)
        if answer is None:
            entrance, rest = self._find(scope["path"])
            if entrance is None:
                answer = _nothing_here(scope)
            else:
                answer = _refuse_stranger(scope, entrance, rest)
                if answer is None:
                    inside = {**scope, "path": f"/{rest}", "root_path": "", "session": entrance.session}
                    return await self._app(inside, receive, send)
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await answer(scope, receive, send)

    def _find(self, path: str) -> tuple[Entrance | None, str]:
        parts = path.split("/", 3)
        if len(parts) == 4 and parts[:2] == ["", "s"]:
            return self._entrances.get(parts[2]), parts[3]
        return None, ""

    def _refuse_place(self, scope: Scope) -> Response | None:
        host = _only(scope, b"host")
        if host is not None and f"http://{host}" in self._origins:
            return None
        return refusal(403, "the studio must be asked by the address it printed; got another host; use its link")

    def _refuse_origin(self, scope: Scope) -> Response | None:
        origins = _values(scope, b"origin")
        listens = scope["type"] == "websocket"
        changes = scope["type"] == "http" and scope["method"] not in SAFE
        own = f"http://{_only(scope, b'host')}"
        if any(origin != own for origin in origins) or len(origins) > 1 or ((listens or changes) and not origins):
            return refusal(403, "requests must come from the studio's own page; got another origin; use its page")
        sites = _values(scope, b"sec-fetch-site")
        navigates = _values(scope, b"sec-fetch-mode") == ["navigate"] and not changes
        if any(site not in OWN_PAGE for site in sites) and not navigates:
            return refusal(403, "requests must come from the studio's own page; got another site; use its page")
        return None


def _refuse_stranger(scope: Scope, entrance: Entrance, rest: str) -> Response | None:
    """Return None for who has the session's cookie; else the cookie, for who has its link, or a refusal."""
    known = entrance.knows(_cookies(scope))
    tokens = [] if rest or scope["type"] != "http" or scope["method"] != "GET" else _tokens(scope)
    if not tokens:
        return None if known else refusal(403, "the studio must be opened by the link it printed; open that link first")
    if not known and not (len(tokens) == 1 and entrance.use(tokens[0])):
        return refusal(403, "a link opens the studio once; it is wrong or was used; start the studio again for another")
    cookie = f"{COOKIE}={entrance.pass_word}; HttpOnly; SameSite=Strict; Path={entrance.path}"
    headers = {"location": entrance.path, "cache-control": "no-store"}
    return Response(status_code=303, headers=headers if known else {**headers, "set-cookie": cookie})


def _nothing_here(scope: Scope) -> Response:
    if scope["path"] == "/favicon.ico":  # which browsers ask for by themselves
        return Response(status_code=204)
    return refusal(404, "there is nothing at this address; use the link that the studio printed")


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _only(scope: Scope, name: bytes) -> str | None:
    values = _values(scope, name)
    return values[0].lower() if len(values) == 1 else None


def _cookies(scope: Scope) -> list[str]:
    pairs = [pair.strip().partition("=") for header in _values(scope, b"cookie") for pair in header.split(";")]
    return [value for name, _, value in pairs if name == COOKIE]


def _tokens(scope: Scope) -> list[str]:
    try:
        return parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=16).get("token", [])
    except ValueError:  # too many fields
        return []
