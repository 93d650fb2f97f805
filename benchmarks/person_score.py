"""Scores of person matting on the test clips: maps as they come, maps made steady, and what networks make of those."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from person_sets import Clip
from torch import Tensor

from mattekit.metrics import measure
from mattekit.models.person.network import PersonNetwork
from mattekit.models.person.prior import Given, Segmented, Smoothed
from mattekit.models.person.stream import PersonMatter
from mattekit.types import Matter

METRICS = ("SSDA", "dtSSD", "MESSDdt")
CONVENTION = "fake-motion"
RAW, STEADY = "maps of the segmenter", "maps made steady"

Scores = dict[str, dict[str, float]]
"""By the clip's name, by metric."""


def run(matter: Matter, frames: Tensor) -> Tensor:
    """Return all that a matter makes of a clip's frames (T, 3, H, W) in [0, 1]: alpha (T, 1, H, W)."""
    alpha, _, state = matter.step(frames, None, None)
    rest, _, _ = matter.step(frames[:0], None, state)
    return torch.cat((alpha, rest))


def maps_of(frames: Tensor, segment: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """Return maps (T, 1, H, W) uint8 of frames (T, 3, H, W) in [0, 1], as they come and made steady."""
    raw = run(Segmented(segment), frames)
    steady = run(Smoothed(_given(raw)), frames)
    return levels(raw), levels(steady)


def matted(network: PersonNetwork, frames: Tensor, maps: Tensor) -> Tensor:
    """Return alpha (T, 1, H, W) uint8 that a network in evaluation mode makes of frames and maps, uint8."""
    matter = PersonMatter(network, _given(maps.float() / 255), foreground=False)
    return levels(run(matter, frames.float() / 255))


def score(clip: Clip, alpha: Tensor) -> dict[str, float]:
    """Return the three errors of alpha, uint8, on a clip."""
    means = measure(CONVENTION, alpha, clip.alpha_true, flow=clip.flow).means
    return {name: float(means[name] or 0.0) for name in METRICS}


def mean_of(scores: Scores, metric: str) -> float:
    """Return the mean of a metric over the clips."""
    return sum(clip[metric] for clip in scores.values()) / len(scores)


def better(scores: Scores, than: Scores, metric: str) -> int:
    """Return in how many clips some scores are below others."""
    return sum(scores[name][metric] < than[name][metric] for name in scores)


def sheet(path: Path, clips: Sequence[Clip], found: Mapping[str, Sequence[Tensor]], *, frames: Sequence[int]) -> None:
    """Draw a picture: clip by clip a row a frame, with the frame, each kind of alpha by name, and the truth last.

    Args:
        path: A PNG.
        clips: Those drawn.
        found: By name, alpha uint8 of each of the clips.
        frames: Which frames of each clip.
    """
    from PIL import Image, ImageDraw

    rows = []
    for place, clip in enumerate(clips):
        for index in frames:
            planes = [alphas[place][index] for alphas in found.values()] + [clip.alpha_true[index]]
            rows.append(torch.cat([clip.frames[index], *(plane.expand(3, -1, -1) for plane in planes)], dim=2))
    pixels = torch.cat(rows, dim=1)[:, ::1].permute(1, 2, 0).contiguous().numpy()
    picture = Image.new("RGB", (pixels.shape[1], pixels.shape[0] + 20))
    picture.paste(Image.fromarray(pixels), (0, 20))
    width = clips[0].frames.shape[-1]
    for place, name in enumerate(("frame", *found, "truth")):
        ImageDraw.Draw(picture).text((place * width + 4, 4), name)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


def levels(planes: Tensor) -> Tensor:
    """Return planes in [0, 1] as uint8."""
    return (planes * 255).round().clamp(0, 255).to(torch.uint8)


def _given(maps: Tensor) -> Given:
    return Given(lambda number: maps[number])
