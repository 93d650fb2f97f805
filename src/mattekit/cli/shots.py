"""The clips of a batch as tasks: what is asked for each, where its outputs go, and why one cannot be done."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mattekit.checks import InputError
from mattekit.cli.one_clip import check_clip, files_of, spell, understand
from mattekit.media import show_path
from mattekit.media.outputs import plan_output
from mattekit.scale import Task
from mattekit.scale.batch import SKIPPED, Row
from mattekit.scale.clips import Entry
from mattekit.scale.done import Memory, memory_of
from mattekit.scale.naming import check_collisions, name_output


@dataclass
class Shot:
    """One clip of the batch: what is asked, and why it cannot be done.

    Attributes:
        name: Of its task.
        entry: As it was given.
        outputs: Absolute path by what it shows.
        memory: Its records.
        words: Its options as on the command line.
        inputs: Files that are read, the clip first.
        fault: Why it cannot be matted, or None.
        given: The options by parameter; empty where there is a fault.
    """

    name: str
    entry: Entry
    outputs: Mapping[str, Path]
    memory: Memory
    words: Sequence[str] = ()
    inputs: Sequence[Path] = ()
    fault: str | None = None
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, Any]:
        """What the outputs hang on but for the content of files."""
        named = {content: os.fsencode(path).hex() for content, path in self.outputs.items()}
        return {"clip": os.fsencode(self.entry.clip).hex(), "words": list(self.words), "outputs": named}


def plan_shots(entries: Sequence[Entry], folder: Path, template: str, suffixes: Mapping[str, str]) -> list[Shot]:
    """Return the clips with the places of their outputs, all of them inside the folder."""
    root = Path(os.path.abspath(folder))
    inside = os.path.realpath(root)
    shots = []
    for number, entry in enumerate(entries, start=1):
        outputs = {
            content: root / name_output(template, entry.clip, number=number, content=content, suffix=suffix)
            for content, suffix in suffixes.items()
        }
        for path in outputs.values():
            if os.path.commonpath([inside, os.path.realpath(path)]) != inside:
                raise InputError(f"outputs must stay inside -o; {show_path(path)} leads out of it by a link; remove it")
        shots.append(Shot(f"{number}", entry, outputs, memory_of(root, outputs.values())))
    return shots


def check_places(shots: Sequence[Shot]) -> None:
    """Raise where outputs of the clips would meet each other, or what any of them reads.

    Raises:
        InputError: They would.
    """
    once = len({str(shot.entry.clip) for shot in shots}) == len(shots)
    names = {shot.name: f"{shot.entry.clip}" if once else f"{shot.entry.clip} (number {shot.name})" for shot in shots}
    read = {Path(os.path.abspath(path)): names[shot.name] for shot in shots for path in shot.inputs}
    check_collisions({names[shot.name]: shot.outputs for shot in shots}, read)


def understand_shot(shot: Shot, shared: Mapping[str, Sequence[str]], *, resume: bool) -> None:
    """Fill in the options of a clip, of which its own come before shared ones; what is wrong is its fault alone."""
    own = shot.entry.options
    try:
        common = spell({name: values for name, values in shared.items() if name not in own}, Path.cwd())
        shot.words = [*common, *spell(own, shot.entry.home), *(["--resume"] if resume else [])]
        shot.given = understand(shot.words, Path(os.path.abspath(shot.entry.clip)))
        shot.inputs = files_of(shot.given)
    except InputError as error:
        shot.fault = str(error)


def find_shot(shot: Shot) -> Row | None:
    """Return what is known of a clip whose outputs are there just as they would be made, or None."""
    if shot.fault is not None:
        return None
    facts = shot.memory.find(shot.settings, shot.inputs)
    if facts is None:
        return None
    return Row(
        show_path(shot.entry.clip), SKIPPED, frames=facts["frames"], outputs=facts["outputs"], notes=facts["notes"]
    )


def check_shot(shot: Shot, *, overwrite: bool) -> None:
    """Note as the clip's fault whatever would keep it from being matted; no network is loaded."""
    try:
        check_clip(shot.given, shot.outputs)
        if overwrite or shot.memory.begun.exists():
            return
        for content, path in shot.outputs.items():
            standing = plan_output(path, content=content).standing()
            if standing:
                raise InputError(
                    f"what stands there must be what this batch would make; {show_path(standing[0])} was made with "
                    "other settings or of other files, or was changed since; move it away or add --overwrite"
                )
    except InputError as error:
        shot.fault = str(error)


def task_of(shot: Shot, *, overwrite: bool) -> Task:
    """Return the task of a clip, in which everything is named by absolute paths."""
    arguments = {
        "clip": os.path.abspath(shot.entry.clip),
        "words": list(shot.words),
        "outputs": {content: str(path) for content, path in shot.outputs.items()},
        "inputs": [os.path.abspath(path) for path in shot.inputs],
        "record": str(shot.memory.record),
        "begun": str(shot.memory.begun),
        "settings": shot.settings,
        "overwrite": overwrite,
    }
    return Task(shot.name, arguments)
