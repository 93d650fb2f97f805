"""What is fuzzed: for each target its whole files, and the reader that must take damaged ones or refuse them."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import nn

from fuzz import seeds
from mattekit.data.annotations import people, person_mask
from mattekit.data.layouts import index as index_layout
from mattekit.data.layouts.videomatting108 import read_frame_pairs
from mattekit.data.manifest import read_manifest
from mattekit.data.materialise import RECORD
from mattekit.data.pack import read_pack
from mattekit.data.plan import read_plan
from mattekit.data.stored import read_stored
from mattekit.engine.checkpoint import read_state as read_checkpoint
from mattekit.engine.snapshot import read_state as read_kept_state
from mattekit.media import Style, open_writer, probe, read, read_alpha
from mattekit.media.probe import remarks
from mattekit.media.salvage import name_losses, salvage
from mattekit.media.segments import Segments
from mattekit.media.stills import load_image
from mattekit.media.trimaps import find_trimaps, read_mask, read_trimap
from mattekit.weights import fill, read_weights
from mattekit.weights.contents import read_contents
from mattekit.weights.convert import Layout, convert

MOST_FRAMES = 200
"""Frames read of a damaged clip; it may say that it has more."""


@dataclass(frozen=True)
class Target:
    """One kind of input.

    Attributes:
        seeds: Whole files by name, given a folder to make them in.
        read: Takes a file, or raises an error of one line.
        wrap: Makes a file of what was damaged.
        beside: Whole files by name that lie beside it, given its own.
        share: How much of the time goes to it, against the others.
    """

    seeds: Callable[[Path], dict[str, bytes]]
    read: Callable[[Path], None]
    wrap: Callable[[bytes], bytes] = bytes
    beside: Callable[[str], dict[str, bytes]] = lambda name: {}
    share: int = 1


def _read_clip(path: Path) -> None:
    """Read a clip in each way there is, and write a foreground with its sound."""
    clip = probe(path)
    times = []
    for chunk in islice(read(clip), MOST_FRAMES // 4):
        if not (float(chunk.frames.min()) >= 0 and float(chunk.frames.max()) <= 1):
            raise AssertionError("colours must be in [0, 1]")
        times += chunk.pts.tolist()
    if clip.frames <= MOST_FRAMES and len(times) != clip.frames:
        raise AssertionError(f"{clip.frames} frames must be read; got {len(times)}")
    for alpha in islice(read_alpha(clip), MOST_FRAMES):
        if not np.isfinite(alpha).all():
            raise AssertionError("alpha must be finite")
    if clip.frames > MOST_FRAMES or clip.size[0] * clip.size[1] > 1 << 16:
        return
    with open_writer(path.with_name("out.mkv"), clip, content="foreground", style=Style(bits=8)) as writer:
        for pts in times:
            writer.write(torch.zeros(3, *clip.size, dtype=torch.uint8), pts)


def _salvage(path: Path) -> None:
    """Read what is whole of a damaged clip."""
    clip = salvage(path)
    name_losses(clip)
    if clip.frames > MOST_FRAMES:
        return
    found = sum(len(chunk) for chunk in read(clip))
    if found != clip.frames:
        raise AssertionError(f"{clip.frames} frames must be read; got {found}")


def _read_picture(path: Path) -> None:
    pixels = load_image(path)
    refused: Exception | None = None
    for reader in (read_trimap, read_mask):
        try:
            reader(path, pixels.shape[:2])
        except Exception as error:
            refused = error
    if refused is not None:
        raise refused


def _read_exr(path: Path) -> None:
    """Read an OpenEXR file as colour and as a clip, then as all other pictures are read."""
    pixels = load_image(path, as_matte=False)
    if not (float(pixels.min()) >= 0 and float(pixels.max()) <= 1):
        raise AssertionError("colours must be in [0, 1]")
    remarks(probe(path))
    _read_picture(path)


def _read_sequence(path: Path) -> None:
    """Read a folder of pictures in which the damaged one is the second."""
    folder = path.with_name("pictures")
    folder.mkdir()
    for number in (0, 2):
        shutil.copy(path.with_name("whole"), folder / f"{number}{path.suffix}")
    path.rename(folder / f"1{path.suffix}")
    find_trimaps(folder, 3)
    for _ in read(probe(folder)):
        pass


@cache
def _whole_picture(name: str) -> dict[str, bytes]:
    return {"whole": seeds.pictures(Path())[name]}


@cache
def _whole_job(name: str) -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        return {other: data for other, data in seeds.kept(Path(folder)).items() if other != name}


def _go_on(path: Path) -> None:
    """Open a job that was ended, as ``--resume`` does; what is damaged of it must count as not done."""
    with Segments(path.parent, seeds.JOB, start=0) as segments:
        found = sum(1 for _ in segments.frames())
        if found != segments.found:
            raise AssertionError(f"{segments.found} frames must be read; got {found}")
        if segments.snapshot is not None:
            read_kept_state(segments.snapshot)


def _read_checkpoint(path: Path) -> None:
    read_checkpoint(path)


def _read_pack(path: Path) -> None:
    read_pack(path)


def _read_weights(path: Path) -> None:
    read_contents(path)
    fill(nn.Linear(4, 3), read_weights(path, family="fuzz"), prefix="net", path=path)


def _convert(path: Path) -> None:
    layout = Layout("fuzz", "net", {"net.weight": (3, 4), "net.bias": (3,)})
    convert(path, path.with_name("out.safetensors"), [layout])


def _with_pickle(data: bytes) -> bytes:
    """Return a PyTorch file whose description of the tensors was damaged, in an archive whose checksums hold."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(seeds.published(Path())["plain.pth"])) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, data if name.endswith("data.pkl") else old.read(name))
    return out.getvalue()


def _pickles(folder: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(seeds.published(folder)["plain.pth"])) as file:
        return {"plain.pth": next(file.read(name) for name in file.namelist() if name.endswith("data.pkl"))}


def _read_text(path: Path) -> None:
    """Read a list, plan, record or annotations, as the name tells."""
    name = path.name
    if name in ("list.csv", "list.jsonl"):
        read_manifest(path)
    elif name == "INDEX.csv":
        list(index_layout.entries(path.parent))
    elif name == "plan.composites":
        read_plan(path)
    elif name == "frame_corr.json":
        read_frame_pairs(path.parent)
    elif name == "composite.json":
        path.rename(path.with_name(RECORD))
        read_stored(path.parent, length=2, longest=16)
    else:
        for known, found in people(path).items():
            for index in range(len(found.shapes)):
                person_mask(path, known, index)


def _only(make: Callable[[Path], dict[str, bytes]], *suffixes: str) -> Callable[[Path], dict[str, bytes]]:
    return lambda folder: {name: data for name, data in make(folder).items() if name.endswith(suffixes)}


TARGETS = {
    "container": Target(seeds.videos, _read_clip, share=8),
    "salvage": Target(seeds.videos, _salvage, share=4),
    "picture": Target(seeds.pictures, _read_picture, share=3),
    "checked-png": Target(_only(seeds.pictures, ".png"), _read_picture, seeds.mend_png, share=2),
    "exr": Target(seeds.exrs, _read_exr, share=3),
    "sequence": Target(seeds.pictures, _read_sequence, beside=_whole_picture),
    "weights": Target(seeds.weights, _read_weights),
    "weights-head": Target(_only(seeds.weights_heads, ".safetensors"), _read_weights, seeds.with_body),
    "pack": Target(seeds.packs, _read_pack),
    "pack-head": Target(_only(seeds.weights_heads, ".pack"), _read_pack, seeds.with_body),
    "published": Target(seeds.published, _convert),
    "published-pickle": Target(_pickles, _convert, _with_pickle),
    "checkpoint": Target(seeds.checkpoints, _read_checkpoint),
    "kept": Target(seeds.kept, _go_on, beside=_whole_job),
    "text": Target(seeds.texts, _read_text, share=2),
}
