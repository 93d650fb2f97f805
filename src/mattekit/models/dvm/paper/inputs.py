"""What the networks of size paper see: standardised colour, the trimap as one plane, sides that halve five times."""

from __future__ import annotations

import torch
from torch import Tensor

from mattekit.ops.resize import pad_to_stride

STRIDE = 32
LEAST_WIDTH = 224
"""Narrowest picture of the published network: its swapped paddings need 7 columns at stride 32."""

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
UNKNOWN = 128 / 255
"""Code of an unknown pixel in the trimap plane."""


def standardise(frames: Tensor) -> Tensor:
    """Return colour (N, 3, H, W) in [0, 1] with the mean and deviation of ImageNet taken out."""
    mean, deviation = (frames.new_tensor(values)[:, None, None] for values in (MEAN, DEVIATION))
    return (frames - mean) / deviation


def trimap_plane(trimap: Tensor) -> Tensor:
    """Return a trimap (N, 1, H, W) in {0, 0.5, 1} as the networks see it: 0, 128 / 255 and 1."""
    return torch.where(trimap == 0.5, UNKNOWN, trimap)


def network_input(frames: Tensor, trimap: Tensor) -> Tensor:
    """Return (N, 4, H, W): standardised colour and the trimap plane.

    Args:
        frames: (N, 3, H, W) in [0, 1].
        trimap: (N, 1, H, W) in {0, 0.5, 1}.
    """
    return torch.cat((standardise(frames), trimap_plane(trimap).to(frames.dtype)), dim=1)


def pad_picture(picture: Tensor, *, least_width: int = 0) -> Tensor:
    """Mirror a picture (N, C, H, W) to the right and below until both sides are multiples of 32.

    Args:
        picture: Any size from 1 x 1.
        least_width: A multiple of 32 that the width must reach.
    """
    height, width = picture.shape[-2:]
    if width >= least_width:
        return pad_to_stride(picture, STRIDE)[0]
    rows = -(-height // STRIDE) * STRIDE
    return pad_to_stride(picture, least_width)[0][..., :rows, :]
