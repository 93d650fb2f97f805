"""Composites of one size, as in the test sets of Robust Video Matting: a foreground fitted over a fitted background."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from mattekit.data.affine import Reach, draw_change, half_sides, matrices
from mattekit.data.figure import Figure, Placed
from mattekit.data.flow import seen_in_both
from mattekit.data.frames import colour_frames, foreground_frames, source_info
from mattekit.data.manifest import Entry
from mattekit.data.plan import Composite, FittedRules
from mattekit.data.scene import composite_length, one_thread, paste, shrunk_layer, window_end
from mattekit.data.walk import walk_flow
from mattekit.ops.resize import resize


class FittedScene:
    """A composite that can be drawn, from its beginning or from any frame on.

    The foreground is the largest that fits into the frame, in its middle. A still one moves evenly from one random
    affine change towards another and stops at a random share of the way; a clip begins at a random frame. The
    background is the smallest that fills the frame, cut in its middle; clips run from their first frame. An odd seed
    mirrors the foreground.

    Args:
        composite: What goes over what, and the seed.
        foreground: Its source.
        background: Its source.
        rules: Those of the set.

    Raises:
        InputError: A source is missing or its parts do not fit each other; the message begins with its name.

    Attributes:
        frames: Its length.
        still: Whether the foreground is one picture.
        places: Matrices (T, 2, 3) from a pixel of each frame to its place in a still foreground, or None for a clip.

    Source:
        Lin et al., WACV 2022, section 5 and its evaluation scripts' rules; the draws are ours.
    """

    def __init__(self, composite: Composite, foreground: Entry, background: Entry, rules: FittedRules) -> None:
        own, other = source_info(foreground), source_info(background)
        self.composite, self.rules = composite, rules
        self._foreground, self._background = foreground, background
        self.size = rules.height, rules.width
        self.still, self._mirrored = foreground.still, composite.seed % 2 == 1
        self._fitted, self._plate = fitting(own.size, self.size), filling(other.size, self.size)
        self.frames = composite_length(own.frames, other.frames, rules, still=self.still, plate_still=background.still)
        generator = torch.Generator().manual_seed(composite.seed)
        self._start = 0 if self.still else int(torch.randint(own.frames - self.frames + 1, (1,), generator=generator))
        self.places = self._moved(generator) if self.still else None

    def draw(self, start: int = 0, count: int | None = None) -> Iterator[Placed]:
        """Yield frames; arguments and errors are those of `Scene.draw`."""
        end = window_end(self.composite.name, self.frames, start, count)
        plates = self._plates(range(start, end))
        if self.places is not None:
            figure = Figure(self._layer(next(iter(foreground_frames(self._foreground, range(1))))))
            for place, plate in zip(self.places[start:end], plates, strict=True):
                yield figure.place(place, plate)
            return
        layers = foreground_frames(self._foreground, range(self._start + start, self._start + end))
        for pixels, plate in zip(layers, plates, strict=True):
            yield paste(self._layer(pixels), plate)

    def flow(self, alpha: Tensor, start: int = 0) -> tuple[Tensor, Tensor] | None:
        """Return the exact forward flow of a still foreground and where it holds, as `Scene.flow` does."""
        if self.places is None:
            return None
        flow = walk_flow(self.places[start : start + len(alpha)], self.size)
        return flow, seen_in_both(flow, alpha)

    def _moved(self, generator: torch.Generator) -> Tensor:
        """Return where each frame's pixels are in a still foreground, (T, 2, 3) float64 in px."""
        first, last = draw_change(Reach(), generator), draw_change(Reach(), generator)
        share = torch.rand((), generator=generator, dtype=torch.float64)
        way = torch.linspace(0, 1, self.frames, dtype=torch.float64)[:, None] * share
        back = matrices(first + way * (last - first), half_sides(self.size))[:, :2]
        middle = torch.tensor([(self.size[1] - 1) / 2, (self.size[0] - 1) / 2], dtype=torch.float64)
        own = torch.tensor([(self._fitted[1] - 1) / 2, (self._fitted[0] - 1) / 2], dtype=torch.float64)
        shift = back[..., 2] * (min(self.size) / 2) + own - (back[..., :2] @ middle)
        return torch.cat((back[..., :2], shift[..., None]), dim=-1)

    def _layer(self, pixels: object) -> Tensor:
        """Return a frame of the foreground at its size, (4, h, w) uint8."""
        with one_thread():
            layer = shrunk_layer(torch.as_tensor(pixels), self._fitted)
        return layer.flip(-1) if self._mirrored else layer

    def _plates(self, indices: range) -> Iterator[Tensor]:
        """Yield the background of each frame, (3, H, W) uint8."""
        still = self._background.still
        for pixels in colour_frames(self._background, range(1) if still else indices):
            with one_thread():
                whole = resize(torch.from_numpy(pixels).float()[None] / 255, self._plate, mode="bilinear")[0]
            top, left = ((own - side) // 2 for own, side in zip(self._plate, self.size, strict=True))
            part = whole[:, top : top + self.size[0], left : left + self.size[1]]
            plate = part.mul(255).round_().clamp_(0, 255).to(torch.uint8).contiguous()
            for _ in indices if still else range(1):
                yield plate


def fitting(size: tuple[int, int], frame: tuple[int, int]) -> tuple[int, int]:
    """Return the largest size of a picture's shape that fits into a frame, (height, width).

    Example:
        >>> fitting((1080, 1920), (512, 512)), filling((1080, 1920), (512, 512))
        ((288, 512), (512, 910))
    """
    return _scaled(size, min(side / own for own, side in zip(size, frame, strict=True)), frame, least=False)


def filling(size: tuple[int, int], frame: tuple[int, int]) -> tuple[int, int]:
    """Return the smallest size of a picture's shape that fills a frame, (height, width)."""
    return _scaled(size, max(side / own for own, side in zip(size, frame, strict=True)), frame, least=True)


def _scaled(size: tuple[int, int], scale: float, frame: tuple[int, int], *, least: bool) -> tuple[int, int]:
    """Return a size scaled and rounded, no larger than the frame, or no smaller."""
    bound = max if least else min
    height, width = (max(1, bound(round(own * scale), side)) for own, side in zip(size, frame, strict=True))
    return height, width
