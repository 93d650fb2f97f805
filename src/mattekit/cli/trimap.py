"""`mattekit trimap`: a band of unknown around the edge of a mask or an alpha."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from mattekit.checks import InputError
from mattekit.cli import options
from mattekit.cli.keyframes import default_band
from mattekit.cli.outputs import check_outputs, commit
from mattekit.cli.propagate import BITS
from mattekit.cli.report import Summary, peak_memory_mb, progress_bar
from mattekit.media import Style, open_writer, probe, read_alpha, read_mask, show_path
from mattekit.media.outputs import plan_output
from mattekit.types import ClipInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray


def trimap(
    source: Annotated[Path, typer.Argument(metavar="MASK_OR_ALPHA", help="Picture; or a folder or video of them.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="PNG file; for several frames a folder.")],
    band: Annotated[int | None, typer.Option(min=0, help="Unknown px to each side of an edge.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an output that exists.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Make a trimap of 0, 128 and 255: unknown is all within a band of an edge or of a partly transparent pixel.

    The band is a fiftieth of the long side unless --band says otherwise.
    """
    begun = time.monotonic()
    info = probe(source)
    plan = plan_output(output, content="alpha")
    if plan.video is not None or plan.stills != "png":
        raise InputError(f"a trimap must be written as PNG; got {show_path(output)}; name a .png file or a folder")
    check_outputs({"alpha": output}, info, frames=info.frames, overwrite=overwrite)
    for file in info.files:
        read_mask(file, info.size)
    reach = default_band(info.size) if band is None else band
    with (
        open_writer(output, info, content="alpha", style=Style(bits=BITS), overwrite=overwrite) as writer,
        progress_bar("trimap", info.frames) as progress,
    ):
        import torch

        from mattekit.ops import trimap_from_alpha

        for index, alpha in enumerate(_alphas(info)):
            writer.write(trimap_from_alpha(torch.from_numpy(alpha)[None], band=reach), index)
            progress(index + 1)
        commit([writer])
    seconds = time.monotonic() - begun
    Summary({"trimap": output}, info.frames, seconds, peak_memory_mb(), writer.notes).tell(as_json=as_json)


def _alphas(info: ClipInfo) -> Iterator[NDArray[np.float32]]:
    """Yield the mattes of a source, (H, W) in [0, 1]; pictures must be grey or have an alpha of their own."""
    if info.kind == "video":
        yield from read_alpha(info)
    for file in info.files:
        yield np.divide(read_mask(file, info.size), 255, dtype=np.float32)
