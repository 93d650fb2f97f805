"""Writing the quality table and the contact sheets that go with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from composites import FRAMES, SIZE, Clip
from PIL import Image
from torch import Tensor

from mattekit.ops import resize

Run = dict[str, Any]
"""One method in one setting: method, weights, setting, date, commit, composites, band, clips (scores by name), mean."""

COLUMNS = (
    ("sad", "SAD", 3),
    ("mse", "MSE", 4),
    ("dtssd", "dtSSD", 2),
    ("sad_frame", "SAD of the frame", 3),
    ("misled", "misled", 3),
)

INTRODUCTION = """# Quality on the validation composites

Written by `python benchmarks/quality.py --data DATA`; every complete run stays in [quality.json](quality.json).

Eight clips of {frames} frames at {width}x{height}: a foreground with exact alpha, moved, scaled and turned smoothly
over a background clip (`benchmarks/composites.py`). None of the footage is in the training set. The true trimap is
unknown within {band} px of every edge and every fractional pixel of the true alpha.

Errors are in the DVM convention (`mattekit.metrics.dvm`): over the unknown pixels of the true trimap, SAD / 1000 a
frame, MSE, dtSSD as the mean over pairs of the root of the sum; alphas rounded to 8 bits; mean of each clip, then of
the clips. *SAD of the frame* takes in the whole frame, and so what propagation gets wrong elsewhere; *misled* counts
thousands of pixels a frame that the method's trimap calls known although the true alpha is over 0.1 away. Less is
better. *full* gives the true trimap on every frame, *every 20* on frames 0, 20 and 40, *one* on frame 0 only.
In brackets: the ratio to closed-form matting of every frame with its true trimap.
"""


def record(folder: Path, runs: Sequence[Run]) -> None:
    """Add runs to ``quality.json``, each in the place of an older one of the same kind, and write ``quality.md``."""
    path = folder / "quality.json"
    kept: list[Run] = json.loads(path.read_text(encoding="utf-8"))["runs"] if path.exists() else []
    fresh = {_key(run) for run in runs}
    everything = [run for run in kept if _key(run) not in fresh] + list(runs)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"runs": everything}, indent=1) + "\n", encoding="utf-8")
    (folder / "quality.md").write_text(document(everything), encoding="utf-8")


def document(runs: Sequence[Run]) -> str:
    """Return the page: the means of every run, and a table by clip for each."""
    newest = runs[-1]
    introduction = INTRODUCTION.format(frames=FRAMES, height=SIZE[0], width=SIZE[1], band=newest["band"])
    shown = [run for run in runs if (run["composites"], run["band"]) == (newest["composites"], newest["band"])]
    return f"{introduction}\n## Means\n\n{table(shown)}\n\n## By clip\n\n{_by_clip(shown)}\n"


def table(runs: Sequence[Run]) -> str:
    """Return the means of several runs as a table, with ratios to the closed form among them."""
    reference = next((run for run in runs if run["method"].startswith("closed form")), None)
    lines = [
        "| method | weights | trimaps | " + " | ".join(title for _, title, _ in COLUMNS) + " | date | commit |",
        "| --- | --- | --- |" + " ---: |" * len(COLUMNS) + " --- | --- |",
    ]
    for run in runs:
        base = reference["mean"] if reference is not None and reference is not run else None
        lines.append(
            f"| {run['method']} | {run['weights']} | {run['setting']} | {_cells(run['mean'], base)} "
            f"| {run['date']} | {run['commit']} |"
        )
    return "\n".join(lines)


def contact_sheet(path: Path, clip: Clip, trimap: Tensor, alpha: Tensor, reference: Tensor) -> None:
    """Draw five frames of a clip, one a row: frame, trimap used, true alpha, alpha, error x4, closed form."""
    rows = []
    for index in torch.linspace(0, len(alpha) - 1, 5).round().long().tolist():
        truth = clip.alpha_true[index].float() / 255
        error = ((alpha[index] - truth).abs() * 4).clamp(max=1)
        grey = [picture.expand(3, -1, -1) for picture in (trimap[index], truth, alpha[index], error, reference[index])]
        row = torch.cat([clip.frames[index].float() / 255, *grey], dim=-1)
        rows.append(resize(row, (row.shape[-2] // 2, row.shape[-1] // 2)))
    sheet = (torch.cat(rows, dim=-2).clamp(0, 1) * 255).round().to(torch.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sheet.permute(1, 2, 0).numpy()).save(path)


def _by_clip(runs: Sequence[Run]) -> str:
    """Return SAD, MSE and dtSSD of every clip, a table each, with a column for every run."""
    parts = []
    for column, title, digits in COLUMNS[:3]:
        lines = [
            f"### {title}\n",
            "| clip | "
            + " | ".join(f"{run['method']}{_suffix(run['weights'])}, {run['setting']}" for run in runs)
            + " |",
            "| --- |" + " ---: |" * len(runs),
        ]
        for name in runs[0]["clips"]:
            cells = [_number(run["clips"].get(name, {}).get(column), digits) for run in runs]
            lines.append(f"| {name} | {' | '.join(cells)} |")
        lines.append("| mean | " + " | ".join(_number(run["mean"][column], digits) for run in runs) + " |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _cells(mean: dict[str, Any], base: dict[str, Any] | None) -> str:
    cells = []
    for column, _, digits in COLUMNS:
        text = _number(mean[column], digits)
        if base is not None and mean[column] is not None and base[column]:
            text += f" ({mean[column] / base[column]:.2f})"
        cells.append(text)
    return " | ".join(cells)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _suffix(weights: str) -> str:
    """Return the digest of a weights name in brackets, or nothing."""
    return f" ({weights.split()[-1]})" if weights else ""


def _key(run: Run) -> tuple[Any, ...]:
    return tuple(run[name] for name in ("method", "weights", "setting", "composites", "band"))
