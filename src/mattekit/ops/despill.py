"""Light of the background taken out of a foreground's colour at its edges."""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.checks import InputError, check_rank, check_same_size
from mattekit.ops.extend import extend_colour
from mattekit.ops.filters import box_filter, dilate

BLOCK = 4
"""Side in px of the blocks for which nearness to an edge and the subject's own colour are known."""

CORE, SHOWN = 0.98, 0.05
"""Alpha from the first on is opaque; up to the second, a pixel says nothing of the subject's colour."""

GUESS = (0.02, 0.0005)
"""Weight of opaque pixels near the edge, and of soft ones, where the subject's own colour is not seen deeper inside."""

TRUSTED = 0.8
"""Share of deep colour in what is continued from which it is trusted wholly."""

REPLACED = 0.5
"""Share of spilled light that stands in place of the subject's colour (alpha was too high); the rest lies on top."""

WARM = 0.7
"""How much of it counts, in proportion to brightness, where the subject's own colour has less of that channel."""

TINTED, VIVID = 0.04, 0.12
"""Excess of a background's strongest channel from which it can spill, and from which it is taken wholly."""


def despill(
    foreground: Tensor, alpha: Tensor, background: Tensor, *, amount: float = 1.0, reach: int | None = None
) -> Tensor:
    """Take the background's colour out of a straight foreground where alpha is soft, and near there.

    Where the channel that is strongest in the background stands higher above the others than it does deeper inside the
    subject, the pixel is taken for ``F + t (B - S / 2)``: light of the background B that half replaced the subject's
    colour, S deeper inside, and half fell on it. The smallest share t that brings the channel down is taken back. So
    brightness stays about that of the subject, and a subject that is green itself stays green. Grey backgrounds spill
    nothing.

    Args:
        foreground: (T, 3, H, W) straight colour in [0, 1].
        alpha: (T, 1, H, W) in [0, 1].
        background: (T, 3, H, W) colour behind, estimated at every pixel, or a flat screen colour of 1x1 px.
        amount: Share of it that is taken, 0 to 1.
        reach: Px inwards from the soft edge up to which all is taken, fading out over twice as many more; None takes
            a two-hundredth of the long side.

    Returns:
        (T, 3, H, W) in [0, 1].

    Raises:
        InputError: Shapes do not fit, or the amount or reach is out of range.

    Source:
        Colour-difference despill as compositors know it (the strongest channel held to the larger of the others),
        here relative to the subject's own colour and as a mixture instead of a cut.
    """
    check_rank("foreground", foreground, "T 3 H W")
    check_rank("alpha", alpha, "T 1 H W")
    check_same_size("foreground", foreground, "alpha", alpha)
    if not 0 <= amount <= 1:
        raise InputError(f"despill must be 0 to 1; got {amount:g}")
    width = max(1, round(max(alpha.shape[-2:]) / 200)) if reach is None else reach
    if width < 0:
        raise InputError(f"reach must be 0 px or more; got {reach}")
    if amount == 0:
        return foreground
    behind = background.expand_as(foreground)
    near = _near_edge(alpha, width)
    own = _own_colour(foreground, alpha, near)
    frame, row, column = (near[:, 0] > 0).nonzero(as_tuple=True)
    seen, wall, inside = (layer[frame, :, row, column] for layer in (foreground, behind, own))
    share = amount * near[frame, :, row, column] * _spilled_share(seen, wall, inside)
    clean = foreground.clone()
    clean[frame, :, row, column] = (seen - share * (wall - REPLACED * inside[:, :3])).clamp(0, 1)
    return clean


def _near_edge(alpha: Tensor, width: int) -> Tensor:
    """Return (T, 1, H, W): 1 where alpha is soft and up to about so many px from there, then fading to 0."""
    soft = functional.max_pool2d((alpha < CORE).to(alpha.dtype), BLOCK, ceil_mode=True)
    reach = max(1, round(width / BLOCK)) if width else 0
    return _spread(box_filter(dilate(soft, 2 * reach), reach), alpha)


def _own_colour(foreground: Tensor, alpha: Tensor, near: Tensor) -> Tensor:
    """Return (T, 4, H, W): the subject's colour deep inside, continued beyond, and how far it is trusted, 0 to 1."""
    opaque, shown = (alpha >= CORE).to(alpha.dtype), alpha * (alpha > SHOWN)
    deep = opaque * (1 - near)
    weight = deep + GUESS[0] * opaque + GUESS[1] * shown
    trusted = deep + 0.5 * GUESS[0] * opaque
    sums = functional.avg_pool2d(torch.cat((foreground * weight, trusted, weight), dim=1), BLOCK, ceil_mode=True)
    share = sums[:, 4:]
    colour = extend_colour(sums[:, :4] / share.clamp_min(1e-9), share.clamp_max(1))
    return _spread(colour, alpha)


def _spread(blocks: Tensor, like: Tensor) -> Tensor:
    """Return values of blocks (T, C, h, w) at every pixel of a picture (T, 1, H, W)."""
    span = (blocks.shape[-2] * BLOCK, blocks.shape[-1] * BLOCK)
    wide = functional.interpolate(blocks, size=span, mode="bilinear", align_corners=False)
    return wide[..., : like.shape[-2], : like.shape[-1]]


def _spilled_share(foreground: Tensor, background: Tensor, own: Tensor) -> Tensor:
    """Return (N, 1) in [0, 1], for colours (N, 3) or more, the share of background that brings its channel down.

    What is the subject's own is known as far as it is trusted; a subject that is nowhere opaque is taken to have none.

    How far a channel stands above each of the others is linear in the share, so each of the two others asks for a
    share of its own, and the smaller of the two suffices.
    """
    strongest = background.argmax(dim=1, keepdim=True)
    others = [(strongest + step) % 3 for step in (1, 2)]
    above = [[_above(colour, strongest, other) for other in others] for colour in (foreground, background, own)]
    allowed = torch.minimum(*above[2])
    allowed = allowed * torch.where(allowed > 0, (own[:, 3:] / TRUSTED).clamp_max(1), WARM * _dimness(foreground, own))
    asked = []
    for here, behind, inside in zip(*above, strict=True):
        room = behind - REPLACED * inside
        enough = (here - allowed) / room.clamp_min(1e-3)
        asked.append(torch.where(room > 1e-3, enough, torch.zeros_like(enough)))
    tint = (torch.minimum(*above[1]) - TINTED) / (VIVID - TINTED)
    return torch.minimum(*asked).clamp(0, 1) * tint.clamp(0, 1)


def _dimness(colour: Tensor, own: Tensor) -> Tensor:
    """Return (N, 1) in [0, 1], the lightness of colours as a share of that of the subject's own."""
    here, inside = (each[:, :3].amin(1, keepdim=True) + each[:, :3].amax(1, keepdim=True) for each in (colour, own))
    return (here / inside.clamp_min(1e-3)).clamp(0, 1)


def _above(colour: Tensor, strongest: Tensor, other: Tensor) -> Tensor:
    """Return (N, 1), by how much one channel stands above another, both chosen pixel by pixel."""
    return colour.gather(1, strongest) - colour.gather(1, other)
