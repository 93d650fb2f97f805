"""A short job for every kind of output, what it must leave behind, and a model whose answers cost nothing."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import torch
from torch import Tensor

import footage
import mattekit.models
import scenes
from mattekit.models import Model
from mattekit.types import Propagated, State

SIZE = (80, 112)
FRAMES = 3
OLD = b"what stood there before"


@dataclass(frozen=True)
class Job:
    """One run of the command.

    Attributes:
        options: Outputs, as on the command line.
        finals: Where they will stand: a file, or a folder with a slash behind.
        old: Files that stand in their place when they are overwritten.
    """

    options: tuple[str, ...]
    finals: tuple[str, ...]
    old: tuple[str, ...]


JOBS = {
    "mkv": Job(("--alpha", "a.mkv"), ("a.mkv",), ("a.mkv",)),
    "mkv with sound": Job(("--foreground", "f.mkv"), ("f.mkv",), ("f.mkv",)),
    "mov": Job(("--cutout", "c.mov"), ("c.mov",), ("c.mov",)),
    "webm": Job(("--cutout", "c.webm"), ("c.webm",), ("c.webm",)),
    "mp4": Job(("--composite", "o.mp4", "--background", "#00b140"), ("o.mp4",), ("o.mp4",)),
    "folder": Job(("--alpha", "alpha"), ("alpha/",), ("alpha/00000.png", "alpha/00007.png")),
    "pattern": Job(
        ("--cutout", "cut_%03d.png"),
        tuple(f"cut_{index:03d}.png" for index in range(FRAMES)),
        ("cut_000.png", "cut_007.png"),
    ),
    "exr": Job(("--cutout", "exr", "--format", "exr"), ("exr/",), ("exr/00000.exr",)),
    "jpeg": Job(
        ("--composite", "over_%d.jpg", "--background", "#00b140"),
        tuple(f"over_{index}.jpg" for index in range(FRAMES)),
        ("over_0.jpg",),
    ),
    "still": Job(("--alpha", "a.png", "--start", "1", "--end", "2"), ("a.png",), ("a.png",)),
    "together": Job(
        ("--alpha", "a.mkv", "--cutout", "cut", "--composite", "o.mp4", "--background", "#00b140"),
        ("a.mkv", "cut/", "o.mp4"),
        ("a.mkv", "cut/00001.png", "o.mp4"),
    ),
}


def make_inputs(folder: Path) -> None:
    """Write the clip, which has sound, and the trimap of its first frame, which knows but two columns."""
    trimap = torch.full((1, *SIZE), 0.5)
    trimap[..., 0], trimap[..., -1] = 0, 1
    footage.make_video(
        folder / "clip.mkv",
        pts=FRAMES,
        time_base=Fraction(1, 1000),
        step=40,
        size=SIZE,
        codec="ffv1",
        pixels="bgr0",
        sound="libopus",
    )
    scenes.write_picture(folder / "t.png", trimap)


def command(kind: str, *, overwrite: bool = False) -> list[str]:
    """Return the arguments of a job."""
    extra = ["--overwrite"] if overwrite else []
    return ["matte", "clip.mkv", "--trimap", "0=t.png", "--across-cuts", *JOBS[kind].options, *extra, "--threads", "1"]


def put_old(folder: Path, kind: str) -> None:
    """Put something in the place of each output of a job."""
    for name in JOBS[kind].old:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(OLD + name.encode())


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files of a folder by their paths in it, hidden ones too; a folder is a name with a slash behind."""
    return {
        str(path.relative_to(folder)) + "/" * path.is_dir(): b"" if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }


def fresh(folder: Path, inputs: Path, kind: str, *, overwrite: bool) -> dict[str, bytes]:
    """Empty a folder, put the inputs of a job into it, and return what is in it."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(inputs, folder)
    if overwrite:
        put_old(folder, kind)
    return contents(folder)


class NoiseMatter:
    """Alpha and foreground of noise, the same at any time; no codec makes it small, so that files take many writes."""

    needs_trimap = True
    context = 0

    def step(self, frames: Tensor, trimap: Tensor | None, state: State) -> tuple[Tensor, Tensor | None, State]:
        noise = torch.rand(len(frames), 4, *frames.shape[-2:], generator=torch.Generator().manual_seed(0))
        return noise[:, :1], noise[:, 1:], None


class SameTrimap:
    """Every frame has the trimap of its key frame."""

    def reference(self, frame: Tensor, trimap: Tensor) -> State:
        return trimap

    def step(self, frame: Tensor, references: Sequence[State], state: State) -> Propagated:
        return Propagated(references[0], 1.0)


def load_noise(family: str, *, weights: Path | None = None, device: object = "cpu") -> Model:
    """Stand in for `mattekit.models.load`."""
    return Model(family, NoiseMatter(), SameTrimap(), Path("none"))


def use_noise() -> None:
    """Have this process matte with noise from now on; for processes of their own."""
    mattekit.models.load = load_noise  # type: ignore[assignment]
