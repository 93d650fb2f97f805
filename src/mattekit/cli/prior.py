"""`mattekit prior`: maps of how likely each pixel is of a person, steadied along the motion."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mattekit.checks import InputError, check_choice
from mattekit.cli import options, writing
from mattekit.cli.cuts import cuts_of
from mattekit.cli.device import DEVICES, choose_device, set_threads
from mattekit.cli.guide import WEIGHTS_SUFFIX, Prior, find_guide, open_guide
from mattekit.cli.outputs import check_outputs, open_outputs
from mattekit.cli.report import Summary, peak_memory_mb, progress_bar
from mattekit.cli.salvage import notes_of
from mattekit.media import probe, read
from mattekit.media.reader import check_span, chunk_length
from mattekit.types import ClipInfo, Matte

if TYPE_CHECKING:
    from mattekit.types import Matter

MOTIONS = ("dis", "farneback")


@dataclass(frozen=True)
class PriorJob:
    """One run, all of it checked.

    Attributes:
        clip: What is looked at.
        span: First frame and one past the last.
        outputs: Path by what it shows; maps are written as alpha is.
        cuts: Numbers of the frames that begin a new scene.
        device: Where the network runs, as on the command line.
        overwrite: Whether outputs that stand there are replaced.
    """

    clip: ClipInfo
    span: tuple[int, int]
    outputs: Mapping[str, Path]
    cuts: tuple[int, ...]
    device: str
    overwrite: bool


def prior(
    clip: options.ClipPath,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of 16-bit PNG files, or any alpha output.")],
    prior: Prior = None,
    raw: Annotated[bool, typer.Option("--raw", help="As the network sees each frame by itself.")] = False,
    causal: Annotated[bool, typer.Option("--causal", help="Steadied by earlier frames alone.")] = False,
    motion: Annotated[str, typer.Option(help="How motion is found: dis or farneback.")] = "dis",
    preview: writing.Preview = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
    start: options.Start = 0,
    end: options.End = None,
    across_cuts: options.AcrossCuts = False,
    overwrite: options.Overwrite = False,
    as_json: options.AsJson = False,
) -> None:
    """Write a map of people for every frame: how likely each pixel is of a person, white for certain.

    Maps are steadied along the motion, two frames to each side, by no more than the motion is believed, and never over
    a cut. They can be given to `mattekit matte` with --prior. With --prior MAPS, those are steadied.
    """
    begun = time.monotonic()
    check_choice("--device", device, DEVICES)
    check_choice("--motion", motion, MOTIONS)
    if raw and (causal or (prior is not None and prior.suffix.lower() != WEIGHTS_SUFFIX)):
        other = "--causal" if causal else "maps with --prior"
        raise InputError(f"--raw must stand for maps as a network makes them; got {other} too: leave one out")
    info = probe(clip)
    span = (start, check_span(info, start, end))
    outputs = {"alpha": output} | ({} if preview is None else {"preview": preview})
    guide = find_guide(prior, info, span)
    check_outputs(outputs, info, frames=span[1] - span[0], overwrite=overwrite, inputs=guide.files)
    choose_device(device)
    set_threads(threads)
    cuts = cuts_of(info, span, (), across=across_cuts or raw, keyed=False)
    source = open_guide(guide, device=device, smooth=not raw, causal=causal, method=motion)
    job = PriorJob(info, span, outputs, cuts, device, overwrite)
    _run(job, source, begun).tell(as_json=as_json)


def _run(job: PriorJob, source: Matter, begun: float) -> Summary:
    """Read, look for people and write.

    Raises:
        MediaError: The clip is damaged or an output cannot be written; none is left then.
    """
    from mattekit.engine import stream

    first, end = job.span
    opened = open_outputs(job.outputs, job.clip, span=job.span, overwrite=job.overwrite, backdrop=None)
    frames = read(job.clip, chunk=chunk_length(job.clip.size), start=first, end=end)
    with (
        opened as (sinks, writers),
        closing(frames) as chunks,  # type: ignore[type-var]
        progress_bar("prior", end - first) as progress,
    ):
        mattes = stream.predict(stream.move(chunks, choose_device(job.device)), source, cuts=job.cuts)
        done = stream.write(_coloured(mattes), sinks, progress=progress)
    notes = list(dict.fromkeys([*notes_of(job.clip), *(note for writer in writers for note in writer.notes)]))
    named = {"prior" if content == "alpha" else content: path for content, path in job.outputs.items()}
    seconds, facts = time.monotonic() - begun, {"cuts": list(job.cuts)}
    return Summary(named, done, seconds, peak_memory_mb(), notes, further=facts)


def _coloured(mattes: Iterator[Matte]) -> Iterator[Matte]:
    """Pass maps on with the frames as their colour, which a preview shows where a person is."""
    for matte in mattes:
        yield replace(matte, foreground=matte.chunk.frames)
