"""`mattekit propagate`: key-frame trimaps to a trimap a frame."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mattekit.checks import InputError
from mattekit.cli import options
from mattekit.cli.confidence import Confidences, check_report
from mattekit.cli.cuts import cuts_of
from mattekit.cli.device import choose_device, set_threads
from mattekit.cli.families import check_carries
from mattekit.cli.frames import open_frames, propagation_of
from mattekit.cli.job import Job
from mattekit.cli.keyframes import collect_keyframes, default_band
from mattekit.cli.networks import check_settings, load_model
from mattekit.cli.outputs import check_outputs, commit
from mattekit.cli.report import Summary, peak_memory_mb, progress_bar
from mattekit.cli.salvage import (
    add_confidence,
    as_numbered,
    choose_span,
    keep_keys,
    notes_of,
    number_of,
    open_clip,
    rename_outputs,
    tell_of,
)
from mattekit.media import Style, open_writer, show_path
from mattekit.media.outputs import plan_output

if TYPE_CHECKING:
    from mattekit.models import Model

BITS = 8
"""Trimaps are pictures of 0, 128 and 255; 0.5 is rounded to 128."""


def propagate(
    clip: Annotated[Path, typer.Argument(metavar="CLIP", help="Video file or folder of images.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder, or name_%05d.png.")],
    trimap: options.TrimapFiles = None,
    trimaps: options.TrimapFolder = None,
    mask: options.MaskFiles = None,
    band: options.Band = None,
    model: Annotated[str, typer.Option(help="Family of networks: dvm.")] = "dvm",
    weights: options.Weights = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
    start: options.Start = 0,
    end: options.End = None,
    report: Annotated[Path | None, typer.Option(help="Confidence of every frame, as .csv or .json.")] = None,
    across_cuts: options.AcrossCuts = False,
    salvage: Annotated[
        bool, typer.Option("--salvage", help="Keep what is whole of a damaged clip; the output says so in its name.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an output that exists.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Carry the trimaps or masks of key frames to every frame, as PNG files of 0, 128 and 255 numbered by frame.

    At the end it says how far the trimaps can be trusted, and at which frames another one would help most. Nothing is
    carried over a cut.
    """
    check_carries(model)
    check_settings(model=model, device=device, weights=weights)
    info = open_clip(clip, damaged=salvage)
    span = choose_span(info, start, end)
    given = collect_keyframes(as_numbered(info), trimaps=trimap or (), folder=trimaps, masks=mask or ())
    keys, left_out = keep_keys(info, given)
    plan = plan_output(output, content="alpha")
    if plan.video is not None or plan.stills != "png":
        raise InputError(
            f"trimaps must be written as PNG files; got {show_path(output)}; name a folder or name_%05d.png"
        )
    output = rename_outputs({"trimap": output}, info)["trimap"]
    inputs = [key.path for key in keys.values()]
    check_outputs({"alpha": output}, info, frames=span[1] - span[0], overwrite=overwrite, inputs=inputs)
    if report is not None:
        check_report(report, [info.path, *info.files, *inputs], overwrite=overwrite)
    reach = default_band(info.size) if band is None else band
    begun = time.monotonic()
    choose_device(device)
    set_threads(threads)
    cuts = cuts_of(info, span, keys, across=across_cuts)
    job = Job(info, keys, {"trimap": output}, span, reach, overwrite=overwrite, cuts=cuts)
    loaded = load_model(model, weights=weights, device=device, threads=threads)
    confidences = Confidences([number_of(info, key) for key in keys], [number_of(info, cut) for cut in cuts])
    summary = run(job, loaded, device=device, begun=begun, watch=partial(add_confidence, info, confidences))
    summary = tell_of(info, summary, left_out)
    if report is not None:
        confidences.write(report)
        summary = replace(summary, outputs={**summary.outputs, "report": report})
    replace(summary, further={**summary.further, **confidences.facts()}).tell(as_json=as_json)
    print(confidences.tell(), file=sys.stderr)


def run(
    job: Job, model: Model, *, device: str, begun: float, watch: Callable[[int, float], None] | None = None
) -> Summary:
    """Write a trimap for every frame of a job; ``watch`` is told the confidence of each that was carried.

    Returns:
        What was done.

    Raises:
        MediaError: The clip is damaged or the output cannot be written; none is left then.
    """
    from mattekit.engine import stream

    (output,) = job.outputs.values()
    first, end = job.span
    done = 0
    with (
        open_writer(
            output, job.clip, content="alpha", style=Style(bits=BITS), overwrite=job.overwrite, start=first, end=end
        ) as writer,
        open_frames(job) as chunks,
        progress_bar("propagate", end - first) as progress,
    ):
        placed = stream.move(chunks, choose_device(device))
        for chunk in propagation_of(job, model.propagator, watch=watch).run(placed):
            if chunk.trimap is None:
                raise InputError(f"every frame must have a trimap; frames from {chunk.start} have none")
            for trimap, pts in zip(chunk.trimap.cpu(), chunk.pts.tolist(), strict=True):
                writer.write(trimap, pts)
            done += len(chunk)
            progress(done)
        commit([writer])
    notes = [*notes_of(job.clip), *writer.notes]
    return Summary(job.outputs, done, time.monotonic() - begun, peak_memory_mb(), notes)
