"""Speed and error of foreground estimation, next to PyMatting's, alternating in one process.

OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 python benchmarks/foreground.py --height 288 --width 512
"""

from __future__ import annotations

import argparse
import statistics
import time

import pymatting
import torch
from torch import Tensor

from mattekit.ops import composite, estimate_layers, gaussian_blur


def scene(size: tuple[int, int], generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Return a frame, an alpha of thin wisps around a solid body, and the true foreground colour."""
    height, width = size
    noise = torch.randn(1, height, width, generator=generator)
    wisps = gaussian_blur(noise, 2.0)
    rows = (torch.arange(height).view(-1, 1) + 0.5) / height - 0.5
    columns = (torch.arange(width).view(1, -1) + 0.5) / width - 0.5
    distance = (rows.square() + columns.square()).sqrt()
    alpha = ((0.32 - distance) * 12 + 0.5 + 4 * wisps).clamp(0, 1)
    colours = [
        0.5 + 0.25 * gaussian_blur(torch.randn(3, height, width, generator=generator), sigma) * sigma * 3
        for sigma in (12.0, 8.0)
    ]
    foreground, background = colours[0].clamp(0, 1), colours[1].clamp(0, 1)
    return composite(foreground, alpha, background), alpha, foreground


def pymatting_foreground(frame: Tensor, alpha: Tensor) -> Tensor:
    """Return PyMatting's estimate in the same layout."""
    picture = frame.permute(1, 2, 0).contiguous().numpy()
    return torch.from_numpy(pymatting.estimate_foreground_ml(picture, alpha[0].contiguous().numpy())).permute(2, 0, 1)


def main() -> None:
    """Print median times, their ratio, and each one's error against the true colour."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--height", type=int, default=288)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    frame, alpha, foreground_true = scene((options.height, options.width), torch.Generator().manual_seed(1))
    methods = {
        "mattekit": lambda: estimate_layers(frame, alpha)[0],
        "pymatting": lambda: pymatting_foreground(frame, alpha),
    }
    results = {name: method() for name, method in methods.items()}
    times: dict[str, list[float]] = {name: [] for name in methods}
    with torch.inference_mode():
        for _ in range(options.repeats):
            for name, method in methods.items():
                started = time.perf_counter()
                method()
                times[name].append(time.perf_counter() - started)
    soft = ((alpha > 0.1) & (alpha < 1)).expand_as(frame)
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    for name, result in results.items():
        error = float((result - foreground_true)[soft].abs().mean())
        print(f"{name}: {medians[name] * 1000:.1f} ms, mean error {error:.4f} where alpha is in (0.1, 1)")
    gap = float((results["mattekit"] - results["pymatting"])[(alpha > 0.1).expand_as(frame)].abs().mean())
    print(f"mattekit takes {medians['mattekit'] / medians['pymatting']:.2f} of pymatting's time")
    print(f"mean difference between the two {gap:.4f} where alpha is above 0.1")


if __name__ == "__main__":
    main()
