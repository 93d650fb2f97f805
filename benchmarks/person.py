"""The claim of the person-matting paper at our scale: maps, steady maps, the network, and it without its parts.

The people and backgrounds of the test clips are held apart from those of training; see ``person_sets.py``. Training
clips, checkpoints and test clips are kept in a folder, and what is there already is not made again.

    python benchmarks/person.py                                    docs/person.json and its part of docs/person.md
    python benchmarks/person.py --start 10 --steps 5 --clips 4 --training 8  a quick look; only the picture is written
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import torch
from person_clips import training_clips
from person_report import BEGUN, CARRIED, put, section
from person_score import RAW, STEADY, maps_of, matted, score, sheet
from person_sets import TEST, TEST_BEHIND, TRAINING, Clip, test_clips
from person_train import FORM, FULL, START, STARTED, VARIANTS, WIDTH, begun, train_form, train_start
from torch import Tensor

from mattekit.models.person.form import FAMILY, load_matting
from mattekit.models.person.network import PersonNetwork
from mattekit.models.person.segmenter import Segmenter, load_segmenter
from mattekit.weights import carried
from mattekit.weights.contents import list_carried

ROOT = Path(__file__).resolve().parents[1]
CLIPS = 100
SHOWN = (0, 4, 10, 11, 13, 16)
"""Clips that the picture shows: figures, portraits and a rendered child."""


def main() -> None:
    """Make the clips, train the networks, score everything and write the page."""
    options = _options()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    segmenter = load_segmenter(options.segmenter)
    clips = training_clips(options.data, options.folder, segmenter, count=options.training)
    first, then = replace(START, steps=options.start), replace(FORM, steps=options.steps)
    start = train_start(clips, options.folder, scale=first, seed=options.seed)
    trained = {
        name: train_form(name, start.network, clips, options.folder, scale=then, seed=options.seed) for name in VARIANTS
    }
    networks = {BEGUN: begun(options.seed), **{name: each.network for name, each in trained.items()}}
    if any(path.stem == FAMILY for path in list_carried()):
        networks[CARRIED] = load_matting(carried(FAMILY))
    test = test_clips(options.data, options.folder / "test", count=options.clips)
    found = matte_all(test, segmenter, networks)
    scores = {
        name: {clip.name: score(clip, alpha) for clip, alpha in zip(test, alphas, strict=True)}
        for name, alphas in found.items()
    }
    result = {
        "scores": scores,
        "minutes": {STARTED: start.minutes, **{name: each.minutes for name, each in trained.items()}},
        "set": {"clips": len(test), "side": test[0].frames.shape[-1], "people": len(TEST), "grounds": len(TEST_BEHIND)},
        "training": {
            "training": clips.count,
            "people": [*TRAINING, "procedural"],
            "start": asdict(first),
            "form": asdict(then),
            "width": WIDTH,
            "seed": options.seed,
        },
    }
    print(section(result))
    _draw(options.folder / "sheet.png", test, found)
    if options.clips == CLIPS:
        (ROOT / "docs" / "person.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        put(ROOT / "docs" / "person.md", section(result))


def matte_all(test: list[Clip], segmenter: Segmenter, networks: Mapping[str, PersonNetwork]) -> dict[str, list[Tensor]]:
    """Return alpha uint8 of every test clip by the row of the table."""
    found: dict[str, list[Tensor]] = {name: [] for name in (RAW, STEADY, *networks)}
    for clip in test:
        raw, steady = maps_of(clip.frames.float() / 255, lambda frames: segmenter(frames).sigmoid())
        found[RAW].append(raw)
        found[STEADY].append(steady)
        for name, network in networks.items():
            found[name].append(matted(network, clip.frames, steady))
    return found


def _draw(path: Path, test: list[Clip], found: Mapping[str, list[Tensor]]) -> None:
    """Draw the middle and the last frame of some clips: frame, maps, steady maps, network, truth."""
    places = [place for place in SHOWN if place < len(test)]
    drawn = {name: [found[name][place] for place in places] for name in (RAW, STEADY, FULL)}
    sheet(path, [test[place] for place in places], drawn, frames=(4, 7))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--folder", type=Path, default=ROOT / "runs" / "person", help="keeps clips and checkpoints")
    parser.add_argument("--segmenter", type=Path, help="in place of the carried one")
    parser.add_argument("--start", type=int, default=START.steps, help="steps of what all forms go on from")
    parser.add_argument("--steps", type=int, default=FORM.steps, help="of each form")
    parser.add_argument("--training", type=int, default=400, help="training clips")
    parser.add_argument("--clips", type=int, default=CLIPS, help="test clips; with fewer nothing is written")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
