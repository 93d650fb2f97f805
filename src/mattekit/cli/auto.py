"""`--model auto`: people are found, and the frames in which that is surest become key frames, so that no one draws."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from mattekit.checks import InputError
from mattekit.cli.device import choose_device
from mattekit.cli.guide import Guide, open_guide
from mattekit.cli.keyframes import KeySource
from mattekit.cli.outputs import check_outputs, commit
from mattekit.cli.report import Summary, progress_bar
from mattekit.cli.salvage import number_of
from mattekit.media import Style, frames_at, open_writer, read, show_path
from mattekit.media.outputs import plan_output
from mattekit.media.reader import chunk_length
from mattekit.types import Chunk, ClipInfo, Kept

if TYPE_CHECKING:
    from torch import Tensor

    from mattekit.engine.key_choice import Choice, Reading

LEAST_TRUST = 0.65
"""Where people are seen nowhere more surely than this, none are taken to be there."""

BITS = 8

KeepTrimaps = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Keep the trimaps that --model auto makes, numbered by frame.")
]


@dataclass(frozen=True)
class Drawn:
    """Key frames that were chosen, and the trimaps that were made for them.

    Attributes:
        keys: Trimap by frame.
        choices: What was chosen, in order.
    """

    keys: dict[int, KeySource]
    choices: tuple[Choice, ...]

    def told(self, summary: Summary, clip: ClipInfo) -> Summary:
        """Return a summary that tells of the key frames too: a line, one on those that show nobody, and in JSON."""
        numbers = [number_of(clip, choice.frame) for choice in self.choices]
        chosen = list(zip(numbers, self.choices, strict=True))
        seen = ", ".join(f"{number} ({each.trust:.2f})" for number, each in chosen if not each.empty)
        empty = ", ".join(str(number) for number, each in chosen if each.empty)
        notes = [f"key frames, and the trust in what was seen there: {seen}"]
        notes += [f"key frames that show nobody: {empty}"] if empty else []
        rows = [{"frame": number, "trust": round(each.trust, 3), "empty": each.empty} for number, each in chosen]
        return replace(summary, notes=[*summary.notes, *notes], further={**summary.further, "key_frames": rows})


def check_trimap_folder(folder: Path | None, clip: ClipInfo, *, overwrite: bool) -> None:
    """Raise unless the trimaps can be kept where they are asked to be.

    Raises:
        InputError: It is not a folder's name.
        MediaError: Its place is missing, locked or taken.
    """
    if folder is None:
        return
    if plan_output(folder, content="alpha").kind != "folder":
        raise InputError(f"--keep-trimaps must name a folder; got {show_path(folder)}: leave its suffix out")
    check_outputs({"alpha": folder}, clip, frames=1, overwrite=overwrite)


def draw_trimaps(
    clip: ClipInfo,
    guide: Guide,
    *,
    cuts: Sequence[int],
    device: str,
    keep: Path | None,
    overwrite: bool,
    stack: ExitStack,
) -> Drawn:
    """Choose key frames and write a trimap for each.

    The clip is decoded once at a small size, of which what is seen in each frame is kept as three numbers; then around
    each key frame once more.

    Args:
        clip: What is matted.
        guide: Where maps of people come from, and the span.
        cuts: Numbers of the frames that begin a new scene.
        device: Where the network that finds people runs.
        keep: Folder that the trimaps stay in, or None.
        overwrite: Whether trimaps that stand there are replaced.
        stack: Takes the folder away in the end, where it is not to be kept.

    Raises:
        InputError: Nobody is seen anywhere.
        MediaError: A frame is damaged, or the trimaps cannot be written.
    """
    from mattekit.engine.key_choice import choose_keys

    choices = choose_keys(_readings(clip, guide, cuts, device), start=guide.span[0], cuts=cuts)
    _check_people(choices, clip)
    if keep is None:
        keep = Path(stack.enter_context(TemporaryDirectory(prefix="mattekit-"))) / "trimaps"
    frames = [choice.frame for choice in choices]
    numbers = [number_of(clip, frame) for frame in frames]
    sparse = Kept(tuple(range(len(frames))), tuple(numbers), clip.frames if clip.kept is None else clip.kept.frames)
    listed = replace(clip, kind="images", files=(), frames=len(frames), has_audio=False, kept=sparse)
    style = Style(bits=BITS)
    with open_writer(keep, listed, content="alpha", style=style, overwrite=overwrite) as writer:
        for place, trimap in enumerate(_trimaps(clip, guide, frames, cuts, device)):
            writer.write(trimap, place)
        commit([writer])
    plan = plan_output(keep, content="alpha", style=style)
    keys = {frame: KeySource(keep / plan.name(number)) for frame, number in zip(frames, numbers, strict=True)}
    return Drawn(keys, tuple(choices))


def _readings(clip: ClipInfo, guide: Guide, cuts: Sequence[int], device: str) -> list[Reading]:
    """Return what is seen in every frame."""
    from mattekit.engine import stream
    from mattekit.engine.key_choice import Reading
    from mattekit.ops.people import judge_map

    first, end = guide.span
    size = _small(clip)
    source = open_guide(guide, device=device, size=size)
    frames = read(clip, chunk=chunk_length(clip.size), start=first, end=end)
    readings: list[Reading] = []
    with closing(frames) as chunks, progress_bar("people", end - first) as progress:  # type: ignore[type-var]
        small = (replace(chunk, frames=_shrunk(chunk.frames, size)) for chunk in chunks)
        for matte in stream.predict(stream.move(small, choose_device(device)), source, cuts=cuts):
            for map_ in matte.alpha:
                seen = judge_map(map_)
                readings.append(Reading(seen.share, seen.confidence, seen.is_empty))
            progress(len(readings))
    return readings


def _trimaps(clip: ClipInfo, guide: Guide, frames: Sequence[int], cuts: Sequence[int], device: str) -> Iterator[Tensor]:
    """Yield the trimap (1, H, W) of each key frame, from the frame and those around it."""
    import torch

    from mattekit.engine import stream
    from mattekit.ops.graph_cut import cut_map
    from mattekit.ops.people import trimap_from_map

    size = _small(clip)
    source = open_guide(guide, device=device, size=size)
    around = [_around(frame, source.context, guide.span, cuts) for frame in frames]
    pictures = frames_at(clip, [number for numbers in around for number in numbers])
    for frame, numbers in zip(frames, around, strict=True):
        small = torch.stack([_shrunk(next(pictures), size) for _ in numbers])
        chunk = Chunk(numbers[0], torch.tensor(list(numbers)), small)
        mattes = stream.predict(stream.move([chunk], choose_device(device)), source)
        place = frame - numbers[0]
        map_ = torch.cat([matte.alpha for matte in mattes])[place].cpu()
        yield trimap_from_map(map_, clip.size, mask=cut_map(small[place], map_))


def _around(frame: int, reach: int, span: tuple[int, int], cuts: Sequence[int]) -> range:
    """Return the numbers of the frames of a scene that a frame's map comes from."""
    bounds = [span[0], *(cut for cut in sorted(cuts) if span[0] < cut < span[1]), span[1]]
    scene = bisect_right(bounds, frame)
    return range(max(frame - reach, bounds[scene - 1]), min(frame + reach + 1, bounds[scene]))


def _small(clip: ClipInfo) -> tuple[int, int]:
    """Return the (height, width) at which people are looked for."""
    from mattekit.models.person.prior import WORKING_SIZE
    from mattekit.ops.resize import size_within

    return size_within(clip.size, WORKING_SIZE)


def _shrunk(frames: Tensor, size: tuple[int, int]) -> Tensor:
    from mattekit.ops import resize

    return resize(frames, size)


def _check_people(choices: Sequence[Choice], clip: ClipInfo) -> None:
    """Raise where nobody is seen, in no scene.

    Raises:
        InputError: So it is; the message tells of the frame that looked most like it.
    """
    seen = [choice for choice in choices if not choice.empty]
    if any(choice.trust >= LEAST_TRUST for choice in seen):
        return
    found = "nobody is seen in any frame"
    if seen:
        best = max(seen, key=lambda choice: choice.trust)
        found = f"people are seen with a trust of {best.trust:.2f} at most, in frame {number_of(clip, best.frame)}"
    raise InputError(
        f"--model auto must be given a clip of people; {found}: draw a trimap of one frame and take --model dvm "
        "--trimap FRAME=PNG, or bring maps with --prior"
    )
