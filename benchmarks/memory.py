"""Peak memory of `mattekit matte` on a long clip against a short one: it must not grow with the length.

    python benchmarks/memory.py                      150 against 1,500 frames of 640x360
    python benchmarks/memory.py --long 300 --size 320x180
    python benchmarks/memory.py --model rvm          the network of people, with weights that are drawn

Each run is a process of its own, so that each has its own peak; the figure is the largest resident set.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import av
import numpy as np
from PIL import Image

WEIGHTS = "drawn.safetensors"


def main() -> None:
    """Run both lengths and print the peaks and their difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", type=int, default=150, help="frames of the short clip")
    parser.add_argument("--long", type=int, default=1500, help="frames of the long clip")
    parser.add_argument("--size", default="640x360", help="WIDTHxHEIGHT")
    parser.add_argument("--model", default="dvm", choices=("dvm", "rvm"), help="family of networks")
    options = parser.parse_args()
    width, height = (int(side) for side in options.size.split("x"))
    peaks = {}
    with tempfile.TemporaryDirectory() as folder:
        if options.model == "rvm":
            draw_weights(Path(folder) / WEIGHTS)
        for frames in (options.short, options.long):
            peaks[frames] = peak(Path(folder), frames, (height, width))
            print(f"{frames} frames of {options.size}: peak {peaks[frames]:.0f} MB", flush=True)
    print(f"difference: {peaks[options.long] - peaks[options.short]:+.0f} MB")


def peak(folder: Path, frames: int, size: tuple[int, int]) -> float:
    """Return the peak in MB of one run that writes alpha, cut-out and composite."""
    clip, trimap = folder / f"{frames}.mp4", folder / "trimap.png"
    write_clip(clip, frames, size)
    Image.fromarray(trimap_of(0, size)).save(trimap)
    outputs = [folder / f"{frames}-{name}" for name in ("alpha.mkv", "cutout.mov", "composite.mp4")]
    script = (
        "import json, resource, sys; from mattekit.cli import main; sys.argv = json.loads(sys.argv[1])\n"
        "print(main(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    weights = folder / WEIGHTS
    people = ["--model", "rvm", "--weights", str(weights)]
    command = ["mattekit", "matte", str(clip), "--overwrite"]
    command += people if weights.exists() else ["--trimap", f"0={trimap}"]
    for option, output in zip(("--alpha", "--cutout", "--composite"), outputs, strict=True):
        command += [option, str(output)]
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps([*command, "--background", "#00b140"])],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    code, largest = done.stdout.split()[-2:]
    if code != "0":
        raise SystemExit(f"mattekit matte ended with {code}")
    for output in outputs:
        output.unlink()
    return int(largest) / 1024


def draw_weights(path: Path) -> None:
    """Write weights of the network of people that no one trained, in a process of its own."""
    script = (
        "import sys; from pathlib import Path; from mattekit.models.rvm import FAMILY, MattingNetwork\n"
        "from mattekit.weights import write_weights\n"
        "write_weights(Path(sys.argv[1]), {'matting': MattingNetwork().eval()}, family=FAMILY, card={})"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)


def write_clip(path: Path, frames: int, size: tuple[int, int]) -> None:
    """Write a clip of a bright disc that wanders over a noisy ground."""
    height, width = size
    ground = np.random.default_rng(0).integers(20, 120, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    still = np.asarray(Image.fromarray(ground).resize((width, height), Image.Resampling.BICUBIC))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(frames):
            picture = np.where(disc(index, size)[..., None] < 1, np.uint8([235, 170, 90]), still)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def trimap_of(index: int, size: tuple[int, int]) -> np.ndarray:
    """Return the disc's trimap as (H, W) uint8."""
    place = disc(index, size)
    return np.where(place < 0.85, 255, np.where(place > 1.15, 0, 128)).astype(np.uint8)


def disc(index: int, size: tuple[int, int]) -> np.ndarray:
    """Return the distance to the disc's centre in radii, (H, W)."""
    height, width = size
    y, x = np.mgrid[:height, :width]
    centre = width * (0.5 + 0.2 * np.sin(index / 40)), height * (0.5 + 0.1 * np.cos(index / 25))
    return np.hypot(x - centre[0], y - centre[1]) / (0.3 * height)


if __name__ == "__main__":
    if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1:
        raise SystemExit("this system does not tell peak memory")
    main()
