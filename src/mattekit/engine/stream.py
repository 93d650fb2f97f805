"""The main job as generators over chunks: propagate, predict, complete, write. Nothing points back.

Only state of fixed size outlives a chunk, so memory does not depend on the length of the clip, and how a clip is cut
into chunks changes no result.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor

from mattekit.checks import InputError, MattekitError, check_rank, check_same_size
from mattekit.ops.foreground import estimate_foreground
from mattekit.ops.trimap import check_trimap, force_known
from mattekit.types import Chunk, Matte, Matter, Propagator, Sink, State


def move(chunks: Iterable[Chunk], device: torch.device | str) -> Iterator[Chunk]:
    """Yield the chunks with frames and trimap on a device; timestamps stay where they are."""
    for chunk in chunks:
        trimap = None if chunk.trimap is None else chunk.trimap.to(device)
        yield replace(chunk, frames=chunk.frames.to(device), trimap=trimap)


FARTHEST = 3
"""A second key frame is used where it is at most this many times as far in time as the nearest."""


def keyframes_around(indices: Sequence[int], frame: int, *, scene: tuple[int, int | None] = (0, None)) -> list[int]:
    """Return the key frames that a frame's trimap is carried from, the nearest first, the earlier of two as near.

    They are the last one before and the first one after it; the farther of them only where it is not more than
    `FARTHEST` times as far.

    Args:
        indices: Numbers of the key frames, increasing.
        frame: Number of a frame; a key frame has itself alone.
        scene: First frame of the scene, and the frame after its last one or None; key frames outside are left out.

    Returns:
        One or two numbers; none where the scene has no key frame.

    Example:
        >>> keyframes_around([0, 10], 4), keyframes_around([0, 10], 9), keyframes_around([0, 10], 10)
        ([0, 10], [10], [10])
    """
    first, end = scene
    after = bisect_left(indices, frame)
    around = (
        indices[after : after + 1] if frame in indices[after : after + 1] else indices[max(after - 1, 0) : after + 1]
    )
    inside = [index for index in around if index >= first and (end is None or index < end)]
    ordered = sorted(inside, key=lambda index: (abs(index - frame), index))
    return [index for index in ordered if abs(index - frame) <= FARTHEST * abs(ordered[0] - frame)]


def propagate(
    chunks: Iterable[Chunk],
    propagator: Propagator | None,
    *,
    indices: Sequence[int],
    trimap_at: Callable[[int], Tensor],
    frame_at: Callable[[int], Tensor],
    cuts: Sequence[int] = (),
    watch: Callable[[int, float], None] | None = None,
) -> Iterator[Chunk]:
    """Yield every chunk with a trimap for each frame.

    A key frame takes the user's trimap untouched; any other frame takes what the propagator carries over from the key
    frames around it in time and from the frame before. Nothing is carried over a cut. Two key frames at most are in
    memory at a time, each encoded only when a frame needs it.

    Args:
        chunks: Of one clip, in order.
        propagator: May be None when every frame is a key frame.
        indices: Numbers of the key frames, in any order.
        trimap_at: Returns the trimap (1, H, W) of a key frame; called in increasing order, at most once for each.
        frame_at: Returns the picture (3, H, W) of a key frame that has not come by yet; called like ``trimap_at``.
        cuts: Numbers of the frames that begin a new scene.
        watch: Called with the number of each frame that has no trimap of the user's, and the confidence in its trimap.

    Raises:
        InputError: There is no key frame, a trimap does not fit the clip, a frame has none and there is no propagator,
            or a scene has no key frame.
    """
    if not indices:
        raise InputError("propagation must start from at least one key frame; got none: give a trimap of one frame")
    keys = _Keyframes(indices, cuts, trimap_at, frame_at)
    state: State = None
    for chunk in chunks:
        trimaps = []
        for number, frame in enumerate(chunk.frames, start=chunk.start):
            around = keys.around(number, frame)
            if around[0].index == number:
                around[0].frame, state = frame, None
                trimaps.append(around[0].trimap)
                continue
            if propagator is None:
                raise InputError(
                    f"every frame must have a trimap where nothing propagates them; frame {number} has none"
                )
            references = keys.references(around, propagator, frame)
            found = propagator.step(frame, references, state if keys.has_earlier(number) else None)
            state = found.state
            trimaps.append(found.trimap)
            if watch is not None:
                watch(number, found.confidence)
        yield replace(chunk, trimap=torch.stack(trimaps))


class _Keyframes:
    """The key frames of a clip, of which those in use are loaded."""

    def __init__(
        self,
        indices: Sequence[int],
        cuts: Sequence[int],
        trimap_at: Callable[[int], Tensor],
        frame_at: Callable[[int], Tensor],
    ) -> None:
        self._indices, self._cuts = sorted(set(indices)), sorted(set(cuts))
        self._trimap_at, self._frame_at = trimap_at, frame_at
        self._loaded: dict[int, _Key] = {}

    def around(self, number: int, frame: Tensor) -> list[_Key]:
        """Return the key frames that a frame needs, the nearest first; those it has left behind are let go."""
        scene = _scene(self._cuts, number)
        around = keyframes_around(self._indices, number, scene=scene)
        if not around:
            last = "the end" if scene[1] is None else scene[1] - 1
            raise InputError(
                f"every scene must have a key frame; the one from frame {scene[0]} to {last} has none: "
                "give a trimap of one of its frames"
            )
        for index in sorted(around):
            if index not in self._loaded:
                self._loaded[index] = _Key(index, _load_trimap(index, frame, self._trimap_at))
        self._loaded = {index: key for index, key in self._loaded.items() if index >= min(around)}
        return [self._loaded[index] for index in around]

    def references(self, around: Sequence[_Key], propagator: Propagator, like: Tensor) -> list[State]:
        """Return the encoded key frames in the order given; pictures are asked for in order of time."""
        encoded = {
            key.index: key.reference(propagator, self._frame_at, like)
            for key in sorted(around, key=lambda key: key.index)
        }
        return [encoded[key.index] for key in around]

    def has_earlier(self, number: int) -> bool:
        """Return whether a key frame comes before a frame in its scene; else what was guessed before is no help."""
        after = bisect_left(self._indices, number)
        return after > 0 and self._indices[after - 1] >= _scene(self._cuts, number)[0] and number not in self._cuts


def _scene(cuts: Sequence[int], frame: int) -> tuple[int, int | None]:
    """Return the first frame of a frame's scene, and the first of the next scene or None."""
    after = bisect_right(cuts, frame)
    return (cuts[after - 1] if after else 0), (cuts[after] if after < len(cuts) else None)


class _Key:
    """A key frame in use: its trimap, its picture as soon as it is known, its encoding as soon as it is needed."""

    def __init__(self, index: int, trimap: Tensor) -> None:
        self.index, self.trimap = index, trimap
        self.frame: Tensor | None = None
        self._encoded: State = None
        self._is_encoded = False

    def reference(self, propagator: Propagator, frame_at: Callable[[int], Tensor], like: Tensor) -> State:
        """Return the encoded reference; the picture is let go once it is made."""
        if not self._is_encoded:
            frame = frame_at(self.index).to(like) if self.frame is None else self.frame
            self._encoded, self._is_encoded, self.frame = propagator.reference(frame, self.trimap), True, None
        return self._encoded


def _load_trimap(index: int, frame: Tensor, trimap_at: Callable[[int], Tensor]) -> Tensor:
    trimap = trimap_at(index).to(frame)
    check_rank(f"the trimap of frame {index}", trimap, "1 H W")
    check_same_size("frames", frame, f"the trimap of frame {index}", trimap)
    check_trimap(trimap)
    return trimap


def predict(chunks: Iterable[Chunk], matter: Matter, *, cuts: Sequence[int] = ()) -> Iterator[Matte]:
    """Yield the matte of every frame, in order, each with the frames that it belongs to.

    The matter may hand alphas out late; frames wait until theirs has come. Alpha is exactly 0 or 1 where the trimap
    is known. At a cut the matter begins anew, so that no scene is seen in the other.

    Args:
        chunks: Of one clip, in order, with trimaps where the matter needs them.
        matter: Makes alpha.
        cuts: Numbers of the frames that begin a new scene.

    Raises:
        InputError: The matter needs a trimap and a chunk has none.
        MattekitError: The matter made values that are not finite or not in [0, 1], or another number of frames.
    """
    waiting: deque[Chunk] = deque()
    state: State | None = None
    last: Chunk | None = None
    for chunk in (part for whole in chunks for part in _split(whole, cuts)):
        if matter.needs_trimap and chunk.trimap is None:
            raise InputError(
                f"every chunk must have a trimap; the one from frame {chunk.start} has none: propagate first"
            )
        if last is not None and chunk.start in cuts:
            yield from _pair(waiting, *_end(matter, last, state))
            state = None
        waiting.append(chunk)
        alpha, foreground, state = matter.step(chunk.frames, chunk.trimap, state)
        yield from _pair(waiting, alpha, foreground)
        last = chunk
    if last is not None:
        yield from _pair(waiting, *_end(matter, last, state))
    left = sum(len(chunk) for chunk in waiting)
    if left:
        raise MattekitError(f"a model must return a matte for every frame; the last {left} are missing")


def _split(chunk: Chunk, cuts: Sequence[int]) -> Iterator[Chunk]:
    """Yield a chunk in parts that begin where a cut does."""
    places = [cut - chunk.start for cut in sorted(cuts) if 0 < cut - chunk.start < len(chunk)]
    for first, end in pairwise([0, *places, len(chunk)]):
        yield chunk if not places else _part(chunk, first, end)


def _end(matter: Matter, last: Chunk, state: State) -> tuple[Tensor, Tensor | None]:
    """Return the alpha and foreground that a matter still holds back."""
    trimap = None if last.trimap is None else last.trimap[:0]
    alpha, foreground, _ = matter.step(last.frames[:0], trimap, state)
    return alpha, foreground


def _pair(waiting: deque[Chunk], alpha: Tensor, foreground: Tensor | None) -> Iterator[Matte]:
    """Yield mattes of the frames that have waited longest and drop these frames from the queue."""
    done = 0
    while done < len(alpha):
        if not waiting:
            raise MattekitError(f"a model must return one matte a frame; it returned {len(alpha) - done} too many")
        chunk = waiting.popleft()
        count = min(len(chunk), len(alpha) - done)
        if count < len(chunk):
            waiting.appendleft(_part(chunk, count, len(chunk)))
        part = slice(done, done + count)
        yield _matte(_part(chunk, 0, count), alpha[part], None if foreground is None else foreground[part])
        done += count


def _part(chunk: Chunk, first: int, end: int) -> Chunk:
    trimap = None if chunk.trimap is None else chunk.trimap[first:end]
    return Chunk(chunk.start + first, chunk.pts[first:end], chunk.frames[first:end], trimap)


def _matte(chunk: Chunk, alpha: Tensor, foreground: Tensor | None) -> Matte:
    for name, values in (("alpha", alpha), ("foreground", foreground)):
        if values is not None:
            low, high = values.aminmax()
            if not (low >= 0 and high <= 1):  # true of NaN too
                raise MattekitError(
                    f"{name} must be in [0, 1]; a model made {low:g} to {high:g} from frame {chunk.start}"
                )
    if chunk.trimap is not None:
        alpha = force_known(alpha, chunk.trimap)
    return Matte(chunk, alpha, foreground)


def complete(mattes: Iterable[Matte], *, foreground: bool) -> Iterator[Matte]:
    """Yield the mattes with straight foreground colour, estimated frame by frame where the model gave none.

    Args:
        mattes: In order.
        foreground: False passes the mattes on as they are, for outputs of alpha alone.
    """
    for matte in mattes:
        if foreground and matte.foreground is None:
            pairs = zip(matte.chunk.frames, matte.alpha, strict=True)
            yield replace(matte, foreground=torch.stack([estimate_foreground(frame, alpha) for frame, alpha in pairs]))
        else:
            yield matte


def write(mattes: Iterable[Matte], sinks: Sequence[Sink], *, progress: Callable[[int], None] | None = None) -> int:
    """Hand every matte, moved to the CPU, to every sink.

    Args:
        mattes: In order.
        sinks: Each takes every matte.
        progress: Called with the number of frames done so far.

    Returns:
        The number of frames.
    """
    done = 0
    for matte in mattes:
        settled = _on_cpu(matte)
        for sink in sinks:
            sink.write(settled)
        done += len(matte.chunk)
        if progress is not None:
            progress(done)
    return done


def _on_cpu(matte: Matte) -> Matte:
    (chunk,) = move((matte.chunk,), "cpu")
    return Matte(chunk, matte.alpha.cpu(), None if matte.foreground is None else matte.foreground.cpu())
