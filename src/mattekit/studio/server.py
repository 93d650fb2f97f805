"""The studio's web server: sessions, shown on one address of this machine to whoever has their links."""

from __future__ import annotations

import ipaddress
import logging
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from mattekit.checks import InputError, MattekitError
from mattekit.media.paths import reason
from mattekit.studio.access import Access, Entrance
from mattekit.studio.answers import FAULT, Answers, refusal
from mattekit.studio.events import Listeners
from mattekit.studio.limits import Limits
from mattekit.studio.pages import INDEX, STATIC, Pages
from mattekit.studio.routes import api, session_of

MOST_CONNECTIONS = 256
MOST_MESSAGE = 1 << 12
"""Bytes of what a page says over its WebSocket."""

SENTENCES = {
    404: "there is nothing at this address; reload the page",
    405: "this cannot be done to what is at this address; reload the page",
}


def make_app(
    entrances: Sequence[Entrance],
    *,
    origins: Sequence[str],
    pages: Path = STATIC,
    tell: Callable[[str], None] | None = None,
) -> ASGIApp:
    """Return the application: sessions behind their links.

    Args:
        entrances: The sessions, and what opens each.
        origins: Scheme, host and port of the server, as a browser may write them.
        pages: Folder of the page's files.
        tell: Is told, in one line, of a fault; None writes it to stderr.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.router.redirect_slashes = False
    files, listeners = Pages(pages), Listeners()

    @app.get("/")
    def index() -> Response:
        return files.answer(INDEX)

    @app.get("/static/{name:path}")
    def static(name: str) -> Response:
        return files.answer(name)

    @app.websocket("/events")
    async def events(socket: WebSocket) -> None:
        await listeners.follow(socket, session_of(socket))

    app.include_router(api)
    _explain_errors(app)
    return Answers(Access(Limits(app), entrances, origins=origins), origins=origins, tell=tell)


def _explain_errors(app: FastAPI) -> None:
    """Make one sentence of whatever goes wrong in answering."""

    @app.exception_handler(Exception)
    def broken(request: Request, error: Exception) -> Response:  # told to the terminal further out
        return refusal(500, FAULT)

    @app.exception_handler(InputError)
    def cannot(request: Request, error: InputError) -> Response:
        return refusal(400, str(error))

    @app.exception_handler(MattekitError)
    def failed(request: Request, error: MattekitError) -> Response:
        return refusal(500, str(error) or FAULT)

    @app.exception_handler(RequestValidationError)
    def misunderstood(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or "the body"
        wrong = str(first["msg"])
        status = 404 if first["loc"][0] == "path" else 400
        return refusal(status, f"{place} must be what the page sends; {wrong[:1].lower()}{wrong[1:]}; reload the page")

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        if error.detail and ";" in error.detail:
            return refusal(error.status_code, error.detail)
        other = "the request must be what the page sends; it cannot be read; reload the page"
        return refusal(error.status_code, SENTENCES.get(error.status_code, other))


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at one address of this machine.

    Args:
        host: An IP address, or localhost.
        port: Its number; 0 takes a free one.

    Raises:
        InputError: The address is none, or none of this machine's, or the port is taken.
    """
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        address = None
    if address is None or address.is_unspecified or address.is_multicast:
        raise InputError(f"--host must be one IP address of this machine; got {host!r}; leave it out for 127.0.0.1")
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    door = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named, for asyncio not to let answers wait
    try:
        if sys.platform != "win32":  # where it would share the port with another program
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((str(address), port))
        door.listen(MOST_CONNECTIONS)
    except OSError as error:
        door.close()
        raise InputError(
            f"the studio must have port {port} of {address} to itself; {reason(error)}; give another --port or --host"
        ) from error
    return door


def origins_of(door: socket.socket) -> list[str]:
    """Return what a browser may call the server; the first is what its links begin with."""
    host, port = door.getsockname()[:2]
    address = ipaddress.ip_address(host)
    names = [f"[{host}]" if address.version == 6 else host, *(["localhost"] if address.is_loopback else [])]
    return [f"http://{name}{'' if port == 80 else f':{port}'}" for name in names]


def serve(app: ASGIApp, door: socket.socket, *, begun: Callable[[], None]) -> None:
    """Answer requests until the process is asked to end, as by Ctrl-C, then let whoever is connected go.

    Further requests to end are ignored from then on, so that what is to be put away is put away.

    Args:
        app: As made by `make_app`.
        door: Where it listens.
        begun: Called when a request to end is one to the server.
    """
    for name in ("uvicorn.error", "uvicorn.access", "asyncio", "websockets"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # faults are told by the application, in a line each
    config = uvicorn.Config(
        app,
        http="h11",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=1,
        ws_max_size=MOST_MESSAGE,
        ws_per_message_deflate=False,
    )
    server = uvicorn.Server(config)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.handle_exit)
    try:
        begun()
        server.run(sockets=[door])
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
