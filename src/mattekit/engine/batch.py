"""The batch of a step: which clips a process computes, how each is drawn, how they are joined."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace

import torch

from mattekit.checks import InputError
from mattekit.engine.processes import Processes
from mattekit.types import Sample, Stage

Draw = Callable[[Stage, torch.Generator, int], Sample]
"""Composes the batch of a stage from a generator; the last argument numbers its first clip in the run."""

_MOST = 2**63


def generator_of(seed: int, step: int, clip: int) -> torch.Generator:
    """Return the generator of one clip of a step's batch; it is the same whichever process draws the clip."""
    return torch.Generator().manual_seed(((seed * 1_000_003 + step) * 1_009 + clip) % _MOST)


def shares(batch: int, processes: Processes, accumulate: int, *, stage: str) -> Iterator[range]:
    """Yield which clips of a step's batch this process computes, one part after the other.

    The parts of all processes are equal in size, so that the mean over them is that of the batch, and part number
    rank x accumulate + i of the batch is the same however it is split between processes and time.

    Args:
        batch: Clips of the whole step.
        processes: This one and the others.
        accumulate: Parts that one process computes in turn.
        stage: The stage's name, for the message.

    Raises:
        InputError: The batch cannot be divided.
    """
    parts = processes.count * accumulate
    if batch % parts:
        raise InputError(
            f"the batch of stage {stage!r} must divide into {processes.count} processes x {accumulate} accumulated "
            f"parts; got {batch} clips: choose a multiple with --batch"
        )
    size = batch // parts
    for part in range(processes.rank * accumulate, (processes.rank + 1) * accumulate):
        yield range(part * size, (part + 1) * size)


def draw_clips(draw: Draw, stage: Stage, clips: range, *, seed: int, step: int) -> Sample:
    """Draw some clips of a step's batch, each from its own generator, and join them.

    Args:
        draw: Composes one.
        stage: With the batch of the whole step.
        clips: Which of the batch.
        seed: Of the run.
        step: Of the run.
    """
    one = replace(stage, batch=1)
    first = step * stage.batch
    return join([draw(one, generator_of(seed, step, clip), first + clip) for clip in clips])


def join(samples: Sequence[Sample]) -> Sample:
    """Return samples as one batch; what not all of them have is left out."""
    if len(samples) == 1:
        return samples[0]
    parts = {field.name: [getattr(sample, field.name) for sample in samples] for field in fields(Sample)}
    return Sample(**{name: torch.cat(values) for name, values in parts.items() if all(v is not None for v in values)})
