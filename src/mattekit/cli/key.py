"""`mattekit key`: alpha and despilled foreground from a clip before a green or blue screen."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mattekit.checks import InputError
from mattekit.cli import options, writing
from mattekit.cli.backdrop import Backdrop, check_backdrop, files_of
from mattekit.cli.device import set_threads
from mattekit.cli.outputs import check_outputs, open_outputs, shows_colour
from mattekit.cli.report import Summary, peak_memory_mb, progress_bar
from mattekit.media import Style, frames_at, probe, read, read_mask, show_path
from mattekit.media.reader import check_span, chunk_length
from mattekit.media.style import DEFAULT
from mattekit.types import ClipInfo

if TYPE_CHECKING:
    from torch import Tensor

    from mattekit.data.keyer import Keyer

SCREENS = ("green", "blue", "auto")
LOOKS, WITHIN = 5, 250
"""The screen is found in so many frames, evenly over so many at the beginning."""

LEAST = 38
"""How far a screen's own channel must stand above the others, of 255."""


@dataclass(frozen=True)
class KeyJob:
    """One run, all of it checked.

    Attributes:
        clip: What is keyed.
        screen: "green", "blue", "auto" or a colour in 0 to 255.
        outputs: Path by what it shows.
        span: First frame and one past the last.
        masks: Pictures by what they say: garbage, core.
        backdrop: What composites and previews are laid over.
        overwrite: Whether outputs that stand there are replaced.
        style: How outputs are written.
    """

    clip: ClipInfo
    screen: str | tuple[int, int, int]
    outputs: Mapping[str, Path]
    span: tuple[int, int]
    masks: Mapping[str, Path]
    backdrop: Backdrop | None = None
    overwrite: bool = False
    style: Style = DEFAULT


def key(
    clip: options.ClipPath,
    *,
    screen: Annotated[str, typer.Option(metavar="COLOUR", help="green, blue, auto, or #rrggbb of a pixel.")] = "auto",
    alpha: options.Alpha = None,
    foreground: options.Foreground = None,
    cutout: Annotated[
        Path | None, typer.Option("--cutout", "--output", "-o", help="Output: colour and alpha together.")
    ] = None,
    black: Annotated[float, typer.Option(min=0, max=1, help="Alpha up to this is 0.")] = 0.02,
    white: Annotated[float, typer.Option(min=0, max=1, help="Alpha from this on is 1.")] = 0.98,
    choke: Annotated[float, typer.Option(min=-64, max=64, help="Px by which edges move in; negative, out.")] = 0.0,
    despill: Annotated[float, typer.Option(min=0, max=1, help="How much of the screen's light is taken away.")] = 1.0,
    garbage: Annotated[Path | None, typer.Option(help="Grey picture, white where nothing is subject.")] = None,
    core: Annotated[Path | None, typer.Option(help="Grey picture, white where all is subject.")] = None,
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
    overwrite: options.Overwrite = False,
    as_json: options.AsJson = False,
) -> None:
    """Key a clip before a green or blue screen: alpha, and foreground colour without the screen's light.

    The screen's colour is found in the first frames, may fall off over the picture and drift in time.
    """
    begun = time.monotonic()
    wanted = parse_screen(screen)
    if black >= white:
        raise InputError(f"--black must be below --white; got {black:g} and {white:g}")
    info = probe(clip)
    span = (start, check_span(info, start, end))
    named = {"alpha": alpha, "foreground": foreground, "cutout": cutout, "composite": composite, "preview": preview}
    outputs = {content: path for content, path in named.items() if path is not None}
    masks = {name: path for name, path in (("garbage", garbage), ("core", core)) if path is not None}
    for path in masks.values():
        read_mask(path, info.size)
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
    sources = [*masks.values(), *files_of(backdrop)]
    check_outputs(outputs, info, frames=span[1] - span[0], overwrite=overwrite, inputs=sources, style=style)
    job = KeyJob(info, wanted, outputs, span, masks, backdrop=backdrop, overwrite=overwrite, style=style)
    set_threads(threads)
    keyer = _make_keyer(job, (black, white, choke, despill))
    _run(job, keyer, begun=begun).tell(as_json=as_json)


def parse_screen(text: str) -> str | tuple[int, int, int]:
    """Return what a user named: green, blue, auto, or a colour as (red, green, blue) in 0 to 255.

    Raises:
        InputError: It is none of these, or a colour that no channel dominates.
    """
    if text in SCREENS:
        return text
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise InputError(f"--screen must be {', '.join(SCREENS)} or #rrggbb; got {show_path(text)}")
    red, green, blue = (int(text[place : place + 2], 16) for place in (1, 3, 5))
    _, second, first = sorted((red, green, blue))
    if first - second < LEAST:
        raise InputError(f"--screen must have one channel {LEAST} of 255 above the others; got {text}")
    return red, green, blue


def _make_keyer(job: KeyJob, turned: Sequence[float]) -> Keyer:
    """Look at a few frames, find the screen, and return the keyer for it."""
    import torch

    from mattekit.data.key_settings import KeySettings
    from mattekit.data.keyer import Keyer
    from mattekit.data.screen import find_screen

    first, last = job.span[0], min(job.span[1], job.span[0] + WITHIN) - 1
    looks = sorted({first + (last - first) * look // (LOOKS - 1) for look in range(LOOKS)})
    found = find_screen(torch.stack(list(frames_at(job.clip, looks))), job.screen)
    masks = {name: _mask(path, job.clip.size) for name, path in job.masks.items()}
    black, white, choke, despill = turned
    settings = KeySettings(black=black, white=white, choke=choke, despill=despill)
    coloured = shows_colour(job.outputs)
    return Keyer(found, settings, garbage=masks.get("garbage"), core=masks.get("core"), colour=coloured)


def _mask(path: Path, size: tuple[int, int]) -> Tensor:
    import torch

    return torch.from_numpy(read_mask(path, size))[None].float() / 255


def _run(job: KeyJob, keyer: Keyer, *, begun: float) -> Summary:
    """Read, key and write.

    Raises:
        MediaError: The clip is damaged or an output cannot be written; none is left then.
    """
    import torch

    from mattekit.engine import stream
    from mattekit.engine.recomposition import Recomposition

    measured = Recomposition()
    length = chunk_length(job.clip.size)
    opened = open_outputs(
        job.outputs, job.clip, span=job.span, overwrite=job.overwrite, backdrop=job.backdrop, style=job.style
    )
    with opened as (sinks, writers), progress_bar("key", job.span[1] - job.span[0]) as progress, torch.inference_mode():
        chunks = read(job.clip, chunk=length, start=job.span[0], end=job.span[1])
        try:
            frames = stream.write(stream.predict(chunks, keyer), [*sinks, measured], progress=progress)
        finally:
            chunks.close()  # type: ignore[attr-defined]
    notes = list(dict.fromkeys(note for writer in writers for note in writer.notes))
    figures = measured.measured()
    return Summary(job.outputs, frames, time.monotonic() - begun, peak_memory_mb(), notes, measured=figures)
