"""A look at training: frame, trimap or map of people, prediction, truth and error side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.engine.validate import middle
from mattekit.types import Sample

SHOWN = 4
"""Clips in a picture, one a row."""
LONGEST = 256
"""Longest side of one panel in px."""
GUTTER = 4


def preview(predictions: Sequence[Tensor], clips: Sequence[Sample], *, truth: str = "alpha_true") -> Tensor:
    """Return a picture of the first clips, a row each: frame, trimap, prediction, truth, error three times enlarged.

    Of clips with a map of people, that is shown in the trimap's place.

    Args:
        predictions: (1, S, 1, H, W) in [0, 1] of each clip, of all its frames or of its middle ones; the last but one
            of a pair and the middle one of more is shown.
        clips: What was predicted.
        truth: The attribute of a clip that a prediction is compared with.

    Returns:
        (3, height, width) uint8.
    """
    rows = []
    for prediction, clip in list(zip(predictions, clips, strict=True))[:SHOWN]:
        shown = prediction.shape[1] // 2
        inside = middle(clip.frames.shape[1], prediction.shape[1]).start + shown
        found, true = prediction[0, shown], getattr(clip, truth)[0, inside]
        error = (3 * (found - true).abs()).clamp(0, 1)
        told = clip.trimap if clip.prior is None else clip.prior
        panels = [clip.frames[0, inside], told[0, inside], found, true, error]
        rows.append(torch.cat([_framed(panel) for panel in panels], dim=2))
    width = max(row.shape[2] for row in rows)
    sheet = torch.cat([functional.pad(row, (0, width - row.shape[2])) for row in rows], dim=1)
    return (sheet * 255).round().to(torch.uint8)


def write_picture(path: Path, picture: Tensor) -> None:
    """Write a picture (3, H, W) uint8 as PNG."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture.permute(1, 2, 0).contiguous().numpy()).save(path)


def _framed(panel: Tensor) -> Tensor:
    """Return (3, h, w) of a panel with 1 or 3 channels, no side above `LONGEST`, with a grey gutter."""
    colour = panel.float().clamp(0, 1).expand(3, -1, -1)
    scale = LONGEST / max(colour.shape[-2:])
    if scale < 1:
        size = [max(1, round(side * scale)) for side in colour.shape[-2:]]
        colour = functional.interpolate(colour[None], size=size, mode="area")[0]
    return functional.pad(colour, (0, GUTTER, 0, GUTTER), value=0.5)
