"""Memory over many short clips, matted one after another in one process: it must not grow.

    python benchmarks/soak.py                    500 clips of 3 frames of 48x32
    python benchmarks/soak.py --clips 100 --every 10

Each clip goes through the whole main job: it is probed, read, its trimap carried, matted, completed with colour and
written as a matte and a cut-out, which are verified. The networks are loaded once. Memory is the resident set after a
collection of garbage; the slope is that of a straight line through all points but the first fifth, in which caches
fill.
"""

from __future__ import annotations

import argparse
import gc
import os
import tempfile
import threading
import time
from pathlib import Path

import av
import numpy as np
from PIL import Image

from mattekit.cli.job import Job
from mattekit.cli.keyframes import KeySource
from mattekit.cli.matte import run
from mattekit.cli.networks import load_model
from mattekit.media import probe

SIZE, FRAMES = (32, 48), 3
SETTLED = 0.2
MIB = 1 << 20


def main() -> None:
    """Matte the clips and print memory on the way and its slope."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=500, help="how many")
    parser.add_argument("--every", type=int, default=50, help="clips between two lines")
    options = parser.parse_args()
    model = load_model("dvm", weights=None, device="cpu", threads=1)
    places, levels = [], []
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(1, options.clips + 1):
            matte_one(Path(folder), number, model)
            places.append(number)
            levels.append(resident())
            if number % options.every == 0 or number == options.clips:
                open_files = len(os.listdir("/proc/self/fd"))
                print(
                    f"{number:5d} clips: {levels[-1] / MIB:7.1f} MiB, {threading.active_count()} threads, "
                    f"{open_files} open files, {time.monotonic() - begun:.0f} s",
                    flush=True,
                )
    first = int(len(places) * SETTLED)
    slope = np.polyfit(places[first:], np.array(levels[first:]) / MIB, 1)[0] if len(places) - first > 1 else 0.0
    print(f"slope after clip {first}: {slope * 1000:+.1f} MiB in 1000 clips")


def matte_one(folder: Path, number: int, model: object) -> None:
    """Write one clip with its trimap, matte it, and remove all."""
    clip, trimap = folder / f"{number}.mp4", folder / f"{number}.png"
    write_clip(clip, number)
    Image.fromarray(trimap_values()).save(trimap)
    outputs = {"alpha": folder / f"{number}-alpha.mkv", "cutout": folder / f"{number}-cutout.mov"}
    job = Job(probe(clip), {0: KeySource(trimap)}, outputs, (0, FRAMES), band=2)
    done = run(job, model, device="cpu", begun=time.monotonic())  # type: ignore[arg-type]
    if done.frames != FRAMES:
        raise SystemExit(f"clip {number} must give {FRAMES} frames; it gave {done.frames}")
    for file in (clip, trimap, *outputs.values()):
        file.unlink()


def write_clip(path: Path, number: int) -> None:
    """Write a clip of a bright block over a noise that is another in each clip."""
    generator = np.random.default_rng(number)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.height, stream.width, stream.pix_fmt = *SIZE, "yuv420p"
        for index in range(FRAMES):
            picture = generator.integers(0, 120, (*SIZE, 3)).astype(np.uint8)
            picture[9:23, 14 + index : 34 + index] = (235, 170, 90)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))


def trimap_values() -> np.ndarray:
    """Return the trimap of the first frame, (H, W)."""
    values = np.zeros(SIZE, np.uint8)
    values[6:26, 10:38], values[12:20, 18:30] = 128, 255
    return values


def resident() -> int:
    """Return the bytes that the process holds in memory now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
