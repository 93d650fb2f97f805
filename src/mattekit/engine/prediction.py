"""Feeds a matter with a clip's frames, and what it must remember to go on from there another time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from torch import Tensor

from mattekit.checks import InputError, MattekitError
from mattekit.ops.trimap import force_known
from mattekit.types import Chunk, Matte, Matter, State


class Prediction:
    """The matting of one clip; between two chunks what it remembers can be taken, and given to another.

    The matter may hand alphas out late; frames wait until theirs has come. Alpha is exactly 0 or 1 where the trimap
    is known. At a cut the matter begins anew, so that no scene is seen in the other.

    Args:
        matter: Makes alpha.
        cuts: Numbers of the frames that begin a new scene.

    Attributes:
        state: What the matter handed back last; None at the beginning.
        waiting: Frames whose alpha has not come yet.
        last: The last frames that the matter was given, or None at the beginning and at the end.
    """

    def __init__(self, matter: Matter, *, cuts: Sequence[int] = ()) -> None:
        self.state: State = None
        self.waiting: deque[Chunk] = deque()
        self.last: Chunk | None = None
        self._matter, self._cuts = matter, cuts
        self._begin: Callable[[int], State] | None = getattr(matter, "begin", None)

    def run(self, chunks: Iterable[Chunk]) -> Iterator[Matte]:
        """Yield the matte of every frame, in order, each with the frames that it belongs to.

        Whenever the next chunk is asked for, every matte that the chunks before it have brought was yielded.

        Raises:
            InputError: The matter needs a trimap and a chunk has none.
            MattekitError: The matter made values that are not finite or not in [0, 1], or another number of frames.
        """
        for chunk in (piece for whole in chunks for piece in _split(whole, self._cuts)):
            if self._matter.needs_trimap and chunk.trimap is None:
                raise InputError(
                    f"every chunk must have a trimap; the one from frame {chunk.start} has none: propagate first"
                )
            if chunk.start in self._cuts:
                yield from self._end()
            if self.last is None and self._begin is not None:
                self.state = self._begin(chunk.start)
            self.waiting.append(chunk)
            alpha, foreground, self.state = self._matter.step(chunk.frames, chunk.trimap, self.state)
            yield from self._pair(alpha, foreground)
            self.last = chunk
        yield from self._end()
        left = sum(len(chunk) for chunk in self.waiting)
        if left:
            raise MattekitError(f"a model must return a matte for every frame; the last {left} are missing")

    def _end(self) -> Iterator[Matte]:
        """Yield the mattes that the matter still holds back; it begins anew."""
        last, state = self.last, self.state
        if last is None:
            return
        trimap = None if last.trimap is None else last.trimap[:0]
        alpha, foreground, _ = self._matter.step(last.frames[:0], trimap, state)
        self.last = self.state = None
        yield from self._pair(alpha, foreground)

    def _pair(self, alpha: Tensor, foreground: Tensor | None) -> Iterator[Matte]:
        """Yield mattes of the frames that have waited longest; these wait no more."""
        done = 0
        while done < len(alpha):
            if not self.waiting:
                raise MattekitError(f"a model must return one matte a frame; it returned {len(alpha) - done} too many")
            chunk = self.waiting.popleft()
            count = min(len(chunk), len(alpha) - done)
            if count < len(chunk):
                self.waiting.appendleft(part(chunk, count, len(chunk)))
            span = slice(done, done + count)
            yield _matte(part(chunk, 0, count), alpha[span], None if foreground is None else foreground[span])
            done += count


def part(chunk: Chunk, first: int, end: int) -> Chunk:
    """Return some of a chunk's frames, counted from its first one."""
    trimap = None if chunk.trimap is None else chunk.trimap[first:end]
    return Chunk(chunk.start + first, chunk.pts[first:end], chunk.frames[first:end], trimap)


def _split(chunk: Chunk, cuts: Sequence[int]) -> Iterator[Chunk]:
    """Yield a chunk in parts that begin where a cut does."""
    places = [cut - chunk.start for cut in sorted(cuts) if 0 < cut - chunk.start < len(chunk)]
    for first, end in pairwise([0, *places, len(chunk)]):
        yield chunk if not places else part(chunk, first, end)


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
