"""A session of the studio without networks, files or processes: a server cannot tell it from a real one."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattekit.checks import InputError
from mattekit.studio.strokes import Stroke, Trimap, bounds, paint

SIZE = (12, 16)
FRAMES = 5


@dataclass(frozen=True)
class Changed:
    frame: int
    box: tuple[int, int, int, int] | None
    revision: int
    crc: int
    trimap: str


@dataclass
class StandIn:
    """Trimaps in memory; every undo takes back one; jobs never run."""

    name: str = "clip.mkv"
    folder: Path | None = None
    saved: bool = True
    closed: bool = False
    trimaps: dict[int, Trimap] = field(default_factory=dict)
    past: list[tuple[int, Trimap | None]] = field(default_factory=list)
    future: list[tuple[int, Trimap | None]] = field(default_factory=list)
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    listeners: list[Callable[[dict[str, Any]], None]] = field(default_factory=list)
    lock: Any = field(default_factory=threading.RLock)

    @property
    def info(self) -> Any:
        return SimpleNamespace(frames=FRAMES, size=SIZE, path=Path("/somewhere/secret") / self.name, rate=Fraction(25))

    def state(self) -> dict[str, Any]:
        with self.lock:
            status = [{"trimap": "key" if number in self.trimaps else "none"} for number in range(FRAMES)]
            undo, redo = self.depths()
            clip = {"name": self.name, "width": SIZE[1], "height": SIZE[0], "frames": FRAMES}
            return {"clip": clip, "frames": status, "undo": undo, "redo": redo, "jobs": list(self.jobs.values())}

    def frame(self, number: int) -> NDArray[np.uint8]:
        picture = np.zeros((*SIZE, 3), np.uint8)
        picture[..., 0] = 40 * number
        return picture

    def trimap(self, number: int) -> Trimap | None:
        return self.trimaps.get(number)

    alpha = trimap

    def cutout(self, number: int) -> NDArray[np.uint8] | None:
        trimap = self.trimaps.get(number)
        return None if trimap is None else np.dstack([self.frame(number), trimap])

    def depths(self) -> tuple[int, int]:
        return len(self.past), len(self.future)

    def _put(self, number: int, trimap: Trimap) -> Changed:
        with self.lock:
            before = self.trimaps.get(number)
            self.past.append((number, before))
            self.future.clear()
            self.trimaps[number] = trimap
            self.saved = False
            old = np.zeros_like(trimap) if before is None else before
            changed = Changed(number, bounds(trimap != old), len(self.past), zlib.crc32(trimap.tobytes()), "key")
        self.say({"type": "frame", "frame": number, "trimap": "key"})
        return changed

    def paint(self, stroke: Stroke) -> Changed:
        if stroke.frame >= FRAMES:
            raise InputError(f"a frame's number must be below {FRAMES}; got {stroke.frame}; ask for another")
        before = self.trimaps.get(stroke.frame, np.zeros(SIZE, np.uint8))
        return self._put(stroke.frame, paint(before, stroke)[0])

    def undo(self) -> Changed | None:
        with self.lock:
            if not self.past:
                return None
            number, before = self.past.pop()
            self.future.append((number, self.trimaps.get(number)))
            if before is None:
                del self.trimaps[number]
                return Changed(number, None, len(self.past), 0, "none")
            self.trimaps[number] = before
            return Changed(number, None, len(self.past), zlib.crc32(before.tobytes()), "key")

    def redo(self) -> Changed | None:
        return None

    def make_key(self, number: int) -> Changed:
        return self._put(number, np.zeros(SIZE, np.uint8))

    def remove_key(self, number: int) -> Changed | None:
        self.trimaps.pop(number, None)
        return None

    def take_mask(self, number: int, mask: NDArray[np.uint8], band: int | None) -> Changed:
        self.calls.append(("mask", number, band))
        return self._put(number, np.where(mask > 127, 255, 0).astype(np.uint8))

    def take_trimap(self, number: int, trimap: Trimap) -> Changed:
        return self._put(number, trimap)

    def guess(self, number: int, *, box: Any = None, rough: bool = False, person: bool = False) -> Changed:
        self.calls.append(("guess", number, box, rough, person))
        return self._put(number, np.full(SIZE, 128, np.uint8))

    def _job(self, kind: str, total: int) -> str:
        name = f"job{len(self.jobs)}"
        self.jobs[name] = {"id": name, "kind": kind, "state": "queued", "done": 0, "total": total, "message": ""}
        self.say({"type": "job", **self.jobs[name]})
        return name

    def propagate(self, start: int, end: int) -> str:
        if not 0 <= start < end <= FRAMES:
            raise InputError(f"a span must lie in 0 to {FRAMES}; got {start} to {end}; give another")
        return self._job("propagate", end - start)

    def matte(self, start: int, end: int) -> str:
        return self._job("matte", end - start)

    def export(self, wanted: Any) -> str:
        self.calls.append(("export", wanted))
        return self._job("export", FRAMES)

    def cancel(self, job: str) -> bool:
        return self.jobs.pop(job, None) is not None

    def look(self, frame: int, view: str) -> None:
        if frame >= FRAMES:
            raise InputError(f"a frame's number must be below {FRAMES}; got {frame}; ask for another")
        self.calls.append(("look", frame, view))

    def export_file(self, name: str) -> Path | None:
        return self.files.get(name)

    def take_background(self, picture: NDArray[np.uint8]) -> None:
        self.calls.append(("background", picture.shape))

    def save(self) -> str:
        self.saved = True
        return "clip.mattekit"

    def close(self) -> None:
        self.closed = True

    def listen(self, callback: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        self.listeners.append(callback)
        return lambda: self.listeners.remove(callback)

    def say(self, message: dict[str, Any]) -> None:
        for listener in list(self.listeners):
            listener(message)


ORIGIN = "http://127.0.0.1:8000"


@dataclass
class Studio:
    """An application with sessions, and what it said to the terminal."""

    app: Any
    entrances: list[Any]
    told: list[str]

    def stranger(self, base: str = ORIGIN, **headers: str) -> Any:
        """Return a client that has no cookie."""
        from starlette.testclient import TestClient

        return TestClient(
            self.app, base_url=base, headers=headers, raise_server_exceptions=False, follow_redirects=False
        )

    def page(self, number: int = 0, base: str = ORIGIN) -> Any:
        """Return a client that has opened a session's link; its addresses are within the session."""
        entrance = self.entrances[number]
        client = self.stranger(base, origin=base)
        host = base.split("//")[1].split(":")[0]
        domain = host if "." in host else f"{host}.local"  # as the jar of cookies has it
        client.cookies.set("mattekit", entrance.pass_word, domain=domain, path=entrance.path)
        client.base_url = f"{base}{entrance.path}"
        return client

    def listen(self, number: int = 0, *, client: Any = None, path: str | None = None, **headers: str) -> Any:
        """Return what listens, as a context, to a session, as its page does unless a client is given."""
        there = self.entrances[number].path + "events" if path is None else path
        used = self.page(number) if client is None else client
        return used.websocket_connect(f"ws{ORIGIN[4:]}{there}", headers=headers)


def open_studio(*sessions: StandIn, pages: Path) -> Studio:
    """Return an application that shows sessions, at address `ORIGIN`."""
    from mattekit.studio.access import Entrance
    from mattekit.studio.server import make_app

    entrances = [Entrance(session) for session in sessions]  # type: ignore[arg-type]
    told: list[str] = []
    app = make_app(entrances, origins=[ORIGIN, "http://localhost:8000"], pages=pages, tell=told.append)
    return Studio(app, entrances, told)
