"""`mattekit weights fetch`: authors' published weights, downloaded when asked for, checked, and converted."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import sys
import tempfile
import urllib.error
import urllib.request
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from mattekit.checks import InputError, WeightsError, check_choice, one_line
from mattekit.cli import options
from mattekit.cli.report import progress_bar
from mattekit.media import show_path
from mattekit.media.paths import cannot_write

SUFFIX = ".safetensors"
PIECE, PATIENCE = 1 << 16, 30.0
"""Bytes that are read at once, and seconds that the other side may say nothing."""


@dataclass(frozen=True)
class Published:
    """A file that its authors offer.

    Attributes:
        url: Where.
        what: Whose it is.
        licence: Under which they offer it.
        largest: Bytes that it cannot have more than.
        begins: The first digits of its SHA-256, where its name tells them.
    """

    url: str
    what: str
    licence: str
    largest: int
    begins: str = ""


_RVM = "Robust High-Resolution Video Matting with Temporal Guidance (Lin et al., WACV 2022)"
_RELEASE = "https://github.com/PeterL1n/RobustVideoMatting/releases/download/v1.0.0"
FILES = {
    "rvm_mobilenetv3": Published(f"{_RELEASE}/rvm_mobilenetv3.pth", _RVM, "GPL-3.0", 32_000_000),
    "rvm_resnet50": Published(f"{_RELEASE}/rvm_resnet50.pth", _RVM, "GPL-3.0", 160_000_000),
    "deeplabv3_resnet101": Published(
        "https://download.pytorch.org/models/deeplabv3_resnet101_coco-586e9e4e.pth",
        "DeepLabV3 with ResNet-101 (Chen et al., 2017), trained by torchvision; finds people, for --prior",
        "BSD-3-Clause",
        260_000_000,
        begins="586e9e4e",
    ),
}
"""By the name to type. No whole checksum is known of them, so whoever fetches one has to vouch for it."""


def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"{', '.join(FILES)}.")],
    *,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; NAME.safetensors.")] = None,
    sha256: Annotated[str | None, typer.Option(metavar="HEX", help="SHA-256 that the download must have.")] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Keep what comes, whatever its SHA-256.")] = False,
    half: Annotated[bool, typer.Option("--half", help="Write half precision: half the size.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an output that exists.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Download an authors' published weights and convert them to safetensors, for --weights or --prior.

    Their licence and where they come from are said first. They are kept only if their SHA-256 is the one that you
    give, or with --accept; else it is shown, and nothing is kept. Nothing that the file brings is run.
    """
    check_choice("NAME", name, sorted(FILES))
    wanted = None if sha256 is None else sha256.strip().lower()
    if wanted is not None and not re.fullmatch("[0-9a-f]{64}", wanted):
        raise InputError(f"--sha256 must be 64 hexadecimal digits; got {show_path(sha256 or '')}")
    target = Path(name + SUFFIX) if output is None else output
    check_target(target, source=None, overwrite=overwrite)
    published = FILES[name]
    print(f"{published.what}\nlicence of code and weights: {published.licence}\nfrom {published.url}", file=sys.stderr)
    try:
        place = tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=".mattekit-fetch-")
    except OSError as error:
        raise cannot_write(target, error) from error
    with place as folder:
        source = Path(folder) / Path(published.url).name
        found = download(published, source)
        print(f"SHA-256 {found}", file=sys.stderr)
        check_digest(found, wanted=wanted, accept=accept, begins=published.begins)
        from mattekit.models import published_layouts
        from mattekit.weights.convert import convert

        card = {"licence": published.licence, "url": published.url}
        made = convert(source, target, published_layouts(), half=half, card=card)
    print(f"wrote {show_path(target)}: {made.family}, {made.parameters:,} parameters", file=sys.stderr)
    if as_json:
        summary = {"weights": str(target), "family": made.family, "tensors": made.tensors}
        print(json.dumps(summary | {"parameters": made.parameters, "sha256": found, **card}), flush=True)


def download(published: Published, target: Path) -> str:
    """Download a file and return its SHA-256.

    Raises:
        WeightsError: It cannot be had whole, or is not what it should be.
    """
    digest, done = hashlib.sha256(), 0
    try:
        with urllib.request.urlopen(published.url, timeout=PATIENCE) as answer, target.open("wb") as file:
            if not answer.url.startswith(published.url.partition("//")[0]):
                raise OSError(f"it leads to {answer.url}")
            length = int(answer.headers.get("Content-Length") or 0)
            bar = progress_bar("fetch", length) if length else nullcontext(lambda done: None)
            with bar as progress:
                while piece := answer.read(PIECE):
                    done += len(piece)
                    if done > published.largest:
                        raise OSError(f"it is larger than {published.largest} bytes")
                    digest.update(piece)
                    file.write(piece)
                    progress(done)
            if length and done != length:
                raise OSError(f"{done} of {length} bytes came")
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = one_line(error.reason if isinstance(error, urllib.error.URLError) else error)
        raise WeightsError(
            f"{published.url} must be downloaded; that failed ({show_path(reason)}); try again, or fetch it by other "
            "means and give it to `mattekit weights convert`"
        ) from error
    return digest.hexdigest()


def check_digest(found: str, *, wanted: str | None, accept: bool, begins: str = "") -> None:
    """Raise unless a SHA-256 is the one wanted, or any that begins as it must is accepted.

    Raises:
        WeightsError: It is another, or nobody has vouched for it.
    """
    if not found.startswith(begins):
        raise WeightsError(f"the download must have a SHA-256 that begins with {begins}; got {found}; nothing was kept")
    if wanted is not None and found != wanted:
        raise WeightsError(f"the download must have the SHA-256 {wanted}; got {found}; nothing was kept")
    if wanted is None and not accept:
        raise WeightsError(
            f"the download must be vouched for, since no checksum of it is known here; got SHA-256 {found}; nothing "
            f"was kept: run it again with --sha256 {found} if that is what you expect, or with --accept"
        )


def check_target(target: Path, *, source: Path | None, overwrite: bool) -> None:
    """Raise unless weights can be written to a file without harm.

    Args:
        target: The file.
        source: What is read, or None.
        overwrite: Whether what stands there may be replaced.

    Raises:
        InputError: They cannot.
    """
    if target.suffix != SUFFIX:
        raise InputError(f"weights must be written as {SUFFIX}; got {show_path(target)}: change its suffix")
    if target.is_dir() or not target.absolute().parent.is_dir():
        raise InputError(f"an output must be a file in a folder that exists; got {show_path(target)}; make the folder")
    if source is not None and target.exists() and target.samefile(source):
        raise InputError(f"the output must not be the input; both are {show_path(target)}: choose another name")
    if target.exists() and not overwrite:
        raise InputError(f"{show_path(target)} must not exist yet; it does: choose another name, or add --overwrite")
