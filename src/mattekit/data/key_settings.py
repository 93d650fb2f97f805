"""What a user may turn of a key, and what that does to an alpha."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.ops.finish import stretch
from mattekit.ops.morphology import choke


@dataclass(frozen=True)
class KeySettings:
    """What a user may turn.

    Attributes:
        black: Alpha up to this is 0.
        white: Alpha from this on is 1.
        choke: Px by which edges move inwards, outwards where negative; parts of a px count.
        despill: How much of the screen's light on the subject is taken away, 0 to 1.
    """

    black: float = 0.02
    white: float = 0.98
    choke: float = 0.0
    despill: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.black < self.white <= 1:
            raise InputError(f"black must be below white, both in 0 to 1; got {self.black:g} and {self.white:g}")
        if not abs(self.choke) <= 64:
            raise InputError(f"choke must be -64 to 64 px; got {self.choke:g}")
        if not 0 <= self.despill <= 1:
            raise InputError(f"despill must be 0 to 1; got {self.despill:g}")


def finish(alpha: Tensor, settings: KeySettings, garbage: Tensor | None = None, core: Tensor | None = None) -> Tensor:
    """Return an alpha (1, H, W) stretched from black to white, choked, and held to the user's masks (1, H, W)."""
    alpha = choke(stretch(alpha, black=settings.black, white=settings.white), settings.choke)
    if core is not None:
        alpha = torch.maximum(alpha, core)
    return alpha if garbage is None else alpha * (1 - garbage)
