"""What a page may ask of its session, request by request; each is handed to the session and its answer written down."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, WebSocket
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import FileResponse, Response

from mattekit.studio.answers import as_json, plain, refusal
from mattekit.studio.events import Listeners
from mattekit.studio.messages import LARGEST, LAST, ExportAsked, GuessAsked, SpanAsked, StrokeAsked
from mattekit.studio.pages import INDEX, Pages
from mattekit.studio.pictures import decode_colour, decode_grey, encode_jpeg, encode_png
from mattekit.studio.session import Export, Session, Stroke

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mattekit.studio.session import Change
