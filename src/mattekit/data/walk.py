"""The random walk that moves a still foreground over a background: sub-pixel, turning and zooming."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.ops.warp import affine_flow

REDRAWN = 20
"""Frames after which all velocities are drawn again."""
MARGIN = 0.05
"""Share of each side that the centre keeps away from the border."""
SPEED = (0.5, 2.0)
"""Range of the speed in px a frame."""
TURN, LARGEST_TURN = 1.0, 60.0
"""Largest turn a frame and in all, in degrees."""
ZOOM, ZOOMS = 0.015, (0.9, 1.1)
"""Largest change of the zoom a frame, and its range."""


@dataclass(frozen=True)
class Walk:
    """Where a foreground is in each of T frames.

    Attributes:
        centre: (T, 2) float64, x then y in px of the frame, of the foreground's centre.
        turn: (T,) float64 in radians, clockwise as seen.
        zoom: (T,) float64, frame px a foreground px.
    """

    centre: Tensor
    turn: Tensor
    zoom: Tensor

    def __len__(self) -> int:
        return len(self.turn)

    def places(self, size: tuple[int, int]) -> Tensor:
        """Return the matrices (T, 2, 3) float64 that lead from a pixel of the frame to its place in the foreground.

        Args:
            size: (height, width) of the foreground, whose centre is turned and zoomed about.
        """
        cosine, sine = torch.cos(self.turn) / self.zoom, torch.sin(self.turn) / self.zoom
        back = torch.stack((torch.stack((cosine, sine), -1), torch.stack((-sine, cosine), -1)), -2)
        middle = self.centre.new_tensor([(size[1] - 1) / 2, (size[0] - 1) / 2])
        offset = middle - (back @ self.centre[..., None])[..., 0]
        return torch.cat((back, offset[..., None]), dim=-1)


def random_walk(length: int, size: tuple[int, int], generator: torch.Generator) -> Walk:
    """Draw a walk that starts in the middle of the frame, upright, at the smallest zoom.

    Args:
        length: Frames, at least 1.
        size: (height, width) of the frame in px.
        generator: CPU generator.

    Raises:
        InputError: The length is below 1.

    Source:
        The composition rules of the DVM data set, CVPR 2021. The published one cuts the centre down to whole pixels,
        which adds a jitter of 1 px; this one does not.
    """
    if length < 1:
        raise InputError(f"a walk must have at least 1 frame; got {length}")
    height, width = size
    x, y = _Swing((width - 1) / 2, _room(width)), _Swing((height - 1) / 2, _room(height))
    turn = _Swing(0.0, (-math.radians(LARGEST_TURN), math.radians(LARGEST_TURN)))
    zoom, growth = ZOOMS[0], 0.0
    steps = []
    for time in range(length):
        if time % REDRAWN == 0:
            heading, speed, spin, grown = torch.rand(4, generator=generator, dtype=torch.float64).tolist()
            speed = SPEED[0] + (SPEED[1] - SPEED[0]) * speed
            x.velocity, y.velocity = (speed * f(2 * math.pi * heading) for f in (math.cos, math.sin))
            turn.velocity, growth = math.radians(TURN) * (2 * spin - 1), ZOOM * (2 * grown - 1)
        steps.append((x.value, y.value, turn.value, zoom))
        for swing in (x, y, turn):
            swing.move()
        zoom = min(max(zoom + growth, ZOOMS[0]), ZOOMS[1])
    table = torch.tensor(steps, dtype=torch.float64)
    return Walk(table[:, :2], table[:, 2], table[:, 3])


def walk_flow(places: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the exact forward flow (T-1, 2, height, width) in px, x then y, of what moves with a foreground.

    Args:
        places: (T, 2, 3) from `Walk.places`.
        size: (height, width) of the frame.
    """
    square = torch.cat((places, places.new_tensor([0.0, 0.0, 1.0]).expand(len(places), 1, 3)), dim=1)
    onward = torch.linalg.inv(square[1:]) @ square[:-1]
    return affine_flow(onward[:, :2].contiguous(), size).float()


class _Swing:
    """A value that moves between two limits and turns round at them."""

    def __init__(self, value: float, limits: tuple[float, float]) -> None:
        self.value, self.limits, self.velocity = value, limits, 0.0

    def move(self) -> None:
        low, high = self.limits
        self.value += self.velocity
        if not low <= self.value <= high:
            self.velocity = -self.velocity
            self.value = min(max(2 * (low if self.value < low else high) - self.value, low), high)


def _room(side: int) -> tuple[float, float]:
    """Return how far a centre may go along a side of so many px."""
    return MARGIN * side - 0.5, (1 - MARGIN) * side - 0.5
