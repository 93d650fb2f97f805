"""Takes the pictures of docs/studio.md: the studio itself, in Chromium, at work on the demo's clip.

    python docs/studio.py
    python docs/studio.py --sizes /tmp/pictures     the page at other sizes too, to be looked at

Needs the extras `studio` and `dev`, and Chromium at /usr/bin/chromium.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from PIL import Image

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent / "tests"))

from browsing import Page, chromium, studio  # noqa: E402
from mattekit.data.procedural import render_demo  # noqa: E402
from scenes import write_video  # noqa: E402

FRAMES, SIZE = 36, (288, 512)  # as `mattekit demo`, but shorter
CORRECTED, SHOWN = 24, 30
LARGEST = 300_000  # bytes of a picture
SUBJECT = ((120, 24), (380, 232))
SIZES = {"laptop": (1280, 720), "large": (1920, 1080), "tablet": (1024, 768), "upright": (820, 1180)}


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=Path, help="folder for pictures at other sizes, light and dark")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        folder = Path(name)
        frames, _, _ = render_demo(frames=FRAMES, size=SIZE)
        shown = torch.stack(list(frames))
        clip = write_video(folder / "demo.mp4", shown, rate=Fraction(24), codec="libx264", layout="yuv420p")
        with studio(clip, folder=folder) as command:
            page = Page(browser, command.links[0], color_scheme="dark")
            for name_of_it in walk(page):
                keep(page, DOCS / f"studio-{name_of_it}.png")
            if chosen.sizes:
                chosen.sizes.mkdir(parents=True, exist_ok=True)
                other_sizes(browser, page, chosen.sizes)
        if page.faults:
            raise SystemExit(f"the page had errors: {page.faults}")


def walk(page: Page) -> Iterator[str]:
    """Do what docs/studio.md tells, and yield the name of each picture when it is to be taken."""
    page.until("() => studio.studio.model.ready")
    yield "start"
    page.press("g")
    page.drag(SUBJECT, steps=6)
    page.settle()
    page.press("2")
    page.ask("() => studio.studio.set('size', 46)")
    for way in HAIR:
        page.drag(way, steps=6)
    page.settle()
    yield "trimap"
    page.work("propagate", "p")
    page.go(CORRECTED)
    page.press("3")
    page.ask("() => studio.studio.set('size', 30)")
    page.drag(MEND, steps=6)
    page.settle()
    yield "correct"
    page.work("propagate", "p")
    page.work("matte", "m")
    page.go(SHOWN)
    page.press("c", "w")
    page.page.mouse.move(4, 4)
    yield "cutout"
    page.press("Shift+D", "a", "s")  # light
    page.until("() => document.documentElement.dataset.theme === 'light' && !document.querySelector('.toast')")
    yield "light"
    page.press("v", "c", "e")
    yield "export"
    page.press("Escape")


HAIR = (
    ((165, 128), (170, 88), (204, 67), (256, 67), (285, 94), (322, 134), (333, 176)),
    ((333, 176), (307, 210), (248, 221), (195, 200), (171, 160), (165, 128)),
    ((346, 131), (362, 150), (352, 176)),
)
MEND = ((336, 186), (350, 182))


def keep(page: Page, path: Path) -> None:
    """Write a picture of the window, its colours to the next multiple of 4, so that it is small.

    Raises:
        SystemExit: It is too large for the repository.
    """
    page.page.wait_for_timeout(300)  # for what fades
    picture = Image.open(BytesIO(page.page.screenshot())).convert("RGB")
    picture.point([min(255, (value + 2) // 4 * 4) for value in range(256)] * 3).save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB", flush=True)
    if path.stat().st_size > LARGEST:
        raise SystemExit(f"{path.name} must be at most {LARGEST} bytes; it has {path.stat().st_size}")


def other_sizes(browser: Any, page: Page, folder: Path) -> None:
    """Write what the page looks like at other sizes, light and dark."""
    cookies = page.context.cookies()
    for name, (width, height) in SIZES.items():
        for scheme in ("light", "dark"):
            settings = {
                "viewport": {"width": width, "height": height},
                "color_scheme": scheme,
                "has_touch": width < 1100,
            }
            context = browser.new_context(**settings)
            context.add_cookies(cookies)
            other = Page(browser, page.page.url, context=context)
            other.page.wait_for_timeout(500)
            other.picture_of_screen(folder / f"{name}-{scheme}.png")
            page.faults += other.faults
            context.close()


if __name__ == "__main__":
    main()
