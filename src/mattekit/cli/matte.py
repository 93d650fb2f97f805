"""`mattekit matte`: a clip and key-frame trimaps in; alpha, foreground, cut-out and composite out."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from mattekit.cli import finishing, options, writing
from mattekit.cli.auto import KeepTrimaps, check_trimap_folder, draw_trimaps
from mattekit.cli.backdrop import check_backdrop, files_of
from mattekit.cli.confidence import Confidences
from mattekit.cli.cuts import cuts_of
from mattekit.cli.device import choose_device, set_threads
from mattekit.cli.families import (
    AUTO,
    ModelName,
    WorkingSize,
    check_family,
    is_guided,
    network_of,
    steadiness_of,
    takes_trimaps,
    wanted_of,
)
from mattekit.cli.frames import open_frames, propagation_of
from mattekit.cli.guide import Prior, find_guide, open_guide
from mattekit.cli.job import Job
from mattekit.cli.keyframes import collect_keyframes, default_band
from mattekit.cli.memory import tell_memory
from mattekit.cli.networks import check_settings, load_model
from mattekit.cli.outputs import check_outputs, open_outputs, shows_colour
from mattekit.cli.report import Summary, peak_memory_mb, progress_bar
from mattekit.cli.resume import kept_mattes, open_segments, take_leftovers, went_on
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
from mattekit.media import Style
from mattekit.types import Sink

if TYPE_CHECKING:
    from mattekit.media.segments import Segments
    from mattekit.models import Model


def matte(
    clip: options.ClipPath,
    *,
    trimap: options.TrimapFiles = None,
    trimaps: options.TrimapFolder = None,
    mask: options.MaskFiles = None,
    band: options.Band = None,
    model: ModelName = "dvm",
    prior: Prior = None,
    keep_trimaps: KeepTrimaps = None,
    working_size: WorkingSize = None,
    alpha: options.Alpha = None,
    foreground: options.Foreground = None,
    cutout: options.Cutout = None,
    composite: options.Composite = None,
    preview: writing.Preview = None,
    stabilise: finishing.StabiliseUnlessTold = None,
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
    weights: options.Weights = None,
    device: options.Device = "auto",
    runtime: Annotated[str, typer.Option(help="What runs the networks: auto or torch.")] = "auto",
    threads: options.Threads = None,
    start: options.Start = 0,
    end: options.End = None,
    chunk: Annotated[int | None, typer.Option(min=1, help="Frames handed on at once; changes no result.")] = None,
    across_cuts: options.AcrossCuts = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep what is done in a hidden folder; go on from it after an end.")
    ] = False,
    salvage: Annotated[
        bool, typer.Option("--salvage", help="Keep what is whole of a damaged clip; outputs say so in their names.")
    ] = False,
    overwrite: options.Overwrite = False,
    as_json: options.AsJson = False,
) -> None:
    """Matte a clip from the trimap or mask of one or more frames, or people without any (--model rvm, person, auto).

    The suffix of an output chooses its format: .mov is ProRes 4444, .webm VP9, .mkv lossless FFV1 with 16 bits,
    .mp4 H.264 or HEVC without alpha; .exr, .png and .jpg are pictures, name_%05d.png or a folder a sequence of them.
    EXR holds light by the clip's transfer curve, premultiplied; all others values as displayed, straight.
    Finishing, from --stabilise to --despill, comes last, in the order of `mattekit finish`. Alpha is stabilised unless
    --stabilise is 0 or --model rvm or person; all else may change painted pixels too.
    """
    from mattekit.engine.finish_settings import Finish

    finish = Finish(
        stabilise=steadiness_of(model, stabilise),
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
    check_settings(model=model, device=device, runtime=runtime, weights=weights)
    painted = {"--trimap": trimap, "--trimaps": trimaps, "--mask": mask, "--band": band}
    check_family(model, trimaps=painted, working_size=working_size, prior=prior, keep_trimaps=keep_trimaps)
    info = open_clip(clip, damaged=salvage)
    span = choose_span(info, start, end)
    guide = find_guide(prior, info, span) if is_guided(model) else None
    keyed = takes_trimaps(model)
    given = {}
    if keyed:
        given = collect_keyframes(as_numbered(info), trimaps=trimap or (), folder=trimaps, masks=mask or ())
    keys, left_out = keep_keys(info, given)
    named = {"alpha": alpha, "foreground": foreground, "cutout": cutout, "composite": composite, "preview": preview}
    outputs = rename_outputs({content: path for content, path in named.items() if path is not None}, info)
    finishing.check_finish(finish, outputs)
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
    inputs = [key.path for key in keys.values()]
    if weights is not None:
        inputs.append(weights)
    inputs += [*files_of(backdrop), *(guide.files if guide is not None else [])]
    check_trimap_folder(keep_trimaps, info, overwrite=overwrite)
    check_outputs(outputs, info, frames=span[1] - span[0], overwrite=overwrite, inputs=inputs, style=style)
    reach = default_band(info.size) if band is None else band
    begun = time.monotonic()
    choose_device(device)
    set_threads(threads)
    cuts = cuts_of(info, span, keys, across=across_cuts, keyed=keyed)
    if choose_device(device).type == "cpu":
        tell_memory(info.size, span[1] - span[0], model=network_of(model))
    with ExitStack() as stack:
        drawn = None
        if guide is not None and model == AUTO:
            drawn = draw_trimaps(
                info, guide, cuts=cuts, device=device, keep=keep_trimaps, overwrite=overwrite, stack=stack
            )
            keys = drawn.keys
        job = Job(
            info,
            keys,
            outputs,
            span,
            reach,
            backdrop,
            overwrite,
            chunk=chunk,
            style=style,
            cuts=cuts,
            finish=finish,
            working_size=working_size,
            guided_by=() if guide is None else tuple(guide.files),
        )
        confidences = Confidences([number_of(info, key) for key in keys], [number_of(info, cut) for cut in cuts])
        watch = partial(add_confidence, info, confidences)
        family = network_of(model)
        kept = open_segments(job, family=family, weights=weights, device=device) if resume else nullcontext()
        segments = stack.enter_context(kept)
        source = open_guide(guide, device=device) if guide is not None and drawn is None else None
        wanted = wanted_of(model, working_size=working_size, colour=shows_colour(outputs), prior=source)
        loaded = load_model(family, weights=weights, device=device, threads=threads, wanted=wanted)
        done = run(job, loaded, device=device, begun=begun, watch=watch, segments=segments)
    if drawn is not None:
        done = drawn.told(done, info)
    tell_of(info, done, left_out).tell(as_json=as_json)
    if confidences.is_low():
        print(confidences.tell(), file=sys.stderr)


def run(
    job: Job,
    model: Model,
    *,
    device: str = "auto",
    begun: float,
    watchers: Sequence[Sink] = (),
    watch: Callable[[int, float], None] | None = None,
    segments: Segments | None = None,
) -> Summary:
    """Do the main job: read, propagate, predict, complete, write.

    Args:
        job: What to do.
        model: What does it.
        device: Where frames go, as on the command line.
        begun: When the work began, on the monotonic clock.
        watchers: Further sinks that see every matte.
        watch: Called with the number of each frame whose trimap was carried, and the confidence in it.
        segments: Where mattes are kept while they are made, and from where the job goes on; taken away at its end.

    Returns:
        What was done.

    Raises:
        MediaError: The clip is damaged or an output cannot be written; none is left then.
    """
    from mattekit.engine import stream
    from mattekit.engine.finish import finish
    from mattekit.engine.finish_settings import Finish
    from mattekit.engine.recomposition import Recomposition

    opened = open_outputs(
        job.outputs, job.clip, span=job.span, overwrite=job.overwrite, backdrop=job.backdrop, style=job.style
    )
    total, measured = job.span[1] - job.span[0], Recomposition()
    with opened as (sinks, writers), open_frames(job) as chunks, progress_bar("matte", total) as progress:
        placed = stream.move(chunks, choose_device(device))
        if segments is None:
            if model.matter.needs_trimap:
                placed = propagation_of(job, model.propagator, watch=watch).run(placed)
            mattes = stream.predict(placed, model.matter, cuts=job.cuts)
        else:
            take_leftovers(segments, [writer.temporary for writer in writers])
            mattes = kept_mattes(placed, job, model, segments, watch=watch)
        wanted = shows_colour(job.outputs)
        finished = finish(mattes, job.finish or Finish(), foreground=wanted, cuts=job.cuts)
        frames = stream.write(finished, [*sinks, measured, *watchers], progress=progress)
    notes = list(dict.fromkeys([*notes_of(job.clip), *(note for writer in writers for note in writer.notes)]))
    if segments is not None:
        notes += went_on(segments)
        segments.discard()
    figures = measured.measured()
    return Summary(job.outputs, frames, time.monotonic() - begun, peak_memory_mb(), notes, measured=figures)
