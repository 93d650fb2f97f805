"""What a page is told as it happens, and where it says it looks: one WebSocket for each open page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from anyio import create_task_group, move_on_after
from pydantic import ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from mattekit.checks import InputError
from mattekit.studio.answers import plain
from mattekit.studio.messages import At

if TYPE_CHECKING:
    from mattekit.studio.session import Session

MOST_WAITING = 4096
"""Messages that may wait for a page; one that is farther behind is let go, and asks for the whole state again."""

MOST_PAGES = 16
"""Pages that may listen to a session at once."""

NOT_UNDERSTOOD, TOO_SLOW, TOO_MANY = 1008, 1013, 1013


class Listeners:
    """How many pages listen to each session."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}

    async def follow(self, socket: WebSocket, session: Session) -> None:
        """Tell a page all that happens in its session until it leaves.

        Args:
            socket: Not yet accepted.
            session: What is listened to.
        """
        key = id(session)
        if self._counts.get(key, 0) >= MOST_PAGES:
            await socket.close(TOO_MANY)
            return
        self._counts[key] = self._counts.get(key, 0) + 1
        try:
            await _follow(socket, session)
        finally:
            self._counts[key] -= 1


async def _follow(socket: WebSocket, session: Session) -> None:
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue(MOST_WAITING)
    behind = asyncio.Event()

    def put(message: dict[str, Any]) -> None:
        if waiting.full():
            behind.set()
        else:
            waiting.put_nowait(message)

    def hear(message: dict[str, Any]) -> None:
        with suppress(RuntimeError):  # the server has ended
            loop.call_soon_threadsafe(put, message)

    stop = session.listen(hear)  # before the page is let in, so that what it asks for then is never too old
    codes: list[int] = []

    async def end_with(way: Callable[..., Awaitable[int]], *things: object) -> None:
        codes.append(await way(*things))
        ways.cancel_scope.cancel()

    try:
        await socket.accept()
        async with create_task_group() as ways:
            ways.start_soon(end_with, _speak, socket, waiting)
            ways.start_soon(end_with, _listen, socket, session)
            ways.start_soon(end_with, _wait, behind)
    finally:
        stop()
    if any(codes):
        with move_on_after(1), suppress(RuntimeError, WebSocketDisconnect):
            await socket.close(max(codes))


async def _speak(socket: WebSocket, waiting: asyncio.Queue[dict[str, Any]]) -> int:
    """Send what waits; return 0 when the page has left."""
    while True:
        message = await waiting.get()
        if message.get("message"):
            message = {**message, "message": plain(message["message"])}
        try:
            await socket.send_text(json.dumps(message, ensure_ascii=False, allow_nan=False))
        except (WebSocketDisconnect, RuntimeError):
            return 0


async def _listen(socket: WebSocket, session: Session) -> int:
    """Take where the page looks; return 0 when it has left, or the code for what is not understood."""
    while True:
        try:
            text = await socket.receive_text()
            at = At.model_validate_json(text)
            session.look(at.frame, at.view)
        except WebSocketDisconnect:
            return 0
        except (ValidationError, InputError, KeyError):  # a frame of bytes has no text
            return NOT_UNDERSTOOD


async def _wait(behind: asyncio.Event) -> int:
    await behind.wait()
    return TOO_SLOW
