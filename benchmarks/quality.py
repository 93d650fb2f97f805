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
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path

import numpy as np
import quality_report
import torch
from composites import FRAMES, VERSION, Clip, clips
from torch import Tensor

from mattekit.metrics import Score, dvm, mean_score, quantise, sad
from mattekit.ops import trimap_from_alpha

ROOT = Path(__file__).resolve().parents[1]
BAND = 10
"""Reach in px of the true trimap's unknown band to each side of an edge, at 640x360."""
SETTINGS: Mapping[str, tuple[int, ...]] = {"full": tuple(range(FRAMES)), "every 20": (0, 20, 40), "one": (0,)}
CLOSED_FORM = "closed form, every frame (PyMatting)"


def main() -> None:
    """Score what the command line asks for, print it, and record complete runs."""
    options = _options()
    torch.set_num_threads(options.threads)
    results: dict[tuple[str, str], dict[str, dict[str, float | int | None]]] = {}
    weights = "" if options.closed_form else _weights_name(options.weights)
    for clip in clips(options.data, options.cache, options.limit):
        started = time.perf_counter()
        truth = clip.alpha_true.float() / 255
        trimap = trimap_from_alpha(truth, band=BAND)
        reference = closed_form(clip, trimap, options.cache)
        _keep(results, (CLOSED_FORM, "full"), clip, reference, trimap)
        for setting, alpha in () if options.closed_form else _predictions(clip, trimap, options):
            _keep(results, (f"dvm-small, {weights}", setting), clip, alpha, trimap)
            sheet = options.cache / "sheets" / setting.replace(" ", "-") / f"{clip.name}.png"
            quality_report.contact_sheet(sheet, clip, trimap, alpha, reference)
        print(f"{clip.name}: {time.perf_counter() - started:.1f} s", file=sys.stderr)
    runs = [_run(method, setting, rows) for (method, setting), rows in results.items()]
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


def _predictions(clip: Clip, trimap: Tensor, options: argparse.Namespace) -> Iterator[tuple[str, Tensor]]:
    raise SystemExit("dvm-small is not there yet; use --closed-form")


def _keep(
    results: dict[tuple[str, str], dict[str, dict[str, float | int | None]]],
    key: tuple[str, str],
    clip: Clip,
    alpha: Tensor,
    trimap: Tensor,
) -> None:
    """Score one clip. Known pixels are forced only where the method was given every true trimap."""
    truth = clip.alpha_true.float() / 255
    score = dvm(alpha, truth, trimap, force=key[1] == "full")
    whole = sad(quantise(alpha), truth, torch.ones_like(trimap, dtype=torch.bool)).mean() / 1000
    results.setdefault(key, {})[clip.name] = {**asdict(score), "sad_frame": float(whole)}


def _run(method: str, setting: str, rows: dict[str, dict[str, float | int | None]]) -> quality_report.Run:
    scores = [Score(**{name: value for name, value in row.items() if name != "sad_frame"}) for row in rows.values()]
    whole = [float(row["sad_frame"] or 0) for row in rows.values()]
    return {
        "method": method,
        "setting": setting,
        "date": date.today().isoformat(),
        "commit": _commit(),
        "composites": VERSION,
        "band": BAND,
        "clips": rows,
        "mean": {**asdict(mean_score(scores)), "sad_frame": sum(whole) / len(whole)},
    }


def _weights_name(weights: Path | None) -> str:
    """Return the file's name and the start of its SHA-256, so that a table tells two files of one name apart."""
    path = weights or ROOT / "src" / "mattekit" / "weights" / "dvm-small.safetensors"
    if not path.is_file():
        raise SystemExit(f"weights file not found: {path}")
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
