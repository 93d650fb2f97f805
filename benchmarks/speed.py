"""What the levers of size small bring: variants alternate in one process, and ratios are printed.

    python benchmarks/speed.py                       512x288, five rounds
    python benchmarks/speed.py --rounds 9 --threads 2

Matting of one more frame in steady state, as a stream does it, against: encoding the whole window again for every
frame, the full-size stage everywhere instead of in tiles with unknown pixels, normalisation not folded, no cues.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from mattekit.models import load
from mattekit.models.dvm import MattingNetwork
from mattekit.models.dvm.network import FrameFeatures


def main() -> None:
    """Time every variant in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    frame, trimap = scene(288, 512)
    times: dict[str, list[float]] = {}
    with torch.inference_mode():
        variants = {**matting_variants(frame, trimap), "propagation of one frame": propagation(frame, trimap)}
        for _ in range(options.rounds + 1):
            for name, variant in variants.items():
                started = time.perf_counter()
                variant()
                times.setdefault(name, []).append(time.perf_counter() - started)
    share = float((trimap == 0.5).float().mean())
    print(f"512x288, {share:.0%} unknown, {options.threads} thread(s), median of {options.rounds} rounds\n")
    print("| variant | ms a frame | ratio |\n| --- | ---: | ---: |")
    base = statistics.median(next(iter(times.values()))[1:])
    for name, values in times.items():
        middle = statistics.median(values[1:])
        print(f"| {name} | {1000 * middle:.0f} | {middle / base:.2f} |")


def matting_variants(frame: Tensor, trimap: Tensor) -> dict[str, Callable[[], object]]:
    """Return the variants of matting by name, the shipped one first."""
    network = load("dvm").matter.network  # type: ignore[attr-defined]
    plain = MattingNetwork(cues=False).eval()
    unfolded = MattingNetwork().eval()
    features = network.encode(frame, trimap)
    bare, loose = plain.encode(frame, trimap), unfolded.encode(frame, trimap)
    everywhere = torch.full_like(trimap, 0.5)
    dense = FrameFeatures(features.seen, everywhere, features.estimate, features.levels, features.prepared)

    def window(model: MattingNetwork, encoded: FrameFeatures, *, encodings: int) -> None:
        for _ in range(encodings):
            model.encode(frame, trimap)
        model.decode(encoded, [features if model is network else encoded] * 4)

    return {
        "as shipped": lambda: window(network, features, encodings=1),
        "window encoded anew": lambda: window(network, features, encodings=5),
        "full size everywhere": lambda: window(network, dense, encodings=1),
        "normalisation not folded": lambda: window(unfolded, loose, encodings=1),
        "no classical cues": lambda: window(plain, bare, encodings=1),
    }


def propagation(frame: Tensor, trimap: Tensor) -> Callable[[], object]:
    """Return one propagation step as a stream makes it."""
    propagator = load("dvm").propagator
    if propagator is None:
        raise SystemExit("this family propagates no trimaps")
    reference = propagator.reference(frame[0], trimap[0])
    return lambda: propagator.step(frame[0], reference)


def scene(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return a random frame and a ring-shaped unknown region."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    distance = torch.hypot(y - height / 2.0, x - width / 2.0)
    trimap = torch.where(distance < 80, 1.0, torch.where(distance > 120, 0.0, 0.5))[None, None]
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0)), trimap


if __name__ == "__main__":
    main()
