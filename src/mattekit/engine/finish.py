"""A matte finished as compositors do it, in one order, before and after its colour is estimated.

1. *Stabilise*: flicker of alpha goes, along the motion.
2. *Repair*: black, white and gamma; then holes are filled and islands dropped. Alpha is now what it should have been,
   and what was filled shows the frame.
3. *Colour*: straight foreground is estimated from this alpha, and despilled.
4. *Shape*: choke, then softness, then feather. Alpha now leaves the truth on purpose; the colour does not follow it, so
   an edge that grew shows the subject's colour continued and not the old background.

Each step sees one frame, except the first, which looks some frames to each side, and the third, which remembers one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mattekit.engine.colour import complete
from mattekit.engine.finish_settings import Finish
from mattekit.ops.components import drop_islands, fill_holes
from mattekit.ops.finish import feather, sharpen, soften, stretch
from mattekit.ops.morphology import choke
from mattekit.types import Matte

Change = Callable[[Tensor, Finish], Tensor]


def finish(mattes: Iterable[Matte], settings: Finish, *, foreground: bool, cuts: Sequence[int] = ()) -> Iterator[Matte]:
    """Yield the mattes finished, with foreground colour where it is wanted.

    Pixels that a user painted as known are finished like any other: the stabiliser and levels leave their 0 and 1 as
    they are, but a choke, a feather, softness, a filled hole or a dropped island may change them, since they are asked
    for on top of the paint. With the default settings alpha passes untouched.

    Args:
        mattes: Of one clip, in order; alpha where the trimap knows is already set.
        settings: What is asked for.
        foreground: Whether straight colour is wanted.
        cuts: Numbers of the frames that begin a new scene; nothing is carried over them.

    Raises:
        InputError: The mattes do not fit the settings.
    """
    steady = _stabilised(mattes, settings, cuts)
    repaired = _changed(steady, repair, settings)
    coloured = complete(repaired, foreground=foreground, cuts=cuts, spill=settings.despill, screen=settings.screen)
    return _changed(coloured, shape, settings)


def repair(alpha: Tensor, settings: Finish) -> Tensor:
    """Return alpha (T, 1, H, W) with clean levels and without small holes and islands."""
    alpha = stretch(alpha, black=settings.black, white=settings.white, gamma=settings.gamma)
    return drop_islands(fill_holes(alpha, settings.fill_holes), settings.drop_islands)


def shape(alpha: Tensor, settings: Finish) -> Tensor:
    """Return alpha (T, 1, H, W) with its edges moved, then made steeper or flatter, then blurred."""
    alpha = choke(alpha, settings.choke)
    alpha = soften(alpha, settings.softness) if settings.softness > 0 else sharpen(alpha, -settings.softness)
    return feather(alpha, settings.feather)


def _stabilised(mattes: Iterable[Matte], settings: Finish, cuts: Sequence[int]) -> Iterable[Matte]:
    """Return the mattes with steadier alpha, or as they are where that was not asked for."""
    if settings.stabilise == 0:
        return mattes
    from mattekit.engine.stabilise import stabilise

    return stabilise(mattes, strength=settings.stabilise, reach=settings.ahead, cuts=cuts)


def _changed(mattes: Iterable[Matte], change: Change, settings: Finish) -> Iterator[Matte]:
    """Yield mattes with another alpha, or the very same ones where there is nothing to change.

    Frames are taken one by one, since the rounding of a blur hangs on how many it is given at once.
    """
    for matte in mattes:
        if settings.changes_alpha:
            frames = [change(frame, settings) for frame in matte.alpha.split(1)]
            yield replace(matte, alpha=torch.cat(frames))
        else:
            yield matte
