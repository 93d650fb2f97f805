"""`mattekit inspect`: a clip and its alpha without a truth: which frames to look at, and why, worst first."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mattekit.cli import options
from mattekit.cli.brought import Brought, check_fits, find_alpha, read_alphas
from mattekit.cli.device import set_threads
from mattekit.cli.inspection import check_sheet, check_table, draw_sheet, write_sheet, write_table
from mattekit.cli.report import peak_memory_mb, progress_bar
from mattekit.media import check_distinct, probe, read, show_path
from mattekit.media.reader import check_span
from mattekit.types import ClipInfo

if TYPE_CHECKING:
    from torch import Tensor

    from mattekit.metrics.blind import Finding, Look


@dataclass(frozen=True)
class Inspection:
    """One run, all of it checked.

    Attributes:
        clip: The frames.
        alpha: Their alpha.
        foreground: Their straight colour, or None.
        span: First frame and one past the last, of the clip.
        skipped: Frames of the foreground that precede the span.
    """

    clip: ClipInfo
    alpha: Brought
    foreground: ClipInfo | None
    span: tuple[int, int]
    skipped: int


def inspect(
    clip: Annotated[Path, typer.Argument(metavar="CLIP", help="Video file or folder of images.")],
    alpha: Annotated[Path, typer.Argument(metavar="ALPHA", help="Its alpha: grey, or a cut-out's alpha channel.")],
    *,
    foreground: Annotated[Path | None, typer.Option(help="Its straight colour, or a cut-out: looks for spill.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Contact sheet (.png) of the worst.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Table (.csv) with a row for every frame.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Entries to print and to draw.")] = 10,
    threads: options.Threads = None,
    start: options.Start = 0,
    end: options.End = None,
    overwrite: options.Overwrite = False,
    as_json: options.AsJson = False,
) -> None:
    """Find suspicious frames without a truth: holes, islands, flicker, frozen alpha, jumps, and spill.

    Each is measured against how much it varies in this clip; 1 is worth a look, 3 is far out.
    """
    job = _check(clip, alpha, foreground, (start, end))
    inputs = [each for each in (job.clip, job.alpha.clip, job.foreground) if each is not None]
    outputs = {name: path for name, path in (("sheet", output), ("table", csv)) if path is not None}
    check_distinct(list(outputs.values()))
    if output is not None:
        check_sheet(output, inputs, overwrite=overwrite)
    if csv is not None:
        check_table(csv, inputs, overwrite=overwrite)
    set_threads(threads)
    looks, seconds = _look(job)
    from mattekit.metrics.blind import find

    found, scores = find(looks, job.clip.size)
    if csv is not None:
        write_table(csv, looks, job.clip.size)
    if output is not None:
        frames, alphas = _frames_of(job), read_alphas(job.alpha, job.span[1] - job.span[0])
        write_sheet(
            output,
            draw_sheet(found[:top], scores, start=job.span[0], frames=frames, alphas=alphas),
            overwrite=overwrite,
        )
    _tell(job, looks, found=found[:top], count=len(found), outputs=outputs, seconds=seconds, as_json=as_json)


def _check(clip: Path, alpha: Path, foreground: Path | None, span: tuple[int, int | None]) -> Inspection:
    """Return the run, or raise before torch is imported.

    Raises:
        InputError: The inputs do not fit each other, or alpha is in colour.
        MediaError: One cannot be read.
    """
    frames = probe(clip)
    colour = None if foreground is None else probe(foreground)
    first, last = span[0], check_span(frames, *span)
    matte = find_alpha(alpha, frames, (first, last))
    skipped = 0 if colour is None else check_fits("foreground", colour, frames, (first, last))
    return Inspection(frames, matte, colour, (first, last), skipped)


def _look(job: Inspection) -> tuple[list[Look], float]:
    """Return looks at every frame of the span, two of which are held at a time, and the seconds it took."""
    import torch

    from mattekit.metrics.blind import Inspector

    begun = time.monotonic()
    first, last = job.span
    inspector = Inspector(start=first)
    colours: Iterator[Tensor | None] = (None for _ in range(first, last))
    if job.foreground is not None:
        colours = _colours(job.foreground, job.skipped, last - first)
    alphas = read_alphas(job.alpha, last - first)
    with progress_bar("inspect", last - first) as progress, torch.inference_mode():
        for done, (frame, alpha, colour) in enumerate(zip(_frames_of(job), alphas, colours, strict=True)):
            inspector.add(frame, alpha, colour)
            progress(done + 1)
    return inspector.finish(), time.monotonic() - begun


def _frames_of(job: Inspection) -> Iterator[Tensor]:
    return _colours(job.clip, job.span[0], job.span[1] - job.span[0])


def _colours(clip: ClipInfo, start: int, count: int) -> Iterator[Tensor]:
    """Yield frames (3, H, W) in [0, 1]."""
    with closing(read(clip, chunk=1, start=start, end=start + count)) as chunks:  # type: ignore[type-var]
        for chunk in chunks:
            yield from chunk.frames


def _tell(
    job: Inspection,
    looks: Sequence[Look],
    *,
    found: Sequence[Finding],
    count: int,
    outputs: dict[str, Path],
    seconds: float,
    as_json: bool,
) -> None:
    """Print what was found: a list on stdout, or one line of JSON."""
    cuts = [look.frame for look in looks if look.cut]
    for path in outputs.values():
        print(f"wrote {show_path(path)}", file=sys.stderr)
    print(
        f"{len(looks)} frames in {seconds:.1f} s, {len(looks) / max(seconds, 1e-9):.1f} frames a second",
        file=sys.stderr,
    )
    if as_json:
        entries = [
            {
                "first": each.first,
                "last": each.last,
                "worst": each.worst,
                "cause": each.cause,
                "also": list(each.also),
                "suspicion": round(each.suspicion, 3),
                "words": each.words,
            }
            for each in found
        ]
        told = {"clip": str(job.clip.path), "alpha": str(job.alpha.clip.path), "frames": len(looks), "cuts": cuts}
        told |= {"findings": entries, "found": count, "outputs": {name: str(path) for name, path in outputs.items()}}
        print(json.dumps({**told, "seconds": round(seconds, 3), "peak_memory_mb": peak_memory_mb()}), flush=True)
        return
    for place, each in enumerate(found, 1):
        print(f"{place:>3}.  {each.suspicion:4.1f}  {each}")
    if count > len(found):
        print(f"and {count - len(found)} more: see --top")
    if not found:
        print("nothing stands out")
    if cuts:
        print(f"scenes begin at frames {', '.join(map(str, cuts))}")
