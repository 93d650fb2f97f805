"""Foreground colour for mattes that have none: estimated, held steady from frame to frame, and despilled."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from mattekit.ops.despill import despill
from mattekit.ops.follow import follow
from mattekit.ops.foreground import estimate_layers
from mattekit.ops.steadiness import steadiness
from mattekit.ops.warp import warp
from mattekit.types import Matte

HELD = 0.2
"""Weight of the colour of the frame before where it was followed, against 1 for the frame itself."""

Layers = tuple[Tensor, Tensor, Tensor]
"""Alpha (1, H, W), foreground and background (3, H, W) of one frame."""


def complete(
    mattes: Iterable[Matte],
    *,
    foreground: bool,
    cuts: Collection[int] = (),
    spill: float = 0.0,
    screen: tuple[int, int, int] | None = None,
) -> Iterator[Matte]:
    """Yield the mattes with straight foreground colour, estimated where the model gave none.

    A pixel's colour is also drawn towards that of the frame before, carried along with the matte's edges, where alpha
    was followed well, so that a background which moves behind an edge does not make its colour flicker. Only the frame
    before is remembered, and nothing over a cut, so the length of a chunk changes no result.

    Args:
        mattes: In order.
        foreground: False passes the mattes on as they are, for outputs of alpha alone.
        cuts: Numbers of the frames that begin a new scene.
        spill: How much of the background's colour is taken out at the edge, 0 to 1.
        screen: (red, green, blue) in 0 to 255 of what spilled; None takes the background estimated at each pixel.

    Raises:
        InputError: The amount of spill is out of range.
    """
    last: Layers | None = None
    for matte in mattes:
        if not foreground or (matte.foreground is not None and spill == 0):
            yield matte
            continue
        colours = []
        for index, (frame, alpha) in enumerate(zip(matte.chunk.frames, matte.alpha, strict=True)):
            if matte.chunk.start + index in cuts:
                last = None
            last = _layers(frame, alpha, last)
            own = last[1] if matte.foreground is None else matte.foreground[index]
            colours.append(own if spill == 0 else _without_spill(own, last, spill, screen))
        yield replace(matte, foreground=torch.stack(colours))


def _layers(frame: Tensor, alpha: Tensor, last: Layers | None) -> Layers:
    """Return alpha and the layers of a frame (3, H, W), held to those of the frame before where there is one."""
    if last is None or last[0].shape != alpha.shape:
        return alpha, *estimate_layers(frame, alpha)
    before = torch.cat(last[:2])
    moved = warp(before[None], follow(alpha[None], last[0][None]))[0][0]
    weight = HELD * steadiness(alpha, moved[:1])
    return alpha, *estimate_layers(frame, alpha, expected=(moved[1:], weight))


def _without_spill(colour: Tensor, layers: Layers, amount: float, screen: tuple[int, int, int] | None) -> Tensor:
    """Return a foreground (3, H, W) without the background's colour at the edge."""
    alpha, _, background = layers
    if screen is not None:
        background = colour.new_tensor(screen).view(3, 1, 1) / 255
    return despill(colour[None], alpha[None], background[None], amount=amount)[0]
