"""How much memory a matte takes: said before a long run, and refused before it where the machine has not as much."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mattekit.checks import InputError

FIXED = 830 << 20
"""Bytes that the program and its networks take whatever the size."""

A_PIXEL = 1050
"""Bytes for each pixel of a frame: what the networks, a chunk of frames and the encoders hold.

Both from the peaks of family dvm, size small, with alpha, cut-out and composite, which they meet to a twentieth: 879
MiB at 320x180, 1042 at 640x360, 1804 at 1280x720, 2793 at 1920x1080
(`python benchmarks/memory.py --short 5 --long 6 --size 1920x1080`).
"""

PEAKS = {"dvm": (FIXED, A_PIXEL), "rvm": (1140 << 20, 420)}
"""Both by family. Of rvm, with the same three outputs, they are above the peaks that were seen: 977 MiB at 320x180
after 150 frames, and after 40 frames 1230 at 640x360 and 1941 at 1920x1080 (the same benchmark with `--model rvm`).
"""

LONG = 250_000_000
"""Pixels of all frames together from which a run counts as long, 120 frames of 1080p."""

LIMIT_OF_GROUP = Path("/sys/fs/cgroup/memory.max")
GIBIBYTE = 1 << 30


def expected_peak(size: tuple[int, int], *, model: str = "dvm") -> int:
    """Return the bytes that a matte of frames of a size (height, width) takes at most on a processor, as measured."""
    fixed, a_pixel = PEAKS.get(model, PEAKS["dvm"])
    return fixed + a_pixel * size[0] * size[1]


def tell_memory(size: tuple[int, int], frames: int, *, model: str = "dvm") -> None:
    """Print what a long run will hold; raise if the machine has not as much.

    Args:
        size: (height, width) of the frames.
        frames: How many are matted.
        model: Family of networks.

    Raises:
        InputError: The machine has less memory than one frame of this size takes.
    """
    peak, there = expected_peak(size, model=model), memory_there()
    if there is not None and peak > there:
        raise InputError(
            f"frames of {size[1]} x {size[0]} need about {peak / GIBIBYTE:.1f} GiB of memory; this machine has "
            f"{there / GIBIBYTE:.1f} GiB; make the clip smaller"
        )
    if size[0] * size[1] * frames >= LONG:
        print(
            f"{frames} frames of {size[1]} x {size[0]} take about {peak / GIBIBYTE:.1f} GiB of memory", file=sys.stderr
        )


def memory_there() -> int | None:
    """Return the bytes of memory that the machine has, or that the group of this process may use; None if unknown."""
    try:
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None
    try:
        return min(there, int(LIMIT_OF_GROUP.read_text()))
    except (ValueError, OSError):
        return there
