"""`mattekit matte --resume`: the folder in which a long matte is kept, whose it is, and how it goes on from there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from mattekit.cli.frames import propagation_of
from mattekit.media.leftovers import note_temporaries, remove_noted
from mattekit.media.paths import cannot_write
from mattekit.media.records import digest_of
from mattekit.media.segments import Segments

if TYPE_CHECKING:
    from mattekit.cli.job import Job
    from mattekit.models import Model
    from mattekit.types import Chunk, Matte

SEGMENT = 64
"""Frames a segment, the most work that a sudden end costs."""
TEMPORARIES = "temporaries.json"


def folder_of(outputs: Mapping[str, Path]) -> Path:
    """Return the hidden folder of a job, beside its first output; jobs with other outputs have another."""
    places = [os.path.abspath(path) for path in outputs.values()]
    mark = hashlib.sha256(b"\0".join(os.fsencode(place) for place in sorted(places))).hexdigest()
    return Path(places[0]).parent / f".mattekit-resume-{mark[:12]}"


def open_segments(job: Job, *, family: str, weights: Path | None, device: str) -> Segments:
    """Open the folder in which a job's frames are kept, and check that they are this job's.

    Args:
        job: What is matted.
        family: Of the networks.
        weights: Their file, or None for the carried ones.
        device: Where they run, as on the command line.

    Raises:
        InputError: The frames there were made of other files or with other settings, or another run is at it.
        MediaError: The folder cannot be written to.
    """
    import torch

    from mattekit.cli.device import choose_device
    from mattekit.weights.contents import list_carried

    clip = job.clip
    networks = list_carried() if weights is None else [weights]
    begun = {
        "clip": [[digest_of(file) for file in clip.files or (clip.path,)], clip.frames, list(clip.size)],
        "salvaged frames": None if clip.kept is None else list(clip.kept.numbers),
        "trimaps": [[index, source.is_mask, digest_of(source.path)] for index, source in job.keys.items()],
        "weights": [family, *map(digest_of, networks)],
        "--prior": [digest_of(file) for file in job.guided_by],
        "--band": job.band,
        "--working-size": job.working_size,
        "--start or --end": list(job.span),
        "cuts": list(job.cuts),
        "--chunk": job.length,
        "--device": str(choose_device(device)),
        "--threads": torch.get_num_threads(),
        "version": [version("mattekit"), torch.__version__],
    }
    return Segments(folder_of(job.outputs), begun, start=job.span[0])


def take_leftovers(segments: Segments, temporaries: Iterable[Path]) -> None:
    """Remove the half-written outputs of a run that was killed, and note those of this run for the next one.

    Raises:
        MediaError: The folder cannot be written to.
    """
    remove_noted(segments.folder / TEMPORARIES)
    try:
        note_temporaries(segments.folder / TEMPORARIES, temporaries)
    except OSError as error:
        raise cannot_write(segments.folder, error) from error


def went_on(segments: Segments) -> list[str]:
    """Return a note where a job went on from frames that were kept."""
    return [f"went on after {segments.found} kept frames"] if segments.found else []


def kept_mattes(
    chunks: Iterator[Chunk],
    job: Job,
    model: Model,
    segments: Segments,
    *,
    watch: Callable[[int, float], None] | None = None,
) -> Iterator[Matte]:
    """Yield a job's mattes: those that are kept as they are, the others made, and kept in turn.

    Args:
        chunks: The job's frames, where the networks run.
        job: What is matted.
        model: Makes the mattes.
        segments: Where they are kept.
        watch: Called with the number of each frame whose trimap was carried, and the confidence in it.
    """
    from mattekit.engine.prediction import Prediction
    from mattekit.engine.resume import Notes, Resumable

    notes = Notes(watch)
    propagation = propagation_of(job, model.propagator, watch=notes.add) if model.matter.needs_trimap else None
    prediction = Prediction(model.matter, cuts=job.cuts)
    stages = Resumable(segments, propagation, prediction, states=model.states, segment=SEGMENT, notes=notes)
    return stages.run(chunks)
