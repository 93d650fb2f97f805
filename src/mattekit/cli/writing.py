"""The options that say how outputs are written, the same for every verb that writes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mattekit.checks import InputError
from mattekit.media.encoders import STILL_BITS
from mattekit.media.style import EXR_COLOURS, Style

if TYPE_CHECKING:
    from mattekit.media.outputs import Plan

Preview = Annotated[Path | None, typer.Option(help="Output: frame, alpha and composite side by side.")]
Background = Annotated[
    str | None, typer.Option(help="Colour (#00b140, green), checkerboard, image, video or folder of images.")
]
BackgroundFit = Annotated[
    str, typer.Option(help="cover (crop), contain (black beside) or stretch, for backgrounds of another shape.")
]
BackgroundEnd = Annotated[
    str, typer.Option(help="loop, hold (the last frame) or refuse, for backgrounds shorter than the clip.")
]
Bits = Annotated[
    int | None, typer.Option(help="Bits a channel where the formats have them: 8, 10, 16; 32 is EXR's full float.")
]
Encoder = Annotated[
    list[str] | None,
    typer.Option(help="prores_ks or prores_aw (faster, coarser) for .mov, h264 or hevc for .mp4; repeatable."),
]
Quality = Annotated[
    int | None, typer.Option("--quality", "--crf", help="Rate factor of .mp4 (to 51) and .webm (to 63); 0 is best.")
]
JpegQuality = Annotated[int | None, typer.Option(help="Quality of JPEG, 1 to 100; 92 unless named.")]
Pictures = Annotated[str, typer.Option("--format", help=f"Format of folders: {', '.join(STILL_BITS)}.")]
Premultiplied = Annotated[
    bool | None,
    typer.Option(
        "--premultiplied/--straight",
        help="Whether colour of cut-outs is multiplied by alpha; EXR yes and others no unless named.",
        show_default=False,
    ),
]
ExrColour = Annotated[str, typer.Option(help=f"Colour in EXR: {' or '.join(EXR_COLOURS)} (the values as they are).")]
Layers = Annotated[bool, typer.Option("--layers", help="EXR cut-outs also hold layers foreground and alpha.")]


def check_style(style: Style, plans: Sequence[Plan]) -> None:
    """Raise if a choice touches none of the outputs.

    Raises:
        InputError: It does not, so it must be a mistake.
    """
    videos = [plan.video for plan in plans if plan.video is not None]
    stills = [plan.stills for plan in plans if plan.video is None]
    cutouts = [plan for plan in plans if plan.content == "cutout"]
    exr_cutouts = [plan for plan in cutouts if plan.video is None and plan.stills == "exr"]
    folders = [plan for plan in plans if plan.kind == "folder"]
    needs = [(f"--encoder {name}", any(video.name == name for video in videos), "a video") for name in style.encoders]
    needs += [
        ("--quality", style.crf is None or any(video.largest_crf for video in videos), "an .mp4 or .webm"),
        ("--jpeg-quality", style.jpeg_quality is None or "jpg" in stills, "a JPEG"),
        (f"--format {style.stills}", style.stills == "png" or bool(folders), "a folder"),
        ("--premultiplied or --straight", style.premultiplied is None or bool(cutouts), "a --cutout"),
        (f"--exr-colour {style.exr_colour}", style.exr_colour == "linear" or "exr" in stills, "an EXR"),
        ("--layers", not style.layers or bool(exr_cutouts), "an EXR --cutout"),
    ]
    for option, fits, wanted in needs:
        if not fits:
            raise InputError(f"{option} must go with {wanted} that takes it; no output does; add one or leave it out")
