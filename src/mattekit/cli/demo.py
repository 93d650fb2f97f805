"""`mattekit demo`: renders a clip whose alpha is known, mattes it from one trimap, and measures the result."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mattekit.checks import InputError
from mattekit.cli import options
from mattekit.cli.backdrop import Backdrop
from mattekit.cli.job import Job
from mattekit.cli.keyframes import KeySource, default_band
from mattekit.cli.matte import run
from mattekit.cli.networks import check_settings, load_model
from mattekit.cli.report import Summary
from mattekit.cli.sheet import ContactSheet
from mattekit.media import Style, check_output, open_writer, probe, read_alpha, show_path
from mattekit.types import ClipInfo

if TYPE_CHECKING:
    from torch import Tensor

    from mattekit.metrics import Score

GREEN = (0, 177, 64)
RATE = Fraction(24)
SIZE = (288, 512)
OUTPUTS = {"alpha": "alpha.mkv", "cutout": "cutout.mov", "composite": "composite.mp4"}
CLIP, TRIMAP, SHEET = "clip.mp4", "trimap.png", "sheet.png"


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder, made if missing.")] = Path("mattekit-demo"),
    *,
    frames: Annotated[int, typer.Option(min=1, help="Length of the clip.")] = 48,
    weights: options.Weights = None,
    device: options.Device = "auto",
    threads: options.Threads = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of an earlier demo.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Render a short clip of a hairy, moving subject, matte it from one trimap, and measure the error.

    It needs no file. The folder gets the clip and its trimap, alpha, cut-out and composite, and a contact sheet.
    """
    check_settings(model="dvm", device=device, weights=weights)
    with ExitStack() as undo:
        _check_folder(output, undo)
        invented = ClipInfo(output / "invented", "images", SIZE, frames, RATE, 1 / RATE)
        for content, name in {"composite": CLIP, **OUTPUTS}.items() | {("alpha", SHEET)}:
            check_output(output / name, invented, content=content, overwrite=overwrite, frames=1)
        check_output(output / TRIMAP, invented, content="alpha", overwrite=overwrite, frames=1)
        truth, job = _prepare(output, invented, undo, overwrite=overwrite)
        begun = time.monotonic()
        model = load_model("dvm", weights=weights, device=device, threads=threads)
        sheet = ContactSheet([round(place * (frames - 1) / 4) for place in range(5)], colour=GREEN)
        summary = run(job, model, device=device, begun=begun, watchers=[sheet])
        sheet.save(output / SHEET)
        undo.pop_all()
    score = _measure(output / OUTPUTS["alpha"], truth)
    summary = replace(summary, measured={"sad": score.sad, "mse": score.mse, "dtssd": score.dtssd})
    summary.tell(as_json=as_json)
    if not as_json:
        _explain(summary, output)


def _check_folder(folder: Path, undo: ExitStack) -> None:
    """Make the folder where it is missing; it goes again if the demo fails."""
    if folder.is_dir():
        return
    try:
        folder.mkdir()
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"{show_path(folder)} must be a folder or a new name in one; {reason}; name another"
        ) from error
    undo.callback(_remove_empty, folder)


def _prepare(folder: Path, invented: ClipInfo, undo: ExitStack, *, overwrite: bool) -> tuple[Tensor, Job]:
    """Render the clip, write it with the trimap of its first frame, and return the true alpha and the job."""
    from mattekit.data.procedural import render_demo
    from mattekit.engine.finish_settings import Finish
    from mattekit.ops import trimap_from_alpha

    frames, alpha, _ = render_demo(frames=invented.frames, size=invented.size)
    band = default_band(invented.size)
    clip, trimap = folder / CLIP, folder / TRIMAP
    with open_writer(clip, invented, content="composite", overwrite=overwrite) as writer:
        for index, frame in enumerate(frames):
            writer.write(frame, index)
    undo.callback(clip.unlink, missing_ok=True)
    still, eight = replace(invented, frames=1), Style(bits=8)
    with open_writer(trimap, still, content="alpha", style=eight, overwrite=overwrite) as writer:
        writer.write(trimap_from_alpha(alpha[0], band=band), 0)
    undo.callback(trimap.unlink, missing_ok=True)
    outputs = {content: folder / name for content, name in OUTPUTS.items()}
    keys = {0: KeySource(trimap)}
    backdrop = Backdrop(colour=GREEN)
    span, finish = (0, len(frames)), Finish(stabilise=1.0)  # as `mattekit matte` does
    return alpha, Job(probe(clip), keys, outputs, span, band, backdrop, overwrite, finish=finish)


def _measure(path: Path, alpha_true: Tensor) -> Score:
    """Return the errors of a written alpha in the unknown region that the truth gives."""
    import torch

    from mattekit.metrics import dvm
    from mattekit.ops import trimap_from_alpha

    alpha = torch.stack([torch.from_numpy(plane)[None] for plane in read_alpha(probe(path))])
    region = trimap_from_alpha(alpha_true, band=default_band((alpha_true.shape[-2], alpha_true.shape[-1])))
    return dvm(alpha, alpha_true, region, force=False)


def _explain(summary: Summary, folder: Path) -> None:
    """Print the figures and where the files are."""
    figures = [
        f"{name} {summary.measured[key]:.4g}" for name, key in _NAMES.items() if summary.measured[key] is not None
    ]
    print(f"error against the known alpha, where the trimap would be unknown: {', '.join(figures)}")
    print(f"speed end to end, models loaded and outputs verified: {summary.frames_per_second:.2f} frames a second")
    if summary.peak_memory_mb is not None:
        print(f"peak memory: {summary.peak_memory_mb:.0f} MB")
    for name in (CLIP, TRIMAP, *OUTPUTS.values(), SHEET):
        print(f"  {show_path(folder / name)}")
    sys.stdout.flush()


_NAMES = {"SAD (thousands)": "sad", "MSE": "mse", "dtSSD": "dtssd"}


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
