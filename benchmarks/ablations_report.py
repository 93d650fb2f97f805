"""Writing the ablation tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

METRICS = (("sad", "SAD", 3), ("mse", "MSE", 5), ("dtssd", "dtSSD", 2))
FULL = "ST-FAM (basic + TFA + TFF), n = 2"
TABLES: Mapping[str, tuple[str, ...]] = {
    "Alignment and aggregation (Table 2)": ("basic", "basic + TFA", FULL),
    "Length of the window (Table 3)": ("ST-FAM, n = 1", FULL, "ST-FAM, n = 3"),
    "Kind of fusion (Table 4)": ("naive fusion", "flow fusion", "cross-attention fusion", FULL),
}
CLAIMS: Sequence[tuple[str, str, str]] = (
    ("alignment helps", "basic + TFA", "basic"),
    ("aggregation helps on top", FULL, "basic + TFA"),
    ("ST-FAM beats naive fusion", FULL, "naive fusion"),
    ("ST-FAM beats flow fusion", FULL, "flow fusion"),
    ("ST-FAM beats cross-attention", FULL, "cross-attention fusion"),
    ("cross-attention beats naive fusion", "cross-attention fusion", "naive fusion"),
    ("n = 2 beats n = 1", FULL, "ST-FAM, n = 1"),
    ("n = 3 beats n = 2", "ST-FAM, n = 3", FULL),
)
"""What the paper claims: the variant that should have less error, and the one that should have more."""

INTRODUCTION = """# Ablations

Written by `python benchmarks/ablations.py --pack PACK`. Every variant of the matting network begins from the same
trained network ({weights}) with a fresh fusion that starts as if it were not there. The encoder stays as it is;
fusion and decoder are trained for {steps} steps of one clip of {length} frames at {crop}x{crop} px, all variants on the
same clips, the decoder with its statistics of normalisation frozen. Scores are means over {clips} validation
composites, {frames} frames from the middle of each, full trimaps, DVM convention; one column a seed. The start is the
trained network without any window, before these steps. All of it took {minutes} minutes of one thread.

This is a small budget: the paper trains every variant from ImageNet weights for 100 epochs. What is compared is what
the fusion learns in that time, and differences below those between seeds mean nothing. The trimap settings of Table 5
are in [quality.md](quality.md).
"""


def document(result: Mapping[str, Any]) -> str:
    """Return the page of a result as `ablations.py` makes it."""
    start = result["start"]
    parts = [INTRODUCTION.format(**{**result, "clips": len(start)})]
    for title, names in TABLES.items():
        rows = [_row("the start", [start] * len(result["seeds"]))]
        rows += [_row(name, result["scores"][name]) for name in names]
        titles = [f"{metric}, seed {seed}" for _, metric, _ in METRICS for seed in result["seeds"]]
        head = f"| variant | {' | '.join(titles)} |\n| --- |{' ---: |' * len(titles)}"
        parts.append(f"## {title}\n\n{head}\n" + "\n".join(rows) + "\n")
    return "\n".join([*parts, _claims(result), _spread(result)])


def _spread(result: Mapping[str, Any]) -> str:
    """Return how far variants are apart, and how far one variant is from itself with another seed."""
    table = [[_mean(scores, "sad") for scores in seeds] for seeds in result["scores"].values()]
    apart = max(max(column) / min(column) - 1 for column in zip(*table, strict=True))
    alone = mean(max(row) / min(row) - 1 for row in table)
    verdict = (
        "So these orderings say nothing yet." if alone > apart else "So the orderings above stand out of the noise."
    )
    told = f"With one seed the variants' SAD lies within {apart:.1%}; one variant differs by {alone:.1%} between seeds."
    return f"{told} {verdict}\n"


def _row(name: str, seeds: Sequence[Mapping[str, Mapping[str, float]]]) -> str:
    cells = []
    for metric, _, digits in METRICS:
        cells += [f"{_mean(scores, metric):.{digits}f}" for scores in seeds]
    return f"| {name} | {' | '.join(cells)} |"


def _claims(result: Mapping[str, Any]) -> str:
    """Return, for each ordering of the paper, in how many of the seeds and of the clips it came out."""
    lines = ["## The paper's orderings", "", "| claim | " + " | ".join(title for _, title, _ in METRICS) + " |"]
    lines.append("| --- |" + " --- |" * len(METRICS))
    for claim, better, worse in CLAIMS:
        cells = []
        for metric, _, _ in METRICS:
            pairs = list(zip(result["scores"][better], result["scores"][worse], strict=True))
            seeds = sum(_mean(one, metric) < _mean(other, metric) for one, other in pairs)
            clips = sum(one[name][metric] < other[name][metric] for one, other in pairs for name in one)
            gap = mean(_mean(one, metric) / _mean(other, metric) - 1 for one, other in pairs)
            cells.append(f"{seeds} of {len(pairs)} seeds, {clips} of {len(pairs) * len(pairs[0][0])} clips, {gap:+.1%}")
        lines.append(f"| {claim} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _mean(scores: Mapping[str, Mapping[str, float]], metric: str) -> float:
    return mean(clip[metric] for clip in scores.values())
