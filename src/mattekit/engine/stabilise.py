"""Steadies the alpha of a clip, looking some frames ahead and back; memory does not depend on the clip's length."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from torch import Tensor

from mattekit.checks import InputError
from mattekit.engine.prediction import part
from mattekit.ops.stabilise import Bearing, Look, bearings, look, steadied
from mattekit.ops.trimap import force_known
from mattekit.types import Matte


@dataclass
class _Place:
    """One frame in the window: its matte, what motion is found on, and where its subject is in the others."""

    matte: Matte
    seen: Look
    bearings: dict[int, Bearing] = field(default_factory=dict)

    @property
    def number(self) -> int:
        return self.matte.chunk.start

    @property
    def alpha(self) -> Tensor:
        return self.matte.alpha[0]


def stabilise(
    mattes: Iterable[Matte], *, strength: float = 1.0, reach: int = 3, cuts: Sequence[int] = ()
) -> Iterator[Matte]:
    """Yield the mattes, a frame each, with the flicker of alpha taken away along the motion of the subject.

    Each alpha becomes the median of itself and of the alphas of the frames around it, moved to where the subject is;
    what does not move with the subject, as the background seen through hair, is outvoted. Where the motion cannot be
    trusted alpha stays, and where a matte's trimap is known alpha is what that says. Each frame sees the alphas that
    came in, never one that was already steadied, so nothing lags.

    Args:
        mattes: Of one clip, in order.
        strength: 0 leaves alpha as it is, 1 takes the median.
        reach: Frames to each side; mattes come so many frames later.
        cuts: Numbers of the frames that begin a new scene; no scene is seen in another.

    Raises:
        InputError: The strength is not in [0, 1], or the reach is under 1.
    """
    if not 0 <= strength <= 1:
        raise InputError(f"strength must be 0 to 1; got {strength:g}")
    if reach < 1:
        raise InputError(f"reach must be 1 frame or more; got {reach}")
    starts = set(cuts)
    window: deque[_Place] = deque()
    ready = 0  # places in the window that have been yielded
    for matte in _single(mattes):
        if matte.chunk.start in starts:
            yield from _rest(window, ready, strength, reach)
            window, ready = deque(), 0
        _add(window, _Place(matte, look(matte.chunk.frames[0], matte.alpha[0])), reach)
        if len(window) - ready > reach:
            yield _steadied(window, ready, strength, reach)
            ready += 1
        if ready > reach:
            window.popleft()
            ready -= 1
    yield from _rest(window, ready, strength, reach)


def _single(mattes: Iterable[Matte]) -> Iterator[Matte]:
    """Yield every frame's matte by itself."""
    for matte in mattes:
        for place in range(len(matte.alpha)):
            here = slice(place, place + 1)
            foreground = None if matte.foreground is None else matte.foreground[here]
            yield Matte(part(matte.chunk, place, place + 1), matte.alpha[here], foreground)


def _add(window: deque[_Place], new: _Place, reach: int) -> None:
    """Put a frame into the window, and find where its subject is in those before it, and theirs in it."""
    for old in list(window)[-reach:]:
        new.bearings[old.number], old.bearings[new.number] = bearings(new.seen, old.seen)
    window.append(new)


def _rest(window: deque[_Place], ready: int, strength: float, reach: int) -> Iterator[Matte]:
    """Yield the frames that wait for others to come, when none will."""
    for place in range(ready, len(window)):
        yield _steadied(window, place, strength, reach)


def _steadied(window: deque[_Place], place: int, strength: float, reach: int) -> Matte:
    """Return the matte of a place in the window, steadied by those around it."""
    target = window[place]
    around = list(window)[max(0, place - reach) : place + reach + 1]
    neighbours = [(other.alpha, target.bearings[other.number]) for other in around if other is not target]
    alpha = target.alpha + strength * (steadied(target.alpha, neighbours) - target.alpha)
    trimap = target.matte.chunk.trimap
    return replace(target.matte, alpha=alpha[None] if trimap is None else force_known(alpha[None], trimap))
