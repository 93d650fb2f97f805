"""One composite: a foreground over a background, frame by frame, from a seed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor

from mattekit.checks import InputError
from mattekit.data.figure import Figure, Placed, mean_colour
from mattekit.data.flow import seen_in_both
from mattekit.data.frames import colour_frames, foreground_frames, source_info
from mattekit.data.manifest import Entry
from mattekit.data.plan import Composite, Rules
from mattekit.data.walk import Walk, random_walk, walk_flow
from mattekit.ops.filters import separable
from mattekit.ops.resize import resize

ROOM = 1.2
"""Side of a frame in sides of its foreground."""


@dataclass(frozen=True)
class Geometry:
    """Sizes of one composite, (height, width) in px.

    Attributes:
        foreground: Of the foreground once it is shrunk.
        background: Of the background once it is enlarged.
        frame: Of the crop of the background, which is the frame.
    """

    foreground: tuple[int, int]
    background: tuple[int, int]
    frame: tuple[int, int]


def geometry(foreground: tuple[int, int], background: tuple[int, int], *, longest: int = 1920) -> Geometry:
    """Return the sizes of a composite.

    The foreground is shrunk to its longest side and never enlarged; the background is enlarged until it covers the
    foreground and never shrunk; the frame is 1.2 times the foreground on each axis, as far as the background reaches
    and up to the longest side.

    Source:
        The composition rules of the DVM data set, CVPR 2021.

    Example:
        >>> geometry((1000, 2000), (1080, 1920), longest=1000)
        Geometry(foreground=(500, 1000), background=(1080, 1920), frame=(600, 1000))
    """
    shrink = min(1.0, longest / max(foreground))
    figure = _scaled(foreground, shrink)
    enlarge = max(1.0, *(own / other for own, other in zip(figure, background, strict=True)))
    plate = _scaled(background, enlarge)
    plate = max(plate[0], figure[0]), max(plate[1], figure[1])
    frame = [min(int(ROOM * own), other, longest) for own, other in zip(figure, plate, strict=True)]
    return Geometry(figure, plate, (frame[0], frame[1]))


class Scene:
    """A composite that can be drawn, from its beginning or from any frame on.

    Args:
        composite: What goes over what, and the seed.
        foreground: Its source.
        background: Its source.
        rules: Those of the set.

    Raises:
        InputError: A source is missing or its parts do not fit each other; the message begins with its name.

    Attributes:
        geometry: Its sizes.
        frames: Its length.
        still: Whether the foreground is one picture, moved by a random walk; a clip is put in the middle as it is.
        walk: Where a still foreground goes, or None.
    """

    def __init__(self, composite: Composite, foreground: Entry, background: Entry, rules: Rules) -> None:
        own, other = source_info(foreground), source_info(background)
        self.composite, self.rules = composite, rules
        self._foreground, self._background = foreground, background
        self.geometry = geometry(own.size, other.size, longest=rules.longest)
        self.still = foreground.still
        self.frames = composite_length(own.frames, other.frames, rules, still=self.still, plate_still=background.still)
        generator = torch.Generator().manual_seed(composite.seed)
        room = [plate - side for plate, side in zip(self.geometry.background, self.geometry.frame, strict=True)]
        top, left = (int(torch.randint(free + 1, (1,), generator=generator)) for free in room)
        self._corner = top, left
        self.walk: Walk | None = random_walk(self.frames, self.size, generator) if self.still else None
        self._figure: Figure | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frames in px."""
        return self.geometry.frame

    @property
    def places(self) -> Tensor | None:
        """Matrices (T, 2, 3) from a pixel of each frame to its place in a still foreground, or None for a clip."""
        return None if self.walk is None else self.walk.places(self.geometry.foreground)

    def draw(self, start: int = 0, count: int | None = None) -> Iterator[Placed]:
        """Yield frames.

        Args:
            start: The first.
            count: How many, or None for all that follow.

        Raises:
            InputError: The window leaves the scene, a source changes its size, or alpha is 0 everywhere in a still.
            MediaError: A frame of a source is damaged.
        """
        end = window_end(self.composite.name, self.frames, start, count)
        plates = self._plates(range(start, end))
        places = self.places
        if places is not None:
            figure = self._still()
            for index, plate in zip(range(start, end), plates, strict=True):
                yield figure.place(places[index], plate)
            return
        layers = foreground_frames(self._foreground, range(start, end))
        for pixels, plate in zip(layers, plates, strict=True):
            with one_thread():
                layer = shrunk_layer(torch.from_numpy(pixels), self.geometry.foreground)
            yield paste(layer, plate)

    def flow(self, alpha: Tensor, start: int = 0) -> tuple[Tensor, Tensor] | None:
        """Return the exact forward flow of a still foreground and where it holds.

        Args:
            alpha: (T, 1, H, W) of consecutive frames, in [0, 1].
            start: The first of them.

        Returns:
            Flow (T-1, 2, H, W) in px and validity (T-1, 1, H, W); None for a clip, whose motion is not known.
        """
        places = self.places
        if places is None:
            return None
        flow = walk_flow(places[start : start + len(alpha)], self.size)
        return flow, seen_in_both(flow, alpha)

    def _still(self) -> Figure:
        if self._figure is None:
            pixels = torch.from_numpy(next(iter(foreground_frames(self._foreground, range(1)))))
            try:
                with one_thread():
                    self._figure = Figure(shrunk_layer(pixels, self.geometry.foreground))
            except InputError as error:
                raise InputError(f"{self._foreground.name}: {error}") from error
        return self._figure

    def _plates(self, indices: range) -> Iterator[Tensor]:
        """Yield the crop (3, H, W) uint8 of each frame of the background."""
        if self._background.still:
            with one_thread():
                plate = self._plate(next(iter(colour_frames(self._background, range(1)))))
            for _ in indices:
                yield plate
            return
        for pixels in colour_frames(self._background, indices):
            with one_thread():
                plate = self._plate(pixels)
            yield plate

    def _plate(self, pixels: NDArray[np.uint8]) -> Tensor:
        plate = torch.from_numpy(pixels)
        if plate.shape[-2:] != self.geometry.background:
            plate = _levels(resize(plate.float()[None] / 255, self.geometry.background, mode="bilinear")[0])
        (top, left), (height, width) = self._corner, self.size
        plate = plate[:, top : top + height, left : left + width]
        if self.rules.blur:
            plate = _levels(separable(plate.float()[None] / 255, _gaussian(9))[0])
        return plate.contiguous()


@contextmanager
def one_thread() -> Iterator[None]:
    """Reckon on one thread: torch enlarges by another order of sums on several, and the bytes are to be the same."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def shrunk_layer(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """Return (4, h, w) uint8 straight colour and alpha at a smaller size, by a cubic filter on premultiplied colour."""
    if pixels.shape[-2:] == size:
        return pixels
    layer = pixels.float()[None] / 255
    joined = torch.cat((layer[:, :3] * layer[:, 3:], layer), dim=1)
    small = functional.interpolate(joined, size=size, mode="bicubic", antialias=True, align_corners=False)[0]
    premultiplied, colour, alpha = small.split((3, 3, 1))
    known = alpha > 1 / 255
    return _levels(torch.cat((torch.where(known, premultiplied / alpha.where(known, 1), colour), alpha)))


def paste(layer: Tensor, plate: Tensor) -> Placed:
    """Put a layer in the middle of a background as it is.

    Args:
        layer: (4, h, w) uint8 straight colour and alpha; what reaches beyond the frame is cut off.
        plate: (3, H, W) uint8.
    """
    spans = [_middle(own, side) for own, side in zip(layer.shape[-2:], plate.shape[-2:], strict=True)]
    (rows, from_rows), (columns, from_columns) = spans
    part = layer[:, from_rows, from_columns]
    alpha = torch.zeros_like(plate[:1])
    foreground = mean_colour(part)[:, None, None].expand_as(plate).contiguous()
    alpha[:, rows, columns], foreground[:, rows, columns] = part[3:], part[:3]
    frame = torch.lerp(plate.float(), foreground.float(), alpha.float() / 255).round_().to(torch.uint8)
    return Placed(frame, alpha, foreground, plate)


def composite_length(foreground: int, background: int, rules: Rules, *, still: bool, plate_still: bool) -> int:
    """Return the frames of a composite of sources with so many each; a still one lasts as long as the rules let it."""
    own = rules.still_frames if still else min(foreground, rules.clip_frames)
    return own if plate_still else min(own, background)


def window_end(name: str, frames: int, start: int, count: int | None) -> int:
    """Return one past the last frame of a window into a composite of so many frames.

    Raises:
        InputError: It leaves the composite.
    """
    end = frames if count is None else start + count
    if not 0 <= start < end <= frames:
        raise InputError(f"frames of {name} must be chosen from its {frames}; got {start} to {end}")
    return end


def _middle(own: int, side: int) -> tuple[slice, slice]:
    """Return the part of a side that a length in its middle covers, and the part of the length that shows there."""
    start = (side - own) // 2
    return slice(max(0, start), min(side, start + own)), slice(max(0, -start), max(0, -start) + min(own, side))


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _gaussian(size: int) -> Tensor:
    """Return Gaussian taps of an odd number, of the width that OpenCV takes for it."""
    sigma = 0.3 * ((size - 1) / 2 - 1) + 0.8
    taps = torch.exp(-0.5 * ((torch.arange(size) - size // 2) / sigma) ** 2)
    return taps / taps.sum()


def _levels(picture: Tensor) -> Tensor:
    return picture.mul(255).round_().clamp_(0, 255).to(torch.uint8)
