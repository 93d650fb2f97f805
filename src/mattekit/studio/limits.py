"""How much a request may bring: counted before it is taken, and never taken further than the limit."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mattekit.studio.answers import refusal

MOST_JSON = 1 << 20
MOST_PICTURE = 1 << 26
"""Bytes of a request's body, 1 MiB and 64 MiB."""

PICTURES = ("/api/masks/", "/api/trimaps/", "/api/background")
"""Paths, within a session, that take a picture."""


class Limits:
    """Reads the whole body of a request, which must not be over its limit, and hands it on in one piece.

    Args:
        app: Answers requests.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        most = MOST_PICTURE if scope["path"].startswith(PICTURES) else MOST_JSON
        body, length, more = bytearray(), _stated(scope), True
        while more and length <= most:
            message = await receive()
            if message["type"] != "http.request":
                return  # the client has left in the middle
            body += message.get("body", b"")
            length = max(length, len(body))
            more = message.get("more_body", False)
        if length > most:
            sentence = f"the body of this request must have at most {most >> 20} MiB; it has more; send less"
            await refusal(413, sentence, headers={"connection": "close"})(scope, receive, send)
            return
        await self._app(scope, _replay(bytes(body), receive), send)


def _stated(scope: Scope) -> int:
    """Return the largest length that the head of a request states, or 0; what is no number is over any limit."""
    stated = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
    return max((int(value) if value.isdigit() and len(value) < 19 else 1 << 62 for value in stated), default=0)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return what hands out a body that was read, and then what comes after it."""
    handed = False

    async def again() -> Message:
        nonlocal handed
        if not handed:
            handed = True
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return again
