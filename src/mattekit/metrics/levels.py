"""Alpha as 8-bit files hold it: every published script scores those 256 levels."""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK = 1 << 16
"""Values converted at a time, so that double precision stays in the processor's cache."""


def quantise(alpha: Tensor) -> Tensor:
    """Round alpha to the 256 values of an 8-bit file, as every published script reads it.

    Args:
        alpha: Any shape, in [0, 1].

    Returns:
        The same shape, float64 multiples of 1/255.
    """
    return (alpha.double().clamp(0, 1) * 255).round() / 255


def to_levels(values: Tensor) -> Tensor:
    """Round values to the levels of an 8-bit file, exactly as :func:`quantise` does, in an eighth of the memory.

    Args:
        values: Any shape, floating point in [0, 1]; uint8 in 0-255 is returned as it is.

    Returns:
        The same shape, uint8 in 0-255.

    Example:
        >>> import torch
        >>> to_levels(torch.tensor([0.0, 0.2, 1.0, 1.5])).tolist()
        [0, 51, 255, 255]
    """
    if values.dtype == torch.uint8:
        return values
    levels = torch.empty(values.shape, dtype=torch.uint8, device=values.device)
    buffer = torch.empty(min(BLOCK, values.numel()), dtype=torch.float64, device=values.device)
    for part, target in zip(values.reshape(-1).split(BLOCK), levels.view(-1).split(BLOCK), strict=True):
        target.copy_(buffer[: len(part)].copy_(part).clamp_(0, 1).mul_(255).round_())
    return levels


def from_levels(values: Tensor) -> Tensor:
    """Return values in [0, 1] in double precision.

    Args:
        values: Any shape, uint8 in 0-255 or floating point in [0, 1].

    Returns:
        The same shape, float64.
    """
    return values.double() / 255 if values.dtype == torch.uint8 else values.double()


def in_levels(values: Tensor) -> Tensor:
    """Return values counted in levels of 8 bits: whole numbers, exact in single precision, where they are 8 bits.

    Args:
        values: Any shape, uint8 in 0-255 or floating point in [0, 1].

    Returns:
        The same shape in [0, 255]; float32 of uint8, else float64.
    """
    return values.float() if values.dtype == torch.uint8 else values.double() * 255
