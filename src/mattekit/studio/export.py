"""What an export is: which files of which formats, checked, and the command line that writes them."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mattekit.checks import InputError, check_choice
from mattekit.media.outputs import plan_output
from mattekit.studio.pictures import Levels, encode_png
from mattekit.studio.project import key_name
from mattekit.studio.strokes import Trimap
from mattekit.studio.worker import Setup

CONTENTS = ("alpha", "foreground", "cutout", "composite")
FORMATS = ("mkv", "mov", "webm", "mp4", "png", "jpg", "exr")
VIDEO = ("mkv", "mov", "webm", "mp4")
"""Formats that are one file; of the others a clip is many, handed out as one archive."""


@dataclass(frozen=True)
class Export:
    """What is to be written.

    Attributes:
        alpha: Suffix of the file of alpha without a dot, one of `FORMATS`, or None.
        foreground: Likewise of the straight colour.
        cutout: Likewise of colour and alpha.
        composite: Likewise of the subject over a background.
        background: "#rrggbb", "checkerboard" or "image", the picture that was given; for a composite.
        start: First frame, or None for the clip's.
        end: One past the last frame, or None for the clip's end.
    """

    alpha: str | None = None
    foreground: str | None = None
    cutout: str | None = None
    composite: str | None = None
    background: str | None = None
    start: int | None = None
    end: int | None = None

    @property
    def wanted(self) -> dict[str, str]:
        """Suffix by content."""
        named = {content: getattr(self, content) for content in CONTENTS}
        return {content: suffix for content, suffix in named.items() if suffix is not None}

    def check(self, frames: int, *, picture: Levels | None) -> None:
        """Raise unless all of it can be written.

        Args:
            frames: Of the clip.
            picture: The background that was given, or None.

        Raises:
            InputError: Nothing is asked for, a format or a span is not there, or a background is missing.
        """
        if not self.wanted:
            raise InputError(f"an export must write something; got nothing: choose one of {', '.join(CONTENTS)}")
        for content, suffix in self.wanted.items():
            check_choice(f"format of {content}", suffix, FORMATS)
            plan_output(place(Path(), content, suffix, 1), content=content)
        first, end = self.start or 0, frames if self.end is None else self.end
        if not 0 <= first < end <= frames:
            raise InputError(f"the span must be of the clip's {frames} frames, at least one; got {first} to {end}")
        if self.composite is None:
            return
        if self.background is None:
            raise InputError("a composite must have a background; got none: choose a colour, checkerboard or a picture")
        if self.background == "image" and picture is None:
            raise InputError("the background must be a picture that was given; there is none yet: give one first")
        if self.background not in ("image", "checkerboard") and not re.fullmatch(r"#[0-9a-fA-F]{6}", self.background):
            raise InputError(f"a background must be #rrggbb, checkerboard or image; got {self.background!r}")


def stem(content: str, number: int) -> str:
    """Return the name of an output without its suffix: of the first export the content, then with a number."""
    return content if number == 1 else f"{content}-{number}"


def place(folder: Path, content: str, suffix: str, number: int) -> Path:
    """Return where an output goes: a video into the folder, pictures into a folder of their own in it."""
    name = stem(content, number)
    return folder / f"{name}.{suffix}" if suffix in VIDEO else folder / name / f"{name}_%05d.{suffix}"


def words(
    setup: Setup,
    export: Export,
    outputs: Mapping[str, Path],
    keys: Mapping[int, Trimap],
    *,
    picture: Levels | None,
    held: Path,
) -> list[str]:
    """Return the command line that writes an export, after writing what it reads.

    Args:
        setup: The clip and the networks.
        export: What is asked for.
        outputs: Path by content.
        keys: Trimap of each key frame.
        picture: The background that was given, or None.
        held: Folder for what is read; it stays until the command has ended.
    """
    trimaps = held / "trimaps"
    trimaps.mkdir()
    for number, trimap in keys.items():
        (trimaps / key_name(number)).write_bytes(encode_png(trimap))
    found = [sys.executable, "-m", "mattekit", "matte", str(setup.clip.path.absolute()), "--trimaps", str(trimaps)]
    for content, path in outputs.items():
        found += [f"--{content}", str(path.absolute())]
    if export.composite is not None:
        backdrop = export.background or ""
        if backdrop == "image" and picture is not None:
            backdrop = str(held / "background.png")
            Path(backdrop).write_bytes(encode_png(picture))
        found += ["--background", backdrop]
    settings = {"--weights": setup.weights, "--device": setup.device, "--threads": setup.threads}
    settings |= {"--start": export.start, "--end": export.end}
    for option, value in settings.items():
        if value is not None:
            found += [option, str(value.absolute() if isinstance(value, Path) else value)]
    return found
