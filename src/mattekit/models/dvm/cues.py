"""What classical matting would see, as input channels: extended colours, projected alpha, closed-form alpha."""

from __future__ import annotations

import torch
from torch import Tensor

from mattekit.ops.extend import extend_colour
from mattekit.ops.laplacian import closed_form_alpha

PLAIN_CHANNELS = 5
CUE_CHANNELS = 11


@torch.no_grad()
def network_input(frames: Tensor, trimap: Tensor, *, cues: bool) -> tuple[Tensor, Tensor]:
    """Return the channels that the matting network sees, and the classical estimate it starts from.

    Args:
        frames: (N, 3, H, W) in [0, 1].
        trimap: (N, 1, H, W) in {0, 0.5, 1}.
        cues: Whether to add the classical cues; without them the estimate is the trimap.

    Returns:
        Channels (N, 5 or 16, H, W), centred on 0: colour 3, known foreground 1, known background 1; with cues also
        extended foreground 3 and background 3, projected alpha 1, distances to the two colours 2, contrast of the
        two 1, closed-form alpha 1. Then the estimate (N, 1, H, W) in [0, 1].

    Source:
        Projection on the line between the two colours: Ruzon and Tomasi, CVPR 2000. Closed form: Levin et al. 2008.
    """
    foreground_known = (trimap == 1).to(frames.dtype)
    background_known = (trimap == 0).to(frames.dtype)
    plain = torch.cat((2 * frames - 1, foreground_known, background_known), dim=1)
    if not cues:
        return plain, trimap
    foreground = extend_colour(frames, foreground_known)
    background = extend_colour(frames, background_known)
    axis = foreground - background
    contrast = (axis * axis).sum(1, keepdim=True)
    projected = (((frames - background) * axis).sum(1, keepdim=True) / (contrast + 1e-3)).clamp(0, 1)
    projected = torch.where(trimap == 0.5, projected, trimap)
    estimate = closed_form_alpha(frames, trimap, projected)
    distances = [
        (frames - colour).square().sum(1, keepdim=True).add(1e-6).sqrt() for colour in (foreground, background)
    ]
    classical = (
        foreground - frames,
        background - frames,
        2 * projected - 1,
        *distances,
        (contrast + 1e-6).sqrt(),
        2 * estimate - 1,
    )
    return torch.cat((plain, *classical), dim=1), estimate
