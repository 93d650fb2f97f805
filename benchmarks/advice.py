"""Whether the advice of `mattekit propagate` helps: misled pixels with one more true trimap there, and elsewhere.

Each clip has the true trimap of its first frame. One more is then given at the advised frame, at the middle of the clip
and at random frames. Misled pixels are those that a trimap calls known although the true alpha is more than 0.1 away,
in thousands a frame.

Run with: python benchmarks/advice.py [--clips NAME ...] [--frames N] [--weights FILE]
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections.abc import Sequence
from pathlib import Path

import torch
from composites import Clip, clips
from quality import propagated
from quality_score import FAR
from quality_sets import BAND, VALIDATION
from torch import Tensor

from mattekit.engine.advice import advise
from mattekit.models import Model, load
from mattekit.ops import UNKNOWN, trimap_from_alpha

ROOT = Path(__file__).resolve().parents[1]
RANDOM = 3
"""Random frames a clip; their mean is shown."""


def carry(clip: Clip, trimap: Tensor, keys: Sequence[int], model: Model) -> tuple[float, dict[int, float]]:
    """Return thousands of misled px a frame, and the confidence of each carried trimap.

    Args:
        clip: T frames with the truth.
        trimap: (T, 1, H, W) in {0, 0.5, 1}, the true ones.
        keys: Frames whose true trimaps are given.
        model: With a propagator.
    """
    confidences: dict[int, float] = {}
    given = propagated(model, clip, trimap, keys, lambda frame, confidence: confidences.update({frame: confidence}))
    truth = clip.alpha_true.float() / 255
    misled = int(((given != UNKNOWN) & ((given - truth).abs() > FAR)).sum())
    return misled / len(given) / 1000, confidences


def compare(clip: Clip, model: Model) -> dict[str, float]:
    """Return misled px by where the further trimap was given, and the frame that was advised."""
    trimap = trimap_from_alpha(clip.alpha_true.float() / 255, band=BAND)
    count = len(clip.frames)
    alone, confidences = carry(clip, trimap, [0], model)
    advice = advise(confidences, [0], most=1)
    frame = advice[0].frame if advice else count // 2
    chosen = random.Random(0).sample(range(1, count), RANDOM)
    tried = {index: carry(clip, trimap, [0, index], model)[0] for index in {frame, count // 2, *chosen}}
    return {
        "one": alone,
        "frame": frame,
        "advised": tried[frame],
        "middle": tried[count // 2],
        "random": statistics.mean(tried[index] for index in chosen),
        "least confident": min(confidences.values()),
    }


def main() -> None:
    """Print a row a clip and the means."""
    data = ROOT.parent / "shared" / "data" / "val"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=data, help="folder of the validation set")
    parser.add_argument("--cache", type=Path, default=ROOT / "runs" / "quality")
    parser.add_argument("--clips", nargs="+", default=["lemur", "p3m_09ba26b4", "man_black"])
    parser.add_argument("--frames", type=int, default=48, help="of each clip, from its first")
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = load("dvm", weights=options.weights)
    print(f"{model.weights.name}; thousands of misled px a frame")
    print(f"{'clip':<18} frame 0  and advised (at)  and middle  and random  lowest confidence")
    rows = []
    found = clips(VALIDATION, foregrounds=options.data, backgrounds=options.data, cache=options.cache)
    for clip in found:
        if clip.name not in options.clips:
            continue
        short = Clip(clip.name, clip.frames[: options.frames], clip.alpha_true[: options.frames])
        row = compare(short, model)
        rows.append(row)
        print(
            f"{clip.name:<18} {row['one']:7.3f}  {row['advised']:7.3f} ({row['frame']:3.0f})     {row['middle']:7.3f}"
            f"     {row['random']:7.3f}     {row['least confident']:.2f}",
            flush=True,
        )
    if rows:
        one, advised, middle, others = (
            statistics.mean(row[name] for row in rows) for name in ("one", "advised", "middle", "random")
        )
        print(f"{'mean':<18} {one:7.3f}  {advised:7.3f}           {middle:7.3f}     {others:7.3f}")


if __name__ == "__main__":
    main()
