"""Sources listed in an INDEX.csv, read into a pack; only rows whose licence allows carried weights unless told."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mattekit.checks import InputError
from mattekit.data.pack import Source, shrink
from mattekit.media import probe, read

Row = Mapping[str, str]
_KINDS = {"machine-made": "photo", "ground-truth": "photo", "artist-cutout": "cutout", "drawn-effect": "effect"}


def read_index(folder: Path, *, use: str = "ship") -> list[Row]:
    """Return the rows of ``INDEX.csv`` with a given ``use``.

    Args:
        folder: Where INDEX.csv is.
        use: "ship", or "all" for every row.

    Raises:
        InputError: There is no such file, it lacks a column, or no row fits.
    """
    path = folder / "INDEX.csv"
    if not path.is_file():
        raise InputError(f"a source folder must hold INDEX.csv; {folder} does not")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    missing = {"path", "kind", "use", "alpha_kind"} - set(rows[0] if rows else ())
    if missing:
        raise InputError(f"{path} must have the columns path, kind, use, alpha_kind; missing: {sorted(missing)}")
    return [row for row in rows if use in ("all", row["use"])]


def index_sources(
    folder: Path, rows: list[Row], *, longest: int = 448, background_longest: int = 400, background_frames: int = 7
) -> Iterator[Source]:
    """Read the listed files.

    Args:
        folder: Where the rows' paths begin.
        rows: As from `read_index`.
        longest: Foregrounds are shrunk to this long side in px.
        background_longest: Backgrounds are shrunk to this.
        background_frames: Consecutive frames kept from the middle of a background clip.
    """
    for row in rows:
        path = folder / row["path"]
        name = row["path"].rsplit(".", 1)[0]
        if row["kind"] == "fg-image":
            pixels = _foreground_image(path)
            yield Source(name, _KINDS.get(row["alpha_kind"], "photo"), shrink(pixels, longest))
        elif row["kind"] == "fg-video":
            colour = _clip(path, every=8)
            alpha = _clip(path.with_name(path.stem.removesuffix("_fg") + "_alpha.mkv"), every=8)[:, :1]
            yield Source(name, "clip", shrink(torch.cat((colour, alpha), dim=1), longest))
        elif row["kind"] == "bg-image":
            with Image.open(path) as picture:
                pixels = _tensor(np.asarray(picture.convert("RGB")))
            yield Source(name, "background", shrink(pixels, background_longest))
        elif row["kind"] == "bg-video":
            frames = _clip(path)
            first = max(0, (len(frames) - background_frames) // 2)
            yield Source(name, "background", shrink(frames[first : first + background_frames], background_longest))


def _foreground_image(path: Path) -> Tensor:
    """Return (1, 4, H, W) from NAME_fg.jpg and NAME_alpha.png."""
    alpha_path = path.with_name(path.stem.removesuffix("_fg") + "_alpha.png")
    with Image.open(path) as colour, Image.open(alpha_path) as alpha:
        if colour.size != alpha.size:
            raise InputError(f"{path} and {alpha_path} must have one size; got {colour.size} and {alpha.size}")
        return torch.cat(
            (_tensor(np.asarray(colour.convert("RGB"))), _tensor(np.asarray(alpha.convert("L"))[..., None])), dim=1
        )


def _tensor(picture: np.ndarray) -> Tensor:
    return torch.from_numpy(picture.copy()).permute(2, 0, 1)[None]


def _clip(path: Path, *, every: int = 1) -> Tensor:
    """Return (T, 3, H, W) uint8 of a video, every so many frames."""
    frames = [chunk.frames for chunk in read(probe(path), chunk=1)][::every]
    return (torch.cat(frames) * 255).round().to(torch.uint8)
