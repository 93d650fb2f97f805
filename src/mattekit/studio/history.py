"""What was done to trimaps, one change after the other, to be taken back and made again."""

from __future__ import annotations

from dataclasses import dataclass

from mattekit.studio.board import Held
from mattekit.studio.strokes import Box

MOST_STEPS, MOST_BYTES = 2000, 1 << 28
"""Changes that are kept, and the memory of all of them together; the oldest are forgotten."""

ENTRY_BYTES = 2048
"""What a change takes beside its pixels."""


@dataclass(frozen=True)
class Step:
    """One change.

    Attributes:
        frame: Number of the frame.
        before: Its trimap before, or None.
        after: Its trimap after, or None.
        box: Where pixels may have changed; None stands for none at all.
    """

    frame: int
    before: Held | None
    after: Held | None
    box: Box | None

    @property
    def size(self) -> int:
        """Bytes that it keeps."""
        return ENTRY_BYTES + sum(len(held.packed.data) for held in (self.before, self.after) if held is not None)


class History:
    """Changes that can be taken back, and those that were.

    Args:
        most: Bytes that all may keep.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._bytes = 0

    @property
    def depths(self) -> tuple[int, int]:
        """How many changes can be taken back, and how many made again."""
        return len(self._done), len(self._undone)

    def add(self, step: Step) -> None:
        """Take note of a change; what was taken back before it cannot be made again."""
        self._bytes += step.size - sum(undone.size for undone in self._undone)
        self._undone.clear()
        self._done.append(step)
        while (self._bytes > self._most and len(self._done) > 1) or len(self._done) > MOST_STEPS:
            self._bytes -= self._done.pop(0).size

    def undo(self) -> Step | None:
        """Return the last change, which counts as taken back from now on, or None."""
        if not self._done:
            return None
        self._undone.append(self._done.pop())
        return self._undone[-1]

    def redo(self) -> Step | None:
        """Return the change that was taken back last, which counts as made from now on, or None."""
        if not self._undone:
            return None
        self._done.append(self._undone.pop())
        return self._done[-1]
