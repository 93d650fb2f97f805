"""How fast an alpha is inspected without a truth, on one thread, and that memory does not grow with the clip.

Run with: python benchmarks/inspection.py
"""

from __future__ import annotations

import resource
import time

import torch

from mattekit.data.procedural import render_demo
from mattekit.metrics.blind import Inspector, find

SIZES = ((360, 640), (1080, 1920))
FRAMES, ROUNDS = 12, 4


def run(size: tuple[int, int], *, coloured: bool, rounds: int = ROUNDS) -> tuple[float, float]:
    """Return frames a second and, in units of 2^20 bytes, by how much the process grew."""
    frames, alpha, foreground = render_demo(frames=FRAMES, size=size)
    order = [*range(FRAMES), *range(FRAMES - 2, 0, -1)] * rounds
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    inspector = Inspector()
    begun = time.perf_counter()
    with torch.inference_mode():
        for index in order:
            inspector.add(frames[index], alpha[index], foreground[index] if coloured else None)
    find(inspector.finish(), size)
    seconds = time.perf_counter() - begun
    return len(order) / seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held) / 1024


def main() -> None:
    torch.set_num_threads(1)
    run((90, 160), coloured=True, rounds=1)
    print("size        foreground  frames/s  grown by")
    for size in SIZES:
        for coloured in (False, True):
            speed, grown = run(size, coloured=coloured)
            print(f"{size[1]}x{size[0]:<6}  {'yes' if coloured else 'no':<10}  {speed:8.1f}  {grown:5.0f} MiB")


if __name__ == "__main__":
    main()
