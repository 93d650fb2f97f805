"""One moving foreground: what every generator of clips hands to the one that composes them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mattekit.checks import InputError, check_rank, check_same_size


@dataclass(frozen=True)
class Layer:
    """A foreground over T frames, with exact truth.

    Attributes:
        colour: (T, 3, H, W) straight colour in [0, 1], continued smoothly where alpha is 0.
        alpha: (T, 1, H, W) in [0, 1].
        flow: (T-1, 2, H, W) in px, x then y, or None: what is at p in frame t is at p + flow[t](p) in frame t+1.
        valid: (T-1, 1, H, W), 1 where the flow is the exact motion of something seen in both frames, else 0; None
            with no flow.
    """

    colour: Tensor
    alpha: Tensor
    flow: Tensor | None = None
    valid: Tensor | None = None

    def __post_init__(self) -> None:
        check_rank("colour", self.colour, "T 3 H W")
        check_rank("alpha", self.alpha, "T 1 H W")
        check_same_size("colour", self.colour, "alpha", self.alpha)
        if len(self.colour) != len(self.alpha):
            raise InputError(f"colour and alpha must have one length; got {len(self.colour)} and {len(self.alpha)}")
        if (self.flow is None) != (self.valid is None):
            raise InputError("flow and its validity must be given together; got one of them")
        if self.flow is not None and self.valid is not None:
            check_rank("flow", self.flow, "T 2 H W")
            check_rank("valid", self.valid, "T 1 H W")
            check_same_size("flow", self.flow, "alpha", self.alpha)
            if len(self.flow) != len(self.alpha) - 1 or len(self.valid) != len(self.flow):
                raise InputError(
                    f"flow and valid must have one frame fewer than alpha's {len(self.alpha)}; "
                    f"got {len(self.flow)} and {len(self.valid)}"
                )

    def __len__(self) -> int:
        return len(self.alpha)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in px."""
        return self.alpha.shape[-2], self.alpha.shape[-1]


def over(layer: Layer, background: Tensor) -> Tensor:
    """Return the composite (T, 3, H, W) of a layer over a background (T, 3, H, W), alpha F + (1 - alpha) B."""
    return torch.lerp(background, layer.colour, layer.alpha)
