"""What a page may ask for, as JSON: the shape and the bounds of each request; a stroke knows its own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

FARTHEST = 1 << 16
"""Pixels that a corner may lie from the first pixel of the frame, either way."""

LAST = (1 << 31) - 1

Number = Annotated[int, Field(ge=0, le=LAST)]
Coordinate = Annotated[int, Field(ge=-FARTHEST, le=FARTHEST)]
Box = Annotated[list[Coordinate], Field(min_length=4, max_length=4)]
Suffix = Annotated[str, Field(pattern=r"^[a-z0-9]{1,8}$")]
Background = Annotated[str, Field(pattern=r"^(#[0-9a-fA-F]{6}|checkerboard|image)$")]
Name = Annotated[str, Field(max_length=16, pattern=r"^[a-z]*$")]


class Asked(BaseModel):
    """What all have in common: no number is made of a text, and nothing is left over."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class SpanAsked(Asked):
    """Frames from ``start`` to before ``end``."""

    start: Number
    end: Number


class GuessAsked(Asked):
    """What the trimap of a frame is guessed from: a box (x0, y0, x1, y1), what is painted already, or a person."""

    box: Box | None = None
    rough: bool = False
    person: bool = False


class ExportAsked(Asked):
    """What is written, each as the suffix of its format, and of which frames."""

    alpha: Suffix | None = None
    foreground: Suffix | None = None
    cutout: Suffix | None = None
    composite: Suffix | None = None
    background: Background | None = None
    start: Number | None = None
    end: Number | None = None


class At(Asked):
    """Which frame the page shows, and what of it."""

    type: Literal["at"]
    frame: Number
    view: Name = ""
