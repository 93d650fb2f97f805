"""How far carried trimaps can be trusted: what is said of it, and the file that is written of it."""

from __future__ import annotations

import csv
import json
import os
import secrets
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mattekit.checks import InputError
from mattekit.media import show_path

if TYPE_CHECKING:
    from mattekit.engine.advice import Advice

LOW = 0.8
"""`mattekit matte` speaks of the confidence where that of a frame is lower."""

SUFFIXES = (".csv", ".json")


class Confidences:
    """The confidence in the trimap of each frame of a run, and what follows from it.

    Args:
        keys: Numbers of the frames whose trimaps are the user's.
        cuts: Numbers of the frames that begin a new scene.
    """

    def __init__(self, keys: Sequence[int], cuts: Sequence[int] = ()) -> None:
        self._keys, self._cuts = list(keys), list(cuts)
        self._found: dict[int, float] = {}

    def add(self, frame: int, confidence: float) -> None:
        """Take note of a frame's confidence, in [0, 1]."""
        self._found[frame] = confidence

    @cached_property
    def advice(self) -> list[Advice]:
        """Frames at which another trimap would help, the most helpful first."""
        from mattekit.engine.advice import advise

        return advise(self._found, self._keys, cuts=self._cuts)

    def is_low(self) -> bool:
        """Return whether a frame's confidence is so low that it should be said unasked."""
        return bool(self._found) and min(self._found.values()) < LOW

    def facts(self) -> dict[str, Any]:
        """Return what the JSON line and the file say."""
        named = [{"frame": each.frame, "confidence": _short(each.confidence)} for each in self.advice]
        return {
            "confidence": [[frame, _short(value)] for frame, value in self._found.items()],
            "cuts": self._cuts,
            "advice": named,
        }

    def tell(self) -> str:
        """Return one line: the mean, the lowest, and where another trimap would help most."""
        if not self._found:
            return "confidence: every frame has a trimap of its own"
        lowest = min(self._found, key=lambda frame: self._found[frame])
        mean = sum(self._found.values()) / len(self._found)
        line = f"confidence: {mean:.2f} in the mean, {self._found[lowest]:.2f} at the least, at frame {lowest}; "
        if not self.advice:
            return f"{line}no further trimap is needed"
        places = ", then at ".join(str(each.frame) for each in self.advice)
        values = ", ".join(f"{each.confidence:.2f}" for each in self.advice)
        return f"{line}another trimap would help most at frame {places} (confidence {values})"

    def write(self, path: Path) -> None:
        """Write a row a frame to a .csv file, or all to a .json file, under a temporary name until it is whole.

        In the table the advice is 1 at the frame where another trimap would help most, then 2 and so on.
        """
        beside = path.with_name(f".mattekit-{secrets.token_hex(6)}{path.suffix}")
        try:
            with beside.open("w", newline="", encoding="utf-8") as file:
                if path.suffix.lower() == ".json":
                    json.dump(self.facts(), file, indent=1)
                    file.write("\n")
                else:
                    ranks = {each.frame: rank for rank, each in enumerate(self.advice, 1)}
                    table = csv.writer(file)
                    table.writerow(("frame", "confidence", "cut", "advice"))
                    for frame, value in self._found.items():
                        table.writerow((frame, f"{value:.4f}", int(frame in self._cuts), ranks.get(frame, "")))
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)


def check_report(path: Path, inputs: Sequence[Path], *, overwrite: bool) -> None:
    """Raise unless a report can be written without harm.

    Raises:
        InputError: It is no .csv or .json file, its folder is missing, it exists, or it is an input.
    """
    shown = show_path(path)
    if path.suffix.lower() not in SUFFIXES or path.is_dir():
        raise InputError(f"a report must be a .csv or .json file; got {shown}: change its suffix")
    if not os.access(path.absolute().parent, os.W_OK | os.X_OK):
        raise InputError(f"{shown} must lie in a folder that can be written to; it does not: make the folder first")
    if os.path.lexists(path) and not overwrite:
        raise InputError(f"{shown} must not exist yet; it does: choose another name or add --overwrite")
    if any(path.exists() and source.exists() and path.samefile(source) for source in inputs):
        raise InputError(f"an output must not be an input; got {shown}: choose another name")


def _short(confidence: float) -> float:
    return round(confidence, 4)
