"""What every answer of the server has in common: its headers, how an error is said, and no path of the machine."""

from __future__ import annotations

import json
import re
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mattekit.checks import one_line
from mattekit.media import show_path

FAULT = "the studio has a fault of its own; what was asked for was not done; look at the terminal it was started from"
FAULTY = 1011
"""Code by which a page that listens is told of a fault."""

LONGEST = 400
"""Characters of a sentence; what was given may be quoted in it, and be long."""

OWN = Path(__file__).resolve().parents[2]
FOLDERS = re.compile(r"(?<![\w./:])(?:[A-Za-z]:[\\/]|/)(?:[^\s/\\;,'\"]+[/\\])*(?=[^\s/\\;,'\"])")


def plain(text: object) -> str:
    """Return a text as one line, not too long, in which a file is named without the folders it lies in.

    Example:
        >>> plain("/home/me/shots/a.mkv must be a file; it is gone")
        'a.mkv must be a file; it is gone'
    """
    words = one_line(text)
    known = {Path.cwd(), Path.home(), OWN, Path(tempfile.gettempdir())} - {Path("/")}
    for folder in sorted(
        (show_path(folder) for folder in known), key=len, reverse=True
    ):  # names of which may have spaces
        words = re.sub(rf"{re.escape(folder)}(?=[/\\\s;,'\"]|$)", "", words)
    words = FOLDERS.sub("", words)
    return words if len(words) <= LONGEST else words[: LONGEST - 3] + "..."


def refusal(status: int, sentence: str, *, headers: dict[str, str] | None = None) -> Response:
    """Return the answer to what cannot be done: JSON of one sentence under the name "error"."""
    body = json.dumps({"error": plain(sentence)})
    return Response(body, status, {"cache-control": "no-store", **(headers or {})}, "application/json")


def as_json(content: Any, *, status: int = 200) -> Response:
    """Return what was asked for as JSON, which no one keeps."""
    body = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(body, status, {"cache-control": "no-store"}, "application/json")


class Answers:
    """Gives every answer its headers, and makes one sentence of an error that nothing else has caught.

    Args:
        app: Answers requests.
        origins: Scheme, host and port of the server, as a browser may write them.
        tell: Is told, in one line, of a fault of the studio.
    """

    def __init__(self, app: ASGIApp, *, origins: Iterable[str], tell: Callable[[str], None] | None = None) -> None:
        self._app = app
        self._tell = tell if tell is not None else _to_terminal
        self._headers = [(name.encode(), text.encode()) for name, text in _headers(origins).items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        begun = lost = False  # to answer; a page that listens is answered by being let go

        async def send_with_headers(message: Message) -> None:
            nonlocal begun, lost
            if message["type"] in ("http.response.start", "websocket.close"):
                begun = True
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self._headers]}
            try:
                await send(message)
            except Exception:
                lost = True
                raise

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            if lost:  # there is no one to answer any more
                return
            place = "/".join(scope["path"].split("/")[3:5])  # without what stands for the session
            self._tell(f"{_origin(error)}, asked {scope.get('method', 'to listen to')} {place!r}")
            if scope["type"] == "http" and not begun:
                await refusal(500, FAULT)(scope, receive, send_with_headers)
            elif scope["type"] == "websocket" and not begun:
                await send({"type": "websocket.close", "code": FAULTY})


def _origin(error: BaseException) -> str:
    """Return what an error is and the line of the program it comes from."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    places = traceback.extract_tb(error.__traceback__)
    place = f" in {Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""
    return f"{type(error).__name__}{place}"


def _headers(origins: Iterable[str]) -> dict[str, str]:
    sockets = " ".join(sorted(origin.replace("http", "ws", 1) for origin in origins))
    rules = (
        "default-src 'self'",
        f"connect-src 'self' {sockets}",
        "img-src 'self' blob: data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return {
        "content-security-policy": "; ".join(rules),
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }


def _to_terminal(line: str) -> None:
    print(f"mattekit: the studio has a fault: {line}", file=sys.stderr)
