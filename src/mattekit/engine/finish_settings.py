"""What a user may ask of the finishing of a matte; known and checked before anything heavy is loaded."""

from __future__ import annotations

from dataclasses import dataclass

from mattekit.checks import InputError

MOST = 64
"""Px by which an edge may be moved or widened."""

MOST_AHEAD = 32
"""Frames that a stabiliser may look ahead."""


@dataclass(frozen=True)
class Finish:
    """How a matte is finished; the defaults change nothing.

    Attributes:
        stabilise: How far flicker of alpha is taken away along the motion, 0 to 1.
        ahead: Frames that the stabiliser looks to each side; mattes come so many frames later.
        black: Alpha up to this becomes 0.
        white: Alpha from this on becomes 1.
        gamma: Above 1 lifts what is half covered, below 1 lowers it.
        fill_holes: Px of the largest hole in what is opaque that is filled.
        drop_islands: Px of the largest island in what is clear that is dropped.
        choke: Px by which edges move inwards, outwards where negative; parts of a px count.
        softness: Above 0, px of the ramp that a hard edge becomes; below 0, the share of a ramp's width that goes. The
            line of one half stays where it is.
        feather: Px of the ramp that a hard edge becomes by blurring.
        despill: How much of the background's colour is taken out of the foreground at the edge, 0 to 1.
        screen: (red, green, blue) in 0 to 255 that spilled; None takes the background behind each pixel.
    """

    stabilise: float = 0.0
    ahead: int = 3
    black: float = 0.0
    white: float = 1.0
    gamma: float = 1.0
    fill_holes: int = 0
    drop_islands: int = 0
    choke: float = 0.0
    softness: float = 0.0
    feather: float = 0.0
    despill: float = 0.0
    screen: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        for name, low, high in (
            ("stabilise", 0, 1),
            ("ahead", 1, MOST_AHEAD),
            ("choke", -MOST, MOST),
            ("softness", -1, MOST),
            ("feather", 0, MOST),
            ("despill", 0, 1),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"{name} must be {low} to {high}; got {value:g}")
        if not 0 <= self.black < self.white <= 1:
            raise InputError(f"black must be below white, both in 0 to 1; got {self.black:g} and {self.white:g}")
        if not 0.1 <= self.gamma <= 10:
            raise InputError(f"gamma must be 0.1 to 10; got {self.gamma:g}; 1 changes nothing")
        for name in ("fill_holes", "drop_islands"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} must be an area of 0 px or more; got {getattr(self, name)}")

    @property
    def changes_alpha(self) -> bool:
        """Whether alpha may come out as another than it went in."""
        return self != Finish(ahead=self.ahead, despill=self.despill, screen=self.screen)
