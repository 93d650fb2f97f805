"""Trimaps: made from an alpha or a mask, checked, and obeyed."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from mattekit.checks import InputError, check_same_size, list_values
from mattekit.ops.filters import dilate

UNKNOWN = 0.5
"""What an unknown pixel holds; known ones hold 0 (background) or 1 (foreground)."""

HALF_STEP = 0.5 / 255
"""Alpha this close to 0 or 1 is clear or opaque: half a step of 8 bits."""


def trimap_from_alpha(alpha: Tensor, *, band: int) -> Tensor:
    """Mark as unknown all within a band of a fractional pixel or of an edge.

    A pixel stays foreground when everything within ``band`` px is opaque, background when everything is clear.
    The reach is round.

    Args:
        alpha: (..., H, W) in [0, 1].
        band: Reach in px to each side of an edge; 0 marks the fractional pixels alone.

    Returns:
        (..., H, W) in {0, 0.5, 1}.

    Raises:
        InputError: The band is negative.

    Example:
        >>> import torch
        >>> trimap_from_alpha(torch.tensor([[0.0, 0.0, 0.0, 1.0, 1.0, 1.0]]), band=1).tolist()
        [[0.0, 0.0, 0.5, 0.5, 1.0, 1.0]]
    """
    if band < 0:
        raise InputError(f"band must be 0 px or more; got {band}")
    not_clear = (alpha > HALF_STEP).to(alpha.dtype)
    not_opaque = (alpha < 1 - HALF_STEP).to(alpha.dtype)
    return _join(dilate(not_clear, band) == 0, dilate(not_opaque, band) == 0, alpha)


def trimap_from_mask(mask: Tensor, *, band: int) -> Tensor:
    """Mark as unknown all within a band of a mask's edge.

    Args:
        mask: (..., H, W); boolean, or [0, 1] of which all above 0.5 is foreground.
        band: Reach in px to each side of the edge.

    Returns:
        (..., H, W) in {0, 0.5, 1}, floating point.

    Raises:
        InputError: The band is negative.
    """
    hard = mask if mask.dtype == torch.bool else mask > 0.5
    dtype = mask.dtype if mask.is_floating_point() else torch.get_default_dtype()
    return trimap_from_alpha(hard.to(dtype), band=band)


def trimap_from_alpha_iterated(alpha: Tensor, *, side: int, iterations: int, balanced: bool = True) -> Tensor:
    """Make a trimap as the papers do, by repeated erosion and dilation with a small elliptic element.

    Args:
        alpha: (..., H, W) in [0, 1].
        side: Side of the element in px, 2 to 5.
        iterations: How often it is applied.
        balanced: Mirror an element of even side on every second iteration, so that the band is as wide on the left
            as on the right; off gives the lopsided band of the published generator.

    Returns:
        (..., H, W) in {0, 0.5, 1}: 1 where the eroded alpha is opaque, 0 where the dilated alpha is clear.

    Raises:
        InputError: The side is not 2 to 5, or the iterations are negative.

    Source:
        Sun et al., Deep Video Matting via Spatio-Temporal Alignment and Aggregation, CVPR 2021, section 4;
        elements as OpenCV's ``getStructuringElement`` has them. Mirroring is not in the paper.
    """
    if side not in (2, 3, 4, 5):
        raise InputError(f"side must be 2, 3, 4 or 5 px; got {side}")
    if iterations < 0:
        raise InputError(f"iterations must be 0 or more; got {iterations}")
    not_clear = (alpha > HALF_STEP).to(alpha.dtype)
    not_opaque = (alpha < 1 - HALF_STEP).to(alpha.dtype)
    offsets = _elliptic_offsets(side)
    mirrored = [(-down, -right) for down, right in offsets]
    for iteration in range(iterations):
        chosen = mirrored if balanced and side % 2 == 0 and iteration % 2 == 1 else offsets
        not_clear, not_opaque = _reach(not_clear, chosen), _reach(not_opaque, chosen)
    return _join(not_clear == 0, not_opaque == 0, alpha)


def check_trimap(trimap: Tensor) -> None:
    """Raise unless every value of a trimap is 0, 0.5 or 1.

    Args:
        trimap: Any shape.

    Raises:
        InputError: Other values, or values that are not finite; the message lists what was found.
    """
    if not bool(torch.isfinite(trimap).all()):
        bad = int((~torch.isfinite(trimap)).sum())
        raise InputError(f"trimap must be finite; {bad} of {trimap.numel()} values are not")
    known = (trimap == 0) | (trimap == UNKNOWN) | (trimap == 1)
    if not bool(known.all()):
        found = list_values(torch.unique(trimap.detach().cpu()).tolist())
        raise InputError(f"trimap must hold only 0, 0.5 and 1; got {found}; make one from a mask with a band")


def force_known(alpha: Tensor, trimap: Tensor) -> Tensor:
    """Set alpha to exactly 0 or 1 wherever the trimap knows.

    Args:
        alpha: (..., 1, H, W) in [0, 1].
        trimap: (..., 1, H, W) in {0, 0.5, 1}.

    Returns:
        (..., 1, H, W): the trimap where it is known, alpha elsewhere.

    Raises:
        InputError: The two differ in height or width.
    """
    check_same_size("alpha", alpha, "trimap", trimap)
    return torch.where(trimap == UNKNOWN, alpha, trimap.to(alpha.dtype))


def _join(background: Tensor, foreground: Tensor, like: Tensor) -> Tensor:
    trimap = torch.full_like(like, UNKNOWN)
    return trimap.masked_fill(background, 0.0).masked_fill(foreground, 1.0)


def _elliptic_offsets(side: int) -> list[tuple[int, int]]:
    """Return the (down, right) offsets of an elliptic element whose anchor is ``side // 2``."""
    centre = side // 2
    offsets = []
    for row in range(side):
        half = round(math.sqrt(centre**2 - (row - centre) ** 2))
        columns = range(max(centre - half, 0), min(centre + half + 1, side))
        offsets += [(row - centre, column - centre) for column in columns]
    return offsets


def _reach(x: Tensor, offsets: list[tuple[int, int]]) -> Tensor:
    """Return the largest value under an element of offsets no longer than 2; nothing outside counts."""
    height, width = x.shape[-2:]
    padded = F.pad(x, (2, 2, 2, 2), value=-1.0)
    result = x
    for down, right in offsets:
        result = torch.maximum(result, padded[..., 2 + down : 2 + down + height, 2 + right : 2 + right + width])
    return result


def trimap_confidence(logits: Tensor) -> float:
    """Return how far the likeliest classes can be trusted, as `mattekit.types.Propagated` has it.

    Args:
        logits: (3, H, W) of background, unknown, foreground.
    """
    likeliest, label = logits.softmax(dim=0).max(dim=0)
    unknown = label == 1
    doubt = float(((1 - likeliest) * ~unknown).sum()) / (float(unknown.sum()) + 1)
    return max(0.0, 1 - doubt)


def likeliest_class(logits: Tensor) -> Tensor:
    """Return the number of the class with the largest logit of three, of equal ones the first, as argmax does.

    Three planes are compared, which on a CPU takes a twentieth of the time of a reduction over so short a dimension.

    Args:
        logits: (..., 3, H, W) of background, unknown, foreground.

    Returns:
        (..., H, W) int64 in {0, 1, 2}.

    Example:
        >>> import torch
        >>> likeliest_class(torch.tensor([0.0, 2.0, 2.0]).view(3, 1, 1)).tolist()
        [[1]]
    """
    background, unknown, foreground = logits.unbind(dim=-3)
    label = (unknown > background).to(torch.int64)
    return label.masked_fill(foreground > torch.maximum(background, unknown), 2)
