"""What is whole of a damaged clip: every frame that decodes and whose data lean on nothing that is lost."""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from mattekit.checks import MediaError
from mattekit.media.formats import IMAGES, MATROSKA
from mattekit.media.images import check_numbers, describe_images, find_images, list_images, numbers_of
from mattekit.media.matroska import find_damage
from mattekit.media.opening import open_media, video_stream
from mattekit.media.paths import show_path
from mattekit.media.probe import Scan, describe, probe
from mattekit.media.stills import Header, load_image, read_header
from mattekit.media.video import decode_clip, decode_steps, frame_time, stream_rate
from mattekit.types import ClipInfo, Kept

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream


def salvage(path: Path | str) -> ClipInfo:
    """Return what is known of a clip that may be damaged; ``kept`` tells which of its frames are whole.

    A frame is lost if it does not decode, if FFmpeg marks it as damaged, if it has another size than the first, or if
    it may lean on a lost one: after a loss, frames count again from the next that needs no other. A whole clip comes
    back as from ``probe``, with no ``kept``.

    Raises:
        MediaError: Nothing of it is whole, or it cannot be opened at all.
    """
    path = Path(path)
    try:
        clip = probe(path)
        if clip.kind == "video":
            if _is_whole(clip):
                return clip
        else:
            for file in clip.files:
                load_image(file)
            return clip
    except MediaError:
        pass
    if os.path.isdir(path):
        return _salvage_images(path)
    if path.suffix.lower() in IMAGES:
        return probe(path)
    return _salvage_video(path)


def _is_whole(clip: ClipInfo) -> bool:
    """Return whether a video's frames all decode, are of one size, and follow each other in time.

    Raises:
        MediaError: One does not decode, or its time does not come after that of the one before.
    """
    time, count, sizes = None, 0, set()
    for frame in decode_clip(clip):
        time = frame_time(clip, frame, count, time)
        count += 1
        sizes.add((frame.height, frame.width))
    return count == clip.frames and len(sizes) == 1


def name_losses(clip: ClipInfo) -> list[str]:
    """Return one line on what a damaged clip has lost, and none for a whole one.

    Example:
        >>> from fractions import Fraction
        >>> kept = Kept(places=(0, 3), numbers=(0, 3), frames=4)
        >>> clip = ClipInfo(Path("a.mkv"), "video", (4, 4), 2, Fraction(24), Fraction(1, 24), kept=kept)
        >>> name_losses(clip)
        ['a.mkv is damaged: of 4 frames 2 are lost (1 to 2)']
    """
    if clip.kept is None:
        return []
    spans = ", ".join(f"{first}" if first == last else f"{first} to {last}" for first, last in lost_spans(clip.kept))
    lost = clip.kept.frames - len(clip.kept.numbers)
    told = f"of {clip.kept.frames} frames {lost} are lost ({spans})" if lost else "what followed its last frame is lost"
    return [f"{show_path(clip.path)} is damaged: {told}"]


def lost_spans(kept: Kept) -> list[tuple[int, int]]:
    """Return the first and the last number of each run of lost frames."""
    bounds = [-1, *kept.numbers, kept.frames]
    return [(before + 1, after - 1) for before, after in pairwise(bounds) if after - before > 1]


@dataclass
class _Survey:
    """What decoding a whole damaged video gives.

    Attributes:
        times: Time of each packet in order of decoding, or None.
        keys: Whether decoding may begin at it.
        lost: Whether it is lost.
        places: Its byte in the file, or -1.
        frames: Of each frame that came out, in order of showing: time, whether it is whole, whether it needs no other.
        size: (height, width) of the first frame that is not damaged.
        listed: Frames that the file's own table lists; 0 without one.
        step: Ticks from frame to frame by the stated rate; 0 without one.
    """

    times: list[int | None] = field(default_factory=list)
    keys: list[bool] = field(default_factory=list)
    lost: list[bool] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    frames: list[tuple[int | None, bool, bool]] = field(default_factory=list)
    size: tuple[int, int] | None = None
    listed: int = 0
    step: Fraction = Fraction(0)

    def add_packet(self, packet: Packet[VideoStream], failed: bool) -> None:
        """Note one packet that is to be shown."""
        self.times.append(packet.pts)
        self.keys.append(packet.is_keyframe)
        self.lost.append(failed or packet.is_corrupt)
        self.places.append(-1 if packet.pos is None else packet.pos)

    def add_frame(self, frame: VideoFrame) -> None:
        """Note one frame that came out of the decoder."""
        size = (frame.height, frame.width)
        if self.size is None and not frame.is_corrupt:
            self.size = size
        self.frames.append((frame.pts, size == self.size and not frame.is_corrupt, frame.key_frame))


def _salvage_video(path: Path) -> ClipInfo:
    """Return a damaged video with the frames that are kept."""
    survey = _survey(path)
    kept = _kept_by_time(survey) if _is_timed(survey) else _kept_by_place(survey)
    if not kept.places:
        raise MediaError(f"{show_path(path)} must hold a whole frame; none is; copy it again from its source")
    times = array("q", (time for place in kept.places if (time := survey.frames[place][0]) is not None))
    whole = _is_rising(times) and len(times) == len(kept.places)
    with open_media(path) as container:
        stream = video_stream(container, path)
        base = stream.time_base
        steps = Counter(after - before for before, after in pairwise(times))
        span = (times[-1] - times[0]) * base if whole and base else Fraction(0)
        rate = stream_rate(stream, len(kept.places), span)
        step = steps.most_common(1)[0][0] if steps else max(1, round(1 / (rate * base))) if base else 1
        found = Scan(len(kept.places), times, step, rate, timed=whole)
        frames = (frame for part in decode_steps(path) for frame in part.frames)
        first = next(frame for place, frame in enumerate(frames) if place == kept.places[0])
        return replace(describe(path, container, stream, first=first, found=found), kept=kept)


def _survey(path: Path) -> _Survey:
    """Decode a whole damaged video and note what comes of it."""
    survey = _Survey()
    with open_media(path) as container:
        stream = video_stream(container, path)
        survey.listed = len(stream.index_entries)
        if stream.average_rate and stream.time_base:
            survey.step = 1 / (stream.average_rate * stream.time_base)
        is_matroska = container.format.name == MATROSKA
    for step in decode_steps(path):
        if step.packet is not None and not step.packet.is_discard:
            survey.add_packet(step.packet, step.failed)
        for frame in step.frames:
            survey.add_frame(frame)
    broken = find_damage(path) if is_matroska else None
    if broken is not None:
        behind = next((index for index, place in enumerate(survey.places) if place > broken), None)
        noticed = any(survey.lost) or not all(is_whole for _, is_whole, _ in survey.frames)
        if behind is not None and not noticed:  # a checksum fails and no decoder says where
            survey.lost[behind] = True
    return survey


def _is_timed(survey: _Survey) -> bool:
    """Return whether packets and frames can be paired by their times."""
    times = set(survey.times)
    return (
        None not in times
        and len(times) == len(survey.times)
        and _is_rising([time for time, _, _ in survey.frames if time is not None])
        and all(time in times for time, _, _ in survey.frames)
    )


def _is_rising(times: Sequence[int]) -> bool:
    return all(before < after for before, after in pairwise(times))


def _kept_by_time(survey: _Survey) -> Kept:
    """Return the frames that are kept where each frame is paired with its packet by time."""
    times = [time for time in survey.times if time is not None]
    packet_at = {time: index for index, time in enumerate(times)}
    whole = {time for time, is_whole, _ in survey.frames if is_whole}
    lost = [is_lost or time not in whole for is_lost, time in zip(survey.lost, times, strict=True)]
    for index in _after_gaps(times):
        lost[packet_at[index]] = True
    _spread(lost, survey.keys, times)
    numbers = _numbers(sorted(times), survey.step)
    places = [
        place for place, (time, _, _) in enumerate(survey.frames) if time is not None and not lost[packet_at[time]]
    ]
    kept = tuple(numbers[time] for place in places if (time := survey.frames[place][0]) is not None)
    return Kept(tuple(places), kept, max(1 + max(numbers.values(), default=-1), survey.listed))


def _numbers(times: Sequence[int], step: Fraction) -> dict[int, int]:
    """Return the number of each frame by its time: where the rate is constant, gaps are counted too."""
    if step > 0:
        even = [round((time - times[0]) / step) for time in times]
        slack = max(Fraction(1), step / 10)
        usual = Counter(after - before for before, after in pairwise(even)).most_common(1)
        drifts = [abs(time - times[0] - number * step) for time, number in zip(times, even, strict=True)]
        if usual and usual[0][0] == 1 and _is_rising(even) and max(drifts) <= slack:
            return dict(zip(times, even, strict=True))
    return {time: number for number, time in enumerate(times)}


def _after_gaps(times: Sequence[int]) -> list[int]:
    """Return the times that follow a gap, behind which packets may be missing that later ones lean on."""
    ordered = sorted(times)
    steps = Counter(after - before for before, after in pairwise(ordered))
    usual = steps.most_common(1)[0][0] if steps else 0
    return [after for before, after in pairwise(ordered) if 2 * (after - before) > 3 * usual]


def _spread(lost: list[bool], keys: Sequence[bool], times: Sequence[int]) -> None:
    """Mark what may lean on lost packets, in order of decoding.

    That is all up to the next packet that needs no other, and what follows that one but is shown before it.
    """
    spoilt, key_time = False, None
    for index, time in enumerate(times):
        if keys[index] and not lost[index]:
            key_time = time if spoilt or key_time is not None else None
            spoilt = False
            continue
        if key_time is not None and time > key_time:
            key_time = None
        spoilt = spoilt or lost[index]
        lost[index] = lost[index] or spoilt or key_time is not None


def _kept_by_place(survey: _Survey) -> Kept:
    """Return the frames that are kept where no time pairs them with packets: after a loss, from a key frame on."""
    spoilt, places = any(survey.lost[:1]), []
    for place, (_, is_whole, is_key) in enumerate(survey.frames):
        spoilt = not is_whole or (spoilt and not is_key)
        if not spoilt:
            places.append(place)
    return Kept(tuple(places), tuple(places), max(len(survey.frames), len(survey.times), survey.listed))


def _salvage_images(folder: Path) -> ClipInfo:
    """Return a folder of images with the files that are whole and of the size of the first such."""
    files = find_images(folder)
    numbers = numbers_of(files)
    if numbers is None:
        numbers = list(range(len(files)))
    check_numbers(folder, files, numbers)
    if max(numbers) - min(numbers) >= 10 * len(numbers) + 1000:
        list_images(folder)  # which names the gap
    found: list[tuple[int, Path, Header]] = []
    for number, file in zip(numbers, files, strict=True):
        try:
            header = read_header(file)
            load_image(file)
        except MediaError:
            continue
        if not found or header.size == found[0][2].size:
            found.append((number - min(numbers), file, header))
    if not found:
        raise MediaError(f"{show_path(folder)} must hold a whole image; none is; copy it again from its source")
    kept_numbers, kept_files, headers = zip(*found, strict=True)
    kept = Kept(tuple(range(len(found))), kept_numbers, max(numbers) - min(numbers) + 1)
    return replace(describe_images(folder, kept_files, headers), kept=kept)
