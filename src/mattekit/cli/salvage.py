"""`--salvage`: a damaged clip keeps what is whole of it; frames keep their numbers, outputs say so in their names."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mattekit.checks import InputError, list_values
from mattekit.cli.confidence import Confidences
from mattekit.cli.keyframes import KeySource
from mattekit.cli.report import Summary
from mattekit.media import probe
from mattekit.media.outputs import plan_output
from mattekit.media.probe import remarks
from mattekit.media.reader import check_span
from mattekit.media.salvage import lost_spans, name_losses, salvage
from mattekit.types import ClipInfo


def open_clip(path: Path, *, damaged: bool) -> ClipInfo:
    """Return what is known of a clip, which may be damaged where that is said.

    Raises:
        MediaError: It cannot be read, or is damaged and should not be.
    """
    return salvage(path) if damaged else probe(path)


def as_numbered(clip: ClipInfo) -> ClipInfo:
    """Return a clip with as many frames as it had before it was damaged, for checking what a user numbers."""
    return clip if clip.kept is None else replace(clip, frames=clip.kept.frames, kept=None)


def choose_span(clip: ClipInfo, start: int, end: int | None) -> tuple[int, int]:
    """Return first frame and one past the last among the kept ones, from numbers of the clip before its damage.

    Raises:
        InputError: The span is empty, leaves the clip, or holds no kept frame.
    """
    last = check_span(as_numbered(clip), start, end)
    if clip.kept is None:
        return start, last
    first, stop = (bisect_left(clip.kept.numbers, number) for number in (start, last))
    if first == stop:
        raise InputError(f"a span must hold a whole frame; all from {start} to {last - 1} are lost; choose another")
    return first, stop


def keep_keys(clip: ClipInfo, keys: dict[int, KeySource]) -> tuple[dict[int, KeySource], list[str]]:
    """Return key frames by their place among the kept frames, and a note on those of frames that are lost.

    None are given to a network that needs none.

    Raises:
        InputError: All of them are of lost frames.
    """
    if clip.kept is None or not keys:
        return keys, []
    places = {number: place for place, number in enumerate(clip.kept.numbers)}
    lost = [number for number in keys if number not in places]
    if len(lost) == len(keys):
        raise InputError(
            f"a key frame must be one that is whole; those given are lost ({list_values(lost)}); "
            f"give one of frame {clip.kept.numbers[0]}, say"
        )
    notes = [f"key frames left out, since their frames are lost: {list_values(lost)}"] if lost else []
    return {places[number]: source for number, source in keys.items() if number in places}, notes


def rename_outputs(outputs: Mapping[str, Path], clip: ClipInfo) -> dict[str, Path]:
    """Return the outputs of a damaged clip under names that say so, and those of a whole one as they are.

    Raises:
        InputError: A suffix is not known.

    Example:
        >>> from fractions import Fraction
        >>> from mattekit.types import Kept
        >>> clip = ClipInfo(Path("a"), "video", (4, 4), 1, Fraction(24), Fraction(1, 24), kept=Kept((0,), (0,), 2))
        >>> rename_outputs({"alpha": Path("alpha.mkv")}, clip)
        {'alpha': PosixPath('alpha.salvaged.mkv')}
    """
    if clip.kept is None:
        return dict(outputs)
    return {content: _renamed(path, content) for content, path in outputs.items()}


def _renamed(path: Path, content: str) -> Path:
    known = content if content != "trimap" else "alpha"
    if plan_output(path, content=known).kind == "folder":
        return path.with_name(f"{path.name}-salvaged")
    return path.with_name(f"{path.stem}.salvaged{path.suffix}")


def number_of(clip: ClipInfo, place: int) -> int:
    """Return the number, before the damage, of a frame by its place among the kept ones."""
    return place if clip.kept is None else clip.kept.numbers[place]


def notes_of(clip: ClipInfo) -> list[str]:
    """Return one line each on what a clip has lost, and on what of it is not seen."""
    return [*name_losses(clip), *remarks(clip)]


def add_confidence(clip: ClipInfo, confidences: Confidences, place: int, confidence: float) -> None:
    """Note the confidence in a kept frame's trimap under the number that the frame had before the damage."""
    confidences.add(number_of(clip, place), confidence)


def tell_of(clip: ClipInfo, summary: Summary, notes: Sequence[str]) -> Summary:
    """Return a summary with further notes, and for its JSON line how many frames a damaged clip had and lost."""
    facts = {}
    if clip.kept is not None:
        facts["salvaged"] = {"frames": clip.kept.frames, "lost": [list(span) for span in lost_spans(clip.kept)]}
    return replace(summary, notes=[*summary.notes, *notes], further={**summary.further, **facts})
