"""How fast outputs are written: formats alternate in one process, and ratios are printed.

    python benchmarks/outputs.py                     1920x1080, eight frames, three rounds
    python benchmarks/outputs.py --frames 12 --rounds 5 --size 720 1280

Each row is the whole of an output: encoding, closing, opening again, checking and naming. Frames have the soft edges of
a matte and the noise of a camera; they are made before the clock starts. The time of all processors together is given
beside the clock's, for it hangs less on what else the machine does; ratios are of that, to the first row of each group.
PSNR is of all channels of the first frame as it is read back, against the frame before it was rounded to any depth.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mattekit.media import Style, open_writer, probe, read_planes
from mattekit.media.style import DEFAULT
from mattekit.types import ClipInfo

RATE = Fraction(25)
NOISE = 2 / 255


@dataclass(frozen=True)
class Variant:
    """One way of writing frames.

    Attributes:
        group: Variants of one group are compared.
        label: For the table.
        name: Of the output.
        content: What it shows.
        style: How it is written.
    """

    group: str
    label: str
    name: str
    content: str
    style: Style = DEFAULT


VARIANTS = (
    Variant("cut-out, video", "ProRes 4444, prores_ks", "a.mov", "cutout"),
    Variant("cut-out, video", "ProRes 4444, prores_aw", "b.mov", "cutout", Style(encoders=("prores_aw",))),
    Variant("cut-out, video", "VP9", "a.webm", "cutout"),
    Variant("cut-out, video", "FFV1, 16 bits", "a.mkv", "cutout"),
    Variant("cut-out, pictures", "PNG, 16 bits", "a_%05d.png", "cutout"),
    Variant("cut-out, pictures", "EXR, half", "b_%05d.exr", "cutout"),
    Variant("cut-out, pictures", "EXR, half, as displayed", "c_%05d.exr", "cutout", Style(exr_colour="display")),
    Variant("cut-out, pictures", "EXR, half, layers", "d_%05d.exr", "cutout", Style(layers=True)),
    Variant("cut-out, pictures", "EXR, float", "e_%05d.exr", "cutout", Style(bits=32)),
    Variant("alpha", "FFV1, 16 bits", "c.mkv", "alpha"),
    Variant("alpha", "PNG, 16 bits", "f_%05d.png", "alpha"),
    Variant("alpha", "EXR, half", "g_%05d.exr", "alpha"),
    Variant("composite", "H.264", "a.mp4", "composite"),
    Variant("composite", "HEVC, 10 bits", "b.mp4", "composite", Style(encoders=("hevc",))),
    Variant("composite", "JPEG", "h_%05d.jpg", "composite"),
)


def main() -> None:
    """Time every variant in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, nargs=2, default=(1080, 1920), metavar=("HEIGHT", "WIDTH"))
    options = parser.parse_args()
    size = (options.size[0], options.size[1])
    frames = make_frames(size, options.frames)
    clock: dict[Variant, list[float]] = {}
    work: dict[Variant, list[float]] = {}
    sizes: dict[Variant, int] = {}
    noise: dict[Variant, str] = {}
    for _ in range(options.rounds):
        for variant in VARIANTS:
            seconds, worked, sizes[variant], noise[variant] = write(variant, frames)
            clock.setdefault(variant, []).append(seconds)
            work.setdefault(variant, []).append(worked)
    print(f"{size[1]}x{size[0]}, {len(frames)} frames, median of {options.rounds} rounds, {os.cpu_count()} cores\n")
    print("| output | format | frames/s | processor ms a frame | to the first | MB a frame | PSNR, dB |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    firsts: dict[str, float] = {}
    for variant, values in work.items():
        middle = statistics.median(values) / len(frames)
        ratio = middle / firsts.setdefault(variant.group, middle)
        speed, size_mb = len(frames) / statistics.median(clock[variant]), sizes[variant] / len(frames) / 1e6
        row = f"{speed:.1f} | {1000 * middle:.0f} | {ratio:.2f} | {size_mb:.2f} | {noise[variant]}"
        print(f"| {variant.group} | {variant.label} | {row} |")


def make_frames(size: tuple[int, int], count: int) -> list[Tensor]:
    """Return cut-outs (4, H, W): shaded colour with noise, and the alpha of a soft disc that moves."""
    height, width = size
    generator = torch.Generator().manual_seed(0)
    y, x = torch.meshgrid(torch.arange(float(height)), torch.arange(float(width)), indexing="ij")
    colour = torch.stack((x / width, y / height, 0.5 + 0.3 * torch.sin(x / 40) * torch.cos(y / 30)))
    frames = []
    for index in range(count):
        distance = ((x - width * 0.4 - 4 * index) ** 2 + (y - height * 0.5) ** 2).sqrt()
        alpha = ((height * 0.3 - distance) / (height / 60) + 0.5).clamp(0, 1)
        noisy = (colour + NOISE * torch.randn(colour.shape, generator=generator)).clamp(0, 1)
        frames.append(torch.cat((noisy, alpha[None])))
    return frames


def write(variant: Variant, frames: list[Tensor]) -> tuple[float, float, int, str]:
    """Return the seconds that an output of all frames takes, by the clock and of all processors, its bytes and PSNR."""
    place = {"alpha": slice(3, 4), "composite": slice(0, 3), "cutout": slice(0, 4)}[variant.content]
    size = (frames[0].shape[-2], frames[0].shape[-1])
    with tempfile.TemporaryDirectory() as folder:
        clip = ClipInfo(Path(folder) / "none", "images", size, len(frames), RATE, 1 / RATE)
        started, begun = time.perf_counter(), time.process_time()
        with open_writer(Path(folder) / variant.name, clip, content=variant.content, style=variant.style) as writer:
            for index, frame in enumerate(frames):
                writer.write(frame[place], index)
        seconds, worked = time.perf_counter() - started, time.process_time() - begun
        stored = sum(file.stat().st_size for file in Path(folder).iterdir())
        return seconds, worked, stored, quality(sorted(Path(folder).iterdir())[0], frames[0][place])


def quality(path: Path, frame: Tensor) -> str:
    """Return the PSNR of a file's first picture in dB; nothing for EXR of light, which holds other values."""
    if path.suffix == ".exr":
        return ""
    planes = next(read_planes(probe(path)))
    found = torch.from_numpy(planes / np.iinfo(planes.dtype).max).permute(2, 0, 1)[: len(frame)]
    return f"{-10 * math.log10(float((found - frame).square().mean())):.1f}"


if __name__ == "__main__":
    main()
