"""The frames of a job: read, and given trimaps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mattekit.cli.keyframes import KeyReader
from mattekit.media import read
from mattekit.types import Chunk, Propagator

if TYPE_CHECKING:
    from mattekit.cli.job import Job
    from mattekit.engine.propagation import Propagation


@contextmanager
def open_frames(job: Job) -> Iterator[Iterator[Chunk]]:
    """Read the frames of a job; the thread that decodes ahead ends with the block."""
    chunks = read(job.clip, chunk=job.length, start=job.span[0], end=job.span[1])
    try:
        yield chunks
    finally:
        chunks.close()  # type: ignore[attr-defined]


def propagation_of(
    job: Job, propagator: Propagator | None, *, watch: Callable[[int, float], None] | None = None
) -> Propagation:
    """Return what gives every frame of a job a trimap; ``watch`` is told the confidence of each that was carried."""
    from mattekit.engine.propagation import Propagation

    reader = KeyReader(job.clip, job.keys, band=job.band)
    return Propagation(
        propagator,
        indices=list(job.keys),
        trimap_at=reader.trimap_at,
        frame_at=reader.frame_at,
        cuts=job.cuts,
        watch=watch,
    )
