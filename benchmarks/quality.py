"""Quality of alpha on the validation composites, next to PyMatting and to trimaps carried by OpenCV's flow.

Scores are in the ``dvm`` convention of :mod:`mattekit.metrics` over the unknown region of the true trimap, whatever
trimaps the method was given. Every complete run is recorded in ``docs/quality.json``, from which ``docs/quality.md``
and its plot are made. Rendered clips, baselines, the alphas that were scored and contact sheets stay in
``runs/quality``; a later run solves and renders only what is missing there.

    python benchmarks/quality.py                        the model with its own weights, and all baselines
    python benchmarks/quality.py --extra                the further validation clips too
    python benchmarks/quality.py --weights FILE         other weights; --no-record only prints their table
    python benchmarks/quality.py --baselines            no model
    python benchmarks/quality.py --page                 the page and plot from the record, nothing measured
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path

import cv2
import numpy as np
import quality_plot
import quality_report
import torch
from composites import Clip, Collection, clips
from quality_baselines import solve
from quality_dis import estimate_flows, warp_trimaps
from quality_report import BARE, CLOSED_FORM, DIS, KNN, MODEL, STEADIED, Run
from quality_score import Row, mean_row, obeyed, score, true_flow
from quality_sets import BAND, FURTHER, VALIDATION, settings
from quality_sheet import contact_sheet
from torch import Tensor

from mattekit.engine.stabilise import stabilise
from mattekit.engine.stream import predict, propagate
from mattekit.models import Model, load
from mattekit.ops import trimap_from_alpha
from mattekit.types import Chunk, Matte

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
CHUNK = 8

Answer = tuple[str, str, Tensor, Tensor]
"""Method, setting, the trimaps it worked from and its alpha, both (T, 1, H, W)."""


def main() -> None:
    """Score what the command line asks for, print it, and record complete runs."""
    options = _options()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    if not options.page:
        measure(options)
    if options.page or recorded(options):
        quality_report.write_page(DOCS)
        quality_plot.draw(quality_report.recorded(DOCS), DOCS / quality_report.PLOT)


def measure(options: argparse.Namespace) -> None:
    """Run one set after the other; a complete one is recorded before the next begins."""
    model = None if options.baselines else load("dvm", weights=options.weights)
    for collection, foregrounds in {VALIDATION: options.data, FURTHER: options.train}.items():
        if collection is VALIDATION or options.extra:
            runs = run_collection(collection, foregrounds, model, options)
            print(f"{collection.name}\n{quality_report.table(runs)}")
            if recorded(options):
                quality_report.record(DOCS, runs)


def recorded(options: argparse.Namespace) -> bool:
    """Return whether what is measured goes into the record: complete runs do unless told otherwise."""
    return options.limit is None and not options.no_record


def run_collection(
    collection: Collection, foregrounds: Path, model: Model | None, options: argparse.Namespace
) -> list[Run]:
    """Score every method in every setting on a collection; return a run for each."""
    made = {"set": collection.name, "composites": collection.version, "band": BAND}
    made |= {"date": date.today().isoformat(), "commit": _commit()}
    results: dict[tuple[str, str], dict[str, Row]] = {}
    places = {"foregrounds": foregrounds, "backgrounds": options.data, "cache": options.cache}
    for clip in clips(collection, limit=options.limit, **places):
        started = time.perf_counter()
        trimap = trimap_from_alpha(clip.alpha_true.float() / 255, band=BAND)
        flow = true_flow(clip, options.cache)
        reference = solve("closed form", clip.frames, trimap, options.cache)
        for method, setting, given, alpha in answers(collection, clip, trimap, model, options.cache):
            levels = obeyed(alpha, given)
            results.setdefault((method, setting), {})[clip.name] = score(clip, levels, given, trimap, flow)
            weights = _weights(model).split()[-1] if MODEL in method else ""
            folder = f"{collection.name}/{method} {setting} {weights}".lower().strip().replace(" ", "-")
            _keep(options.cache / "alphas" / folder / f"{clip.name}.npz", levels, given)
            contact_sheet(options.cache / "sheets" / folder / f"{clip.name}.png", clip, given, alpha, reference)
        print(f"{collection.name}, {clip.name}: {time.perf_counter() - started:.1f} s", file=sys.stderr)
    runs = []
    for (method, setting), rows in results.items():
        named = {"method": method, "weights": _weights(model) if MODEL in method else "", "setting": setting}
        runs.append({**named, **made, "clips": rows, "mean": mean_row(rows)})
    return runs


def answers(collection: Collection, clip: Clip, trimap: Tensor, model: Model | None, cache: Path) -> Iterator[Answer]:
    """Yield what each method makes of one clip in each setting.

    Args:
        collection: The one that the clip is from; KNN, which is slow, and the flow's trimaps are only for the
            validation clips.
        clip: T frames.
        trimap: (T, 1, H, W) in {0, 0.5, 1}, the true ones, of which a setting gives some.
        model: With a propagator; None leaves its rows out.
        cache: Where the baselines keep what they have solved.
    """
    reference = solve("closed form", clip.frames, trimap, cache)
    yield CLOSED_FORM, "full", trimap, reference
    pairs = zip(_chunks(clip), reference.split(CHUNK), strict=True)
    yield STEADIED, "full", trimap, _alpha(stabilise(Matte(chunk, alpha, None) for chunk, alpha in pairs))
    if collection is VALIDATION:
        yield KNN, "full", trimap, solve("KNN", clip.frames, trimap, cache)
    flows = estimate_flows(clip.frames)
    for setting, indices in settings(len(clip.frames)).items():
        if model is not None:
            given = propagated(model, clip, trimap, indices)
            if setting == "full":
                yield BARE, setting, given, _alpha(predict(_chunks(clip, given), model.matter))
            yield MODEL, setting, given, matted(model, clip, given)
        if setting != "full" and collection is VALIDATION:
            warped = warp_trimaps(flows, trimap, indices)
            yield DIS + "closed form", setting, warped, solve("closed form", clip.frames, warped, cache)
            if model is not None:
                yield DIS + MODEL, setting, warped, matted(model, clip, warped)


def propagated(
    model: Model, clip: Clip, trimap: Tensor, indices: Sequence[int], watch: Callable[[int, float], None] | None = None
) -> Tensor:
    """Return the trimap of every frame, (T, 1, H, W), that the model carries from the true ones of some frames."""
    with_trimaps = propagate(
        _chunks(clip),
        model.propagator,
        indices=indices,
        trimap_at=lambda index: trimap[index],
        frame_at=lambda index: clip.frames[index].float() / 255,
        watch=watch,
    )
    return torch.cat([chunk.trimap for chunk in with_trimaps if chunk.trimap is not None])


def matted(model: Model, clip: Clip, trimaps: Tensor) -> Tensor:
    """Return the model's alpha (T, 1, H, W) from a trimap for every frame, stabilised as the command does."""
    return _alpha(stabilise(predict(_chunks(clip, trimaps), model.matter)))


def _alpha(mattes: Iterable[Matte]) -> Tensor:
    return torch.cat([matte.alpha for matte in mattes])


def _chunks(clip: Clip, trimaps: Tensor | None = None) -> Iterator[Chunk]:
    for start in range(0, len(clip.frames), CHUNK):
        frames = clip.frames[start : start + CHUNK].float() / 255
        part = None if trimaps is None else trimaps[start : start + CHUNK]
        yield Chunk(start, torch.arange(start, start + len(frames)), frames, part)


def _keep(path: Path, alpha: Tensor, given: Tensor) -> None:
    """Keep what was scored, so that it can be scored again by other means: alpha, and the trimap times 2, uint8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, alpha=alpha.numpy(), given=(given * 2).to(torch.uint8).numpy())


def _weights(model: Model | None) -> str:
    """Return the weights file's name and the start of its SHA-256, which tells two files of one name apart."""
    if model is None:
        return ""
    return f"{model.weights.name} {hashlib.sha256(model.weights.read_bytes()).hexdigest()[:8]}"


def _commit() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "unknown"


def _options() -> argparse.Namespace:
    data = ROOT.parent / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=data / "val", help="folder of the validation set")
    parser.add_argument("--train", type=Path, default=data / "train", help="folder of the foregrounds of --extra")
    parser.add_argument("--cache", type=Path, default=ROOT / "runs" / "quality")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--extra", action="store_true", help="the further validation clips too")
    parser.add_argument("--baselines", action="store_true", help="no model rows")
    parser.add_argument("--limit", type=int, help="first so many clips of a set; nothing is recorded")
    parser.add_argument("--no-record", action="store_true", help="print the table only")
    parser.add_argument("--page", action="store_true", help="write page and plot from the record; measure nothing")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    needed = {} if options.page else {"--data": options.data, **({"--train": options.train} if options.extra else {})}
    for name, folder in needed.items():
        if not folder.is_dir():
            raise SystemExit(f"{name} must be a folder of footage with alpha; {folder} is not a folder")
    return options


if __name__ == "__main__":
    main()
