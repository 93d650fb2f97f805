"""Presses, drags and types at random in a page of the studio, and looks whether memory grows and anything goes wrong.

    python tests/clicking.py --minutes 60
    python tests/clicking.py --minutes 5 --seed 4 --clip shot.mp4

A row is printed each minute: actions so far, megabytes of the page's heap after its garbage was collected, and those
that the processes of the browser and of the command hold for themselves. It ends with 1 where an error was seen, where
page and server disagree, or where memory has grown.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import scenes
from browsing import Page, chromium, family, missing, studio

GROWTH = 1.25  # of the later half's median over the earlier half's
SLACK = 40.0  # MB that are no growth
KEYS = (
    *"brlfgh123x[]{}ucvtaswq,.+-09pmnkio?",
    *("Escape", "Enter", "Backspace", "Space", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"),
    *("Control+z", "Control+z", "Control+Shift+z", "Control+s", "Shift+U", "Alt+u", "Shift+G", "Shift+D", "Shift+P"),
    *("Shift+I", "Shift+ArrowLeft", "Shift+ArrowRight", "Alt+ArrowLeft", "Alt+Shift+ArrowDown", "Alt+Enter"),
)
SIZES = ((1280, 720), (1024, 768), (820, 1180), (1600, 900))
EXPECTED = ("400 (Bad Request)",)
"""What a browser notes where the server rightly refuses: a guess where nothing was painted, say."""


class Clicker:
    """Acts at random on a page; equal seeds choose equally.

    Args:
        page: What is acted on.
        seed: Of the choices.
        exports: Whether an export may be begun.
    """

    def __init__(self, page: Page, seed: int, *, exports: bool = False) -> None:
        self.page, self.random, self.exports, self.actions = page, random.Random(seed), exports, 0
        page.page.on("filechooser", lambda chooser: None)
        page.page.on("download", lambda download: download.cancel())
        self.refused: list[str] = []

    def act(self) -> None:
        """Do one thing."""
        weights = {self.drag: 8, self.key: 8, self.click: 4, self.wheel: 2, self.scrub: 3, self.resize: 0.2}
        self.random.choices(list(weights), list(weights.values()))[0]()
        self.actions += 1
        if self.actions % 25 == 0:
            self.tidy()

    def point(self) -> tuple[float, float]:
        """Return a point of the stage, or a little outside it."""
        box = self.page.page.locator("#stage").bounding_box() or {"x": 0, "y": 0, "width": 1, "height": 1}
        return box["x"] + self.random.uniform(-0.05, 1.05) * box["width"], (
            box["y"] + self.random.uniform(-0.05, 1.05) * box["height"]
        )

    def drag(self) -> None:
        """Drag over the stage, now and then with a key pressed meanwhile."""
        mouse = self.page.page.mouse
        mouse.move(*self.point())
        mouse.down()
        for _ in range(self.random.randint(0, 4)):
            mouse.move(*self.point(), steps=self.random.randint(1, 5))
        if self.random.random() < 0.1:
            self.key()
        mouse.up()

    def key(self) -> None:
        """Press a key."""
        self.page.press(self.random.choice(KEYS))

    def click(self) -> None:
        """Click a button that is there."""
        buttons = self.page.page.locator("button:visible:enabled, #jobs button:visible")
        count = buttons.count()
        if count:
            button = buttons.nth(self.random.randrange(count))
            if not self.exports and "Export" in (button.text_content() or ""):
                return
            button.dispatch_event("click")

    def wheel(self) -> None:
        """Turn the wheel over the stage."""
        self.page.page.mouse.move(*self.point())
        self.page.page.mouse.wheel(0, self.random.choice((-300, -100, 100, 300)))

    def scrub(self) -> None:
        """Drag over the timeline."""
        box = self.page.page.locator("#timeline").bounding_box()
        mouse = self.page.page.mouse
        for step in range(self.random.randint(2, 6)):
            mouse.move(box["x"] + self.random.random() * box["width"], box["y"] + box["height"] / 2)
            if step == 0:
                mouse.down()
        mouse.up()

    def resize(self) -> None:
        """Give the window another size."""
        width, height = self.random.choice(SIZES)
        self.page.page.set_viewport_size({"width": width, "height": height})

    def tidy(self) -> None:
        """Close what covers the page, show the picture whole, and sort out what the server rightly refused."""
        self.page.ask(
            "() => { for (const one of document.querySelectorAll('dialog[open]')) one.close(); studio.view.fit(); }"
        )
        self.refused += [fault for fault in self.page.faults if any(text in fault for text in EXPECTED)]
        self.page.faults[:] = [fault for fault in self.page.faults if not any(text in fault for text in EXPECTED)]


def heap(page: Page) -> float:
    """Return MB of the page's heap after its garbage was collected."""
    taken: float = page.ask("() => { gc(); return performance.memory.usedJSHeapSize / 1e6; }")
    return taken


def resident(processes: Sequence[int]) -> float:
    """Return MB that processes hold for themselves, files left out; those that have ended hold none."""
    total = 0.0
    for process in processes:
        with suppress(FileNotFoundError, ProcessLookupError):
            lines = Path(f"/proc/{process}/status").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024
    return total


def is_browser(process: int) -> bool:
    """Return whether a process is one of Chromium's; the one that steers it keeps notes of every request."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process}/comm").read_text().startswith("chrom")
    return False


def agree(page: Page, frames: int) -> list[int]:
    """Return the frames whose trimap the page and the server have differently."""
    page.press("Escape")
    page.settle()
    differing = []
    for frame in range(frames):
        there = page.picture("trimaps", frame)
        kept = there is not None and page.ask("frame => studio.trimaps.kept.has(frame)", frame)
        if kept and (page.shown(frame) != there).any():
            differing.append(frame)
    return differing


def has_grown(levels: Sequence[float]) -> bool:
    """Return whether the later half lies well over the earlier half; the first tenth is warming up."""
    warm = levels[len(levels) // 10 :]
    half = len(warm) // 2
    if half < 2:
        return False
    before, after = statistics.median(warm[:half]), statistics.median(warm[half:])
    return after > GROWTH * before and after > before + SLACK


def main() -> int:
    """Click for so many minutes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clip", type=Path, help="a made-up one unless given")
    parser.add_argument("--every", type=float, default=60, help="seconds between rows")
    chosen = parser.parse_args()
    lacks = missing()
    if lacks:
        print(f"not run: {lacks}")
        return 0
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        folder = Path(name)
        clip = chosen.clip or scenes.write_video(folder / "clip.mkv", scenes.soft_disc(60, (180, 320)).frames)
        with studio(clip.absolute(), folder=folder) as command:
            page = Page(browser, command.links[0])
            clicker = Clicker(page, chosen.seed, exports=True)
            rows = run(clicker, command.process.pid, 60 * chosen.minutes, chosen.every)
            differing = agree(page, len(page.state()["frames"]))
            faults = list(page.faults)
            log = [line for line in command.log.read_text().splitlines() if "Traceback" in line or "Error" in line]
    print(f"{clicker.actions} actions, {len(clicker.refused)} rightly refused; errors: {faults + log}")
    print(f"frames that page and server have differently: {differing}")
    columns = zip(("page", "browser", "command"), zip(*rows, strict=True), strict=False)
    grown = [what for what, levels in columns if has_grown(levels)]
    print(f"memory that has grown: {grown or 'none'}")
    return int(bool(faults or log or differing or grown))


def run(clicker: Clicker, process: int, seconds: float, every: float) -> list[tuple[float, float, float]]:
    """Click, print rows, and return MB of the page, of the browser and of the command as they went."""
    rows: list[tuple[float, float, float]] = []
    begun = last = time.monotonic()
    print("| min | actions | page MB | browser MB | command MB |\n| ---: | ---: | ---: | ---: | ---: |", flush=True)
    while time.monotonic() < begun + seconds:
        clicker.act()
        if time.monotonic() >= last + every:
            last = time.monotonic()
            command = family(process)
            browser = [one for one in family(os.getpid()) if one not in command and is_browser(one)]
            rows.append((heap(clicker.page), resident(browser), resident(command)))
            shown = " | ".join(f"{level:.0f}" for level in rows[-1])
            print(f"| {(last - begun) / 60:.1f} | {clicker.actions} | {shown} |", flush=True)
    return rows


if __name__ == "__main__":
    sys.exit(main())
