"""VideoMatting108: folders of RGBA frames, backgrounds of their own, and a file that pairs them frame by frame."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from mattekit.checks import InputError
from mattekit.data.layouts.listing import subfolder
from mattekit.data.manifest import Entry
from mattekit.media import show_path

LOOKS_FOR = "frame_corr.json, FG_done and BG_done"
FOREGROUNDS, BACKGROUNDS = ("fg_done", "fg"), ("bg_done", "bg")
PAIRING = "frame_corr.json"
LISTS = {"train": "train_videos.txt", "validation": "val_videos.txt"}
LICENCE = "academic use only, non-commercial"


def matches(folder: Path) -> bool:
    """Return whether a folder is laid out so."""
    return (folder / PAIRING).is_file()


def entries(folder: Path) -> Iterator[Entry]:
    """Yield the foregrounds, which carry their alpha, and their backgrounds.

    Names are fg/CLIP and bg/CLIP. The lists ``train_videos.txt`` and ``val_videos.txt`` tell the split of a foreground,
    and that of a background is its foreground's; without lists all are for training.

    Raises:
        InputError: The pairing cannot be read, or a list names a clip that is not in it.
    """
    foregrounds, backgrounds = _place(folder, FOREGROUNDS), _place(folder, BACKGROUNDS)
    pairs = read_frame_pairs(folder)
    split_of = _listed(folder, pairs)
    behind: dict[str, str] = {}
    for clip, frames in pairs.items():
        split = split_of.get(clip, "train")
        path = foregrounds / clip
        yield Entry(
            f"fg/{clip}", "foreground", path, None, False, split, LICENCE, use="research", alpha_kind="ground-truth"
        )
        for _, background in frames:
            behind.setdefault(str(Path(background).parent.as_posix()), split)
    for clip, split in behind.items():
        yield Entry(f"bg/{clip}", "background", backgrounds / clip, None, False, split, LICENCE, use="research")


def read_frame_pairs(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Return, for each foreground clip, its frames and the background frame behind each, as paths in their folders.

    Raises:
        InputError: The file is missing or of another form.
    """
    path = folder / PAIRING
    try:
        content = json.loads(path.read_bytes())
        if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
            raise ValueError("it must be one object of foreground frames to background frames")
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{show_path(path)} must pair frames by name; {error}; copy it again") from error
    found: dict[str, list[tuple[str, str]]] = {}
    for foreground in sorted(content):
        found.setdefault(Path(foreground).parent.as_posix(), []).append((foreground, content[foreground]))
    return found


def _place(folder: Path, names: tuple[str, ...]) -> Path:
    found = subfolder(folder, names)
    if found is None:
        raise InputError(f"{show_path(folder)} must hold {names[0].upper().replace('DONE', 'done')}; it does not")
    return found


def _listed(folder: Path, pairs: dict[str, list[tuple[str, str]]]) -> dict[str, str]:
    """Return the split of each clip that a list names."""
    found: dict[str, str] = {}
    for split, name in LISTS.items():
        path = folder / name
        for clip in path.read_text(encoding="utf-8").split() if path.is_file() else ():
            if clip not in pairs:
                raise InputError(f"{show_path(path)} must name clips of {PAIRING}; {clip} is none; mend the list")
            found[clip] = split
    return found
