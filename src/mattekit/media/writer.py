"""Writes one output of a clip: encodes behind in a thread, and puts nothing under the final name until it is whole."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import av

from mattekit.checks import InputError, MattekitError, MediaError
from mattekit.media.encode import VideoFile
from mattekit.media.encoders import CONTENTS
from mattekit.media.outputs import Plan, check_output, output_size, temporary_path
from mattekit.media.paths import cannot_write, show_path
from mattekit.media.probe import duration_before
from mattekit.media.publish import Publication
from mattekit.media.reader import check_span
from mattekit.media.sequence import ImageSequence
from mattekit.media.style import DEFAULT, Style
from mattekit.types import ClipInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    Picture = NDArray[np.float32] | NDArray[np.uint8]

DEPTH = 2
"""Frames that wait for the encoder."""


class Writer:
    """One output that is being written.

    As a context manager it is finished and published at the end of the block, or discarded when the block raises. To
    commit several outputs together, call ``finish`` on all, ``publish`` on all and then ``settle`` on all.

    Attributes:
        notes: One line each on what was left out, such as sound that the format cannot hold.
        temporary: The name that the output has until it is published.
    """

    def __init__(
        self, plan: Plan, sink: VideoFile | ImageSequence, *, size: tuple[int, int], frames: int, overwrite: bool
    ) -> None:
        self.notes, self.temporary = sink.notes, sink.temporary
        self._plan, self._sink, self._size = plan, sink, size
        self._frames, self._overwrite = frames, overwrite
        self._name = show_path(plan.path)
        self._written = 0
        self._last_pts: int | None = None
        self._state = "open"
        self._error: BaseException | None = None
        self._publication: Publication | None = None
        # Simple queues alone are safe from an interrupt at any moment: locks may stay taken, a thread's join may lie.
        self._waiting: queue.SimpleQueue[tuple[Picture, int] | None] = queue.SimpleQueue()
        self._room: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._is_over = False
        for _ in range(DEPTH):
            self._room.put(None)
        self._thread = threading.Thread(target=self._work, name="mattekit-behind", daemon=True)
        self._thread.start()

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.discard()
            return
        if self._state == "open":
            self.finish()
        if self._state == "finished":
            self.publish()
        self.settle()

    def write(self, image: Tensor, pts: int) -> None:
        """Hand over the next frame; its values are copied.

        Args:
            image: (C, H, W) with C = 1 for an alpha, 4 for a cut-out (straight RGB and alpha), else 3. Values beyond
                [0, 1] are held at its ends; they are rounded to the nearest step of the format. Or uint8 levels, which
                an output of 8 bits a channel stores as they are.
            pts: Ticks of the clip's time base, as the frame's in the clip.

        Raises:
            InputError: The shape is not right, a value is not finite, or time does not rise.
            MediaError: An earlier frame could not be written.
        """
        self._check_open()
        name, channels = self._name, CONTENTS[self._plan.content]
        if tuple(image.shape) != (channels, *self._size):
            raise InputError(f"a frame of {name} must have shape {(channels, *self._size)}; got {tuple(image.shape)}")
        if self._last_pts is not None and pts <= self._last_pts:
            raise InputError(f"the times of {name} must rise; got {pts} after {self._last_pts}")
        image = image.detach()
        if image.is_floating_point():
            low, high = image.aminmax()
            if not (low.isfinite() and high.isfinite()):
                raise InputError(
                    f"frame {self._written} of {name} must be finite; it holds nan or inf; nothing is written"
                )
            image = image.float()
        elif image.element_size() != 1 or self._plan.bits != 8:
            raise InputError(
                f"frames of {name} must be floats in [0, 1], or uint8 where it has 8 bits a channel; "
                f"got {image.dtype} for {self._plan.bits} bits"
            )
        self._put((image.to("cpu", copy=True).contiguous().numpy(), int(pts)))
        self._written, self._last_pts = self._written + 1, pts

    def finish(self) -> None:
        """Write what is left, close, open again and compare; the output keeps its temporary name.

        Raises:
            MediaError: The output is not whole; nothing of it is left.
        """
        self._check_open()
        try:
            if self._written != self._frames:
                name = show_path(self._plan.path)
                raise MediaError(
                    f"{name} must hold {self._frames} frames; {self._written} were written; write them all"
                )
            self._put(None)
            self._wait()
            self._raise_error()
            self._guard(self._sink.close)
            self._guard(self._sink.verify)
        except BaseException:
            self.discard()
            raise
        self._state = "finished"

    def publish(self) -> None:
        """Give the finished output its name; what stood there is kept until ``settle``.

        Raises:
            MediaError: The name is taken, or the folder no longer allows it; nothing of the output is left.
        """
        if self._state != "finished":
            raise InputError(
                f"{show_path(self._plan.path)} must be finished before it is published; it is {self._state}"
            )
        try:
            self._publication = self._sink.publish(overwrite=self._overwrite)
        except BaseException:
            self.discard()
            raise
        self._state = "published"

    def settle(self) -> None:
        """Take away what a published output replaced; it can be taken back no more."""
        if self._publication is not None:
            self._publication.settle()
            self._publication = None

    def withdraw(self) -> None:
        """Take a published output back, so that what stood there stands there again."""
        if self._publication is not None:
            self._publication.withdraw()
            self._publication, self._state = None, "finished"
            self.discard()

    def discard(self) -> None:
        """Take away all that was written; a published output stays."""
        if self._state in ("published", "discarded"):
            return
        self._state = "discarded"
        self._waiting.put(None)
        self._wait()
        self._sink.discard()

    def _check_open(self) -> None:
        """Raise unless frames can still be taken."""
        if self._state != "open":
            raise InputError(f"{self._name} must be open to be written to; it is {self._state}")
        self._raise_error()

    def _put(self, item: tuple[Picture, int] | None) -> None:
        """Wait for a place in the queue, or for the encoder's error."""
        while True:
            self._raise_error()
            try:
                self._room.get(timeout=0.2)
            except queue.Empty:
                continue
            self._waiting.put(item)
            return

    def _wait(self) -> None:
        """Wait until nothing is encoded any more."""
        while not self._is_over:
            with suppress(queue.Empty):
                self._ended.get(timeout=0.2)
        self._thread.join()

    def _work(self) -> None:
        """Encode what waits, in a thread of its own."""
        try:
            while (item := self._waiting.get()) is not None and self._state != "discarded":
                self._room.put(None)
                self._sink.add(*item)
        except BaseException as error:
            self._error = error
        finally:
            self._is_over = True
            self._ended.put(None)

    def _guard(self, step: Callable[[], None]) -> None:
        """Run a step of the sink, with its errors as they are shown to a user."""
        try:
            step()
        except BaseException as error:
            self._error = error
            self._raise_error()

    def _raise_error(self) -> None:
        """Raise the encoder's error, if there is one."""
        if self._error is None:
            return
        if isinstance(self._error, (av.FFmpegError, OSError)):
            raise cannot_write(self._plan.path, self._error) from self._error
        raise self._error


def open_writer(
    path: Path | str,
    clip: ClipInfo,
    *,
    content: str,
    overwrite: bool = False,
    style: Style = DEFAULT,
    start: int = 0,
    end: int | None = None,
) -> Writer:
    """Start an output of a clip.

    The suffix chooses the format: .mov ProRes 4444, .webm VP9, .mkv FFV1, .mp4 H.264; a folder or name_%05d.png is a
    sequence of PNG files. Size, times, rate, pixel aspect and colours are the clip's; sound is copied as it is into
    video files that show colour. Where a span starts after the first frame, its time starts at 0.

    Args:
        path: The output.
        clip: What it is made of.
        content: "alpha" (grey), "foreground", "cutout" (straight colour with alpha) or "composite".
        overwrite: Whether an output that stands there is replaced, once the new one is whole.
        style: How it is written; the default loses nothing that the format can keep.
        start: First frame number that will be written.
        end: One past the last, or None for all.

    Raises:
        InputError: The format is not known or cannot hold the content, or the span leaves the clip.
        MediaError: The output cannot or must not be written.
    """
    last = check_span(clip, start, end)
    plan = check_output(path, clip, content=content, overwrite=overwrite, style=style, frames=last - start)
    clip = replace(clip, size=output_size(content, clip.size))
    try:
        sink = _start(plan, clip, (start, last))
    except MattekitError:
        raise
    except (av.FFmpegError, OSError, ValueError) as error:
        raise cannot_write(plan.path, error) from error
    try:
        return Writer(plan, sink, size=clip.size, frames=last - start, overwrite=overwrite)
    except BaseException:
        sink.discard()
        raise


def _start(plan: Plan, clip: ClipInfo, span: tuple[int, int]) -> VideoFile | ImageSequence:
    """Return what takes the frames of an output, under a temporary name."""
    temporary = temporary_path(plan)
    if plan.video is None:
        return ImageSequence(temporary, plan, clip=clip, start=span[0])
    last_duration = duration_before(clip, span[1])
    return VideoFile(temporary, plan, video=plan.video, clip=clip, span=span, last_duration=last_duration)
