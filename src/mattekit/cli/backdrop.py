"""What a composite is laid over: a colour, a checkerboard, an image or a video, found and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from PIL import ImageColor

from mattekit.checks import InputError, MediaError, check_choice
from mattekit.media import probe, show_path
from mattekit.types import ClipInfo

CHECKERBOARD = "checkerboard"
FITS = ("cover", "contain", "stretch")
ENDS = ("loop", "hold", "refuse")

CLOSE = Fraction(1, 1000)
"""Seconds by which two clips may differ in when a frame is shown, for some containers round so."""


@dataclass(frozen=True)
class Backdrop:
    """A background that has been found and checked; with neither colour nor clip it is a checkerboard.

    Attributes:
        colour: (red, green, blue) in 0 to 255.
        clip: An image, a folder of images or a video.
        fit: "cover" scales until the frame is full and crops, "contain" until the picture is seen whole, with black
            beside it, "stretch" each way by itself.
        end: What happens where a moving background is over before the clip: it begins again ("loop"), its last frame
            stays ("hold"), or nothing is begun ("refuse").
    """

    colour: tuple[int, int, int] | None = None
    clip: ClipInfo | None = None
    fit: str = "cover"
    end: str = "loop"


def parse_backdrop(text: str, *, fit: str = "cover", end: str = "loop") -> Backdrop:
    """Return what a user named: ``#rrggbb``, a CSS colour name, ``checkerboard``, or a file.

    Raises:
        InputError: It is none of these, or the rules are not known.
    """
    check_choice("--background-fit", fit, FITS)
    check_choice("--background-end", end, ENDS)
    if text == CHECKERBOARD:
        return Backdrop(fit=fit, end=end)
    try:
        colour = ImageColor.getrgb(text)
    except ValueError:
        colour = None
    if colour is not None:
        if len(colour) != 3:
            raise InputError(f"a background colour must be opaque; got {text}; write it as #rrggbb")
        return Backdrop(colour=colour, fit=fit, end=end)
    if text.startswith("#") and not Path(text).exists():
        raise InputError(f"a background colour must be #rrggbb; got {show_path(text)}; write for example #00b140")
    try:
        return Backdrop(clip=probe(text), fit=fit, end=end)
    except MediaError as error:
        raise InputError(
            f"a background must be a colour (#00b140, green), {CHECKERBOARD}, an image or a video; {error}"
        ) from error


def check_backdrop(
    text: str | None, outputs: Mapping[str, Path], clip: ClipInfo, *, span: tuple[int, int], fit: str, end: str
) -> Backdrop | None:
    """Return the background of a run, or None where none was named.

    Args:
        text: What the user named.
        outputs: Path by what it shows; a composite needs a background, a preview takes a checkerboard.
        clip: What is matted.
        span: First frame and one past the last.
        fit: As in `Backdrop`.
        end: Likewise.

    Raises:
        InputError: A composite has none, no output takes it, or it is not one or ends too early.
    """
    if text is None and "composite" in outputs:
        raise InputError("--composite and --background must come together; got --composite alone; add the other")
    if text is None:
        check_choice("--background-fit", fit, FITS)
        check_choice("--background-end", end, ENDS)
        return None
    if not {"composite", "preview"} & set(outputs):
        raise InputError("--composite and --background must come together; got --background alone; add the other")
    backdrop = parse_backdrop(text, fit=fit, end=end)
    _check_length(backdrop, clip, span[1] - span[0])
    return backdrop


def colour_note(backdrop: Backdrop | None, clip: ClipInfo) -> str | None:
    """Return a line to tell where a background's colours are of another kind than the clip's; nothing converts them."""
    own = None if backdrop is None else backdrop.clip
    if own is None:
        return None
    kinds = [(info.colour_primaries or "bt709", info.colour_transfer or "bt709") for info in (own, clip)]
    if kinds[0] == kinds[1] or own.kind == "images":
        return None
    theirs, ours = (" and ".join(kind) for kind in kinds)
    return f"the background's values ({theirs}) are laid behind the clip's ({ours}) as they are"


def files_of(backdrop: Backdrop | None) -> list[Path]:
    """Return the files and the folder that a background is read from."""
    own = None if backdrop is None else backdrop.clip
    return [] if own is None else [own.path, *own.files]


def _check_length(backdrop: Backdrop, clip: ClipInfo, frames: int) -> None:
    """Raise if a background is over before the frames of a clip are, and that is to be refused."""
    own = backdrop.clip
    if own is None or own.frames == 1 or backdrop.end != "refuse":
        return
    lasts, needed = Fraction(own.frames), Fraction(frames - 1)
    if own.kind == "video":
        lasts, needed = own.frames / own.rate, (frames - 1) / clip.rate
    if needed + CLOSE >= lasts:
        raise InputError(
            f"a background must last as long as the clip; {show_path(own.path)} has {own.frames} frames at "
            f"{float(own.rate):g} a second for {frames} at {float(clip.rate):g}; take --background-end loop or hold"
        )
