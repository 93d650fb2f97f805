"""`mattekit weights`: fetches and converts published files, shows what a file holds, lists what the package carries."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mattekit.checks import WeightsError
from mattekit.cli import options
from mattekit.cli.fetch import SUFFIX, check_target, fetch
from mattekit.media import show_path

if TYPE_CHECKING:
    from mattekit.weights.contents import Contents

app = typer.Typer(help="Fetch and convert published weights, show what a file holds, list the carried ones.")
app.command("fetch")(fetch)


@app.command("convert")
def convert(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="Published PyTorch file (.pth).")],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write, .safetensors; beside FILE unless named.")
    ] = None,
    half: Annotated[bool, typer.Option("--half", help="Write half precision: half the size.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an output that exists.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Convert published PyTorch weights to safetensors, for --weights; nothing that the file brings is run.

    Every key, shape and value is checked. Known, as their authors released them: the networks of Deep Video Matting via
    Spatio-Temporal Alignment and Aggregation (CVPR 2021) and of Robust High-Resolution Video Matting with Temporal
    Guidance (WACV 2022), with MobileNetV3 and with ResNet-50; and torchvision's DeepLabV3 with ResNet-101.
    """
    target = source.with_suffix(SUFFIX) if output is None else output
    _check_input(source)
    check_target(target, source=source, overwrite=overwrite)
    begun = time.monotonic()
    from mattekit.models import published_layouts
    from mattekit.weights.convert import convert as convert_file

    made = convert_file(source, target, published_layouts(), half=half)
    seconds = time.monotonic() - begun
    what = f"{made.family}, {made.tensors} tensors, {made.parameters:,} parameters"
    print(f"wrote {show_path(target)}: {what}, {seconds:.1f} s", file=sys.stderr)
    if as_json:
        summary = {"weights": str(target), "family": made.family, "tensors": made.tensors}
        print(json.dumps(summary | {"parameters": made.parameters, "seconds": round(seconds, 3)}), flush=True)


@app.command("show")
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Weights file, .safetensors.")],
    *,
    as_json: options.AsJson = False,
) -> None:
    """Print what a weights file holds; exit 2 when a value is not finite."""
    _check_input(file)
    from mattekit.weights.contents import read_contents

    contents = read_contents(file)
    if as_json:
        print(json.dumps(_summary(contents)), flush=True)
    else:
        _print_rows(_summary(contents) | {"metadata": len(contents.metadata)})
        _print_rows(contents.metadata, before="  ")
    if contents.not_finite is not None:
        raise WeightsError(f"weights must be finite; {contents.not_finite} in {show_path(file)} is not")


@app.command("list")
def list_weights(*, as_json: options.AsJson = False) -> None:
    """Print the weights that the package carries, each with its card."""
    from mattekit.weights.contents import list_carried, read_contents

    found = [read_contents(path) for path in list_carried()]
    cards = [contents.path.with_suffix(".md") for contents in found]
    if as_json:
        rows = [
            _summary(contents) | {"card": str(card) if card.is_file() else None}
            for contents, card in zip(found, cards, strict=True)
        ]
        print(json.dumps(rows), flush=True)
        return
    for contents, card in zip(found, cards, strict=True):
        size = contents.path.stat().st_size / 1e6
        print(f"{contents.family}  {contents.values:,} values, {size:.1f} MB")
        print(f"  {contents.path}")
        print(f"  card: {card if card.is_file() else 'none'}")


def _summary(contents: Contents) -> dict[str, object]:
    return {
        "weights": str(contents.path),
        "family": contents.family,
        "tensors": contents.tensors,
        "values": contents.values,
        "types": list(contents.kinds),
        "finite": contents.not_finite is None,
        "metadata": contents.metadata,
    }


def _print_rows(rows: Mapping[str, object], *, before: str = "") -> None:
    """Print names and values one below the other; the names may come from a file, so they are made printable too."""
    names = [show_path(name) for name in rows]
    width = max((len(name) for name in names), default=0)
    for name, value in zip(names, rows.values(), strict=True):
        print(f"{before}{name:<{width}}  {_words(value)}")


def _words(value: object) -> str:
    """Return a value as it is shown on a line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return f"{value:,}" if isinstance(value, int) else show_path(str(value))


def _check_input(path: Path) -> None:
    """Raise unless a path names a file; answered before torch is loaded."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise WeightsError(f"weights must be a file; {show_path(path)} {what}: check the name")
