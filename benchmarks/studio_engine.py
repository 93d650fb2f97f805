"""How long the studio's session takes, without page and server: medians in ms.

    python benchmarks/studio_engine.py                          640x360, two threads
    python benchmarks/studio_engine.py --threads 1 --rounds 9

Measured are: a stroke, from asking to having the answer; a frame as a picture; and in the background process, between
two messages that it sends, the propagation of one frame from one key frame and from two, the preview of one frame, and
one frame of a matted span. Beside each median stands that of the processor time that the process took a frame, which
says how long it would take alone on one core.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from mattekit.data.procedural import render_demo
from mattekit.ops import trimap_from_alpha
from mattekit.studio.pictures import encode_jpeg
from mattekit.studio.session import Session
from mattekit.studio.strokes import Stroke

SIZE, FRAMES, BAND = (360, 640), 24, 9


class Clock:
    """Takes the time of every message about a frame, and the processor time of the background process by then.

    Args:
        session: What is listened to.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._heard: list[tuple[dict[str, Any], float, float]] = []
        self._ended = threading.Event()
        session.listen(self._hear)

    def run(self, begin: Callable[[], str], what: str, status: str) -> list[tuple[float, float]]:
        """Return seconds and processor seconds from one frame that comes to have a status to the next, of a job."""
        self._heard.clear()
        self._ended.clear()
        start = time.perf_counter(), self._processor()
        begin()
        if not self._ended.wait(600):
            raise TimeoutError("a job must end within 10 minutes; this one did not: the machine is too busy")
        times = [start, *((wall, cpu) for message, wall, cpu in self._heard if message[what] == status)]
        return [(after[0] - before[0], after[1] - before[1]) for before, after in pairwise(times)]

    def _hear(self, message: dict[str, Any]) -> None:
        if message["type"] == "frame":
            self._heard.append((message, time.perf_counter(), self._processor()))
        if message["type"] == "job" and message["state"] not in ("queued", "running"):
            self._ended.set()

    def _processor(self) -> float:
        fields = Path(f"/proc/{self._session.worker}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        trimaps = write_clip(Path(folder) / "clip.mp4")
        begun = time.perf_counter()
        session = Session.open(Path(folder) / "clip.mp4", threads=options.threads)
        try:
            encode_jpeg(session.frame(0))
            first = time.perf_counter() - begun
            rows = measure(session, trimaps, rounds=options.rounds)
        finally:
            session.close()
    print(
        f"{SIZE[1]}x{SIZE[0]}, {options.threads} thread(s), medians; first frame {1000 * first:.0f} ms after opening\n"
    )
    print("| what | ms | processor ms |\n| --- | ---: | ---: |")
    for name, values in rows.items():
        wall, cpu = (statistics.median(column) for column in zip(*values, strict=True))
        print(f"| {name} | {1000 * wall:.1f} | {1000 * cpu:.0f} |")


def measure(session: Session, trimaps: np.ndarray, *, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Return (seconds, processor seconds) of every repetition, by what was done."""
    clock, rows = Clock(session), {}
    session.take_trimap(0, trimaps[0])
    clock.run(lambda: session.matte(0, 1), "alpha", "done")  # until all is loaded
    rows["stroke of 24 px, with all frames carried"] = []
    rows["frame as JPEG"] = [
        timed(lambda number=number: encode_jpeg(session.frame(number))) for number in range(FRAMES)
    ]
    for round_ in range(rounds):
        session.take_trimap(0, changed(trimaps[0], round_))
        rows.setdefault("propagation, one key frame", []).extend(
            clock.run(lambda: session.propagate(0, FRAMES), "trimap", "carried")[1:]
        )
        rows["stroke of 24 px, with all frames carried"] += [timed(lambda: stroke(session)) for _ in range(8)]
        session.take_trimap(0, changed(trimaps[0], round_))
        session.take_trimap(FRAMES - 1, trimaps[-1])
        rows.setdefault("propagation, two key frames", []).extend(
            clock.run(lambda: session.propagate(0, FRAMES), "trimap", "carried")[1:]
        )
        for number in range(1, FRAMES - 1, 4):
            rows.setdefault("preview of one frame", []).extend(
                clock.run(lambda number=number: session.matte(number, number + 1), "alpha", "done")
            )
        rows.setdefault("frame of a matted span", []).extend(
            clock.run(lambda: session.matte(0, FRAMES), "alpha", "done")[3:-3]
        )
        session.remove_key(FRAMES - 1)
    return rows


def stroke(session: Session) -> None:
    """Paint a short stroke, each time another."""
    x = int(time.perf_counter_ns() % 500)
    session.paint(Stroke(0, "brush", (0, 128, 255)[x % 3], ((x, 100), (x + 40, 140), (x + 80, 120)), size=24))


def changed(trimap: np.ndarray, number: int) -> np.ndarray:
    """Return a trimap with one pixel more unknown, so that what hangs on it must be carried again."""
    other = trimap.copy()
    other[0, number] = 128
    return other


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds and the processor seconds of this process that something takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - cpu


def write_clip(path: Path) -> np.ndarray:
    """Write the demo clip as H.264 and return the trimaps of its frames, (T, H, W) of 0, 128 and 255."""
    frames, alpha, _ = render_demo(frames=FRAMES, size=SIZE)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25), options={"g": "12"})
        stream.height, stream.width = SIZE
        stream.pix_fmt = "yuv420p"
        for frame in (frames * 255).round().byte().permute(0, 2, 3, 1).numpy():
            container.mux(stream.encode(av.VideoFrame.from_image(Image.fromarray(frame))))
        container.mux(stream.encode(None))
    return (trimap_from_alpha(alpha, band=BAND)[:, 0] * 255).round().byte().numpy()


if __name__ == "__main__":
    main()
