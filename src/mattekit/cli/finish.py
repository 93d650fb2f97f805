"""`mattekit finish`: a clip and its matte, perhaps from another tool; the matte finished, and colour for it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mattekit.checks import MediaError
from mattekit.cli import finishing, options, writing
from mattekit.cli.backdrop import Backdrop, check_backdrop, files_of
from mattekit.cli.brought import Brought, find_alpha, read_alphas
from mattekit.cli.cuts import cuts_of
from mattekit.cli.device import set_threads
from mattekit.cli.outputs import check_outputs, open_outputs, shows_colour
from mattekit.cli.report import Summary, peak_memory_mb, progress_bar
from mattekit.media import Style, probe, read, show_path
from mattekit.media.exr_reader import exr_remarks
from mattekit.media.reader import check_span, chunk_length
from mattekit.types import Chunk, ClipInfo, Matte

if TYPE_CHECKING:
    from torch import Tensor

    from mattekit.engine.finish_settings import Finish


@dataclass(frozen=True)
class FinishJob:
    """One run, all of it checked.

    Attributes:
        clip: The frames.
        alpha: The matte that is finished.
        settings: What is asked for.
        outputs: Path by what it shows.
        span: First frame and one past the last.
        cuts: Numbers of the frames that begin a new scene.
        backdrop: What composites and previews are laid over.
        overwrite: Whether outputs that stand there are replaced.
        style: How outputs are written.
    """

    clip: ClipInfo
    alpha: Brought
    settings: Finish
    outputs: Mapping[str, Path]
    span: tuple[int, int]
    cuts: tuple[int, ...]
    backdrop: Backdrop | None
    overwrite: bool
    style: Style


def finish(
    clip: options.ClipPath,
    given: Annotated[Path, typer.Argument(metavar="ALPHA", help="Its matte: grey, or a cut-out's alpha channel.")],
    *,
    stabilise: finishing.Stabilise = 0.0,
    ahead: finishing.Ahead = 3,
    black: finishing.Black = 0.0,
    white: finishing.White = 1.0,
    gamma: finishing.Gamma = 1.0,
    fill_holes: finishing.FillHoles = 0,
    drop_islands: finishing.DropIslands = 0,
    choke: finishing.Choke = 0.0,
    softness: finishing.Softness = 0.0,
    feather: finishing.Feather = 0.0,
    despill: finishing.Despill = 0.0,
    screen: finishing.Screen = "auto",
    alpha: options.Alpha = None,
    foreground: options.Foreground = None,
    cutout: options.Cutout = None,
    composite: options.Composite = None,
    preview: writing.Preview = None,
    background: writing.Background = None,
    background_fit: writing.BackgroundFit = "cover",
    background_end: writing.BackgroundEnd = "loop",
    bits: writing.Bits = None,
    encoder: writing.Encoder = None,
    quality: writing.Quality = None,
    jpeg_quality: writing.JpegQuality = None,
    pictures: writing.Pictures = "png",
    premultiplied: writing.Premultiplied = None,
    exr_colour: writing.ExrColour = "linear",
    layers: writing.Layers = False,
    threads: options.Threads = None,
    start: options.Start = 0,
    end: options.End = None,
    across_cuts: options.AcrossCuts = False,
    overwrite: options.Overwrite = False,
    as_json: options.AsJson = False,
) -> None:
    """Finish a matte of a clip, from whatever tool, and estimate the foreground's colour for it.

    In this order: stabilise; black, white and gamma; holes and islands; then colour, despilled; then choke, softness
    and feather. ALPHA has a frame for each of the clip's, or for each from --start to --end.
    """
    from mattekit.engine.finish_settings import Finish

    begun = time.monotonic()
    settings = Finish(
        stabilise=stabilise,
        ahead=ahead,
        black=black,
        white=white,
        gamma=gamma,
        fill_holes=fill_holes,
        drop_islands=drop_islands,
        choke=choke,
        softness=softness,
        feather=feather,
        despill=despill,
        screen=finishing.parse_spill(screen),
    )
    info = probe(clip)
    span = (start, check_span(info, start, end))
    matte = find_alpha(given, info, span)
    named = {"alpha": alpha, "foreground": foreground, "cutout": cutout, "composite": composite, "preview": preview}
    outputs = {content: path for content, path in named.items() if path is not None}
    finishing.check_finish(settings, outputs)
    backdrop = check_backdrop(background, outputs, info, span=span, fit=background_fit, end=background_end)
    style = Style(
        bits=bits,
        encoders=tuple(encoder or ()),
        crf=quality,
        jpeg_quality=jpeg_quality,
        stills=pictures,
        premultiplied=premultiplied,
        exr_colour=exr_colour,
        layers=layers,
    )
    inputs = [matte.clip.path, *matte.clip.files, *files_of(backdrop)]
    check_outputs(outputs, info, frames=span[1] - span[0], overwrite=overwrite, inputs=inputs, style=style)
    set_threads(threads)
    remembers = settings.stabilise > 0 or shows_colour(outputs)
    cuts = cuts_of(info, span, range(*span), across=across_cuts or not remembers)
    _run(FinishJob(info, matte, settings, outputs, span, cuts, backdrop, overwrite, style), begun).tell(as_json=as_json)


def _run(job: FinishJob, begun: float) -> Summary:
    """Read, finish and write.

    Raises:
        MediaError: An input is damaged or an output cannot be written; none is left then.
    """
    import torch

    from mattekit.engine import stream
    from mattekit.engine.finish import finish as finished
    from mattekit.engine.recomposition import Recomposition

    length = chunk_length(job.clip.size)
    total, measured = job.span[1] - job.span[0], Recomposition()
    opened = open_outputs(
        job.outputs, job.clip, span=job.span, overwrite=job.overwrite, backdrop=job.backdrop, style=job.style
    )
    frames = read(job.clip, chunk=length, start=job.span[0], end=job.span[1])
    alphas = read_alphas(job.alpha, total)
    with (
        opened as (sinks, writers),
        closing(frames) as chunks,  # type: ignore[type-var]
        closing(alphas),  # type: ignore[type-var]
        progress_bar("finish", total) as progress,
        torch.inference_mode(),
    ):
        mattes = finished(
            _mattes(chunks, alphas, job.alpha), job.settings, foreground=shows_colour(job.outputs), cuts=job.cuts
        )
        done = stream.write(mattes, [*sinks, measured], progress=progress)
    told = [note for writer in writers for note in writer.notes]
    notes = list(dict.fromkeys([*exr_remarks(job.clip.files), *told]))
    return Summary(job.outputs, done, time.monotonic() - begun, peak_memory_mb(), notes, measured=measured.measured())


def _mattes(chunks: Iterator[Chunk], alphas: Iterator[Tensor], brought: Brought) -> Iterator[Matte]:
    """Yield frames and their alphas together.

    Raises:
        MediaError: The matte is over before the clip is.
    """
    import torch

    for chunk in chunks:
        found = list(islice(alphas, len(chunk)))
        if len(found) < len(chunk):
            raise MediaError(
                f"alpha {show_path(brought.clip.path)} must reach to the clip's end; it has none for frame "
                f"{chunk.start + len(found)}; it may be damaged"
            )
        yield Matte(chunk, torch.stack(found))
