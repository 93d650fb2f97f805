"""A studio that runs and a browser that looks at it, for the tests of the page, its benchmark and pictures of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ("--no-sandbox", "--enable-precise-memory-info", "--js-flags=--expose-gc")
LIBRARIES = ("playwright", "fastapi", "uvicorn", "websockets")
PATIENCE = 60_000  # ms for the page to do something
WORK = 600.0  # s for work in the background to end


def missing() -> str | None:
    """Return what a test of the page lacks on this machine, or None."""
    if not CHROMIUM.exists():
        return f"{CHROMIUM} is not here"
    absent = [name for name in LIBRARIES if find_spec(name) is None]
    return f"{', '.join(absent)} is not installed" if absent else None


@contextmanager
def chromium() -> Iterator[Any]:
    """Yield a browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Command:
    """`mattekit studio` in a process of its own, with the links it printed, ended by Ctrl-C.

    Args:
        clips: What is opened.
        folder: Where the command is run, so that projects and exports go there.
        options: More options.
    """

    def __init__(self, clips: Sequence[Path], folder: Path, options: Sequence[str] = ()) -> None:
        command = [sys.executable, "-m", "mattekit", "studio", *map(str, clips), "--no-browser", "--threads", "1"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        self.log = folder / "studio.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, *options], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self.process.stdout is not None
        lines = [self.process.stdout.readline() for _ in clips]
        self.links = [line[line.index("http") :].strip() for line in lines if "http" in line]
        if len(self.links) < len(clips):
            self.end()
            raise RuntimeError(f"the studio did not start: {self.log.read_text()}")

    def end(self) -> int:
        """End it as Ctrl-C does and return its exit code."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


@contextmanager
def studio(*clips: Path, folder: Path, options: Sequence[str] = ()) -> Iterator[Command]:
    """Yield a command that runs."""
    command = Command(clips, folder, options)
    try:
        yield command
    finally:
        command.end()


def family(process: int) -> list[int]:
    """Return the numbers of a process and of all that it and its children have started."""
    found = subprocess.run(["pgrep", "-P", str(process)], capture_output=True, text=True, check=False).stdout.split()
    return [process, *(one for child in found for one in family(int(child)))]


class Page:
    """A page of the studio in a browser.

    Args:
        browser: What `chromium` gives.
        link: With its token, or without it where the context has been let in before.
        context: A context of the browser to open the page in; None makes one.
        settings: Of a new context: viewport, color_scheme, device_scale_factor, has_touch.
    """

    def __init__(self, browser: Any, link: str, *, context: Any = None, **settings: Any) -> None:
        self.context = context or browser.new_context(**{"viewport": {"width": 1280, "height": 720}, **settings})
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on(
            "console", lambda said: self.faults.append(said.text) if said.type in ("error", "warning") else None
        )
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.goto(link)
        self.until("() => window.studio && studio.view.drawn > 0 && studio.studio.connected")
        self.until("() => studio.pictures.shelves.frames.kept.has(studio.studio.at)")

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(message.text)

    def ask(self, expression: str, argument: Any = None) -> Any:
        """Return what an expression of the page gives."""
        return self.page.evaluate(expression, argument)

    def until(self, expression: str, argument: Any = None) -> None:
        """Wait until an expression of the page holds."""
        self.page.wait_for_function(expression, arg=argument, timeout=PATIENCE)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def go(self, frame: int) -> None:
        """Look at a frame, and wait until it is there."""
        self.ask("frame => studio.studio.go(frame)", frame)
        self.until("frame => studio.pictures.shelves.frames.kept.has(frame)", frame)
        self.settle()

    def settle(self) -> None:
        """Wait until no edit and no trimap is on its way, and all is drawn."""
        self.ask("() => studio.edits.chain")
        self.until("() => !studio.edits.waiting.size && !studio.trimaps.coming.size && !studio.view.waiting")

    def on_screen(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the picture lies in the window."""
        place = self.ask(
            "([x, y]) => { const box = document.getElementById('stage').getBoundingClientRect();"
            " const at = studio.view.fromPicture([x, y]); return [at[0] + box.left, at[1] + box.top]; }",
            [x, y],
        )
        return place[0], place[1]

    def drag(self, points: Sequence[tuple[float, float]], *, steps: int = 1) -> None:
        """Drag the mouse from point to point of the picture."""
        places = [self.on_screen(*point) for point in points]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=steps)
        self.page.mouse.up()

    def paint(self, *points: tuple[int, int], value: int, size: int) -> None:
        """Paint from pixel to pixel with the brush and wait until the server has it."""
        self.ask(
            "([value, size]) => { for (const [name, what] of [['tool', 'brush'], ['value', value], ['size', size]])"
            " studio.studio.set(name, what); }",
            [value, size],
        )
        middle = 0.5 if size % 2 else 0.0
        self.drag([(x + middle, y + middle) for x, y in points])
        self.settle()

    def picture(self, kind: str, frame: int) -> NDArray[np.uint8] | None:
        """Return a picture as the server has it, or None where it has none."""
        reply = self.context.request.get(f"{self.page.url.split('#')[0]}api/{kind}/{frame}")
        if reply.status == 404:
            return None
        return np.asarray(Image.open(BytesIO(reply.body())))

    def state(self) -> dict[str, Any]:
        """Return the state as the server has it."""
        answer: dict[str, Any] = self.context.request.get(f"{self.page.url.split('#')[0]}api/state").json()
        return answer

    def shown(self, frame: int) -> NDArray[np.uint8]:
        """Return the trimap of a frame as the page has it."""
        self.until("frame => studio.trimaps.get(frame) && !studio.trimaps.get(frame).outdated", frame)
        values = self.ask("frame => Array.from(studio.trimaps.get(frame).data)", frame)
        height, width = self.ask("() => [studio.studio.clip.height, studio.studio.clip.width]")
        return np.array(values, dtype=np.uint8).reshape(height, width)

    def work(self, kind: str, key: str) -> dict[str, Any]:
        """Press a key that asks for work, wait until that has ended, and return how it ended."""
        with self.page.expect_response(f"**/api/{kind}") as reply:
            self.press(key)
        return self.ended(reply.value.json()["job"])

    def ended(self, job: str) -> dict[str, Any]:
        """Wait until work has ended and return how."""
        limit = time.monotonic() + WORK
        while time.monotonic() < limit:
            found: dict[str, Any] = next((one for one in self.state()["jobs"] if one["id"] == job), {})
            if found.get("state") not in ("queued", "running"):
                self.page.wait_for_timeout(50)  # the news of it reach the page
                self.settle()
                return found
            self.page.wait_for_timeout(50)
        raise TimeoutError(f"{job} has not ended after {WORK:.0f} s")

    def pixels(self, left: int, top: int, width: int, height: int) -> NDArray[np.uint8]:
        """Return (H, W, 3) of what a part of the window shows."""
        shot = self.page.screenshot(clip={"x": left, "y": top, "width": width, "height": height})
        return np.asarray(Image.open(BytesIO(shot)).convert("RGB"))

    def picture_of_screen(self, path: Path) -> None:
        """Write a picture of the window."""
        self.page.screenshot(path=str(path))
