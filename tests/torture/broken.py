"""Makers of what is no sound media: bombs, playlists, pipes, spoilt data, and weights that are not what they seem."""

from __future__ import annotations

import json
import os
import pickle
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np

from torture.videos import SIZE, noise

Maker = Callable[[Path], None]


def data(content: bytes) -> Maker:
    """Return a maker of a file of given bytes."""
    return lambda path: path.write_bytes(content) and None


def link(target: str) -> Maker:
    """Return a maker of a symbolic link."""
    return lambda path: path.symlink_to(target)


def hard_link(target: str) -> Maker:
    """Return a maker of a second name for a file."""
    return lambda path: path.hardlink_to(path.with_name(target))


def pipe(path: Path) -> None:
    """Make a pipe that nobody writes to."""
    os.mkfifo(path)


def door(path: Path) -> None:
    """Make a socket that nobody listens at."""
    place = os.getcwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(place)


def empty_folder(path: Path) -> None:
    """Make a folder with nothing in it."""
    path.mkdir()


def folder_with_pipe(path: Path) -> None:
    """Make a folder whose second picture is a pipe."""
    path.mkdir()
    av.VideoFrame(SIZE[1], SIZE[0], "rgb24").to_image().save(path / "1.png")
    os.mkfifo(path / "2.png")


def sparse(head: Maker | None = None, *, size: int = 1 << 33) -> Maker:
    """Return a maker of a file of eight gigabytes of zeros behind a sound beginning; they take no room."""

    def make(path: Path) -> None:
        if head is not None:
            head(path)
        with path.open("ab") as file:
            file.truncate(size)

    return make


def replaced(maker: Maker, old: bytes, new: bytes) -> Maker:
    """Return a maker of what another makes, with some bytes put in the place of others."""

    def make(path: Path) -> None:
        maker(path)
        content = path.read_bytes()
        if old not in content:
            raise ValueError(f"{path} must hold {old!r}; it does not")
        path.write_bytes(content.replace(old, new))

    return make


def y4m(size: tuple[int, int]) -> bytes:
    """Return a bare video whose head states a size."""
    return f"YUV4MPEG2 W{size[1]} H{size[0]} F25:1 Ip A1:1 C420jpeg\nFRAME\n".encode() + bytes(4096)


def spoilt(suffix: str, frame: int, *, keys: int = 1, sound: str | None = None, seed: int = 1) -> Maker:
    """Return a maker of a video with bytes of one frame spoilt."""

    def make(path: Path) -> None:
        noise(suffix, keys=keys, sound=sound)(path)
        with av.open(f"file:{path.absolute()}") as container:
            packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
        place, size = packets[frame]
        content = bytearray(path.read_bytes())
        garbage = np.random.default_rng(seed).integers(0, 256, size // 2).astype(np.uint8).tobytes()
        content[place + size // 3 : place + size // 3 + len(garbage)] = garbage
        path.write_bytes(content)

    return make


def cut_at(maker: Maker, frame: int) -> Maker:
    """Return a maker of what another makes, cut in the middle of a frame's data."""

    def make(path: Path) -> None:
        maker(path)
        with av.open(f"file:{path.absolute()}") as container:
            packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
        place, size = packets[frame]
        path.write_bytes(path.read_bytes()[: place + size // 2])

    return make


class _Malice:
    """Makes a file when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, ...]]:
        return os.mkdir, ("harm",)


def malicious_pickle(path: Path) -> None:
    """Write a pickle that makes a folder named harm where it is loaded."""
    path.write_bytes(pickle.dumps({"weight": _Malice()}))


def weights(kind: str) -> Maker:
    """Return a maker of a copy of the carried weights with one thing wrong."""

    def make(path: Path) -> None:
        import torch
        from safetensors import safe_open
        from safetensors.torch import save_file

        from mattekit.weights import carried

        source = carried("dvm-small")
        if kind == "cut":
            path.write_bytes(source.read_bytes()[:100_000])
            return
        with safe_open(str(source), framework="pt") as file:
            metadata, tensors = file.metadata(), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        first = sorted(key for key, tensor in tensors.items() if tensor.ndim == 4)[0]
        if kind == "nan":
            tensors[first].view(-1)[0] = torch.nan
        elif kind == "family":
            metadata["family"] = "other"
        elif kind == "missing":
            del tensors[first]
        elif kind == "shape":
            tensors[first] = tensors[first][:1].contiguous()
        elif kind == "more":
            tensors["stranger"] = torch.zeros(1)
        save_file(tensors, str(path), metadata=metadata)

    return make


def long_head(path: Path) -> None:
    """Write a safetensors file whose head claims to be of 2^62 bytes."""
    path.write_bytes(struct.pack("<Q", 1 << 62) + json.dumps({}).encode())
