"""The bench of the background process: networks, what is known of the clip, and jobs that are done frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mattekit.checks import InputError, MediaError, check_choice
from mattekit.media.thumbnails import read_thumbnails
from mattekit.models import load
from mattekit.ops.cuts import THUMBNAIL, find_cuts
from mattekit.studio.board import Board, Held, HeldAlpha
from mattekit.studio.carrying import Carrier
from mattekit.studio.matting import AlphaMaker
from mattekit.studio.near import NearFrames
from mattekit.studio.people import PeopleFinder
from mattekit.studio.pictures import Packed
from mattekit.studio.worker import Setup

NO_KEY = "a trimap must be given to begin with; the span has no key frame in its scene: paint one, or guess one"


@dataclass
class Task:
    """A job on the bench.

    Attributes:
        id: As in the session.
        kind: "propagate" or "matte".
        start: First frame.
        end: One past the last frame.
        total: Frames to do when it was begun; None before.
        left: Frames that are still to be done and can be; None while that must be looked up.
    """

    id: str
    kind: str
    start: int
    end: int
    total: int | None = None
    left: list[int] | None = None

    @property
    def alone(self) -> bool:
        """Whether it is the preview of one frame, which goes before longer work."""
        return self.kind == "matte" and self.end - self.start == 1


class Bench:
    """What the background process works with.

    Args:
        setup: What it was started with.
        tell: Called with each message for the session.

    Raises:
        InputError: This machine has no such device.
        WeightsError: The weights cannot be used.
    """

    def __init__(self, setup: Setup, *, tell: Callable[[tuple[Any, ...]], None]) -> None:
        if setup.threads is not None:
            torch.set_num_threads(setup.threads)
        self._tell, self._clip, self._device = tell, setup.clip, _device(setup.device)
        self._frames = NearFrames(setup.clip, self._device)
        self._board = Board(setup.clip.size, setup.clip.frames)
        model = load("dvm", weights=setup.weights, device=self._device)
        self._board.context = model.matter.context
        self._carrier = None if model.propagator is None else Carrier(model.propagator, self._frames, self._board)
        self._alphas = AlphaMaker(model.matter, self._frames, self._board)
        self._people = PeopleFinder(self._frames, self._board, self._device)
        self._tasks: list[Task] = []
        self._at, self._knows_cuts = 0, False
        self._walked = 0, -1  # what was seen when a trimap was carried last, and to which frame
        facts = {"family": model.family, "context": model.matter.context, "person": self._people.is_there}
        self._tell(("ready", facts))

    def find_cuts(self, pause: Callable[[], None]) -> None:
        """Look for the clip's cuts; ``pause`` is called after each frame. Until then only key frames are previewed.

        Damage is left to whoever comes to the frame.
        """
        cuts: list[int] = []
        if self._clip.frames > 1:
            pictures = read_thumbnails(self._clip, longest=THUMBNAIL)
            with closing(pictures), suppress(MediaError):  # type: ignore[type-var]
                cuts.extend(find_cuts(_paused(pictures, pause)))
        self._board.cuts, self._knows_cuts = tuple(cuts), True
        self._tell(("cuts", self._board.cuts))

    def put(self, number: int, held: Held | None) -> None:
        """Give a frame a trimap, or take its away."""
        self._board.put(number, held)
        for task in self._tasks:
            task.left = None

    def know_alphas(self, made_from: dict[int, tuple[tuple[int, int], ...]]) -> None:
        """Take note of the alphas that the session has."""
        for number, stamps in made_from.items():
            self._board.alphas[number] = HeldAlpha(Packed(b"", 0), stamps)

    def look(self, number: int) -> None:
        """Take note of the frame that the user sees."""
        self._at = number

    def add(self, name: str, kind: str, start: int, end: int) -> None:
        """Put a job on the bench."""
        self._tasks.append(Task(name, kind, start, end))

    def cancel(self, name: str) -> None:
        """Take a job from the bench; what is done of it stays."""
        self._tasks = [task for task in self._tasks if task.id != name]

    def fail(self, task: Task, message: str) -> None:
        """End a job that cannot be done."""
        self.cancel(task.id)
        self._tell(("job", task.id, "failed", 0, task.total or 0, message))

    def urgent(self) -> Task | None:
        """Return the job to work on: the newest preview of one frame, else the oldest job, or None."""
        alone = [task for task in self._tasks if task.alone and (self._knows_cuts or self._status(task.start) == "key")]
        return alone[-1] if alone else self._tasks[0] if self._tasks and self._knows_cuts else None

    def step(self, task: Task) -> None:
        """Do one frame of a job.

        Raises:
            InputError: There is no key frame.
            MediaError: A frame is damaged.
        """
        left = self._left(task)
        task.total = len(left) if task.total is None else task.total
        if left and task.kind == "propagate":
            self._carry_towards(self._target(left))
        elif left and task.alone:
            self._preview(task.start)
        elif left:
            self._matte_towards(left[0])
        self._report(task, self._left(task))

    def person(self, number: int) -> Packed:
        """Return the trimap of the people in a frame, of 0, 128 and 255.

        Raises:
            InputError: Nobody is there.
            WeightsError: The package carries no network that finds people.
        """
        return self._people.trimap(number)

    def _status(self, number: int) -> str:
        return self._board.trimap_status(number)

    def _left(self, task: Task) -> list[int]:
        """Return the frames of a job that are still to be done and can be."""
        if task.left is None:
            task.left = [frame for frame in range(task.start, task.end) if self._is_left(task, frame)]
        return task.left

    def _is_left(self, task: Task, number: int) -> bool:
        return self._is_due(number) if task.kind == "propagate" else self._wants_alpha(number, alone=task.alone)

    def _done(self, number: int) -> None:
        """Look again at what is left of every job around a frame of which something was made."""
        reach = self._board.context
        for task in self._tasks:
            if task.left is not None:
                near = range(max(task.start, number - reach), min(task.end, number + reach + 1))
                around = [frame for frame in near if self._is_left(task, frame)]
                before = [frame for frame in task.left if frame < near.start]
                task.left = [*before, *around, *(frame for frame in task.left if frame >= near.stop)]

    def _is_due(self, number: int) -> bool:
        """Return whether a frame's trimap should be carried and can be."""
        return self._status(number) in ("none", "stale") and self._board.source(number) is not None

    def _wants_alpha(self, number: int, *, alone: bool) -> bool:
        held = self._board.alphas.get(number)
        if self._status(number) == "none" and self._board.source(number) is None:
            return False
        whole = held is not None and (alone or len(held.made_from) == len(self._board.window(number)))
        return not whole or self._board.alpha_status(number) != "done"

    def _target(self, left: list[int]) -> int:
        """Return the frame to carry to next: going on from the last one until the user looks elsewhere.

        Then it is the first one due behind the key frame before the frame that is due nearest to what is seen.
        """
        seen, last = self._walked
        if seen == self._at and last + 1 in left:
            return last + 1
        nearest = min(left, key=lambda frame: abs(frame - self._at))
        before, _ = self._board.around(nearest)
        first = self._board.scene(nearest)[0] if before is None else before
        return next(frame for frame in left if frame >= first)

    def _carry_towards(self, number: int) -> None:
        """Carry one trimap on the way to a frame."""
        if self._carrier is None:
            raise InputError("the networks must be able to carry trimaps; these are not: open the clip with other ones")
        frame = self._carrier.first_for(number)
        held = self._carrier.carry(frame)
        self._walked = self._at, frame
        if self._board.trimaps.get(frame) != held:
            self._board.put(frame, held)
            self._tell(("trimap", frame, held))
        self._done(frame)

    def _preview(self, number: int) -> None:
        if self._is_due(number):
            self._carry_towards(number)
            return
        self._give(number, self._alphas.alone(number))

    def _matte_towards(self, number: int) -> None:
        due = next((frame for frame in self._board.window(number) if self._is_due(frame)), None)
        if due is not None:
            self._carry_towards(due)
            return
        for frame, held in self._alphas.towards(number):
            self._give(frame, held)

    def _give(self, number: int, held: HeldAlpha) -> None:
        self._board.alphas[number] = HeldAlpha(Packed(b"", 0), held.made_from)
        self._tell(("alpha", number, held))
        self._done(number)

    def _report(self, task: Task, left: list[int]) -> None:
        """Tell the session how far a job is; one of which nothing is left has ended."""
        total = task.total or 0
        if left:
            self._tell(("job", task.id, "running", max(0, total - len(left)), total, ""))
            return
        self.cancel(task.id)
        bare = sum(self._status(frame) == "none" for frame in range(task.start, task.end))
        note = f"{bare} frames are in scenes without a key frame and were left out" if bare else ""
        state = "failed" if bare == task.end - task.start else "done"
        self._tell(("job", task.id, state, total, total, NO_KEY if state == "failed" else note))


def _paused(pictures: Iterator[Tensor], pause: Callable[[], None]) -> Iterator[Tensor]:
    for picture in pictures:
        yield picture
        pause()


def _device(name: str) -> torch.device:
    """Return a device; "auto" takes the first of CUDA, MPS and CPU that is there."""
    check_choice("device", name, ("auto", "cpu", "cuda", "mps"))
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name != "auto" and not there[name]:
        raise InputError(f"the device must be there; this machine has no {name}: use cpu")
    return torch.device(next(kind for kind, is_there in there.items() if is_there) if name == "auto" else name)
