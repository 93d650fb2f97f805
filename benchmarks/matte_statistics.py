"""How near the procedural mattes come to real ones: soft alpha and its slopes, by kind and for the mixture.

For every matte: the share of soft pixels near the subject, the histogram of soft alpha in ten bins, the histogram of
the slope |grad alpha| a px in soft pixels, and the width of the edge, that is soft pixels for each px of the contour.
Every matte counts the same. Two histograms are compared by the earth mover's distance, in units of what is on the
axis, and two sets of shares or widths by the distance between their sorted values. Mattes are scaled to one long side
first, real ones by averaging. The last column is one number for all: the mean of the four distances, each divided by
the mean distance of the kinds of real mattes from all of them, so that 1 is as near as real mattes are to real mattes.
"""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from mattekit.data.procedural import KINDS, SHARES, render
from mattekit.ops import resize, sobel

Floats = NDArray[np.float64]
SIDE = 384
LOW, HIGH = 0.03, 0.97
"""Alpha between these is soft; makers of mattes leave a haze beyond."""
BINS = 10
SLOPES = 25
STEEPEST = 0.5


@dataclass(frozen=True)
class Statistics:
    """What is kept of each matte of a set.

    Attributes:
        soft: (N,) share of soft pixels among those that are not empty.
        alpha: (N, BINS) histogram of soft alpha, each row of sum 1.
        slope: (N, SLOPES) histogram of the slope in soft pixels, each row of sum 1.
        width: (N,) soft pixels for each px of the contour.
    """

    soft: Floats
    alpha: Floats
    slope: Floats
    width: Floats


def measure(alpha: Tensor) -> tuple[float, Floats, Floats, float] | None:
    """Return the statistics of one matte (H, W) in [0, 1], or None where nothing of it is soft."""
    slope = torch.hypot(*sobel(alpha))
    soft = (alpha > LOW) & (alpha < HIGH)
    if int(soft.sum()) < 20:
        return None
    inside = alpha > 0.5
    contour = int((inside[1:] != inside[:-1]).sum() + (inside[:, 1:] != inside[:, :-1]).sum()) * np.pi / 4
    values = np.histogram(alpha[soft].numpy(), BINS, (LOW, HIGH))[0].astype(float)
    slopes = np.histogram(slope[soft].clamp(max=STEEPEST - 1e-6).numpy(), SLOPES, (0, STEEPEST))[0].astype(float)
    share = float(soft.sum()) / max(float((alpha > LOW).sum()), 1)
    return share, values / values.sum(), slopes / slopes.sum(), min(float(soft.sum()) / max(contour, 1), 60)


def gather(mattes: list[Tensor]) -> Statistics:
    """Return the statistics of a set of mattes."""
    found = [one for one in map(measure, mattes) if one is not None]
    soft, alpha, slope, width = (np.array(part) for part in zip(*found, strict=True))
    return Statistics(soft, alpha, slope, width)


def distances(one: Statistics, other: Statistics) -> dict[str, float]:
    """Return how far two sets lie apart: alpha and slope by earth mover's distance, soft and width by quantiles."""
    alpha = np.abs(np.cumsum(one.alpha.mean(axis=0) - other.alpha.mean(axis=0))).sum() * (HIGH - LOW) / BINS
    slope = np.abs(np.cumsum(one.slope.mean(axis=0) - other.slope.mean(axis=0))).sum() * STEEPEST / SLOPES
    at = np.linspace(0.05, 0.95, 19)
    soft = np.abs(np.quantile(one.soft, at) - np.quantile(other.soft, at)).mean()
    width = np.abs(np.quantile(np.log(one.width), at) - np.quantile(np.log(other.width), at)).mean()
    return {"alpha": float(alpha), "slope": float(slope), "soft": float(soft), "width": float(width)}


def real_mattes(folder: Path) -> dict[str, list[Tensor]]:
    """Return the mattes (H, W) of a folder's foreground images by the kind its index gives."""
    found: dict[str, list[Tensor]] = {}
    with (folder / "INDEX.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["kind"] == "fg-image":
                path = folder / row["path"].replace("_fg.jpg", "_alpha.png")
                with Image.open(path) as picture:
                    alpha = torch.from_numpy(np.array(picture.convert("L"))).float() / 255
                scale = min(1.0, SIDE / max(alpha.shape))
                size = (max(1, round(alpha.shape[0] * scale)), max(1, round(alpha.shape[1] * scale)))
                found.setdefault(row["alpha_kind"], []).append(resize(alpha[None], size, mode="area")[0])
    return found


def procedural_mattes(kind: str, count: int, seed: int) -> list[Tensor]:
    """Return mattes (SIDE, SIDE) of one kind, as 8-bit files would hold them."""
    layers = (render(kind, np.random.default_rng((seed, index)), size=(SIDE, SIDE), frames=1) for index in range(count))
    return [(layer.alpha[0, 0] * 255).round() / 255 for layer in layers]


def report(name: str, statistics: Statistics, real: Statistics, unit: dict[str, float]) -> dict[str, float]:
    """Print one row of the table and return its numbers."""
    gaps = distances(statistics, real)
    middle = [float(np.median(part)) for part in (statistics.soft, statistics.width)]
    slope = float((statistics.slope.mean(axis=0) * (np.arange(SLOPES) + 0.5)).sum() * STEEPEST / SLOPES)
    shares = " ".join(f"{round(100 * share):3d}" for share in statistics.alpha.mean(axis=0))
    # One number: the mean of the four gaps, each in units of how far the kinds of real mattes lie from all of them.
    far = float(np.mean([gaps[key] / unit[key] for key in gaps])) if unit else 0.0
    print(
        f"{name:14s} {len(statistics.soft):4d} {middle[0]:6.3f} {middle[1]:6.1f} {slope:6.3f}  {shares}  "
        + " ".join(f"{gaps[key]:6.3f}" for key in ("alpha", "slope", "soft", "width"))
        + f" {far:6.2f}"
    )
    return {
        "count": len(statistics.soft),
        "soft": middle[0],
        "width": middle[1],
        "mean_slope": slope,
        **gaps,
        "far": far,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with INDEX.csv and the mattes it lists")
    parser.add_argument("--count", type=int, default=24, help="mattes of each kind")
    parser.add_argument("--mixture", type=int, default=300, help="mattes of the mixture")
    parser.add_argument("--seed", type=int, default=99)
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    kinds = real_mattes(arguments.data)
    # Drawn sprites are translucent all over and are drawn rarely in training: they are shown, but not aimed at.
    real = gather([matte for kind, mattes in kinds.items() if kind != "drawn-effect" for matte in mattes])
    print("kind           mattes   soft  width  slope  soft alpha in ten bins, %", end=" " * 15)
    print(*(f"{name:>6s}" for name in ("alpha", "slope", "soft", "width", "far")))
    apart = [distances(gather(mattes), real) for kind, mattes in kinds.items() if kind != "drawn-effect"]
    unit = {key: float(np.mean([gaps[key] for gaps in apart])) for key in apart[0]}
    rows = {"real": report("real", real, real, unit)}
    for kind, mattes in kinds.items():
        rows[f"real {kind}"] = report(kind, gather(mattes), real, unit)
    made = {kind: procedural_mattes(kind, arguments.count, arguments.seed) for kind in KINDS}
    for kind, mattes in made.items():
        rows[kind] = report(kind, gather(mattes), real, unit)
    total = sum(SHARES.values())
    mixture = [
        matte
        for kind, mattes in made.items()
        for matte in (mattes * arguments.mixture)[: round(arguments.mixture * SHARES[kind] / total)]
    ]
    rows["mixture"] = report("mixture", gather(mixture), real, unit)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
