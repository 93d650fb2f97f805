"""Whether `mattekit inspect` finds damage first: mattes damaged on purpose, of composites and of real clips.

Each matte is damaged in three ways: one hole in one frame, one flickering second, one second that stands still. A way
counts as found when the first entry of the list lies in the damaged frames; printed beside it is how many of the most
suspicious frames, as many as were damaged, are damaged ones. A matte that is left alone shows what is listed anyway.

    python benchmarks/inspection_damage.py                                      the validation composites' true alpha
    python benchmarks/inspection_damage.py --real girl.mp4=alpha.mkv            a real clip with a matte that was made
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from composites import clips
from quality_sets import VALIDATION
from torch import Tensor

from mattekit.media import probe, read
from mattekit.metrics.blind import Inspector, find

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from walkers import freeze, punch, shake  # noqa: E402

SECOND = 24
BEGIN = 12
"""First damaged frame."""


def main() -> None:
    """Print a line for each matte and way of damage, and how many were found first."""
    options = _options()
    torch.set_num_threads(1)
    found = total = 0
    for name, frames, alpha in _mattes(options):
        looks, size = _looks(frames, alpha), (frames.shape[-2], frames.shape[-1])
        untouched, _ = find(looks, size)
        print(f"{name}, left alone: {'; '.join(str(each) for each in untouched[:3]) or 'nothing listed'}")
        end = min(BEGIN + SECOND, len(alpha) - 4)
        radius = max(4, round(min(size) / 60))
        ways = {
            "one hole": (punch(alpha, BEGIN, radius=radius), range(BEGIN, BEGIN + 1)),
            "one flickering second": (shake(alpha, BEGIN, end), range(BEGIN, end)),
            "one frozen second": (freeze(alpha, BEGIN, end), range(BEGIN, end)),
        }
        for way, (damaged, places) in ways.items():
            listed, scores = find(_looks(frames, damaged), size)
            first = bool(listed) and listed[0].worst in places
            top = np.argsort(-scores)[: len(places)]
            hits = sum(int(place) in places for place in top)
            found, total = found + first, total + 1
            print(f"  {way}: {'found first' if first else 'NOT first'}, {hits} of the {len(places)} most suspicious")
            print(f"    {listed[0] if listed else 'nothing listed'}", flush=True)
    print(f"found first: {found} of {total}")


def _looks(frames: Tensor, alpha: Tensor) -> list[object]:
    inspector = Inspector()
    for frame, own in zip(frames, alpha, strict=True):
        inspector.add(frame, own)
    return list(inspector.finish())


def _mattes(options: argparse.Namespace) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Yield name, frames (T, 3, H, W) and alpha (T, 1, H, W) in [0, 1]."""
    for pair in options.real:
        clip, _, alpha = pair.partition("=")
        frames = torch.cat([chunk.frames for chunk in read(probe(Path(clip)))])
        matte = torch.cat([chunk.frames for chunk in read(probe(Path(alpha)))])[:, :1]
        yield Path(clip).stem, frames, matte
    if not options.real:
        places = {"foregrounds": options.data, "backgrounds": options.data, "cache": options.cache}
        for clip in clips(VALIDATION, **places):
            yield clip.name, clip.frames.float() / 255, clip.alpha_true.float() / 255


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "val")
    parser.add_argument("--cache", type=Path, default=ROOT / "runs" / "quality")
    parser.add_argument("--real", nargs="+", default=[], metavar="CLIP=ALPHA", help="real clips instead, with mattes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
