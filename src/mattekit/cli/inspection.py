"""What `mattekit inspect` writes: a sheet of the frames to look at, and a table with a row for every frame."""

from __future__ import annotations

import csv
import math
import os
import secrets
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from mattekit.checks import InputError
from mattekit.media import Style, check_output, open_writer, show_path
from mattekit.media.outputs import plan_output
from mattekit.types import ClipInfo

if TYPE_CHECKING:
    from torch import Tensor

    from mattekit.metrics.blind import Finding, Look
    from mattekit.metrics.blind.suspicion import Floats

WIDTH = 320
"""Px of a picture on the sheet."""

HEADS = ("frame", "alpha before", "alpha", "outline of alpha, and where")
OUTLINE, FRAME = (1.0, 0.15, 0.1), (1.0, 0.9, 0.1)
"""Colours of the outline of alpha and of the box around what is suspicious."""

COLUMNS = ("hole", "island", "flicker", "change", "step", "width", "spill", "lag", "area")


def check_sheet(path: Path, inputs: Sequence[ClipInfo], *, overwrite: bool) -> None:
    """Raise unless a contact sheet can be written without harm.

    Raises:
        InputError: It is no .png file, its folder is missing, it exists, or it is an input.
    """
    if plan_output(path, content="composite").kind != "still":
        raise InputError(f"a contact sheet must be a .png file; got {show_path(path)}: change its suffix")
    for clip in inputs:
        check_output(path, clip, content="composite", overwrite=overwrite, frames=1)


def check_table(path: Path, inputs: Sequence[ClipInfo], *, overwrite: bool) -> None:
    """Raise unless a table can be written without harm.

    Raises:
        InputError: It is no .csv file, its folder is missing, it exists, or it is an input.
    """
    shown = show_path(path)
    if path.suffix.lower() != ".csv" or path.is_dir():
        raise InputError(f"a table must be a .csv file; got {shown}: change its suffix")
    if not os.access(path.absolute().parent, os.W_OK | os.X_OK):
        raise InputError(f"{shown} must lie in a folder that can be written to; it does not: make the folder first")
    if os.path.lexists(path) and not overwrite:
        raise InputError(f"{shown} must not exist yet; it does: choose another name or add --overwrite")
    for clip in inputs:
        if any(path.exists() and source.exists() and path.samefile(source) for source in (clip.path, *clip.files)):
            raise InputError(f"an output must not be an input; got {shown}: choose another name")


def write_table(path: Path, looks: Sequence[Look], size: tuple[int, int]) -> None:
    """Write a row for every frame: its suspicion, the cause of it, and what was measured; empty where unknown."""
    from mattekit.metrics.blind import CAUSES, suspicions

    scores = suspicions(looks, size)
    beside = path.with_name(f".mattekit-{secrets.token_hex(6)}.csv")
    try:
        with beside.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(("frame", "suspicion", "cause", "cut", *COLUMNS, *(f"suspicion_{each}" for each in CAUSES)))
            for place, look in enumerate(looks):
                own = {cause: float(scores[cause][place]) for cause in CAUSES}
                cause = max(own, key=lambda name: own[name])
                values = (float(getattr(look, name)) for name in COLUMNS)
                shown = ("" if math.isnan(value) else f"{value:.6g}" for value in values)
                named = cause if own[cause] > 0 else ""
                scored = (f"{value:.3f}" for value in own.values())
                table.writerow((look.frame, f"{own[cause]:.3f}", named, int(look.cut), *shown, *scored))
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def draw_sheet(
    found: Sequence[Finding], scores: Floats, *, start: int, frames: Iterator[Tensor], alphas: Iterator[Tensor]
) -> Tensor:
    """Return the sheet (3, H, W): a row an entry, or the least good frame where there is none.

    Args:
        found: Entries, worst first.
        scores: (T,) suspicion of every frame.
        start: Number of the first frame.
        frames: (3, H, W) of all frames in order.
        alphas: (1, H, W) likewise.
    """
    from mattekit.data.pictures import contact_sheet
    from mattekit.metrics.blind import Finding

    shown = list(found)
    if not shown:
        worst = start + int(scores.argmax())
        shown = [Finding("nothing", worst, worst, worst, float(scores.max()), "nothing stands out; the least good")]
    wanted = {number for each in shown for number in (each.worst - 1, each.worst)}
    kept = {}
    for number, (frame, alpha) in enumerate(zip(frames, alphas, strict=True), start):
        if number in wanted:
            kept[number] = _small(frame), _small(alpha)
    rows: list[list[Tensor | None]] = []
    for each in shown:
        frame, alpha = kept[each.worst]
        before = kept.get(each.worst - 1, (None, None))[1]
        rows.append([frame, before, alpha, mark(frame, alpha, each.box)])
    names = [f"{each.suspicion:.1f}  {each}; shown: {each.worst}" for each in shown]
    return contact_sheet(rows, heads=HEADS, names=names, width=WIDTH)


def mark(frame: Tensor, alpha: Tensor, box: tuple[float, float, float, float] | None) -> Tensor:
    """Return a frame with the outline of its alpha, and a box.

    Args:
        frame: (3, H, W) in [0, 1].
        alpha: (1, H, W) in [0, 1].
        box: (top, left, bottom, right) as shares of height and width, or None.
    """
    import torch

    from mattekit.ops import dilate

    inside = (alpha > 0.5).to(frame.dtype)
    outline = dilate(inside, 1) - inside
    marked = torch.lerp(frame, frame.new_tensor(OUTLINE).view(3, 1, 1), outline)
    if box is not None:
        height, width = frame.shape[-2:]
        top, left = max(0, math.floor(box[0] * height) - 4), max(0, math.floor(box[1] * width) - 4)
        bottom, right = min(height, math.ceil(box[2] * height) + 4), min(width, math.ceil(box[3] * width) + 4)
        edge = torch.zeros_like(inside)
        edge[:, top:bottom, left:right] = 1
        edge[:, top + 2 : max(top + 2, bottom - 2), left + 2 : max(left + 2, right - 2)] = 0
        marked = torch.lerp(marked, frame.new_tensor(FRAME).view(3, 1, 1), edge)
    return marked


def write_sheet(path: Path, sheet: Tensor, *, overwrite: bool) -> None:
    """Write a sheet (3, H, W) in [0, 1] as an 8-bit PNG file."""
    size = sheet.shape[-2], sheet.shape[-1]
    invented = ClipInfo(path.with_name(f".{path.name}.invented"), "images", size, 1, Fraction(1), Fraction(1))
    with open_writer(path, invented, content="composite", style=Style(bits=8), overwrite=overwrite) as writer:
        writer.write(sheet, 0)


def _small(picture: Tensor) -> Tensor:
    """Return (C, H, W) as wide as it is shown."""
    from mattekit.ops import resize

    return resize(picture, (max(1, round(picture.shape[-2] * WIDTH / picture.shape[-1])), WIDTH))
