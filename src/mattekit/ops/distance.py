"""Exact distance to a mask, as far as it is asked for."""

from __future__ import annotations

import torch
from torch import Tensor

from mattekit.checks import InputError


def squared_distance(mask: Tensor, reach: int) -> Tensor:
    """Return every pixel's squared distance to the nearest pixel of a mask.

    Along rows, steps of 1, 2, 4, ... px add up to any distance; along columns each offset is tried. Both are sums of
    whole planes of small integers, so the cost grows with the reach and not with its square.

    Args:
        mask: (..., H, W) boolean.
        reach: Distances up to this many px are told; 0 or more.

    Returns:
        (..., H, W) integers (int16, beyond a reach of 127 px int32): exact where at most ``reach**2``, elsewhere
        something larger.

    Raises:
        InputError: The reach is negative.

    Example:
        >>> squared_distance(torch.tensor([[True, False, False], [False, False, False]]), 3).tolist()
        [[0, 1, 4], [1, 2, 5]]
    """
    if reach < 0:
        raise InputError(f"reach must be 0 px or more; got {reach}")
    kind = torch.int16 if reach <= 127 else torch.int32
    height, width = mask.shape[-2:]
    far = mask.logical_not().to(kind).mul_(reach + 1)
    step = 1
    while step <= min(reach, width - 1):
        nearer = far.clone()
        torch.minimum(nearer[..., step:], far[..., :-step] + step, out=nearer[..., step:])
        torch.minimum(nearer[..., :-step], far[..., step:] + step, out=nearer[..., :-step])
        far, step = nearer, 2 * step
    far.clamp_(max=reach + 1)
    squares = far * far
    result = squares.clone()
    for offset in range(1, min(reach, height - 1) + 1):
        raised = squares + offset**2
        torch.minimum(result[..., offset:, :], raised[..., :-offset, :], out=result[..., offset:, :])
        torch.minimum(result[..., :-offset, :], raised[..., offset:, :], out=result[..., :-offset, :])
    return result
