"""Errors of single frames: SAD, MAD, MSE and SSDA over a region.

Papers agree on the formulas and differ in region and scale. Nothing is scaled here; :mod:`mattekit.metrics.conventions`
names who uses what. All sums are in double precision.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mattekit.checks import InputError, check_rank
from mattekit.metrics.levels import from_levels


def check_clip(alpha: Tensor, alpha_true: Tensor, region: Tensor) -> None:
    """Raise unless prediction, truth and region are (T, 1, H, W) of one shape, and the region is boolean.

    Raises:
        InputError: They are not.
    """
    for name, tensor in (("alpha", alpha), ("alpha_true", alpha_true), ("region", region)):
        check_rank(name, tensor, "T 1 H W")
        if tensor.shape != alpha.shape:
            raise InputError(f"{name} must have the shape of alpha, {tuple(alpha.shape)}; got {tuple(tensor.shape)}")
    if region.dtype != torch.bool:
        raise InputError(f"region must be boolean; got {region.dtype}; compare the trimap with 0.5")


def pixel_count(region: Tensor) -> Tensor:
    """Count the pixels of a region in every frame.

    Args:
        region: (T, 1, H, W) boolean.

    Returns:
        (T,) float64.
    """
    return region.sum(dim=(1, 2, 3)).double()


class Inside:
    """The errors of a clip at the pixels of a region, found once and read by several metrics.

    Args:
        alpha: (T, 1, H, W) in [0, 1], or uint8 in 0-255.
        alpha_true: (T, 1, H, W) likewise.
        region: (T, 1, H, W) boolean.

    Attributes:
        alpha: As given, or in [0, 1] where only one of the two maps is of 8 bits.
        alpha_true: Likewise.
        region: As given.
        unit: What an error of 1 counts, 255 where both maps are of 8 bits, else 1.
        places: For each frame (N,), where its N pixels are in reading order; None where they are all.
        errors: For each frame (N,), prediction minus truth there: whole numbers in float32 where the unit is 255, so
            that squares are exact, else float64.
        pixels: (T,) float64, how many pixels the region has in each frame.

    Raises:
        InputError: The shapes do not fit.
    """

    def __init__(self, alpha: Tensor, alpha_true: Tensor, region: Tensor) -> None:
        check_clip(alpha, alpha_true, region)
        self.alpha, self.alpha_true = same_kind(alpha, alpha_true)
        self.region = region
        self.unit = 255 if self.alpha.dtype == torch.uint8 else 1
        self.places = [_places(frame) for frame in region.flatten(1)]
        self.errors = [self.errors_at(frame, place) for frame, place in enumerate(self.places)]
        counts = [len(errors) for errors in self.errors]
        self.pixels = torch.tensor(counts, dtype=torch.float64, device=alpha.device)

    def errors_at(self, frame: int, place: Tensor | None) -> Tensor:
        """Return one frame's errors (N,) at N places."""
        one, other = self.alpha[frame].flatten(), self.alpha_true[frame].flatten()
        if place is not None:
            one, other = one.index_select(0, place), other.index_select(0, place)
        kind = torch.float32 if self.unit == 255 else torch.float64
        difference: Tensor = one.to(kind) - other.to(kind)
        return difference

    def sums(self, power: int) -> Tensor:
        """Return (T,) float64, the sum over the region of the errors' magnitudes to a power of 1 or 2."""
        parts = [error.abs() if power == 1 else error.square() for error in self.errors]
        return stack([part.sum(dtype=torch.float64) for part in parts], self.pixels) / float(self.unit**power)


def same_kind(alpha: Tensor, alpha_true: Tensor) -> tuple[Tensor, Tensor]:
    """Return both maps of 8 bits, or neither."""
    if (alpha.dtype == torch.uint8) == (alpha_true.dtype == torch.uint8):
        return alpha, alpha_true
    return from_levels(alpha), from_levels(alpha_true)


def bounds(region: Tensor, margin: int) -> tuple[slice, slice]:
    """Return the rows and the columns of a region (H, W) with a margin, inside the frame; empty where the region is."""
    levels = region.view(torch.uint8)
    sides = [levels.amax(dim=axis).nonzero() for axis in (1, 0)]
    if not len(sides[0]):
        return slice(0, 0), slice(0, 0)
    rows, columns = (
        slice(max(int(side[0]) - margin, 0), min(int(side[-1]) + 1 + margin, size))
        for side, size in zip(sides, region.shape, strict=True)
    )
    return rows, columns


def stack(values: list[Tensor], like: Tensor) -> Tensor:
    """Return a list of numbers as one tensor, empty where there are none, in the place of another."""
    return torch.stack(values) if values else like.new_zeros(0)


def _places(region: Tensor) -> Tensor | None:
    """Return the positions (N,) that hold in a flat region, None where all do. NumPy finds them five times faster."""
    if region.device.type != "cpu":
        return region.nonzero().squeeze(1)
    places = np.flatnonzero(region.numpy())
    return None if len(places) == len(region) else torch.from_numpy(places)


def sad(alpha: Tensor, alpha_true: Tensor, region: Tensor) -> Tensor:
    """Sum the absolute differences over a region.

    Args:
        alpha: (T, 1, H, W) in [0, 1], or uint8 in 0-255.
        alpha_true: (T, 1, H, W) likewise.
        region: (T, 1, H, W) boolean.

    Returns:
        (T,) float64, px; 0 where the region is empty. Tables divide by 1000. Over the whole frame it is the same
        number as over the unknown region once known pixels are forced.

    Raises:
        InputError: The shapes do not fit.

    Source:
        Rhemann et al., A Perceptually Motivated Online Benchmark for Image Matting, CVPR 2009. MMEditing's script sums
        over the whole map, others over the trimap's unknown pixels.
    """
    return Inside(alpha, alpha_true, region).sums(1)


def mad(alpha: Tensor, alpha_true: Tensor, region: Tensor) -> Tensor:
    """Average the absolute differences over a region.

    Args:
        alpha: (T, 1, H, W) in [0, 1], or uint8 in 0-255.
        alpha_true: (T, 1, H, W) likewise.
        region: (T, 1, H, W) boolean.

    Returns:
        (T,) float64 in [0, 1]; NaN where the region is empty.

    Raises:
        InputError: The shapes do not fit.

    Source:
        Lin et al., Robust High-Resolution Video Matting with Temporal Guidance, WACV 2022, whose tables take the whole
        frame and multiply by 1000. VideoMatting108's script calls this mean over the unknown band "mSAD".
    """
    inside = Inside(alpha, alpha_true, region)
    return inside.sums(1) / inside.pixels


def mse(alpha: Tensor, alpha_true: Tensor, region: Tensor, *, added_pixels: int = 0) -> Tensor:
    """Average the squared differences over a region.

    Args:
        alpha: (T, 1, H, W) in [0, 1], or uint8 in 0-255.
        alpha_true: (T, 1, H, W) likewise.
        region: (T, 1, H, W) boolean.
        added_pixels: What is added to the number of pixels before dividing. Published scripts add 0, 1 (DVM) or
            1e-8 so as not to divide by nothing.

    Returns:
        (T,) float64 in [0, 1]; NaN where the region is empty. DVM's tables show it as it is, RVM's times 1000 over the
        whole frame.

    Raises:
        InputError: The shapes do not fit.

    Source:
        Rhemann et al., A Perceptually Motivated Online Benchmark for Image Matting, CVPR 2009. DVM, Adobe and
        MMEditing average over the trimap's unknown pixels, RVM over the whole frame.
    """
    inside = Inside(alpha, alpha_true, region)
    return mean_square(inside, added_pixels)


def mean_square(inside: Inside, added_pixels: int) -> Tensor:
    """Return (T,) float64, the squared errors' sum by the pixels and some more; NaN where there are none."""
    return (inside.sums(2) / (inside.pixels + added_pixels)).masked_fill(inside.pixels == 0, torch.nan)


def ssda(alpha: Tensor, alpha_true: Tensor, region: Tensor) -> Tensor:
    """Take the root of the summed squared differences over a region.

    Args:
        alpha: (T, 1, H, W) in [0, 1], or uint8 in 0-255.
        alpha_true: (T, 1, H, W) likewise.
        region: (T, 1, H, W) boolean.

    Returns:
        (T,) float64; 0 where the region is empty. Tables average it over frames, unscaled.

    Raises:
        InputError: The shapes do not fit.

    Source:
        Erofeev et al., Perceptually Motivated Benchmark for Video Matting, BMVC 2015. VideoMatting108's script takes
        the unknown pixels of the current frame, averages over a clip and then over clips.
    """
    return Inside(alpha, alpha_true, region).sums(2).sqrt()
