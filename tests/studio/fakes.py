"""Networks whose results hang on every bit of what they are given, and a background process that is none."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mattekit.models import Model
from mattekit.studio import tasks
from mattekit.studio.worker import Message, Setup
from mattekit.types import Propagated

CONTEXT = 2


def digest(*parts: Any) -> int:
    """Return a number of all that is given: tensors, numbers, nothing."""
    found = 1
    for part in parts:
        data = part.contiguous().numpy().tobytes() if isinstance(part, Tensor) else repr(part).encode()
        found = zlib.crc32(data, found)
    return found


def drawn(seed: int, like: Tensor, steps: int) -> Tensor:
    """Return (1, H, W) of a few values in [0, 1], in blocks, by a number."""
    height, width = like.shape[-2:]
    small = np.random.default_rng(seed).integers(0, steps + 1, (1, 3, 4)) / steps
    blocks = np.kron(small, np.ones((1, -(-height // 3), -(-width // 4))))
    return torch.from_numpy(blocks[:, :height, :width].astype(np.float32))


class HashPropagator:
    """Carries what hangs on the frame, the key frames it is given, their order, and the frame before."""

    def reference(self, frame: Tensor, trimap: Tensor) -> int:
        return digest(frame, trimap)

    def step(self, frame: Tensor, references: Sequence[int], state: int | None) -> Propagated:
        number = digest(frame, tuple(references), state)
        return Propagated(drawn(number, frame, 2), (number % 1000) / 1000, number)


class HashMatter:
    """Makes alpha that hangs on the frames and trimaps of the window, as DVM's network does."""

    needs_trimap, context = True, CONTEXT

    def step(self, frames: Tensor, trimap: Tensor | None, state: Any) -> tuple[Tensor, None, Any]:
        seen, done = ([], 0) if state is None else state
        seen = [*seen, *(digest(frame, own) for frame, own in zip(frames, trimap, strict=True))]
        ready = []
        while done < len(seen) and (len(frames) == 0 or len(seen) - done > CONTEXT):
            places = (min(max(place, 0), len(seen) - 1) for place in range(done - CONTEXT, done + CONTEXT + 1))
            ready.append(drawn(digest([seen[place] for place in places]), frames, 255))
            done += 1
        alphas = torch.stack(ready) if ready else frames[:0, :1]
        return alphas, None, None if len(frames) == 0 else (seen, done)


def load_fakes(*_: Any, **__: Any) -> Model:
    """Return the networks above, whatever is asked for."""
    return Model("dvm", HashMatter(), HashPropagator(), Path("none"), ())


class HereWorker:
    """Takes the place of the background process; what it was told is done when `work` is called."""

    def __init__(
        self,
        setup: Setup,
        *,
        greet: Callable[[], list[Message]],
        hear: Callable[[Message], None],
        lost: Callable[[], None],
    ) -> None:
        self._setup, self._greet, self._hear, self._lost = setup, greet, hear, lost
        self._bench: tasks.Bench | None = None
        self._told: list[Message] = []
        self.process: int | None = None

    def start(self) -> None:
        if self.process is None:
            self.process, self._told = 1, list(self._greet())

    def tell(self, message: Message) -> None:
        if self.process is not None:
            self._told.append(message)

    def close(self) -> None:
        self.process = self._bench = None

    def die(self) -> None:
        """End as if killed."""
        if self.process is not None:
            self.close()
            self._lost()

    def work(self, steps: int) -> int:
        """Take all messages and do so many frames at most; return how many were done."""
        if self.process is None:
            return 0
        if self._bench is None:
            self._bench = tasks.Bench(self._setup, tell=self._hear)
            self._bench.find_cuts(lambda: None)
        actions = {"alphas": self._bench.know_alphas, "job": self._bench.add}
        for kind, *rest in self._told:
            (actions.get(kind) or getattr(self._bench, kind))(*rest)
        self._told.clear()
        for done in range(steps):
            task = self._bench.urgent()
            if task is None:
                return done
            self._bench.step(task)
        return steps
