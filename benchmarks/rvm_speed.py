"""Matting of people at 1080p, alpha alone, end to end, against the plain network's forward alone; they alternate.

    python benchmarks/rvm_speed.py                       24 frames a round, five rounds
    python benchmarks/rvm_speed.py --rounds 9 --threads 2 --size 3840x2160

Ours is all that `mattekit matte --model rvm --alpha` does with a loaded network: cuts are looked for, frames decoded,
matted and encoded. The other is one forward a frame, in memory, of the same network as published: 32-bit, eager,
normalisation not folded, features concatenated, foreground made too. Weights are drawn, which changes no time.

Decoding and encoding have threads of their own, so the ratio of times needs a machine with a second core to spare; the
ratio of processor time, of all threads, hangs less on what else runs.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch
from memory import write_clip
from torch import Tensor

from mattekit.cli.cuts import cuts_of
from mattekit.cli.job import Job
from mattekit.cli.matte import run
from mattekit.media import probe
from mattekit.models import Model, Wanted, load
from mattekit.models.rvm import FAMILY
from mattekit.models.rvm.decoder import Joined
from mattekit.models.rvm.network import MattingNetwork
from mattekit.models.rvm.stream import WORKING_SIZE, working_ratio
from mattekit.weights import write_weights


class Concatenated(Joined):
    """The same layers, on features that are concatenated first."""

    def forward(self, *features: Tensor) -> Tensor:
        """Map features (N, ..., H, W), concatenated along channels, to (N, outputs, H, W)."""
        found = torch.cat(features, dim=1)
        for layer in self:
            found = layer(found)
        return found


def main() -> None:
    """Time both in turn and print milliseconds a frame and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=24, help="frames a round")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--size", default="1920x1080", help="WIDTHxHEIGHT")
    parser.add_argument("--alpha", default="alpha.mkv", help="name of the output, whose suffix is its format")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    width, height = (int(side) for side in options.size.split("x"))
    network = MattingNetwork().eval()
    ours: list[tuple[float, float]] = []
    plain: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_clip(folder / "clip.mp4", options.frames, (height, width))
        write_weights(folder / "w.safetensors", {"matting": network}, family=FAMILY, card={})
        model = load("rvm", weights=folder / "w.safetensors", wanted=Wanted(foreground=False))
        for _ in range(options.rounds + 1):
            ours.append(convert(model, folder / "clip.mp4", folder / options.alpha))
            plain.append(forward(as_published(network), (height, width), options.frames))
    print(
        f"{options.size}, {options.threads} thread(s), median of {options.rounds} rounds of {options.frames} frames\n"
    )
    print("| | ms a frame | processor ms a frame |\n| --- | ---: | ---: |")
    for name, times in (("alpha of a clip, end to end", ours), ("forward of the plain network alone", plain)):
        wall, work = (1000 * statistics.median(each[kind] for each in times[1:]) / options.frames for kind in (0, 1))
        print(f"| {name} | {wall:.0f} | {work:.0f} |")
    for kind, what in enumerate(("time", "processor time")):
        ratios = [mine[kind] / theirs[kind] for mine, theirs in zip(ours[1:], plain[1:], strict=True)]
        print(f"\nratio of {what} {statistics.median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f}")


def as_published(network: MattingNetwork) -> MattingNetwork:
    """Return the network with its features concatenated."""
    for name in ("decode3", "decode2", "decode1", "decode0"):
        step = network.decoder.get_submodule(name)
        step.conv = Concatenated(*step.conv.children())  # type: ignore[operator]
    return network


def convert(model: Model, clip: Path, output: Path) -> tuple[float, float]:
    """Return the seconds, and those of processors, that a clip's alpha takes, from the file to the file."""
    started, worked = time.perf_counter(), time.process_time()
    info = probe(clip)
    span = (0, info.frames)
    cuts = cuts_of(info, span, (), across=False, keyed=False)
    job = Job(info, {}, {"alpha": output}, span, 1, overwrite=True, cuts=cuts)
    run(job, model, device="cpu", begun=started)
    return time.perf_counter() - started, time.process_time() - worked


@torch.inference_mode()
def forward(network: MattingNetwork, size: tuple[int, int], frames: int) -> tuple[float, float]:
    """Return the seconds, and those of processors, that so many forwards take, a frame each."""
    frame, state, ratio = torch.rand(1, 1, 3, *size), None, working_ratio(size, WORKING_SIZE)
    started, worked = time.perf_counter(), time.process_time()
    for _ in range(frames):
        state = network(frame, state, ratio=ratio).state
    return time.perf_counter() - started, time.process_time() - worked


if __name__ == "__main__":
    main()
