"""The main job as generators over chunks: propagate, predict, complete, write. Nothing points back.

Only state of fixed size outlives a chunk, so memory does not depend on the length of the clip, and how a clip is cut
into chunks changes no result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mattekit.engine import colour
from mattekit.engine.prediction import Prediction
from mattekit.engine.propagation import Propagation
from mattekit.types import Chunk, Matte, Matter, Propagator, Sink


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
    return Propagation(propagator, indices=indices, trimap_at=trimap_at, frame_at=frame_at, cuts=cuts, watch=watch).run(
        chunks
    )


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
    return Prediction(matter, cuts=cuts).run(chunks)


def complete(mattes: Iterable[Matte], *, foreground: bool, cuts: Sequence[int] = ()) -> Iterator[Matte]:
    """Yield the mattes with straight foreground colour, estimated where the model gave none and steady over time.

    Args:
        mattes: In order.
        foreground: False passes the mattes on as they are, for outputs of alpha alone.
        cuts: Numbers of the frames that begin a new scene.
    """
    return colour.complete(mattes, foreground=foreground, cuts=cuts)


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
