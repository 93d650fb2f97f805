"""The main job as generators over chunks: propagate, predict, complete, write. Nothing points back.

Only state of fixed size outlives a chunk, so memory does not depend on the length of the clip, and how a clip is cut
into chunks changes no result.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor

from mattekit.checks import InputError, MattekitError
from mattekit.engine.keyframes import Keyframes
from mattekit.ops.foreground import estimate_foreground
from mattekit.ops.trimap import force_known
from mattekit.types import Chunk, Matte, Matter, Propagator, Sink, State


def move(chunks: Iterable[Chunk], device: torch.device | str) -> Iterator[Chunk]:
    """Yield the chunks with frames and trimap on a device; timestamps stay where they are."""
    for chunk in chunks:
        trimap = None if chunk.trimap is None else chunk.trimap.to(device)
        yield replace(chunk, frames=chunk.frames.to(device), trimap=trimap)


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
    keys = Keyframes(indices, cuts, trimap_at, frame_at)
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
