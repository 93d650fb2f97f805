"""Contact sheets to look at beside the figures."""

from __future__ import annotations

from pathlib import Path

import torch
from composites import Clip
from PIL import Image
from torch import Tensor

from mattekit.ops import resize


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
