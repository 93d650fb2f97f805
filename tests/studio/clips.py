"""A small clip and sessions on it, with networks that were never trained."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mattekit.studio.session import Session
from scenes import soft_disc, write_video

SIZE = (48, 64)
FRAMES = 12
PATIENCE = 60.0


def make_clip(folder: Path, *, frames: int = FRAMES) -> Path:
    """Write a clip of a moving disc."""
    return write_video(folder / "disc.mkv", soft_disc(frames, SIZE, speed=(1, 0)).frames)


def disc_trimap(number: int, *, frames: int = FRAMES) -> np.ndarray:
    """Return a frame's true trimap, (H, W) of 0, 128 and 255."""
    trimap = soft_disc(frames, SIZE, speed=(1, 0)).trimap()[number, 0]
    return (trimap * 255).round().byte().numpy()


@contextmanager
def open_session(folder: Path, weights: Path, **options: Any) -> Iterator[Session]:
    """Open a session on a clip in a folder, and close it."""
    clip = options.pop("clip", None) or make_clip(folder)
    places = {"project": folder / "disc.mattekit", "output": folder / "disc-studio", **options}
    session = Session.open(clip, weights=weights, device="cpu", threads=1, **places)
    try:
        yield session
    finally:
        session.close()


def wait_until(holds: Callable[[], bool], *, patience: float = PATIENCE) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: It did not.
    """
    end = time.monotonic() + patience
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError("what was waited for must come to hold; it did not")
        time.sleep(0.01)


def wait_for(session: Session, job: str) -> dict[str, Any]:
    """Wait for the end of a job and return what is told of it."""

    def found() -> dict[str, Any]:
        return next(each for each in session.state()["jobs"] if each["id"] == job)

    wait_until(lambda: found()["state"] not in ("queued", "running"))
    return found()


def statuses(session: Session, what: str = "trimap") -> list[str]:
    """Return the status of every frame's trimap or alpha."""
    return [frame[what] for frame in session.state()["frames"]]
