"""Options that several verbs have, declared once: the clip, its trimaps and span, outputs, networks, the summary."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ClipPath = Annotated[Path, typer.Argument(metavar="CLIP", help="Video file, folder of images, or image.")]
TrimapFiles = Annotated[list[str] | None, typer.Option(metavar="FRAME=PNG", help="Trimap of a frame; repeatable.")]
TrimapFolder = Annotated[Path | None, typer.Option(help="Folder of trimaps, numbered by frame.")]
MaskFiles = Annotated[list[str] | None, typer.Option(metavar="FRAME=PNG", help="Grey mask of a frame; repeatable.")]
Band = Annotated[int | None, typer.Option(min=0, help="Unknown px to each side of a mask's edge.")]
Alpha = Annotated[Path | None, typer.Option(help="Output: alpha.")]
Foreground = Annotated[Path | None, typer.Option(help="Output: straight foreground colour.")]
Cutout = Annotated[Path | None, typer.Option(help="Output: colour and alpha together.")]
Composite = Annotated[Path | None, typer.Option(help="Output: laid over --background.")]
Weights = Annotated[Path | None, typer.Option(help="Safetensors file instead of the carried weights.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads an operation may use.")]
Start = Annotated[int, typer.Option(min=0, help="First frame, counted from 0.")]
End = Annotated[int | None, typer.Option(min=1, help="Frame to stop before.")]
AcrossCuts = Annotated[bool, typer.Option("--across-cuts", help="Look for no cuts; carry on over them.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one summary line on stdout.")]
