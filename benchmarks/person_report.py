"""Writing the scores of person matting into their page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from person_score import METRICS, RAW, STEADY, Scores, better, mean_of
from person_train import FORGETFUL, FULL, INATTENTIVE

BEGUN, CARRIED = "network before training", "network carried in the package"
ORDER = (RAW, STEADY, BEGUN, FULL, FORGETFUL, INATTENTIVE, CARRIED)
HEADING = "## Scores"
CLAIMS = (
    ("maps made steady beat the maps as they come", STEADY, RAW),
    ("the network beats the steady maps that it is given", FULL, STEADY),
    ("training improves what the network begins as", FULL, BEGUN),
    ("memory helps", FULL, FORGETFUL),
    ("attention helps", FULL, INATTENTIVE),
    ("the carried network beats its steady maps", CARRIED, STEADY),
)
"""What is to be shown: the row that should have less error, and the one that should have more."""
INTRODUCTION = """\
Written by `python benchmarks/person.py`; every number is in [person.json](person.json). {clips} clips of 10 frames of
{side}x{side} px, made by fake motion of {people} people before {grounds} background clips, none of which any training
saw: `mattekit compose PEOPLE --preset fake-motion --moving-grounds CLIPS -o set`, scored as by `mattekit evaluate FOUND
set --convention fake-motion`. Whole frames; SSDA and dtSSD are the root of the sum of squares, MESSDdt is the sum over
1,000, along the exact motion of the person, where the person is seen in both frames. Means over frames, then over
clips; less is better.
"""
TRAINING = """\
The networks have half the published channels. One without memory and attention begins as its map (row "{begun}": the
finest skip is set so that it hands the map on, all else is drawn) and is trained for {start[steps]} steps of
{start[batch]} x {start[length]} frames; each form goes on from it for {form[steps]} steps of {form[batch]} x
{form[length]} frames, with memory and attention that begin as if they were not there, and all normalisation frozen. All
on the same {training} clips in the same order, {form[side]}x{form[side]} px: {minutes} minutes of one processor thread.
Unlike `mattekit train person` this squares the errors of alpha, of its change and of its change along the motion, as
the metrics do, and gives people and backgrounds other colours, each apart: without that, so few people teach a network
the colours of their clothes. It is a small budget, and what is compared is what is learnt in that time.
"""


def section(result: Mapping[str, Any]) -> str:
    """Return the section of the page."""
    scores: Mapping[str, Scores] = result["scores"]
    rows = [name for name in ORDER if name in scores]
    lines = ["| | " + " | ".join(METRICS) + " |", "| --- |" + " ---: |" * len(METRICS)]
    for name in rows:
        cells = " | ".join(f"{mean_of(scores[name], metric):.3f}" for metric in METRICS)
        lines.append(f"| {name} | {cells} |")
    minutes = " + ".join(f"{value:.1f}" for value in result["minutes"].values())
    told = (
        INTRODUCTION.format(**result["set"])
        + "\n"
        + TRAINING.format(**result["training"], minutes=minutes, begun=BEGUN)
    )
    return "\n".join([HEADING, "", told, *lines, "", *claims(scores), ""])


def claims(scores: Mapping[str, Scores]) -> list[str]:
    """Return, for each ordering, by how much it came out and in how many clips."""
    lines = ["| claim | " + " | ".join(METRICS) + " |", "| --- |" + " --- |" * len(METRICS)]
    for claim, low, high in CLAIMS:
        if low not in scores or high not in scores:
            continue
        cells = []
        for metric in METRICS:
            gap = mean_of(scores[low], metric) / mean_of(scores[high], metric) - 1
            verdict = "yes" if gap < 0 else "no"
            count = better(scores[low], scores[high], metric)
            cells.append(f"{verdict}, {gap:+.1%}, {count} of {len(scores[low])} clips")
        lines.append(f"| {claim} | {' | '.join(cells)} |")
    return lines


def put(path: Path, text: str) -> None:
    """Put the section into a page, in the place of an older one, or at its end."""
    page = path.read_text(encoding="utf-8") if path.exists() else "# Person matting\n"
    before, found, after = page.partition(f"{HEADING}\n")
    rest = after.partition("\n## ")[2] if found else ""
    page = before.rstrip() + "\n\n" + text.rstrip() + "\n" + (f"\n## {rest}" if rest else "")
    path.write_text(page, encoding="utf-8")
