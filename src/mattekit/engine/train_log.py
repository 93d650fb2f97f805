"""What training says about itself: JSON lines always, TensorBoard where it is installed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mattekit.checks import InputError

if TYPE_CHECKING:
    from torch import Tensor
    from torch.utils.tensorboard.writer import SummaryWriter

STEPS, SCORES = "log.jsonl", "validation.jsonl"

Row = Mapping[str, float | str]


class TrainLog:
    """Writes log.jsonl, a line a step, validation.jsonl, a line a validation, and TensorBoard's events.

    Args:
        folder: Where the files are.
        step: The step that training goes on from; lines of later steps, of a run that was cut short, are dropped.
        tensorboard: Whether to write events; None does where TensorBoard is installed.

    Raises:
        InputError: Events are wanted and TensorBoard is not installed.
    """

    def __init__(self, folder: Path, *, step: int = 0, tensorboard: bool | None = None) -> None:
        installed = find_spec("tensorboard") is not None
        if tensorboard and not installed:
            raise InputError(
                "--tensorboard must find TensorBoard; it is not installed: pip install 'mattekit[train]', or leave out "
                "the option"
            )
        self._folder, self._step = folder, step
        self._wants_events = installed if tensorboard is None else tensorboard
        self._events: SummaryWriter | None = None
        for name in (STEPS, SCORES):
            _drop_after(folder / name, step)

    def write_step(self, step: int, row: Row) -> None:
        """Keep the numbers of one step."""
        self._write(STEPS, "train", step, row)

    def write_scores(self, step: int, row: Row) -> None:
        """Keep the numbers of one validation."""
        self._write(SCORES, "validation", step, row)

    def write_picture(self, step: int, picture: Tensor) -> None:
        """Show a picture (3, H, W) uint8 among the events."""
        if (events := self._writer()) is not None:
            events.add_image("preview", picture, step)

    def close(self) -> None:
        """Put all events on disk."""
        if self._events is not None:
            self._events.close()
            self._events = None

    def _write(self, name: str, group: str, step: int, row: Row) -> None:
        with (self._folder / name).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **row}) + "\n")
        if (events := self._writer()) is not None:
            for key, value in row.items():
                if not isinstance(value, str):
                    events.add_scalar(f"{group}/{key}", value, step)

    def _writer(self) -> SummaryWriter | None:
        """Open the events when something is first written."""
        if self._events is None and self._wants_events:
            from torch.utils.tensorboard.writer import SummaryWriter

            self._events = SummaryWriter(str(self._folder / "events"), purge_step=self._step + 1)
        return self._events


def _drop_after(path: Path, step: int) -> None:
    """Drop the lines of later steps, and a last line that was cut short."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line)
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
    beside = path.with_suffix(".part")
    beside.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
    os.replace(beside, path)
