"""Any frame of a clip at any time, the same to the bit as reading the clip from its start."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from mattekit.checks import InputError, MediaError
from mattekit.media.images import image_pictures
from mattekit.media.opening import open_media, packets_of, skip_other_streams, video_stream
from mattekit.media.pixels import Picture, PictureReader
from mattekit.media.reader import fill_colour
from mattekit.media.video import decode, decode_pictures, turn_picture
from mattekit.types import ClipInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Seeker:
    """Gives the frames of a clip in any order; not to several threads at a time.

    A video whose packets tell the time of every frame is entered at the key frame before the one that is asked for. Any
    other, and one in which a frame is not found so, is decoded from its start. Where the frame that was given last is
    nearer than that, it goes on from there.

    Args:
        clip: From ``probe``.

    Raises:
        MediaError: The clip cannot be opened.
    """

    def __init__(self, clip: ClipInfo) -> None:
        self._clip = clip
        self._times, self._entries = _index(clip) if clip.kind == "video" else (array("q"), array("q"))
        self._walk: Iterator[tuple[int, Picture]] | None = None
        self._at = -1

    @property
    def is_indexed(self) -> bool:
        """Whether frames are found without decoding all before them."""
        return self._clip.kind == "images" or bool(self._times)

    def picture(self, number: int) -> Picture:
        """Return the planes of a frame, turned as they should be seen.

        Raises:
            InputError: The clip has no such frame.
            MediaError: The frame is damaged.
        """
        if not 0 <= number < self._clip.frames:
            raise InputError(f"a frame's number must be 0 to {self._clip.frames - 1}; got {number}")
        if self._clip.kind == "images":
            return next(image_pictures(self._clip, iter([number])))[1]
        if self._times:
            found = self._sought(number)
            if found is not None:
                return found
            self.close()
            self._times = array("q")  # this file's key frames do not lead to every frame
        return self._walked(number)

    def colour(self, number: int) -> NDArray[np.float32]:
        """Return a frame as RGB (3, H, W) in [0, 1], as `mattekit.media.read` gives it."""
        frame = np.empty((3, *self._clip.size), dtype=np.float32)
        fill_colour(self.picture(number), frame)
        return frame

    def close(self) -> None:
        """Let go of the file."""
        if self._walk is not None:
            self._walk.close()  # type: ignore[attr-defined]
            self._walk = None

    def _sought(self, number: int) -> Picture | None:
        """Return a frame by way of the key frame before it, or None where it does not come out so."""
        time = self._times[number]
        entry = bisect_right(self._entries, time) - 1
        if entry < 0:
            return None
        first = bisect_right(self._times, self._entries[entry]) - 1
        if self._walk is None or not first - 1 <= self._at < number:
            self.close()
            self._walk = _entered(self._clip, self._entries[entry], self._times)
        try:
            return self._next(number)
        except MediaError:
            return None

    def _walked(self, number: int) -> Picture:
        """Return a frame by decoding from the start, or from the frame that was asked for last."""
        if self._walk is None or self._at >= number:
            self.close()
            self._walk = ((found.index, found.picture) for found in decode_pictures(self._clip))
        picture = self._next(number)
        if picture is None:
            raise MediaError(f"frame {number} must decode; the clip ended before it: copy it again from its source")
        return picture

    def _next(self, number: int) -> Picture | None:
        """Return a frame that is still to come on the way, or None where it does not come."""
        for found, picture in self._walk or ():
            self._at = found
            if found >= number:
                return picture if found == number else None
        return None


def _index(clip: ClipInfo) -> tuple[array[int], array[int]]:
    """Return the times of a video's frames and those of its key frames in order; none where they are not sure."""
    times, entries = array("q"), array("q")
    if clip.timed and clip.kept is None:
        with open_media(clip.path) as container:
            stream = video_stream(container, clip.path)
            skip_other_streams(container, stream)
            for packet in packets_of(container, stream):
                if packet.size and not packet.is_discard and packet.pts is not None:
                    times.append(packet.pts)
                    if packet.is_keyframe:
                        entries.append(packet.pts)
    if len(times) != clip.frames or len(set(times)) != clip.frames:
        return array("q"), array("q")
    return array("q", sorted(times)), array("q", sorted(entries))


def _entered(clip: ClipInfo, entry: int, times: array[int]) -> Iterator[tuple[int, Picture]]:
    """Yield the numbers and pictures of a video's frames from a key frame on; those with no known time are left out."""
    reader = PictureReader()
    for frame in decode(clip.path, entry=entry):
        number = bisect_right(times, frame.pts) - 1 if frame.pts is not None else -1
        if number < 0 or times[number] != frame.pts:
            continue
        picture = turn_picture(reader.read(frame), clip.rotation, clip.mirrored)
        if picture.planes[0].shape != clip.size:
            raise MediaError(f"all frames must have one size; frame {number} has {picture.planes[0].shape}")
        yield number, picture
