"""Quality of alpha on the eight validation composites, next to closed-form matting of every frame.

Scores are in the ``dvm`` convention of :mod:`mattekit.metrics` over the unknown region of the true trimap, whatever
trimaps the method was given. Every complete run is recorded in ``docs/quality.json``, from which ``docs/quality.md``
is written; contact sheets go to ``runs/quality/sheets``.

    python benchmarks/quality.py --data ../shared/data/val                    the model with its own weights
    python benchmarks/quality.py --data ../shared/data/val --weights FILE     with others
    python benchmarks/quality.py --data ../shared/data/val --closed-form      closed form alone
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date
from pathlib import Path

import numpy as np
import quality_report
import torch
from composites import FRAMES, VERSION, Clip, clips
from torch import Tensor

from mattekit.engine.stream import predict, propagate
from mattekit.metrics import Score, dvm, mean_score, quantise, sad
from mattekit.models import Model, load
from mattekit.ops import UNKNOWN, force_known, trimap_from_alpha
from mattekit.types import Chunk

ROOT = Path(__file__).resolve().parents[1]
BAND = 10
"""Reach in px of the true trimap's unknown band to each side of an edge, at 640x360."""
SETTINGS: Mapping[str, tuple[int, ...]] = {"full": tuple(range(FRAMES)), "every 20": (0, 20, 40), "one": (0,)}
CHUNK = 8
CLOSED_FORM = "closed form (PyMatting)"

Row = dict[str, float | int | None]
"""Scores of one clip by name."""


def main() -> None:
    """Score what the command line asks for, print it, and record complete runs."""
    options = _options()
    torch.set_num_threads(options.threads)
    model = None if options.closed_form else load("dvm", weights=options.weights)
    weights = "" if model is None else _weights_name(model.weights)
    results: dict[tuple[str, str, str], dict[str, Row]] = {}
    for clip in clips(options.data, options.cache, options.limit):
        started = time.perf_counter()
        trimap = trimap_from_alpha(clip.alpha_true.float() / 255, band=BAND)
        reference = closed_form(clip, trimap, options.cache)
        results.setdefault((CLOSED_FORM, "", "full"), {})[clip.name] = _score(clip, reference, trimap, trimap)
        for setting, indices in SETTINGS.items() if model is not None else ():
            alpha, given = predictions(model, clip, trimap, indices)
            results.setdefault(("dvm-small", weights, setting), {})[clip.name] = _score(clip, alpha, given, trimap)
            sheet = options.cache / "sheets" / setting.replace(" ", "-") / f"{clip.name}.png"
            quality_report.contact_sheet(sheet, clip, given, alpha, reference)
        print(f"{clip.name}: {time.perf_counter() - started:.1f} s", file=sys.stderr)
    runs = [_run(*key, rows) for key, rows in results.items()]
    if options.limit is None:
        quality_report.record(ROOT / "docs", runs)
    print(quality_report.table(runs))


def closed_form(clip: Clip, trimap: Tensor, cache: Path) -> Tensor:
    """Return PyMatting's closed-form alpha of every frame, (T, 1, H, W) in 8-bit steps, kept on disk once made."""
    path = cache / f"closed-form-{VERSION}-{BAND}" / f"{clip.name}.npy"
    if not path.exists():
        import pymatting

        alphas = []
        for frame, known in zip(clip.frames, trimap, strict=True):
            if bool((known == 0.5).any()):
                picture = frame.permute(1, 2, 0).double().numpy() / 255
                known = torch.from_numpy(pymatting.estimate_alpha_cf(picture, known[0].double().numpy()))[None]
            alphas.append((known.clamp(0, 1) * 255).round().to(torch.uint8))
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, torch.stack(alphas).numpy())
    return torch.from_numpy(np.load(path)).float() / 255


def predictions(model: Model, clip: Clip, trimap: Tensor, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return the model's alpha and the trimaps it worked from, given the true trimaps of some frames.

    Args:
        model: With a propagator.
        clip: T frames.
        trimap: (T, 1, H, W) in {0, 0.5, 1}, the true ones.
        indices: Which of them are given.

    Returns:
        Both (T, 1, H, W).
    """
    chunks = (
        Chunk(start, torch.arange(start, start + len(part)), part.float() / 255)
        for start, part in zip(range(0, len(clip.frames), CHUNK), clip.frames.split(CHUNK), strict=True)
    )
    with_trimaps = propagate(
        chunks,
        model.propagator,
        indices=indices,
        trimap_at=lambda index: trimap[index],
        frame_at=lambda index: clip.frames[index].float() / 255,
    )
    mattes = list(predict(with_trimaps, model.matter))
    given = [matte.chunk.trimap for matte in mattes if matte.chunk.trimap is not None]
    return torch.cat([matte.alpha for matte in mattes]), torch.cat(given)


def _score(clip: Clip, alpha: Tensor, given: Tensor, trimap: Tensor) -> Row:
    """Score one clip; known pixels are those of the trimaps that the method worked from.

    Beside the convention's errors: SAD / 1000 over the whole frame, and thousands of px a frame that the given trimap
    calls known although the true alpha is more than 0.1 away.
    """
    truth = clip.alpha_true.float() / 255
    alpha = force_known(alpha, given)
    whole = sad(quantise(alpha), truth, torch.ones_like(trimap, dtype=torch.bool)).mean() / 1000
    misled = ((given != UNKNOWN) & ((given - truth).abs() > 0.1)).sum() / len(given) / 1000
    return {**asdict(dvm(alpha, truth, trimap, force=False)), "sad_frame": float(whole), "misled": float(misled)}


def _run(method: str, weights: str, setting: str, rows: dict[str, Row]) -> quality_report.Run:
    named = {field.name for field in fields(Score)}
    mean = asdict(mean_score([Score(**{name: row[name] for name in named}) for row in rows.values()]))
    for extra in ("sad_frame", "misled"):
        mean[extra] = sum(float(row[extra] or 0) for row in rows.values()) / len(rows)
    return {
        "method": method,
        "weights": weights,
        "setting": setting,
        "date": date.today().isoformat(),
        "commit": _commit(),
        "composites": VERSION,
        "band": BAND,
        "clips": rows,
        "mean": mean,
    }


def _weights_name(path: Path) -> str:
    """Return the file's name and the start of its SHA-256, which tells two files of one name apart."""
    return f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()[:8]}"


def _commit() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "unknown"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "val")
    parser.add_argument("--cache", type=Path, default=ROOT / "runs" / "quality")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--limit", type=int, help="first so many clips; nothing is recorded")
    parser.add_argument("--closed-form", action="store_true", help="no model rows")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if not options.data.is_dir():
        raise SystemExit(f"--data must be the folder of the validation set; {options.data} is not a folder")
    return options


if __name__ == "__main__":
    main()
