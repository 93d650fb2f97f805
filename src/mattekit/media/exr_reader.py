"""Reads OpenEXR files: light becomes the display values that mattes are made for, and a matte stays as it is.

A file that mattekit wrote says in its attribute `comments` how its values were made, and comes back as they were. Of
any other, colour is taken to be light and, where there is alpha, premultiplied; it goes through the curve of sRGB.
Values beyond [0, 1] are held at the ends, infinite ones too; one that is no number at all is refused.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mattekit.checks import MediaError
from mattekit.media.exr import CHROMATICITIES
from mattekit.media.exr_head import ExrHead, box_size, read_exr_head
from mattekit.media.paths import reason, show_path
from mattekit.media.transfer import CURVES, DEFAULTS, displayed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

NAMED_CURVE = re.compile(r"transfer curve ([\w-]+)")
DISPLAYED, STRAIGHT, STRAIGHT_LAYER = "values as displayed", "R, G, B straight", "layer foreground is straight colour"
MATTE = "matte: "
NEAR = 2e-3
"""How far a coordinate of primaries may be from the table's, which programs round differently."""

GRUMBLE = b"(EXR_ERR_"
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Layout:
    """Where in a file the picture is.

    Attributes:
        colours: Names of the channels of red, green and blue, or of one grey.
        alpha: Name of the channel of alpha, or None.
        straight: Whether colour is not multiplied by alpha.
        plain: Whether colours are mattes or display values, and no light.
        transfer: FFmpeg's name of the curve that leads from display values to light, or None where none is named.
    """

    colours: tuple[str, ...]
    alpha: str | None
    straight: bool
    plain: bool
    transfer: str | None


def read_layout(path: Path, head: ExrHead) -> Layout:
    """Return where in a file the picture is.

    Raises:
        MediaError: It has no channels R, G, B or Y or A, or they are of a kind that is not read.
    """
    said = head.comments
    named = NAMED_CURVE.search(said)
    transfer = named[1] if named is not None and named[1] in CURVES else None
    plain = said.startswith((MATTE, DISPLAYED))
    has = head.channels.keys()
    if STRAIGHT_LAYER in said and {"foreground.R", "foreground.G", "foreground.B", "A"} <= has:
        layout = Layout(("foreground.R", "foreground.G", "foreground.B"), "A", True, plain, transfer)
    else:
        prefix = _prefix(path, head)
        colours = tuple(f"{prefix}{name}" for name in ("RGB" if f"{prefix}R" in has else "Y"))
        alpha = f"{prefix}A" if f"{prefix}A" in has else None
        if not set(colours) <= has:  # alpha alone
            colours, alpha, plain = (f"{prefix}A",), None, True
        layout = Layout(colours, alpha, STRAIGHT in said, plain, transfer)
    for name in (*layout.colours, *([] if layout.alpha is None else [layout.alpha])):
        kind, everywhere = head.channels[name]
        if kind == 0 or not everywhere:
            raise MediaError(
                f"{show_path(path)} must hold floats for every pixel; its channel {name} does not; save it as RGB"
            )
    return layout


def _prefix(path: Path, head: ExrHead) -> str:
    """Return what the names of the picture's channels begin with: nothing, or the one layer that there is."""
    has = set(head.channels)

    def is_picture(prefix: str) -> bool:
        grey = f"{prefix}Y" in has and not {f"{prefix}RY", f"{prefix}BY"} & has
        return {f"{prefix}{name}" for name in "RGB"} <= has or grey or (f"{prefix}A" in has and f"{prefix}Y" not in has)

    prefixes = {name.rpartition(".")[0] + "." if "." in name else "" for name in has}
    found = [""] if is_picture("") else sorted(prefix for prefix in prefixes if is_picture(prefix))
    if len(found) != 1:
        names = ", ".join(show_path(name) for name in sorted(has)[:8]) + (" and more" if len(has) > 8 else "")
        raise MediaError(
            f"{show_path(path)} must have channels R, G, B, or Y, or A, plain or in one layer; "
            f"it has {names or 'none'}; save the layer that is meant as RGBA"
        )
    return found[0]


def known_primaries(head: ExrHead) -> str | None:
    """Return FFmpeg's name of a file's primaries; None where it states none, or others than the named."""
    if head.primaries is None:
        return None
    own = np.array(head.primaries)
    return next((name for name, known in CHROMATICITIES.items() if np.abs(own - known).max() < NEAR), None)


def load_exr(path: Path, *, as_matte: bool) -> Floats:
    """Return the picture of an OpenEXR file, (H, W, C) in [0, 1]: grey, RGB, or straight RGB and alpha.

    Args:
        path: The file.
        as_matte: Whether its numbers are taken as they are, and not as light that is to be displayed.

    Raises:
        MediaError: It is not a whole file of a kind that is read, or a value is no number.
    """
    head = read_exr_head(path)
    layout = read_layout(path, head)
    names = (*layout.colours, *([] if layout.alpha is None else [layout.alpha]))
    values = _decode(path, head, names)
    for name, plane in zip(names, values, strict=True):
        if np.isnan(plane).any():
            row, column = (int(place) for place in np.argwhere(np.isnan(plane))[0])
            raise MediaError(
                f"{show_path(path)} must hold numbers; channel {name} has none (NaN) at row {row}, column {column}; "
                "mend the frame"
            )
    colours, alpha = values[: len(layout.colours)], None
    if layout.alpha is not None:
        alpha = np.clip(values[-1], 0, 1)
    if not as_matte:
        if alpha is not None and not layout.straight:
            colours = _straightened(colours, alpha)
        if not layout.plain:
            colours = displayed(colours, layout.transfer or DEFAULTS["images"])
    colours = np.clip(colours, 0, 1)
    if alpha is None:
        return np.ascontiguousarray(np.moveaxis(colours, 0, -1))
    colours = np.broadcast_to(colours, (3, *head.size))
    return np.stack((*colours, alpha), axis=-1)


def _straightened(colours: Floats, alpha: Floats) -> Floats:
    """Return colours (C, H, W) without the alpha (H, W) that they are multiplied by; where it is 0 they stay."""
    straight = colours.copy()
    with np.errstate(over="ignore"):  # a little colour over next to no alpha is more than white, and is held there
        np.divide(colours, alpha, out=straight, where=alpha > 0)
    return straight


def _decode(path: Path, head: ExrHead, names: tuple[str, ...]) -> Floats:
    """Return channels of a file as (C, H, W) over the whole picture; what is not stored of it is 0."""
    import Imath  # type: ignore[import-untyped]
    import OpenEXR

    full = Imath.PixelType(Imath.PixelType.FLOAT)
    try:
        with path.open("rb") as stream, _without_grumbling():
            planes = OpenEXR.InputFile(stream).channels(list(names), full)
    except (OSError, RuntimeError, ValueError, TypeError, LookupError, MemoryError) as error:
        raise MediaError(f"{show_path(path)} must be a whole image; {reason(error)}; save it again") from error
    size = box_size(head.stored)
    values = [np.frombuffer(plane, np.float32) for plane in planes]
    if any(len(plane) != size[0] * size[1] for plane in values):
        raise MediaError(f"{show_path(path)} must be a whole image; it has another size than it states; save it again")
    stored = np.stack([plane.reshape(size) for plane in values])
    return stored if head.stored == head.shown else _placed(stored, head)


def _placed(stored: Floats, head: ExrHead) -> Floats:
    """Return what is stored in its place in the picture."""
    whole = np.zeros((len(stored), *head.size), np.float32)
    spans = []
    for axis in (1, 0):  # rows, then columns
        begin, end = max(head.shown[axis], head.stored[axis]), min(head.shown[axis + 2], head.stored[axis + 2]) + 1
        end = max(begin, end)
        spans.append(
            (
                slice(begin - head.shown[axis], end - head.shown[axis]),
                slice(begin - head.stored[axis], end - head.stored[axis]),
            )
        )
    (rows, from_rows), (columns, from_columns) = spans
    whole[:, rows, columns] = stored[:, from_rows, from_columns]
    return whole


@contextmanager
def _without_grumbling() -> Iterator[None]:
    """Keep what the library in C writes to stderr off it; what others write there meanwhile is passed on."""
    with _one_at_a_time, tempfile.TemporaryFile() as caught:
        try:
            with suppress(AttributeError, ValueError, OSError):
                sys.stderr.flush()
            real: int | None = os.dup(2)
        except OSError:  # there is none
            real = None
        if real is None:
            yield
            return
        try:
            os.dup2(caught.fileno(), 2)
            yield
        finally:
            os.dup2(real, 2)
            caught.seek(0)
            for line in caught.read().splitlines(keepends=True):
                if GRUMBLE not in line:
                    os.write(real, line)
            os.close(real)


def exr_remarks(files: Sequence[Path]) -> list[str]:
    """Return a line on how the light of OpenEXR files is read, and one where their primaries are not known."""
    first = next((file for file in files if file.suffix.lower() == ".exr"), None)
    if first is None:
        return []
    head = read_exr_head(first)
    layout = read_layout(first, head)
    curve = layout.transfer or DEFAULTS["images"]
    lines = ["values of EXR files beyond 0 and 1 are held there"]
    if not layout.plain:
        lines = [f"light in EXR files is read as display values, by the curve {curve}; beyond 0 and 1 it is held there"]
    if head.primaries is not None and known_primaries(head) is None:
        lines.append("the primaries that the EXR files state have no name in video; their values are not converted")
    return lines
