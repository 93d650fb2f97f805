"""Which foreground goes over which background: a set of composites, each with a seed that rebuilds it bit for bit."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from mattekit.checks import InputError, check_choice, one_line
from mattekit.data.manifest import Entry, write_whole

FORMAT = "mattekit composites 1"
EACH = {"train": 16, "validation": 4, "test": 4}
"""Backgrounds a foreground, by split."""
SEED = 2019

STREAMS = {"composite": "composite", "alpha": "alpha", "foreground": "foreground", "background": "composite"}
"""What can be written, and what kind of picture each is to a writer."""
TRIMAP = "trimap"
"""A further stream, made from alpha by the rule of the DVM test set."""
FORMS = ("clips", "tree")
FIT = re.compile(r"(?!\.)[A-Za-z0-9+._-]{1,200}")
"""Names of composites, each of which becomes a folder."""


@dataclass(frozen=True)
class Rules:
    """What all composites of a set have in common.

    Attributes:
        longest: Foregrounds are shrunk to this long side in px; neither side of a frame is longer.
        still_frames: Most frames of a composite of a still foreground.
        clip_frames: Most frames of a composite of a foreground clip.
        blur: Whether backgrounds are blurred by a Gaussian of 9 x 9 px.

    Source:
        The composition rules of the DVM data set, CVPR 2021.
    """

    longest: int = 1920
    still_frames: int = 60
    clip_frames: int = 150
    blur: bool = False

    def __post_init__(self) -> None:
        for name in ("longest", "still_frames", "clip_frames"):
            if not _is_whole(getattr(self, name)) or getattr(self, name) < 1:
                raise InputError(f"{name} must be 1 or more; got {getattr(self, name)}")


@dataclass(frozen=True)
class FittedRules(Rules):
    """Rules of sets whose frames have one size, to which foreground and background are fitted.

    Attributes:
        height: Of every frame in px.
        width: Of every frame in px.

    Source:
        The test sets of Robust Video Matting, WACV 2022.
    """

    height: int = 288
    width: int = 512

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(_is_whole(side) and side > 0 for side in (self.height, self.width)):
            raise InputError(f"height and width must be 1 or more; got {self.height} and {self.width}")


@dataclass(frozen=True)
class FakedRules(FittedRules):
    """Rules of sets whose foregrounds are pictures that fake motion bends.

    Attributes:
        bent: True, which tells them from others.

    Source:
        The test clips of Molodetskikh et al., Temporally coherent person matting trained on fake-motion dataset, 2022.
    """

    bent: bool = True


def rules_of(told: Mapping[str, Any]) -> Rules:
    """Return rules from what `asdict` made of them."""
    if "bent" in told:
        return FakedRules(**told)
    return FittedRules(**told) if "height" in told else Rules(**told)


@dataclass(frozen=True)
class Composite:
    """One clip to be composed.

    Attributes:
        name: Unique in its set, and fit to be a file's name.
        split: "train", "validation" or "test".
        foreground: Name of the source.
        background: Name of the source.
        seed: All that is random in it follows from this; 0 or more and below 2 ** 63.

    Raises:
        InputError: A field is not so.
    """

    name: str
    split: str
    foreground: str
    background: str
    seed: int

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not FIT.fullmatch(self.name):
            raise InputError(f"name must be of letters, digits and + - _ ., no . first; got {self.name!r}")
        check_choice("split", self.split, tuple(EACH))
        for source in (self.foreground, self.background):
            if not isinstance(source, str):
                raise InputError(f"foreground and background must be names; got {source!r}")
        if not _is_whole(self.seed) or not 0 <= self.seed < 2**63:
            raise InputError(f"seed must be a whole number from 0 to below 2 ** 63; got {self.seed!r}")


@dataclass(frozen=True)
class Order:
    """How composites are written.

    Attributes:
        folder: Where each composite gets a folder of its own: NAME/ for clips, SPLIT/NAME/ for the tree.
        form: "clips" for one FFV1 file a stream, "tree" for folders of 8-bit PNG files.
        streams: Which of composite, alpha, foreground, background and trimap.
    """

    folder: Path
    form: str = "clips"
    streams: tuple[str, ...] = tuple(STREAMS)

    def __post_init__(self) -> None:
        check_choice("form", self.form, FORMS)
        for stream in self.streams:
            check_choice("stream", stream, (*STREAMS, TRIMAP))
        if not self.streams:
            raise InputError("at least one stream must be written; got none")

    def home(self, composite: Composite) -> Path:
        """Return the folder of a composite."""
        return self.folder / composite.name if self.form == "clips" else self.folder / composite.split / composite.name


def draw_plan(entries: Sequence[Entry], *, split: str, each: int | None = None, seed: int = SEED) -> list[Composite]:
    """Draw backgrounds for every foreground of a split.

    Backgrounds are dealt from a shuffled deck, so that none comes twice before all have come once, and none twice for
    one foreground as long as there are enough.

    Args:
        entries: Sources; those of other splits are left alone.
        split: "train", "validation" or "test".
        each: Backgrounds a foreground; None for 16 in training and 4 else, as published.
        seed: Chooses backgrounds and the seeds of the composites.

    Raises:
        InputError: The split has no foreground or no background.
    """
    count = EACH[split] if each is None else each
    foregrounds = sorted(entry.name for entry in entries if entry.role == "foreground" and entry.split == split)
    backgrounds = sorted(entry.name for entry in entries if entry.role == "background" and entry.split == split)
    if not foregrounds or not backgrounds:
        raise InputError(
            f"split {split} must have foregrounds and backgrounds; it has {len(foregrounds)} and {len(backgrounds)}"
        )
    dealer = _deal(backgrounds, random.Random(f"{seed}/{split}"))
    plan = []
    for foreground in foregrounds:
        taken: list[str] = []
        while len(taken) < count:
            background = next(dealer)
            if background not in taken or len(taken) >= len(backgrounds):
                taken.append(background)
        repeats = [taken[:place].count(background) for place, background in enumerate(taken)]
        plan += [
            _composite(split, foreground, background, seed=seed, repeat=repeat)
            for background, repeat in zip(taken, repeats, strict=True)
        ]
    return plan


def plan_of_pairs(pairs: Sequence[tuple[str, str]], *, split: str = "test", seed: int = SEED) -> list[Composite]:
    """Return the composites of a list of (foreground, background) names, in its order."""
    return [
        _composite(split, *pair, seed=seed, repeat=list(pairs[:place]).count(pair)) for place, pair in enumerate(pairs)
    ]


def hold_out(entries: Sequence[Entry], *, share: float = 0.05, seed: int = SEED) -> list[Entry]:
    """Move a share of the training sources of each role to the validation split, chosen by their names.

    Args:
        entries: Sources.
        share: In [0, 1]; of each role that has any, at least one moves where the share is above 0.
        seed: Chooses them.

    Raises:
        InputError: The share is outside [0, 1].
    """
    if not 0 <= share <= 1:
        raise InputError(f"the share held out must be in 0 to 1; got {share}")
    moved: set[str] = set()
    for role in ("foreground", "background"):
        names = [entry.name for entry in entries if entry.role == role and entry.split == "train"]
        ordered = sorted(names, key=lambda name: _number(f"{seed}/validation/{name}"))
        moved |= set(ordered[: max(1, round(share * len(names))) if names and share > 0 else 0])
    return [replace(entry, split="validation") if entry.name in moved else entry for entry in entries]


def write_plan(path: Path, plan: Sequence[Composite], rules: Rules) -> None:
    """Write a set as JSON lines: the rules first, then one composite a line; it takes its name when it is whole."""
    lines = [json.dumps({"format": FORMAT, **asdict(rules)})]
    lines += [json.dumps(asdict(composite)) for composite in plan]
    write_whole(path, "\n".join(lines) + "\n")


def read_plan(path: Path) -> tuple[list[Composite], Rules]:
    """Return what `write_plan` wrote.

    Raises:
        InputError: The file is missing or is no plan, or a name comes twice; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").rstrip().splitlines()
        head = json.loads(lines[0])
        if not isinstance(head, dict) or head.pop("format", None) != FORMAT:
            raise ValueError("it does not begin with the format's name")
        rules = rules_of(head)
    except (OSError, ValueError, TypeError, IndexError, RecursionError, InputError) as error:
        raise InputError(f"a plan of composites must begin with {FORMAT!r}; {path}: {one_line(error)}") from error
    plan: dict[str, Composite] = {}
    for number, line in enumerate(lines[1:], start=2):
        try:
            composite = Composite(**json.loads(line))
            if composite.name in plan:
                raise InputError(f"{composite.name} comes twice")
        except (ValueError, TypeError, RecursionError, InputError) as error:
            raise InputError(
                f"{path} line {number} must be a composite with {', '.join(f.name for f in fields(Composite))}; "
                f"{one_line(error)}"
            ) from error
        plan[composite.name] = composite
    return list(plan.values()), rules


def _composite(split: str, foreground: str, background: str, *, seed: int, repeat: int) -> Composite:
    told = f"{foreground}+{background}" + (f"+{repeat + 1}" if repeat else "")
    name = re.sub(r"[^A-Za-z0-9+._-]", "_", told).lstrip(".")
    if name != told or len(name) > 120:
        name = f"{name[:110]}-{_number(told) % 16**8:08x}"
    return Composite(name, split, foreground, background, _number(f"{seed}/{split}/{told}") % 2**63)


def _deal(names: list[str], generator: random.Random) -> Iterator[str]:
    """Yield names for ever, all of them in a new order again and again."""
    while True:
        deck = names.copy()
        generator.shuffle(deck)
        yield from deck


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()[:8], "big")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
