"""Changing a picture's size, and padding it to what a network can halve."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mattekit.checks import InputError, check_choice

MODES = ("area", "bilinear", "bicubic")
PADDINGS = ("reflect", "replicate")


def pad_to_stride(x: Tensor, stride: int, *, mode: str = "reflect") -> tuple[Tensor, tuple[int, int]]:
    """Pad at the right and the bottom until height and width are multiples of a stride.

    Args:
        x: (..., H, W), any size from 1x1.
        stride: What both sides must be a multiple of.
        mode: ``"reflect"``, mirrored without repeating the border, more than once where the picture is small, or
            ``"replicate"``.

    Returns:
        The padded tensor, and the (height, width) that :func:`unpad` needs.

    Raises:
        InputError: The stride is below 1, the mode is unknown, or the picture is empty.

    Example:
        >>> import torch
        >>> padded, crop = pad_to_stride(torch.arange(3.0).view(1, 3), 4)
        >>> padded[0].tolist(), crop
        ([0.0, 1.0, 2.0, 1.0], (1, 3))
    """
    if stride < 1:
        raise InputError(f"stride must be 1 or more; got {stride}")
    check_choice("mode", mode, PADDINGS)
    height, width = x.shape[-2:]
    if height < 1 or width < 1:
        raise InputError(f"a picture must have pixels; got height {height} and width {width}")
    for dim, size in ((-2, height), (-1, width)):
        wanted = -(-size // stride) * stride
        if wanted != size:
            x = x.index_select(dim, _source_positions(size, wanted, mode, x.device))
    return x, (height, width)


def unpad(x: Tensor, crop: tuple[int, int]) -> Tensor:
    """Cut away what :func:`pad_to_stride` added.

    Args:
        x: (..., H, W).
        crop: (height, width) to keep, from the top left.

    Returns:
        (..., height, width), a view.

    Raises:
        InputError: The crop is larger than the tensor.
    """
    height, width = crop
    if height > x.shape[-2] or width > x.shape[-1]:
        raise InputError(f"crop must fit in (height, width) {tuple(x.shape[-2:])}; got {crop}")
    return x[..., :height, :width]


def size_within(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """Return a (height, width) made smaller, in its shape, until no side is above ``longest``; smaller ones stay.

    Example:
        >>> size_within((1080, 1920), 640), size_within((3, 5000), 640), size_within((90, 160), 640)
        ((360, 640), (1, 640), (90, 160))
    """
    height, width = size
    scale = min(1.0, longest / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def resize(x: Tensor, size: tuple[int, int], mode: str = "area") -> Tensor:
    """Change height and width without aliasing and without leaving the range of values.

    Args:
        x: (..., H, W), floating point.
        size: (height, width) wanted.
        mode: ``"area"``, the mean of the covered pixels; ``"bilinear"`` or ``"bicubic"``, widened when shrinking.

    Returns:
        (..., height, width), each plane within its own smallest and largest value; the input itself where the size
        does not change.

    Raises:
        InputError: The size has no pixels or the mode is unknown.
    """
    check_choice("mode", mode, MODES)
    height, width = size
    if min(size) < 1:
        raise InputError(f"size must be at least 1x1; got {height}x{width}")
    if (height, width) == tuple(x.shape[-2:]):
        return x
    planes = x.reshape(1, -1, *x.shape[-2:])
    if mode == "area":
        resized = F.interpolate(planes, size=(height, width), mode="area")
    else:
        resized = F.interpolate(planes, size=(height, width), mode=mode, align_corners=False, antialias=True)
    if mode == "bicubic":
        low, high = planes.amin((-2, -1), keepdim=True), planes.amax((-2, -1), keepdim=True)
        resized = torch.minimum(torch.maximum(resized, low), high)
    return resized.reshape(*x.shape[:-2], height, width)


def _source_positions(size: int, wanted: int, mode: str, device: torch.device) -> Tensor:
    """Return for each position of the padded axis the position it copies."""
    positions = torch.arange(wanted, device=device)
    if mode == "replicate" or size == 1:
        return positions.clamp(max=size - 1)
    period = 2 * (size - 1)
    positions = positions % period
    return torch.minimum(positions, period - positions)
