"""Cost of the metrics at 1080p, next to a labelling Conn, a full-frame Grad and the published script.

Each variant runs in turn in one process; the figures are medians of processor time on one thread. The labelling Conn is
the common one: ten times scikit-image's ``label`` and a count of its sizes. The full-frame Grad convolves both maps
twice with SciPy. Values are compared beside the times.

    OMP_NUM_THREADS=1 python benchmarks/metrics.py
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from skimage import measure as labelling
from torch import Tensor

from mattekit.data.procedural import render
from mattekit.metrics import alpha_flow, conn, dtssd, grad, measure, messddt, mse, sad
from mattekit.metrics.levels import to_levels
from mattekit.ops import force_known, gaussian_blur, trimap_from_alpha

PUBLISHED = {"whole set": 2.25, "MESSDdt": 1.119, "Conn": 0.594, "Grad": 0.490}
"""Seconds a 1080p frame of the script published with DVM, with the flow, measured once on one free core of Zen 3."""

Plane = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def scene(kind: str, size: tuple[int, int], *, frames: int, band: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return a prediction and the truth, uint8, and a trimap: soft errors with grain inside a band around the edge."""
    truth = render(kind, np.random.default_rng(3), size=size, frames=frames).alpha
    trimap = trimap_from_alpha(truth, band=band)
    grain = torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    guess = (gaussian_blur(truth, 1.5) + 0.015 * gaussian_blur(grain, 0.8)).clamp(0, 1)
    return to_levels(force_known(guess, trimap)), to_levels(truth), trimap


def labelled_conn(alpha: Plane, alpha_true: Plane, region: Mask) -> float:
    """Return Conn from ten labellings."""
    maps = alpha / 255, alpha_true / 255
    level = np.full(alpha.shape, -1.0)
    for step in range(1, 11):
        reach = (maps[0] >= step / 10 - 1e-9) & (maps[1] >= step / 10 - 1e-9)
        labels = labelling.label(reach, connectivity=1)
        sizes = np.bincount(labels.ravel())[1:]
        body = labels == sizes.argmax() + 1 if len(sizes) else np.zeros_like(reach)
        level[(level == -1) & ~body] = (step - 1) / 10
    level[level == -1] = 1
    above = [values - level for values in maps]
    kept = [1 - height * (height >= 0.15 - 1e-9) for height in above]
    return float(np.abs(kept[0] - kept[1])[region].sum())


def full_frame_grad(alpha: Plane, alpha_true: Plane, region: Mask) -> float:
    """Return Grad from four convolutions of 9x9 over the whole frame."""
    offsets = np.arange(-4, 5)
    bell = np.exp(-(offsets**2) / (2 * 1.4**2))
    kernel = np.outer(bell, -offsets * bell)
    kernel /= np.sqrt((kernel**2).sum())
    slopes = [
        np.hypot(*(ndimage.convolve(values / 255, filter_, mode="nearest") for filter_ in (kernel, kernel.T)))
        for values in (alpha, alpha_true)
    ]
    return float(((slopes[0] - slopes[1]) ** 2)[region].sum())


def alternate(variants: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return each variant's median processor time in seconds; they take turns."""
    times: dict[str, list[float]] = {name: [] for name in variants}
    for turn in range(repeats + 1):
        for name, variant in variants.items():
            started = time.process_time()
            variant()
            if turn:
                times[name].append(time.process_time() - started)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def compare(kind: str, options: argparse.Namespace) -> None:
    """Print times a frame, ratios and the agreement of the values for one scene."""
    alpha, truth, trimap = scene(kind, (options.height, options.width), frames=options.frames, band=options.band)
    region, flow = trimap == 0.5, alpha_flow(truth)
    one = alpha[:1], truth[:1], region[:1]
    two = alpha[:2], truth[:2], region[:2]
    planes = [part[0, 0].numpy() for part in one]
    slow = {
        "labelled Conn": lambda: labelled_conn(*planes),
        "full-frame Grad": lambda: full_frame_grad(*planes),
        "flow, a pair": lambda: alpha_flow(truth[:2]),
    }
    fast = {
        "Conn": lambda: conn(*one),
        "Grad": lambda: grad(*one),
        "SAD": lambda: sad(*one),
        "MSE": lambda: mse(*one),
        "dtSSD, a pair": lambda: dtssd(*two),
        "MESSDdt, a pair": lambda: messddt(*two, flow[:1]),
    }
    whole = {"whole set, a clip": lambda: measure("dvm", alpha, truth, trimap=trimap, flow=flow)}
    times = alternate({**slow, **fast, **whole}, options.repeats)
    print(f"{kind}, {options.width}x{options.height}, {int(region[0].sum())} unknown pixels")
    print("; ".join(f"{name} {seconds * 1e3:.1f} ms" for name, seconds in times.items()))
    for name, slower, ours in (("Conn", "labelled Conn", conn), ("Grad", "full-frame Grad", grad)):
        value, reference = float(ours(*one)), float(slow[slower]())
        print(f"{name}: {times[slower] / times[name]:.1f} times faster; {value:.9f}, reference {reference:.9f}")
    frame = times["whole set, a clip"] / options.frames
    plain = sum(times[name] for name in slow) + frame - times["Conn"] - times["Grad"]
    print(
        f"whole set with cached flow: {frame * 1e3:.1f} ms a frame; the published script's {PUBLISHED['whole set']} s "
        f"is {PUBLISHED['whole set'] / frame:.1f} times as long, the set with the slow parts above "
        f"{plain / frame:.1f} times"
    )


def main() -> None:
    """Print the comparison for each kind of foreground asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", nargs="+", default=["hair", "fur", "limbs"], help="procedural foregrounds")
    parser.add_argument("--height", type=int, default=1080)
    parser.add_argument("--width", type=int, default=1920)
    parser.add_argument("--frames", type=int, default=4, help="of the clip that the whole set is measured on")
    parser.add_argument("--band", type=int, default=15, help="reach in px of the trimap around the edge")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    for kind in options.kind:
        compare(kind, options)


if __name__ == "__main__":
    main()
