"""Copies sound from a clip to an output, packet by packet, as it is."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.stream import Discard

from mattekit.checks import MediaError
from mattekit.media.opening import open_media, packets_of
from mattekit.media.paths import reason, show_path

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.packet import Packet
    from av.stream import Stream

    from mattekit.types import ClipInfo


class SoundCopy:
    """The sound of a clip on its way into an output that is being written.

    Args:
        clip: Where the sound comes from.
        output: Where it goes; its header must not be written yet.
        container: FFmpeg's name of the output's format.
    """

    def __init__(self, clip: ClipInfo, output: OutputContainer, container: str) -> None:
        self.notes: list[str] = []
        self.copied = 0
        self._clip = clip
        self._output = output
        self._open = ExitStack()
        source = self._open.enter_context(open_media(clip.path))
        self._streams: dict[int, Stream] = {}
        for stream in source.streams.audio:
            why = why_not(stream, container)
            if why is None:
                self._streams[stream.index] = output.add_stream_from_template(stream)
            else:
                self.notes.append(f"sound left out: {why}")
        wanted = [stream for stream in source.streams.audio if stream.index in self._streams]
        for other in source.streams:
            if other.index not in self._streams:
                other.discard = Discard.all
        self._packets: Iterator[Packet[Stream]] = packets_of(source, *wanted) if wanted else iter(())
        self._next: Packet[Stream] | None = None

    def copy_until(self, end: Fraction | None, *, start: Fraction | None = None) -> None:
        """Copy what sounds from where the last call stopped, in order of time.

        Args:
            end: Seconds in the clip; packets that begin here or later wait. None copies all.
            start: Seconds in the clip that become 0 in the output; packets that begin before are left out. None keeps
                the clip's own times.

        Raises:
            MediaError: The sound cannot be read.
        """
        while True:
            packet = self._peek()
            if packet is None or packet.time_base is None:
                return
            begins = (packet.pts if packet.pts is not None else packet.dts or 0) * packet.time_base
            if end is not None and begins >= end:
                return
            self._next = None
            if start is not None:
                if begins < start:
                    continue
                shift = round(start / packet.time_base)
                packet.pts = None if packet.pts is None else packet.pts - shift
                packet.dts = None if packet.dts is None else packet.dts - shift
            packet.stream = self._streams[packet.stream_index]
            self._output.mux(packet)
            self.copied += 1

    def close(self) -> None:
        """Close the clip."""
        self._open.close()

    def _peek(self) -> Packet[Stream] | None:
        """Return the next packet without taking it; None at the end."""
        try:
            while self._next is None:
                packet = next(self._packets, None)
                if packet is None:
                    return None
                if not packet.size or packet.dts is None:
                    continue
                if packet.is_corrupt and self._clip.kept is not None:
                    self._lose("a damaged part of the sound is left out")
                    continue
                self._next = packet
        except (av.FFmpegError, OSError) as error:
            if self._clip.kept is not None:
                self._lose("the sound ends where it cannot be read")
                self._packets = iter(())
                return None
            shown = show_path(self._clip.path)
            raise MediaError(f"the sound of {shown} must be readable; {reason(error)}; copy the file again") from error
        return self._next

    def _lose(self, what: str) -> None:
        """Note once what is left out of a damaged clip's sound."""
        if what not in self.notes:
            self.notes.append(what)


def why_not(stream: AudioStream, container: str) -> str | None:
    """Return why a sound stream cannot go into a kind of file as it is, or None if it can.

    The header of a file in memory is written to see.
    """
    name = stream.codec_context.codec.canonical_name if stream.codec_context else "its codec"
    try:
        with av.open(io.BytesIO(), mode="w", format=container) as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
    except (av.FFmpegError, OSError, ValueError) as error:
        said = "does not support" in str(error)
        return f"{container} cannot hold {name}" if said else f"{container} does not take this {name} ({reason(error)})"
    return None
