"""The outputs of one run: checked before anything is computed, written together, and named only when all are whole."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from mattekit.checks import InputError
from mattekit.cli.backdrop import Backdrop, colour_note
from mattekit.cli.behind import Behind
from mattekit.cli.writing import check_style
from mattekit.media import Style, Writer, check_distinct, check_output, open_writer, show_path
from mattekit.media.outputs import plan_output
from mattekit.media.style import DEFAULT
from mattekit.types import ClipInfo, Matte

if TYPE_CHECKING:
    from torch import Tensor


def check_outputs(
    outputs: Mapping[str, Path],
    clip: ClipInfo,
    *,
    frames: int,
    overwrite: bool,
    inputs: Sequence[Path] = (),
    style: Style = DEFAULT,
) -> None:
    """Raise unless every output can be written without harm; nothing is opened or changed.

    Args:
        outputs: Path by what it shows: alpha, foreground, cutout, composite or preview.
        clip: What they are made of.
        frames: How many frames each will hold.
        overwrite: Whether outputs that stand there may be replaced.
        inputs: Other files that are read and must not be written to.
        style: How outputs are written.

    Raises:
        InputError: There is none, two share a path, or a format cannot hold what it should.
        MediaError: A folder is missing or locked, an output exists, or it is an input.
    """
    if not outputs:
        raise InputError("an output must be named; got none: add --alpha, --foreground or --cutout")
    check_distinct(list(outputs.values()))
    check_style(style, [plan_output(path, content=content, style=style) for content, path in outputs.items()])
    for content, path in outputs.items():
        plan = check_output(path, clip, content=content, overwrite=overwrite, style=style, frames=frames)
        for standing in plan.standing():
            for source in inputs:
                if source.exists() and os.path.samefile(standing, source):
                    raise InputError(f"an output must not be an input; got {show_path(path)}; choose another name")


def shows_colour(outputs: Iterable[str]) -> bool:
    """Return whether one of some outputs, by what they show, is more than alpha."""
    return any(content != "alpha" for content in outputs)


class OutputSink:
    """Takes mattes and writes one kind of picture made of them.

    Args:
        writer: Where the pictures go.
        content: alpha, foreground, cutout, composite or preview.
        time_base: Seconds a tick of the clip's times.
        behind: The background; needed by composites and previews alone.
    """

    def __init__(self, writer: Writer, content: str, time_base: Fraction, behind: Behind | None = None) -> None:
        self._writer, self._content, self._behind = writer, content, behind
        self._time_base, self._begins, self._count = time_base, 0, 0

    def write(self, matte: Matte) -> None:
        """Write the pictures of a matte.

        Raises:
            InputError: The output shows colour and the matte has none.
        """
        for index, pts in enumerate(matte.chunk.pts.tolist()):
            self._begins = self._begins if self._count else pts
            self._writer.write(self._picture(matte, index, pts), pts)
            self._count += 1

    def _picture(self, matte: Matte, index: int, pts: int) -> Tensor:
        import torch

        from mattekit.ops import composite

        alpha = matte.alpha[index]
        if self._content == "alpha":
            return alpha
        if matte.foreground is None:
            raise InputError(f"a {self._content} must have foreground colour; the matte has none: complete it first")
        foreground = matte.foreground[index]
        if self._content == "cutout":
            return torch.cat((foreground, alpha))
        if self._behind is None:
            return foreground
        background = self._behind.at(self._count, (pts - self._begins) * self._time_base)
        over = composite(foreground, alpha, background.to(alpha.device))
        if self._content == "composite":
            return over
        return torch.cat((matte.chunk.frames[index], alpha.expand(3, -1, -1), over), dim=-1)


@contextmanager
def open_outputs(
    outputs: Mapping[str, Path],
    clip: ClipInfo,
    *,
    span: tuple[int, int],
    overwrite: bool,
    backdrop: Backdrop | None,
    style: Style = DEFAULT,
) -> Iterator[tuple[list[OutputSink], list[Writer]]]:
    """Open every output; at the end all are finished and then named, or none is when anything went wrong.

    Args:
        outputs: Path by what it shows.
        clip: What they are made of.
        span: First frame and one past the last.
        overwrite: Whether outputs that stand there are replaced.
        backdrop: What composites and previews are laid over; None is a checkerboard.
        style: How outputs are written.

    Yields:
        The sinks, and their writers for what they note.
    """
    with ExitStack() as stack:
        sinks, writers = [], []
        for content, path in outputs.items():
            with _later():
                writer = open_writer(
                    path, clip, content=content, overwrite=overwrite, style=style, start=span[0], end=span[1]
                )
                stack.callback(writer.discard)
            writers.append(writer)
            behind = None
            if content in ("composite", "preview"):
                behind = Behind(backdrop or Backdrop(), clip)
                stack.callback(behind.close)
                writer.notes += [note for note in [colour_note(backdrop, clip)] if note is not None]
            sinks.append(OutputSink(writer, content, clip.time_base, behind))
        yield sinks, writers
        commit(writers)


def commit(writers: Sequence[Writer]) -> None:
    """Finish all outputs and then give all their names, which no signal interrupts half-way.

    Where one cannot have its name, those that have theirs already lose it again, and what they replaced is put back.

    Raises:
        MediaError: One is not what was written, or its name was taken meanwhile.
    """
    for writer in writers:
        writer.finish()
    with _unbroken():
        try:
            for writer in writers:
                writer.publish()
        except BaseException:
            for writer in reversed(writers):
                writer.withdraw()
            raise
        for writer in writers:
            writer.settle()


@contextmanager
def _later() -> Iterator[None]:
    """Let interrupts wait until the block is done, so that nothing in it is half-made when they come."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda number, frame: heard.append(number)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
        if heard:
            signal.raise_signal(heard[0])


@contextmanager
def _unbroken() -> Iterator[None]:
    """Let interrupts pass unheard until the block is done; what it does takes no time worth stopping."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
