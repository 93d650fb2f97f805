"""RVM frame after frame: what the decoder holds travels in the state."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mattekit.checks import InputError, check_rank
from mattekit.models.rvm.decoder import State
from mattekit.models.rvm.network import MattingNetwork

WORKING_SIZE = 512
"""Px of the long side at which the network works unless told otherwise; smaller frames are taken as they are."""


@dataclass(frozen=True)
class Held:
    """The state of one clip.

    Attributes:
        network: What the network holds.
        size: (height, width) of the clip.
    """

    network: State
    size: tuple[int, int]


class StreamMatter:
    """Matting without trimaps as `mattekit.types.Matter`; keeps nothing between calls.

    Args:
        network: In evaluation mode.
        working_size: Px of the long side at which it works; None is `WORKING_SIZE`.
        foreground: Whether colour is made.
    """

    needs_trimap = False
    context = 0

    def __init__(self, network: MattingNetwork, *, working_size: int | None = None, foreground: bool = True) -> None:
        self.network = network
        self.working_size, self.foreground = working_size or WORKING_SIZE, foreground

    @torch.inference_mode()
    def step(
        self, frames: Tensor, trimap: Tensor | None, state: Held | None
    ) -> tuple[Tensor, Tensor | None, Held | None]:
        """Take the next frames and return their mattes.

        All frames go through each layer together, so that a series costs less than its frames one by one.

        Args:
            frames: (T, 3, H, W) in [0, 1]; T = 0 ends the clip.
            trimap: Not looked at.
            state: What the last call returned; None begins a clip.

        Returns:
            alpha (T, 1, H, W), foreground (T, 3, H, W) or None where it is not made, and the state.

        Raises:
            InputError: Another shape than before.
        """
        check_rank("frames", frames, "T 3 H W")
        if len(frames) == 0:
            return frames[:, :1], frames if self.foreground else None, None
        size = (frames.shape[-2], frames.shape[-1])
        if state is not None and state.size != size:
            raise InputError(f"all frames of a clip must have one size; got {size} after {state.size}")
        before = None if state is None else state.network
        ratio = working_ratio(size, self.working_size)
        found = self.network(frames[None], before, ratio=ratio, foreground=self.foreground)
        colour = None if found.foreground is None else found.foreground[0]
        return found.alpha[0], colour, Held(found.state, size)


def working_ratio(size: tuple[int, int], longest: int) -> float:
    """Return the share of height and width that brings the longer of them down to ``longest``, at most 1.

    Source: RVM, the published rule for an automatic ratio.

    Example:
        >>> working_ratio((1080, 2048), 512)
        0.25
    """
    return min(longest / max(size), 1.0)
