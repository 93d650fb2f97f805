"""What a run says: a progress bar on a terminal, a line at the end, and the same as JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from mattekit.media import show_path


@dataclass(frozen=True)
class Summary:
    """What a run did.

    Attributes:
        outputs: Path by what it shows.
        frames: Frames written to each.
        seconds: From the start of the work to the last output's name.
        peak_memory_mb: Most memory that the process held so far, or None where the system does not tell.
        notes: One line each on what was left out.
        measured: Further figures by name.
        further: What else the JSON line says, by name.
    """

    outputs: Mapping[str, Path]
    frames: int
    seconds: float
    peak_memory_mb: float | None
    notes: Sequence[str] = ()
    measured: Mapping[str, float | None] = field(default_factory=dict)
    further: Mapping[str, Any] = field(default_factory=dict)

    @property
    def frames_per_second(self) -> float:
        """Frames a second, end to end."""
        return self.frames / max(self.seconds, 1e-9)

    def as_json(self) -> str:
        """Return one line of JSON."""
        content = {name: value for name, value in asdict(self).items() if name not in ("measured", "further")}
        content |= {
            "outputs": {name: str(path) for name, path in self.outputs.items()},
            "seconds": round(self.seconds, 3),
            "frames_per_second": round(self.frames_per_second, 3),
            "notes": list(self.notes),
            **self.measured,
            **self.further,
        }
        return json.dumps(content)

    def tell(self, *, as_json: bool) -> None:
        """Print what was done: one line and the notes on stderr, and JSON on stdout where it is wanted."""
        written = ", ".join(show_path(path) for path in self.outputs.values())
        speed = f"{self.frames} frames in {self.seconds:.1f} s, {self.frames_per_second:.2f} frames a second"
        print(f"wrote {written}: {speed}", file=sys.stderr)
        for note in self.notes:
            print(f"note: {note}", file=sys.stderr)
        if as_json:
            print(self.as_json(), flush=True)


class _Speed(ProgressColumn):
    """Shows frames a second."""

    def render(self, task: Task) -> Text:
        """Return the text of the column."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f} frames/s")


@contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how far a run is, on stderr and only on a terminal.

    Args:
        what: The word before the bar.
        total: Frames in all.

    Yields:
        A function that takes the number of frames done so far.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Speed(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)


def peak_memory_mb() -> float | None:
    """Return the most memory that the process has held, in units of 2^20 bytes, or None where unknown."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)
