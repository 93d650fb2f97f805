"""`mattekit data show`: a contact sheet or short clip of samples: composite, alpha, trimap, and flow in colour."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mattekit.checks import InputError
from mattekit.cli import options
from mattekit.cli.report import progress_bar
from mattekit.media import Style, check_output, open_writer, show_path
from mattekit.media.outputs import plan_output
from mattekit.types import ClipInfo

if TYPE_CHECKING:
    from torch import Tensor

    from mattekit.data.preview import Shown

RATE = Fraction(12)
HEADS = ("first frame", "middle", "last", "alpha", "trimap", "flow")
STILLS, MOVING = 5, 24
"""Frames of a sample of which a sheet shows three, and of one in a clip."""


def show(
    source: Annotated[
        Path | None,
        typer.Argument(help="Pack, list or folder of sources, or folder of composed clips; not for procedural."),
    ] = None,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Contact sheet (.png) or clip (.mp4, .mkv, ...).")],
    kind: Annotated[
        str | None, typer.Option(help="walk, fake-motion, procedural or stored; what suits the source unless named.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Samples.")] = 6,
    frames: Annotated[int | None, typer.Option(min=1, help="Frames a sample; 5 for a sheet, 24 in a clip.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="All that is drawn follows from it.")] = 0,
    degraded: Annotated[bool, typer.Option("--degrade", help="As light, lens, sensor and codec leave them.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an output that exists.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Show samples of training material: composite, alpha, a trimap drawn for it, and flow in colour.

    Flow: right is red, down yellow-green, left cyan, up violet; paler is slower, dark grey is not known.
    """
    begun = time.monotonic()
    plan = plan_output(output, content="composite")
    if plan.kind not in ("still", "video"):
        raise InputError(f"samples must be shown in a .png or a video file; got {show_path(output)}; change its suffix")
    check_output(output, _invented(output, (2, 2), 1), content="composite", overwrite=overwrite, frames=1)
    length = frames or (STILLS if plan.kind == "still" else MOVING)
    if source is not None and not source.exists():
        raise InputError(f"a source must exist; {show_path(source)} does not: check the name")
    from mattekit.data.preview import choose_kind, show_samples

    chosen = choose_kind(source, kind)
    with progress_bar("show", count) as progress:
        samples: list[Shown] = []
        made = show_samples(source, kind=chosen, count=count, seed=seed, length=length, degraded=degraded)
        for sample in made:
            samples.append(sample)
            progress(len(samples))
    pictures = [_sheet(samples)] if plan.kind == "still" else list(_moving(samples))
    size = pictures[0].shape[-2], pictures[0].shape[-1]
    bits = 8 if plan.kind == "still" else None
    clip = _invented(output, size, len(pictures))
    with open_writer(output, clip, content="composite", style=Style(bits=bits), overwrite=overwrite) as writer:
        for index, picture in enumerate(pictures):
            writer.write(picture, index)
    summary = {"output": str(output), "kind": chosen, "samples": [sample.name for sample in samples], "seed": seed}
    seconds = round(time.monotonic() - begun, 3)
    print(f"wrote {show_path(output)}: {len(samples)} samples of kind {chosen}, {seconds:.1f} s", file=sys.stderr)
    if as_json:
        print(json.dumps({**summary, "frames": len(pictures), "seconds": seconds}), flush=True)


def _invented(output: Path, size: tuple[int, int], frames: int) -> ClipInfo:
    """Return what a writer needs to know of a clip that comes from nowhere."""
    return ClipInfo(output.with_name(f".{output.name}.invented"), "images", size, frames, RATE, 1 / RATE)


def _sheet(samples: Sequence[Shown]) -> Tensor:
    """Return the contact sheet, (3, H, W): a row a sample."""
    from mattekit.data.pictures import contact_sheet, flow_colours

    rows: list[list[Tensor | None]] = []
    for sample in samples:
        last = len(sample.frames) - 1
        middle = last // 2
        flow = None
        if sample.flow is not None and last > 0:
            valid = None if sample.valid is None else sample.valid[middle : middle + 1]
            flow = flow_colours(sample.flow[middle : middle + 1], valid=valid)[0]
        frames = [sample.frames[place] for place in (0, middle, last)]
        rows.append([*frames, sample.alpha[middle], sample.trimap[middle], flow])
    shown = len(HEADS) if any(row[-1] is not None for row in rows) else len(HEADS) - 1
    return contact_sheet([row[:shown] for row in rows], heads=HEADS[:shown], names=[sample.name for sample in samples])


def _moving(samples: Sequence[Shown]) -> Iterator[Tensor]:
    """Yield frames (3, H, W), one sample after the other: composite and alpha over trimap and flow."""
    import torch

    from mattekit.data.pictures import flow_colours, tile
    from mattekit.ops import resize

    size = samples[0].frames.shape[-2] // 2 * 2, samples[0].frames.shape[-1] // 2 * 2
    for sample in samples:
        flow = torch.full_like(sample.frames, 0.1)
        if sample.flow is not None and len(sample.flow):
            shown = flow_colours(sample.flow, valid=sample.valid)
            flow = torch.cat((shown, shown[-1:]))
        yield from tile([resize(each, size) for each in (sample.frames, sample.alpha, sample.trimap, flow)], columns=2)
