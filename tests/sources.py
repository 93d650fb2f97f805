"""Tiny foregrounds and backgrounds on disk, for the tests of composing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from mattekit.data.manifest import Entry


def write_foreground(folder: Path, name: str, *, size: tuple[int, int] = (40, 48), frames: int = 1) -> Entry:
    """Write a soft disc, one PNG for a still or a folder a clip, and return its entry."""
    height, width = size
    y, x = np.mgrid[0:height, 0:width]
    for index in range(frames):
        middle = width / 2 + index
        alpha = np.clip((min(size) / 2 - 3 - np.hypot(x - middle, y - height / 2)) / 5, 0, 1) * 255
        colour = np.stack((x * 5 % 256, y * 6 % 256, np.full_like(x, 60 + 9 * index)), axis=-1)
        for part, picture in (("fg", colour), ("alpha", alpha)):
            path = folder / part / (f"{name}.png" if frames == 1 else f"{name}/{index:03}.png")
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture.astype(np.uint8)).save(path)
    leaf = f"{name}.png" if frames == 1 else name
    return Entry(name, "foreground", folder / "fg" / leaf, folder / "alpha" / leaf, frames == 1, licence="CC0-1.0")


def write_background(folder: Path, name: str, *, size: tuple[int, int] = (60, 80), frames: int = 1) -> Entry:
    """Write ramps with a moving block, one PNG for a still or a folder a clip, and return the entry."""
    height, width = size
    y, x = np.mgrid[0:height, 0:width]
    seed = sum(name.encode())
    for index in range(frames):
        picture = np.stack(((x * 3 + seed) % 256, (y * 2 + seed * 7) % 256, (x + y) % 256), axis=-1).astype(np.uint8)
        picture[10 + index : 20 + index, 10:20] = 255
        path = folder / "bg" / (f"{name}.png" if frames == 1 else f"{name}/{index:03}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
    path = folder / "bg" / (f"{name}.png" if frames == 1 else name)
    return Entry(name, "background", path, None, frames == 1, licence="CC0-1.0")


def write_set(folder: Path) -> list[Entry]:
    """Write two stills, a clip and three backgrounds."""
    return [
        write_foreground(folder, "disc"),
        write_foreground(folder, "coin", size=(30, 26)),
        write_foreground(folder, "ball", frames=6),
        write_background(folder, "park", frames=9),
        write_background(folder, "wall"),
        write_background(folder, "road", size=(24, 30), frames=7),
    ]
