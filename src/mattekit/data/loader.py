"""Composites drawn when they are asked for: a set that takes no room on disk."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch.utils.data import Dataset

from mattekit.checks import InputError
from mattekit.data.faked import AnyScene, open_scene
from mattekit.data.manifest import Entry
from mattekit.data.plan import Composite, Rules
from mattekit.ops.trimap import trimap_from_alpha_iterated
from mattekit.types import Sample

KEPT = 4
"""Scenes whose prepared foregrounds a worker keeps."""


class ComposedClips(Dataset[Sample]):
    """Windows of the composites of a plan, made in memory; number i is always the same.

    Args:
        plan: The composites.
        entries: Their sources.
        rules: Those of the set.
        length: Frames a window; composites that are shorter are left out.
        windows: Windows a composite, spread evenly over it.

    Raises:
        InputError: The plan names a source that is not there, or no composite is long enough.

    Example:
        >>> from torch.utils.data import DataLoader
        >>> def batches(clips: ComposedClips) -> DataLoader:
        ...     return DataLoader(clips, batch_size=None, shuffle=True, num_workers=2)
    """

    def __init__(
        self,
        plan: Sequence[Composite],
        entries: Sequence[Entry],
        *,
        rules: Rules | None = None,
        length: int = 5,
        windows: int = 1,
    ) -> None:
        self._sources = {entry.name: entry for entry in entries}
        self._rules, self._length, self._windows = rules or Rules(), length, windows
        missing = [name for each in plan for name in (each.foreground, each.background) if name not in self._sources]
        if missing:
            raise InputError(f"every source of a plan must be listed; {missing[0]!r} is not")
        self._plan = [each for each in plan if self._scene(each).frames >= length]
        if not self._plan:
            raise InputError(f"a composite must have {length} frames or more; none of {len(plan)} has")
        self._kept = lru_cache(maxsize=KEPT)(self._scene)

    def __len__(self) -> int:
        return len(self._plan) * self._windows

    def __getitem__(self, index: int) -> Sample:
        """Return a window as a batch of one, with exact flow where the foreground is a still.

        The trimap is that of the DVM test set; `trimaps.random_trimap` makes others.

        Raises:
            IndexError: There is no window of that number.
            InputError: A source is bad; the message begins with its name.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"a window's number must be in 0 to {len(self) - 1}; got {index}")
        scene = self._kept(self._plan[index // self._windows])
        start = round((scene.frames - self._length) * (index % self._windows + 0.5) / self._windows)
        placed = list(scene.draw(start, self._length))
        parts = [[getattr(one, name) for one in placed] for name in ("frame", "alpha", "foreground", "background")]
        frames, alpha, foreground, background = (torch.stack(part)[None].float() / 255 for part in parts)
        trimap = trimap_from_alpha_iterated(alpha, side=3, iterations=5)
        flow, valid = scene.flow(alpha[0], start) or (None, None)
        if flow is None or valid is None:
            return Sample(frames, trimap, alpha, foreground, background)
        return Sample(frames, trimap, alpha, foreground, background, flow[None], valid[None])

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "_kept"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._kept = lru_cache(maxsize=KEPT)(self._scene)

    def _scene(self, composite: Composite) -> AnyScene:
        sources = self._sources
        return open_scene(composite, sources[composite.foreground], sources[composite.background], self._rules)
