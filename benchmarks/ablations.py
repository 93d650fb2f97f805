"""Ablations of the matting network at size small: Tables 2, 3 and 4 of the DVM paper, in one command.

Every variant begins from the same trained network with a fresh fusion, which starts as if it were not there, so that
all of them begin as one and the same function. The encoder stays as it is; fusion and decoder are trained, all variants
in lockstep on the very same clips, with the same learning rates and the same number of steps; the decoder keeps its
statistics of normalisation, which a batch of one clip would spoil. They are then scored on pieces of the validation
composites with full trimaps. Table 5, the trimap settings, is in ``docs/quality.md``.

    python benchmarks/ablations.py --pack PACK --data ../shared/data/val          writes docs/ablations.md and .json
    python benchmarks/ablations.py --pack PACK --steps 20 --seeds 0 --clips 1     a quick look; nothing is written
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from ablations_report import document
from composites import Clip, clips
from quality_sets import BAND, VALIDATION
from torch import Tensor, nn

from mattekit.data.compose import Composer
from mattekit.data.pack import read_pack
from mattekit.metrics import dvm
from mattekit.models.dvm.network import FrameFeatures, MattingNetwork
from mattekit.models.dvm.recipe import MattingRecipe
from mattekit.ops import trimap_from_alpha
from mattekit.types import Sample, Stage
from mattekit.weights import carried, read_weights

ROOT = Path(__file__).resolve().parents[1]
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "basic": {"fusion": "none"},
    "basic + TFA": {"fusion": "aligned"},
    "ST-FAM (basic + TFA + TFF), n = 2": {},
    "naive fusion": {"fusion": "naive"},
    "cross-attention fusion": {"fusion": "cross-attention"},
    "flow fusion": {"fusion": "flow"},
    "ST-FAM, n = 1": {"neighbours": 1},
    "ST-FAM, n = 3": {"neighbours": 3},
}
"""Options of `MattingNetwork` by what the tables call the variant."""
ENCODER = ("at_", "deeper.at_")
"""Beginnings of the names of the encoder's parts."""
RATE = 2e-4
FRESH = 25
"""How much faster the fresh fusion learns than the decoder, which is trained already."""
CROP = 192


@dataclass
class Variant:
    """One network in training.

    Attributes:
        name: A key of `VARIANTS`.
        network: All of it; its encoder is not trained.
        recipe: Makes its loss.
        optimiser: Of fusion and decoder.
    """

    name: str
    network: MattingNetwork
    recipe: MattingRecipe
    optimiser: torch.optim.Optimizer


def main() -> None:
    """Train and score every variant for every seed, and write the tables."""
    options = _options()
    torch.set_num_threads(options.threads)
    started = time.perf_counter()
    trained = {seed: train(seed, options) for seed in options.seeds}
    scores: dict[str, list[dict[str, dict[str, float]]]] = {name: [] for name in VARIANTS}
    base = trained[options.seeds[0]][0].network
    places = {"foregrounds": options.data, "backgrounds": options.data, "cache": options.cache}
    pieces = [_piece(base, clip, options.frames) for clip in clips(VALIDATION, limit=options.clips, **places)]
    for variants in trained.values():
        for variant in variants:
            scores[variant.name].append({piece.name: _score(variant.network, piece) for piece in pieces})
    result = {
        "scores": scores,
        "start": {piece.name: _score(_network({"fusion": "none"}, options.weights), piece) for piece in pieces},
        "steps": options.steps,
        "length": options.length,
        "crop": CROP,
        "frames": options.frames,
        "seeds": options.seeds,
        "weights": options.weights.name,
        "minutes": round((time.perf_counter() - started) / 60, 1),
    }
    text = document(result)
    print(text)
    if options.clips is None:
        (ROOT / "docs" / "ablations.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        (ROOT / "docs" / "ablations.md").write_text(text, encoding="utf-8")


def train(seed: int, options: argparse.Namespace) -> list[Variant]:
    """Train all variants side by side on the same clips; the encoder of the first serves all."""
    torch.manual_seed(seed)
    variants = [_variant(name, settings, options.weights) for name, settings in VARIANTS.items()]
    foregrounds, backgrounds = read_pack(options.pack)
    composer = Composer(foregrounds, backgrounds)
    stage = Stage("clips", options.steps, 1, options.length, (CROP, CROP), (RATE, 0), gap=2)
    for step in range(options.steps):
        sample = composer.sample(stage, torch.Generator().manual_seed(seed * 1_000_003 + step))
        with torch.no_grad():
            features = variants[0].network.encode(sample.frames[0], sample.trimap[0])
        for variant in variants:
            for group in variant.optimiser.param_groups:
                group["lr"] = group["most"] * min(1, (step + 1) / 20) * (1 - step / options.steps)
            _advance(variant, features, sample, stage)
        if step % 20 == 19:
            print(f"seed {seed}: step {step + 1} of {options.steps}", file=sys.stderr, flush=True)
    return variants


def _advance(variant: Variant, features: FrameFeatures, sample: Sample, stage: Stage) -> None:
    """Make one step of one variant."""
    alpha = variant.network.matte(variant.network.prepare(features), 1)
    loss = torch.stack(list(variant.recipe.weighted(alpha, sample).values())).sum()
    variant.optimiser.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(variant.network.parameters(), 1.0)
    variant.optimiser.step()


def _variant(name: str, settings: Mapping[str, Any], weights: Path) -> Variant:
    network = _network(settings, weights)
    fresh = {f"fuse_{stride}.{part}" for stride in ("eight", "sixteen") for part in ("alignment", "attention", "mix")}
    for part, module in network.named_modules():
        if part.startswith((*fresh, "flow")):
            module.train()
        elif part.startswith(ENCODER):
            module.requires_grad_(False)
    groups: dict[float, list[nn.Parameter]] = {RATE: [], FRESH * RATE: []}
    for key, parameter in network.named_parameters():
        if parameter.requires_grad:
            groups[FRESH * RATE if key.startswith((*fresh, "flow")) else RATE].append(parameter)
    optimiser = torch.optim.Adam([{"params": some, "most": rate} for rate, some in groups.items() if some], lr=RATE)
    return Variant(name, network, MattingRecipe(network), optimiser)


def _network(settings: Mapping[str, Any], weights: Path) -> MattingNetwork:
    """Return a network with everything of the trained one but its fusion over the window."""
    network = MattingNetwork(**settings)
    own, prefix = network.state_dict(), "matting."
    given = {
        key.removeprefix(prefix): value
        for key, value in read_weights(weights, family="dvm-small").items()
        if key.startswith(prefix) and (not key.startswith(f"{prefix}fuse_") or ".context." in key)
    }
    wider = "to_four.merge.0.weight"  # with flow fusion it takes the flow's channels too, which come last
    joined = torch.zeros_like(own[wider])
    joined[:, : given[wider].shape[1]] = given[wider]
    network.load_state_dict({**own, **given, wider: joined})
    return network.eval()


@dataclass(frozen=True)
class Piece:
    """A few frames of a validation composite, encoded once for all variants."""

    name: str
    features: FrameFeatures
    trimap: Tensor
    alpha_true: Tensor


@torch.no_grad()
def _piece(network: MattingNetwork, clip: Clip, frames: int) -> Piece:
    first = (len(clip.frames) - frames) // 2
    part = slice(first, first + frames)
    true = clip.alpha_true[part].float() / 255
    trimap = trimap_from_alpha(clip.alpha_true.float() / 255, band=BAND)[part]
    features = network.eval().encode(clip.frames[part].float() / 255, trimap)
    return Piece(clip.name, features, trimap, true)


@torch.no_grad()
def _score(network: MattingNetwork, piece: Piece) -> dict[str, float]:
    """Return SAD, MSE and dtSSD in the DVM convention of one piece."""
    alpha = network.eval().matte(network.prepare(piece.features), 1)[0]
    alpha = alpha[..., : piece.trimap.shape[-2], : piece.trimap.shape[-1]]
    score = dvm(alpha, piece.alpha_true, piece.trimap)
    return {name: float(getattr(score, name)) for name in ("sad", "mse", "dtssd")}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, required=True, help="packed sources, from `mattekit data pack`")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "val")
    parser.add_argument("--cache", type=Path, default=ROOT / "runs" / "quality")
    parser.add_argument("--weights", type=Path, default=carried("dvm-small"))
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--length", type=int, default=5, help="frames of a training clip")
    parser.add_argument("--frames", type=int, default=5, help="of each validation clip, from its middle")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--clips", type=int, help="score the first so many only, and write nothing")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
