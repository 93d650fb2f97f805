"""The errors of kept alphas computed again in plain NumPy, next to what ``docs/quality.json`` says.

Nothing of mattekit is used: trimap, region and each error are written down here once more from their definitions.

    python benchmarks/quality_check.py --clips lemur man_black
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

ROOT = Path(__file__).resolve().parents[1]
Levels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Plane = NDArray[np.float64]


def unknown_region(alpha_true: Levels, *, band: int) -> Mask:
    """Return the pixels within a band of one that is not clear and also of one that is not opaque, (T, H, W)."""
    near = []
    for frame in alpha_true:
        reaches = []
        for mask in (frame > 0, frame < 255):
            distance = ndimage.distance_transform_edt(~mask) if mask.any() else np.full(frame.shape, np.inf)
            reaches.append(distance <= band)
        near.append(reaches[0] & reaches[1])
    return np.stack(near)


def recompute(alpha: Levels, alpha_true: Levels, unknown: Mask) -> dict[str, float]:
    """Return SAD, MSE, Grad, Conn, dtSSD and MESSDdt of one clip in the DVM convention.

    Args:
        alpha: (T, H, W), 8-bit steps.
        alpha_true: (T, H, W) likewise.
        unknown: (T, H, W), the region.
    """
    errors = alpha / 255.0 - alpha_true / 255.0
    frames: dict[str, list[float]] = {name: [] for name in ("sad", "mse", "grad", "conn", "dtssd", "messddt")}
    for index, region in enumerate(unknown):
        if region.any():
            error = errors[index][region]
            frames["sad"].append(np.abs(error).sum() / 1000)
            frames["mse"].append((error**2).sum() / (region.sum() + 1))
            slopes = gradient(alpha[index]) - gradient(alpha_true[index])
            frames["grad"].append((slopes[region] ** 2).sum() / 1000)
            frames["conn"].append(lost_connection(alpha[index], alpha_true[index], region) / 1000)
    for index, (region, later) in enumerate(pairwise(unknown)):
        if region.any():
            change = errors[index + 1] - errors[index]
            frames["dtssd"].append(math.sqrt((change[region] ** 2).sum()))
            squares = errors[index] ** 2 * region, errors[index + 1] ** 2 * later
            flow = farneback(alpha_true[index], alpha_true[index + 1])
            frames["messddt"].append(100 * motion_gap(*squares, flow) / (region.sum() + 1))
    return {name: float(np.mean(values)) for name, values in frames.items()}


def gradient(alpha: Levels) -> Plane:
    """Return the length of the gradient through Gaussian derivatives of 1.4 px, 9x9 and of unit norm, (H, W)."""
    steps = np.arange(-4, 5)
    bell = np.exp(-(steps**2) / (2 * 1.4**2)) / (1.4 * math.sqrt(2 * math.pi))
    across = np.outer(bell, -steps * bell / 1.4**2)
    across /= math.sqrt((across**2).sum())
    values = alpha / 255.0
    x, y = (ndimage.convolve(values, kernel, mode="nearest") for kernel in (across, across.T))
    return np.asarray(np.sqrt(x**2 + y**2))


def lost_connection(alpha: Levels, alpha_true: Levels, region: Mask) -> float:
    """Return the summed difference in connectedness: steps of 0.1, theta 0.15, largest 4-connected body."""
    maps = alpha / 255.0, alpha_true / 255.0
    level = np.full(alpha.shape, -1.0)
    for step in range(1, 11):
        both = (maps[0] >= step / 10 - 1e-9) & (maps[1] >= step / 10 - 1e-9)
        labels, count = ndimage.label(both)
        body = labels == 1 + np.bincount(labels.ravel())[1:].argmax() if count else np.zeros_like(both)
        level[(level < 0) & ~body] = (step - 1) / 10
    level[level < 0] = 1
    kept = [1 - (values - level) * (values - level >= 0.15 - 1e-9) for values in maps]
    return float(np.abs(kept[0] - kept[1])[region].sum())


def farneback(here: Levels, there: Levels) -> NDArray[np.float32]:
    """Return the flow of the true alpha maps with the published settings, (H, W, 2), x then y."""
    nothing = np.zeros((*here.shape, 2), np.float32)
    flow = cv2.calcOpticalFlowFarneback(here, there, nothing, 0.5, 5, 10, 2, 7, 1.5, cv2.OPTFLOW_FARNEBACK_GAUSSIAN)
    return np.asarray(flow, np.float32)


def motion_gap(here: Plane, there: Plane, flow: NDArray[np.float32]) -> float:
    """Return the summed difference of squared errors at the two ends of the flow, rounded to whole pixels."""
    height, width = here.shape
    rows, columns = np.mgrid[:height, :width]
    x = np.clip(columns + np.rint(flow[..., 0]).astype(int), 0, width - 1)
    y = np.clip(rows + np.rint(flow[..., 1]).astype(int), 0, height - 1)
    return float(np.abs(here - there[y, x]).sum())


def compare(kept: Path, run: Mapping[str, Any], name: str, rendered: Path) -> tuple[str, float]:
    """Return a line of text on one clip of one run, and the largest relative difference in it."""
    path = kept / f"{name}.npz"
    if not path.exists():
        raise SystemExit(f"the scored alphas must be kept; {path} is not there; run benchmarks/quality.py first")
    alpha = np.load(path)["alpha"][:, 0]
    truth = np.load(rendered)[:, 0]
    found = recompute(alpha, truth, unknown_region(truth, band=run["band"]))
    row = run["clips"][name]
    gaps = {error: abs(value - row[error]) / max(abs(row[error]), 1e-12) for error, value in found.items()}
    text = ", ".join(f"{error} {value:.6f} / {row[error]:.6f}" for error, value in found.items())
    return f"{run['method']}, {run['setting']}, {name}: {text}", max(gaps.values())


def main() -> None:
    """Print recomputed and recorded errors of the newest runs of the validation set side by side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=ROOT / "runs" / "quality")
    parser.add_argument("--clips", nargs="+", default=["lemur", "man_black"])
    parser.add_argument("--methods", nargs="+", default=["closed form (PyMatting)", "dvm-small"])
    options = parser.parse_args()
    cv2.setNumThreads(1)
    runs = json.loads((ROOT / "docs" / "quality.json").read_text(encoding="utf-8"))["runs"]
    chosen = [run for run in runs if run.get("set") == "validation" and run["method"] in options.methods]
    newest = {(run["method"], run["setting"]): run for run in chosen}
    if not newest:
        raise SystemExit("the record must hold a run of the methods; it holds none; run benchmarks/quality.py first")
    worst = 0.0
    for (method, setting), run in newest.items():
        folder = " ".join([method, setting, *run["weights"].split()[-1:]]).lower().replace(" ", "-")
        for name in options.clips:
            rendered = options.cache / f"composites-validation-{run['composites']}" / name / "alpha.npy"
            line, gap = compare(options.cache / "alphas" / "validation" / folder, run, name, rendered)
            print(line)
            worst = max(worst, gap)
    print(f"largest relative difference: {worst:.1e}")


if __name__ == "__main__":
    main()
