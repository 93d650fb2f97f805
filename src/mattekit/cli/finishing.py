"""The options that say how a matte is finished, the same for every verb that finishes one."""

from __future__ import annotations

from collections.abc import Collection
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer
from PIL import ImageColor

from mattekit.checks import InputError
from mattekit.media import show_path

if TYPE_CHECKING:
    from mattekit.engine.finish_settings import Finish

MOST, MOST_AHEAD = 64, 32
"""Px by which an edge may be moved or widened, and frames that may be looked ahead."""

Stabilise = Annotated[
    float, typer.Option(min=0, max=1, help="How far flicker of alpha is taken away along the motion.")
]
StabiliseUnlessTold = Annotated[
    float | None,
    typer.Option(
        min=0, max=1, help="How far flicker of alpha is taken away along the motion; 1, for rvm and person 0."
    ),
]
Ahead = Annotated[int, typer.Option(min=1, max=MOST_AHEAD, help="Frames that --stabilise looks to each side.")]
Black = Annotated[float, typer.Option(min=0, max=1, help="Alpha up to this is 0.")]
White = Annotated[float, typer.Option(min=0, max=1, help="Alpha from this on is 1.")]
Gamma = Annotated[float, typer.Option(min=0.1, max=10, help="Above 1 lifts what is half covered.")]
FillHoles = Annotated[
    int, typer.Option(min=0, metavar="PX", help="Holes in what is opaque, up to this area, are filled.")
]
DropIslands = Annotated[int, typer.Option(min=0, metavar="PX", help="Parts that stand alone, up to this area, go.")]
Choke = Annotated[
    float, typer.Option(min=-MOST, max=MOST, metavar="PX", help="Edges move in by so many px; negative, out.")
]
Softness = Annotated[
    float,
    typer.Option(min=-1, max=MOST, help="Px of ramp a hard edge gets; below 0, the share of a ramp that goes."),
]
Feather = Annotated[float, typer.Option(min=0, max=MOST, metavar="PX", help="Edges are blurred over so many px.")]
Despill = Annotated[
    float, typer.Option(min=0, max=1, help="How much of the background's colour leaves the foreground's edge.")
]
Screen = Annotated[str, typer.Option(metavar="COLOUR", help="What --despill takes out: auto, a name or #rrggbb.")]


def parse_spill(text: str) -> tuple[int, int, int] | None:
    """Return the colour that spilled, (red, green, blue) in 0 to 255, or None for ``auto``: what is behind each pixel.

    Raises:
        InputError: It is no colour.
    """
    if text == "auto":
        return None
    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
    except ValueError as error:
        raise InputError(f"--screen must be auto, a colour's name or #rrggbb; got {show_path(text)}") from error
    return red, green, blue


def check_finish(settings: Finish, contents: Collection[str]) -> None:
    """Raise if colour is to be despilled and no output shows any, or what steadies alpha is not installed.

    Args:
        settings: What is asked for.
        contents: What the outputs show.

    Raises:
        InputError: None but alpha is named, so it must be a mistake; or OpenCV is missing.
    """
    if settings.stabilise > 0 and find_spec("cv2") is None:
        raise InputError("--stabilise must have OpenCV, which is not installed; pip install opencv-python-headless")
    if settings.despill > 0 and set(contents) == {"alpha"}:
        raise InputError("--despill must go with an output that shows colour; got --alpha alone; add --foreground")
