"""The cuts of a clip, found before any network is loaded, and scenes for which the user gave no trimap."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from typing import TYPE_CHECKING

from mattekit.checks import InputError, list_values
from mattekit.cli.report import progress_bar
from mattekit.media.thumbnails import read_thumbnails
from mattekit.types import ClipInfo

if TYPE_CHECKING:
    from torch import Tensor

MOST_NAMED = 8
"""Scenes for which a message spells out what to add."""


def cuts_of(
    clip: ClipInfo, span: tuple[int, int], keys: Collection[int], *, across: bool, keyed: bool = True
) -> tuple[int, ...]:
    """Return the numbers of the frames that begin a new scene, of all frames that a span's trimaps come from.

    The clip is decoded once more for it, to small pictures.

    Args:
        clip: What is looked at.
        span: First frame and one past the last.
        keys: Numbers of the key frames.
        across: Whether trimaps are carried over cuts; nothing is looked for then, nor in a single frame.
        keyed: Whether every scene must have a key frame, as it must where trimaps are carried.

    Raises:
        InputError: A scene of the span has no key frame; the message names each such scene.
        MediaError: A frame is damaged.
    """
    first, end = _reach(span, keys)
    if across or end - first < 2:
        return ()
    from mattekit.ops.cuts import THUMBNAIL, find_cuts

    pictures = read_thumbnails(clip, longest=THUMBNAIL, start=first, end=end)
    with closing(pictures), progress_bar("cuts", end - first) as progress:  # type: ignore[type-var]
        cuts = tuple(find_cuts(_counted(pictures, progress), start=first))
    if keyed:
        check_scenes(cuts, span, keys, numbers=() if clip.kept is None else clip.kept.numbers)
    return cuts


def check_scenes(
    cuts: Sequence[int], span: tuple[int, int], keys: Collection[int], *, numbers: Sequence[int] = ()
) -> None:
    """Raise unless every scene of a span has a key frame.

    Args:
        cuts: Numbers of the frames that begin a new scene, increasing.
        span: First frame and one past the last.
        keys: Numbers of the key frames, of the span and around it.
        numbers: How frames are called in the message, by their own numbers; by those where it is empty.

    Raises:
        InputError: A scene has none; the message names each such scene.
    """
    begun, last = min([span[0], *keys]), max([span[1], *(key + 1 for key in keys)])
    scenes = pairwise([begun, *(cut for cut in cuts if begun < cut < last), last])
    bare = [
        max(first, span[0])
        for first, end in scenes
        if first < span[1] and end > span[0] and not any(first <= key < end for key in keys)
    ]
    if not bare:
        return
    bare = [numbers[frame] for frame in bare] if numbers else bare
    scene = "scene that begins at frame" if len(bare) == 1 else "scenes that begin at frames"
    given = " ".join(f"--trimap {frame}=PNG" for frame in bare[:MOST_NAMED])
    raise InputError(
        f"every scene must have a trimap, since propagation stops at a cut; got none for the {scene} "
        f"{list_values(bare, most=MOST_NAMED)}: add {given}, or --across-cuts to carry trimaps over cuts"
    )


def _reach(span: tuple[int, int], keys: Collection[int]) -> tuple[int, int]:
    """Return the span, made longer at each end that lies between key frames to the nearest key frame outside it."""
    before = [key for key in keys if key <= span[0]]
    after = [key for key in keys if key >= span[1] - 1]
    return (max(before) if before else span[0]), (min(after) + 1 if after else span[1])


def _counted(pictures: Iterator[Tensor], progress: Callable[[int], None]) -> Iterator[Tensor]:
    """Pass pictures on and tell how many there were."""
    for done, picture in enumerate(pictures, 1):
        yield picture
        progress(done)
