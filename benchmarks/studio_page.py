"""How fast the page of the studio answers, measured in the page, in Chromium, at 640x360 unless told otherwise.

    python benchmarks/studio_page.py
    python benchmarks/studio_page.py --threads 2 --rounds 5

- stroke to screen: from a movement of the mouse, as the browser stamps it, to the end of the drawing that shows it;
- propagation of a frame: between two frames that arrive while a span is carried on; and of one frame asked for alone,
  until its trimap is drawn;
- preview: from the end of a stroke to the drawing of the frame's new alpha, the page's own moment of rest included;
- first frame: from the start of the command to the first drawing of the first frame, in a browser that is open.

Each is the median and the worst. The clock tells what a user waits only where the machine has nothing else to do; the
processor time of the command and its background process, for a frame of a run, tells what the work itself takes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browsing import Page, chromium, family, missing, studio  # noqa: E402
from mattekit.data.procedural import render_demo  # noqa: E402
from scenes import write_video  # noqa: E402

WATCH = """() => {
  window.seen = { strokes: [], frames: [], trimaps: {}, alphas: {}, made: {}, up: 0 };
  const stamps = [];
  document.getElementById("stage").addEventListener("pointermove", (event) => {
    if (studio.edits.live) stamps.push(event.timeStamp);
  });
  const { view, events } = studio;
  const draw = view.drawNow.bind(view);
  view.drawNow = () => {
    draw();
    const shown = stamps.splice(0);
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      const now = performance.now();
      for (const stamp of shown) seen.strokes.push(now - stamp);
      const { at, settings } = studio.studio;
      const trimap = studio.trimaps.kept.get(at);
      if (trimap && !trimap.outdated && studio.studio.frames[at].trimap === "carried") seen.trimaps[at] ??= now;
      const alphas = studio.pictures.shelves.alphas;
      const there = alphas.kept.has(at) && !alphas.outdated.has(at) && seen.made[at] > seen.up;
      if (settings.view === "alpha" && there) seen.alphas[at] ??= now;
    };
    channel.port2.postMessage(0);
  };
  const heard = events.heard;
  events.heard = (news) => {
    if (news.type === "frame" && news.trimap === "carried") seen.frames.push(performance.now());
    if (news.type === "frame" && news.alpha === "done") seen.made[news.frame] = performance.now();
    heard(news);
  };
}"""

LIFTED = """() => addEventListener("pointerup", () => {
  seen.up = performance.now();
  seen.alphas = {};
}, { once: true })"""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="640x360", help="WIDTHxHEIGHT")
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3, help="starts of the command")
    parser.add_argument("--threads", type=int, default=2, help="of the networks")
    chosen = parser.parse_args()
    lacks = missing()
    if lacks:
        print(f"not measured: {lacks}")
        return
    width, height = (int(side) for side in chosen.size.split("x"))
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        folder = Path(name)
        frames, _, _ = render_demo(frames=chosen.frames, size=(height, width))
        shown = torch.stack(list(frames))
        clip = write_video(folder / "clip.mp4", shown, rate=Fraction(24), codec="libx264", layout="yuv420p")
        options = ["--threads", str(chosen.threads)]
        starts = [first_frame(browser, clip, folder, options) for _ in range(chosen.rounds)]
        with studio(clip, folder=folder, options=options) as command:
            page = Page(browser, command.links[0])
            figures, work = measure(page, command.process.pid, chosen.frames, (width, height))
            faults = list(page.faults)
    print(f"{chosen.size}, {chosen.frames} frames, {chosen.threads} thread(s) of the networks\n")
    print("| | median ms | worst ms | of |\n| --- | ---: | ---: | ---: |")
    for what, times in {**figures, "first frame after the command": starts}.items():
        print(f"| {what} | {statistics.median(times):.0f} | {max(times):.0f} | {len(times)} |")
    for what, taken in work.items():
        print(f"\nprocessor time of the command, {what}: {taken:.0f} ms a frame")
    print(f"\nerrors in the console: {faults or 'none'}")


def first_frame(browser: Any, clip: Path, folder: Path, options: Sequence[str]) -> float:
    """Return the ms from the start of the command to the first frame on the screen."""
    begun = time.monotonic()
    with studio(clip, folder=folder, options=options) as command:
        page = Page(browser, command.links[0])
        taken = 1000 * (time.monotonic() - begun)
        page.context.close()
    return taken


def measure(
    page: Page, process: int, frames: int, size: tuple[int, int]
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Return the times of each kind in ms, and the processor's for a frame of each long run."""
    page.ask(WATCH)
    width, height = size
    ways = [(width // 4, height // 3), (width // 2, height // 2), (3 * width // 4, height // 3)]
    page.go(0)
    page.ask("() => { studio.studio.set('live', true); studio.studio.set('size', 40); }")
    page.press("b", "2", "t")
    page.drag(ways, steps=60)
    page.settle()
    page.press("3")
    page.ask("() => studio.studio.set('size', 16)")
    page.drag(ways, steps=60)
    page.settle()
    strokes = page.ask("() => seen.strokes")
    page.work("propagate", "p")  # what is loaded and compiled once is there from now on
    alone = [carried_alone(page, step) for step in range(10)]
    page.go(0)
    page.drag([ways[0], (ways[0][0] + 3, ways[0][1])])
    page.ask("() => { seen.frames.length = 0; }")
    before = processor_ms(process)
    page.work("propagate", "p")
    after = processor_ms(process)
    arrived = page.ask("() => seen.frames")
    page.work("matte", "m")
    work = {
        "propagation": (after - before) / max(1, len(arrived)),
        "matting": (processor_ms(process) - after) / frames,
    }
    previews = [previewed(page, (ways[0][0] + 9 * step, ways[0][1] + 30)) for step in range(10)]
    figures = {
        "stroke to screen": strokes,
        "propagation of a frame, in a run": [after - before for before, after in pairwise(arrived)],
        "propagation of one frame, to the screen": alone[1:],
        "preview matte of a frame, to the screen": previews[1:],
    }
    return figures, work


def processor_ms(process: int) -> float:
    """Return the ms of processor time that a process and those it started have had."""
    stats = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in family(process)]
    ticks = sum(int(fields[11]) + int(fields[12]) for fields in stats)
    return 1000 * ticks / os.sysconf("SC_CLK_TCK")


def carried_alone(page: Page, step: int) -> float:
    """Return the ms from asking for frame 1 to the drawing of its trimap, after frame 0, its key frame, has changed."""
    page.go(0)
    page.drag([(10 + 5 * step, 10), (12 + 5 * step, 10)])
    page.settle()
    page.go(1)
    taken: float = page.ask(
        """async () => {
          await new Promise((resolve) => setTimeout(resolve, 150));
          delete seen.trimaps[1];
          const { propagate } = await import("./static/api.js");
          const begun = performance.now();
          await propagate(1, 2);
          while (!seen.trimaps[1]) await new Promise((resolve) => setTimeout(resolve, 2));
          return seen.trimaps[1] - begun;
        }"""
    )
    return taken


def previewed(page: Page, point: tuple[int, int]) -> float:
    """Return the ms from the end of a stroke to the drawing of the alpha that it changes."""
    page.go(0)
    page.press("a", "1")
    page.until("() => studio.studio.frames[0].alpha === 'done'")
    page.page.wait_for_timeout(300)
    page.ask(LIFTED)
    page.drag([point, (point[0] + 2, point[1] + 2)])
    page.until("() => seen.alphas[0] > seen.up")
    taken: float = page.ask("() => seen.alphas[0] - seen.up")
    return taken


if __name__ == "__main__":
    main()
