"""Mattes that are kept while they are made, so that another run goes on where one was ended, with the same results."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch

from mattekit.checks import MattekitError
from mattekit.engine.prediction import Prediction, part
from mattekit.engine.propagation import Propagation
from mattekit.engine.snapshot import read_state, write_state
from mattekit.types import Chunk, Matte, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Done(Protocol):
    """Frames that are kept already."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What was said when they were made one segment."""


class Keep(Protocol):
    """Where frames are kept; `mattekit.media.segments.Segments` is one."""

    @property
    def done(self) -> Sequence[Done]:
        """The segments that are whole."""

    @property
    def end(self) -> int:
        """One past the last frame that is kept, or the first frame where none is."""

    @property
    def snapshot(self) -> Path | None:
        """The snapshot at the end of what is kept."""

    @property
    def waiting(self) -> int:
        """Frames added since."""

    def frames(self) -> Iterator[dict[str, NDArray[np.float32]]]:
        """Yield the planes of every kept frame."""

    def add(self, planes: Mapping[str, NDArray[np.float32]]) -> None:
        """Keep one more frame."""

    def commit(self, facts: Mapping[str, Any], save: Callable[[Path], None]) -> None:
        """Make a segment of what was added."""


class Notes:
    """The confidence in carried trimaps, which is kept with the frames.

    Args:
        watch: Called with the number of each frame whose trimap was carried, and the confidence in it.
    """

    def __init__(self, watch: Callable[[int, float], None] | None = None) -> None:
        self._watch = watch
        self._told: list[tuple[int, float]] = []

    def add(self, number: int, confidence: float) -> None:
        """Take note of a frame; to be the ``watch`` of a propagation."""
        self._told.append((number, confidence))
        self.tell_again([(number, confidence)])

    def take(self) -> list[tuple[int, float]]:
        """Return what was noted since this was asked last."""
        told, self._told = self._told, []
        return told

    def tell_again(self, told: Iterable[tuple[int, float]]) -> None:
        """Pass on what was noted when the frames were made."""
        if self._watch is not None:
            for number, confidence in told:
                self._watch(number, confidence)


class Resumable:
    """One clip's mattes, of which those that are kept are not made again.

    Kept is what the networks make: alpha, the trimap, and the foreground where a model gives one, to the bit. Frames
    are read again, and what follows the networks is done again for them, so it may be anything.

    Args:
        keep: Where frames are kept.
        propagation: Gives trimaps; None for matters without.
        prediction: Makes the mattes.
        segment: Frames a segment, the most that a sudden end costs but for those of the chunk and window under way.
        states: Dataclasses that the states of both may hold.
        notes: What the propagation tells of carried trimaps.
    """

    def __init__(
        self,
        keep: Keep,
        propagation: Propagation | None,
        prediction: Prediction,
        *,
        segment: int,
        states: Sequence[type] = (),
        notes: Notes | None = None,
    ) -> None:
        self._keep, self._propagation, self._prediction = keep, propagation, prediction
        self._states, self._segment = states, segment
        self._notes = Notes() if notes is None else notes

    def run(self, chunks: Iterable[Chunk]) -> Iterator[Matte]:
        """Yield the matte of every frame: the kept ones as they were made, then new ones, which are kept in turn.

        Args:
            chunks: Of the whole clip, from its first frame, as long as they were when the kept frames were made.
        """
        chunks = iter(chunks)
        yield from self._kept(chunks)
        ready: Iterator[Chunk] = self._marked(chunks)
        if self._propagation is not None:
            ready = self._propagation.run(ready)
        for matte in self._prediction.run(ready):
            self._add(matte)
            yield matte
        if self._keep.waiting:
            self._commit(None)

    def _marked(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Pass chunks on; a segment ends between two of them, where nothing is on its way from stage to stage."""
        for chunk in chunks:
            if self._keep.waiting >= self._segment:
                self._commit(chunk.start)
            yield chunk

    def _add(self, matte: Matte) -> None:
        """Keep the frames of a matte."""
        content = {"alpha": matte.alpha, "trimap": matte.chunk.trimap, "foreground": matte.foreground}
        arrays = {name: each.cpu().float().numpy() for name, each in content.items() if each is not None}
        for index in range(len(matte.chunk)):
            self._keep.add({name: array[index] for name, array in arrays.items()})

    def _commit(self, reached: int | None) -> None:
        """End a segment before the frame that comes next, or at the end of the clip."""
        state: State = {
            "propagation": None if self._propagation is None else self._propagation.state,
            "prediction": self._prediction.state,
            "trimaps": [chunk.trimap for chunk in self._prediction.waiting],
        }
        self._keep.commit({"reached": reached, "told": self._notes.take()}, lambda path: write_state(path, state))

    def _kept(self, chunks: Iterator[Chunk]) -> Iterator[Matte]:
        """Yield the kept mattes, and put propagation and prediction where they were at the end of them."""
        snapshot = self._keep.snapshot
        if snapshot is None:
            return
        for segment in self._keep.done:
            self._notes.tell_again(segment.facts["told"])
        reached = self._keep.done[-1].facts["reached"]
        planes, waiting = self._keep.frames(), deque[Chunk]()
        for chunk in chunks:
            count = min(max(self._keep.end - chunk.start, 0), len(chunk))
            if count:
                yield _matte(part(chunk, 0, count), [next(planes) for _ in range(count)])
            if count < len(chunk):
                waiting.append(part(chunk, count, len(chunk)))
            if chunk.start + len(chunk) == reached:
                self._restore(snapshot, waiting, chunk)
                return
        if reached is not None or waiting:
            raise MattekitError(
                f"kept frames must end where a chunk does; they reach {reached} and no chunk ends there"
            )

    def _restore(self, snapshot: Path, waiting: deque[Chunk], last: Chunk) -> None:
        """Put both stages where they were after a chunk, with the frames that waited for their alpha."""
        state = read_state(snapshot, types=self._states, device=last.frames.device)
        none = part(last, 0, 0)
        if self._propagation is not None:
            self._propagation.state = state["propagation"]
            trimaps = iter(torch.cat([none.frames[:, :1], *state["trimaps"]]).split(1))
            waiting = deque(replace(each, trimap=torch.cat([next(trimaps) for _ in each.pts])) for each in waiting)
            none = replace(none, trimap=none.frames[:, :1])
        self._prediction.state, self._prediction.waiting, self._prediction.last = state["prediction"], waiting, none


def _matte(chunk: Chunk, planes: Sequence[Mapping[str, NDArray[np.float32]]]) -> Matte:
    """Return the matte that was kept of a chunk."""
    device = chunk.frames.device
    found = {name: torch.stack([torch.from_numpy(each[name]) for each in planes]).to(device) for name in planes[0]}
    return Matte(replace(chunk, trimap=found.get("trimap")), found["alpha"], found.get("foreground"))
