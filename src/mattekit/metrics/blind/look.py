"""The few numbers that are kept of each frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

Box = tuple[float, float, float, float]

NOTHING = float("nan")


@dataclass
class Look:
    """What was measured at one frame; not a number where a frame cannot tell. Lengths and areas are of the full frame.

    Attributes:
        frame: Its number.
        hole: Px of holes in the subject that were not there before and soon are gone again.
        island: Px of islands outside the subject that come and go like that.
        flicker: Share of the subject's area that leaves the range of both neighbours, along the motion.
        change: Share of the subject's area that differs from the frame before, along the motion.
        step: Change of area that motion does not explain, as a share of it.
        width: Width of the soft edge in px.
        spill: Share of the background's colour in the foreground along the edge.
        lag: Px by which an alpha that stands still lags behind the subject.
        area: Share of the frame that the subject covers.
        cut: Whether a scene begins here.
        boxes: By measure, where it is strongest: (top, left, bottom, right) as shares of height and width.
    """

    frame: int
    hole: float = 0.0
    island: float = 0.0
    flicker: float = NOTHING
    change: float = NOTHING
    step: float = NOTHING
    width: float = NOTHING
    spill: float = NOTHING
    lag: float = 0.0
    area: float = 0.0
    cut: bool = False
    boxes: dict[str, Box] = field(default_factory=dict)


def scenes(looks: Sequence[Look]) -> list[tuple[int, int]]:
    """Return for each scene the place of its first look and one past its last."""
    starts = [place for place, look in enumerate(looks) if look.cut or place == 0]
    return list(pairwise([*starts, len(looks)]))
