"""What a page may ask of its session, request by request; each is handed to the session and its answer written down."""

from __future__ import annotations

import zlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Depends, HTTPException, Path, Query, Request
from starlette.requests import HTTPConnection
from starlette.responses import FileResponse, Response

from mattekit.studio.answers import as_json, plain
from mattekit.studio.messages import LAST, ExportAsked, GuessAsked, SpanAsked
from mattekit.studio.pictures import decode_colour, decode_grey, encode_jpeg, encode_png
from mattekit.studio.session import Export, Session
from mattekit.studio.strokes import WIDEST, stroke_from

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mattekit.studio.session import Change

EXPORT_TYPES = {
    ".exr": "image/x-exr",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".webm": "video/webm",
    ".zip": "application/zip",
}

api = APIRouter(prefix="/api")


def session_of(connection: HTTPConnection) -> Session:
    """Return the session that a request was let in to."""
    session: Session = connection.scope["session"]
    return session


Opened = Annotated[Session, Depends(session_of)]


def number_of(session: Opened, number: Annotated[int, Path(ge=0, le=LAST)]) -> int:
    """Return the number of a frame that the clip has."""
    if number >= session.info.frames:
        raise HTTPException(404, f"a frame's number must be below {session.info.frames}; got {number}; ask for another")
    return number


async def body_of(request: Request) -> bytes:
    """Return the bytes of a request that brings a picture."""
    return await request.body()


Frame = Annotated[int, Depends(number_of)]
Picture = Annotated[bytes, Depends(body_of)]


@api.get("/state")
def state(session: Opened) -> Response:
    """Answer with all that a page shows, but for the pictures."""
    found = session.state()
    return as_json({**found, "jobs": [{**job, "message": plain(job["message"])} for job in found["jobs"]]})


@api.get("/frames/{number}")
def frame(session: Opened, number: Frame, lossless: bool = False) -> Response:
    """Answer with a frame of the clip, which never changes."""
    colour = session.frame(number)
    body, kind = (encode_png(colour), "image/png") if lossless else (encode_jpeg(colour), "image/jpeg")
    return Response(body, 200, {"cache-control": "private, max-age=31536000, immutable"}, kind)


@api.get("/trimaps/{number}")
def trimap(session: Opened, request: Request, number: Frame) -> Response:
    """Answer with the trimap of a frame."""
    return _picture(request, session.trimap(number), "trimap")


@api.get("/alphas/{number}")
def alpha(session: Opened, request: Request, number: Frame) -> Response:
    """Answer with the alpha of a frame."""
    return _picture(request, session.alpha(number), "alpha")


@api.get("/cutouts/{number}")
def cutout(session: Opened, request: Request, number: Frame) -> Response:
    """Answer with the straight colour and the alpha of a frame."""
    return _picture(request, session.cutout(number), "cut-out")


@api.post("/strokes")
def stroke(session: Opened, asked: Annotated[dict[str, Any], Body()]) -> Response:
    """Paint."""
    return _changed(session, session.paint(stroke_from(asked)))


@api.post("/undo")
def undo(session: Opened) -> Response:
    """Take the last change back."""
    return _changed(session, session.undo())


@api.post("/redo")
def redo(session: Opened) -> Response:
    """Make the change again that was taken back."""
    return _changed(session, session.redo())


@api.post("/keyframes/{number}")
def make_key(session: Opened, number: Frame) -> Response:
    """Make a frame a key frame."""
    return _changed(session, session.make_key(number))


@api.delete("/keyframes/{number}")
def remove_key(session: Opened, number: Frame) -> Response:
    """Make a key frame one like others."""
    return _changed(session, session.remove_key(number))


@api.post("/masks/{number}")
def take_mask(
    session: Opened, number: Frame, picture: Picture, band: Annotated[int | None, Query(ge=0, le=WIDEST)] = None
) -> Response:
    """Make a trimap of a mask that the page brings."""
    return _changed(session, session.take_mask(number, decode_grey(picture, session.info.size), band))


@api.post("/trimaps/{number}")
def take_trimap(session: Opened, number: Frame, picture: Picture) -> Response:
    """Take a trimap that the page brings."""
    return _changed(session, session.take_trimap(number, decode_grey(picture, session.info.size)))


@api.post("/guess/{number}")
def guess(session: Opened, number: Frame, asked: GuessAsked) -> Response:
    """Guess the trimap of a frame."""
    box = None if asked.box is None else (asked.box[0], asked.box[1], asked.box[2], asked.box[3])
    return _changed(session, session.guess(number, box=box, rough=asked.rough, person=asked.person))


@api.post("/propagate")
def propagate(session: Opened, asked: SpanAsked) -> Response:
    """Carry trimaps over a span."""
    return as_json({"job": session.propagate(asked.start, asked.end)})


@api.post("/matte")
def matte(session: Opened, asked: SpanAsked) -> Response:
    """Make the alpha of a span."""
    return as_json({"job": session.matte(asked.start, asked.end)})


@api.post("/export")
def export(session: Opened, asked: ExportAsked) -> Response:
    """Write files."""
    return as_json({"job": session.export(Export(**asked.model_dump()))})


@api.delete("/jobs/{job}")
def cancel(session: Opened, job: str) -> Response:
    """End a job."""
    if not session.cancel(job):
        raise HTTPException(404, "a job must be one of the session's; there is none of this name; look at the state")
    return as_json({"job": job})


@api.post("/save")
def save(session: Opened) -> Response:
    """Write the project."""
    return as_json({"project": session.save()})


@api.put("/background")
def take_background(session: Opened, picture: Picture) -> Response:
    """Take the picture that cut-outs are shown over."""
    session.take_background(decode_colour(picture))
    return as_json({"background": "image"})


@api.get("/exports/{name}")
def download(session: Opened, name: str) -> Response:
    """Answer with a file that was exported."""
    path = session.export_file(name)
    if path is None or not path.is_file():
        raise HTTPException(404, "an export must be one of the session's; there is none of this name; export it again")
    kind = EXPORT_TYPES.get(path.suffix.lower(), "application/octet-stream")
    shown = path.name.encode("utf-8", "replace").decode()  # bytes that are not UTF-8 cannot be in a head
    return FileResponse(path, 200, {"cache-control": "no-store"}, kind, filename=shown)


def _changed(session: Session, change: Change | None) -> Response:
    """Return what a change did, and how many can be taken back and made again."""
    undo, redo = session.depths()
    if change is None:
        return as_json({"frame": None, "undo": undo, "redo": redo})
    return as_json({**asdict(change), "undo": undo, "redo": redo})


def _picture(request: Request, picture: NDArray[np.uint8] | None, what: str) -> Response:
    """Return a picture as PNG, or that the page has it already, or that there is none."""
    if picture is None:
        raise HTTPException(404, f"the frame must have a {what}; it has none yet; make it first")
    tag = f'"{zlib.crc32(picture.tobytes()):08x}"'
    headers = {"cache-control": "private, no-cache", "etag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(encode_png(picture), 200, headers, "image/png")
