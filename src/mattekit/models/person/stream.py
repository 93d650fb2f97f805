"""Person matting group after group: frames wait for their maps and their group, results for their turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mattekit.checks import InputError, check_rank
from mattekit.models.person.network import GROUP, PersonNetwork, State
from mattekit.nn.guided import FastGuidedFilter
from mattekit.ops.resize import resize, size_within
from mattekit.types import Matter

WORKING_SIZE = 512
"""Px of the long side at which the network works unless told otherwise; smaller frames are taken as they are."""


@dataclass(frozen=True)
class Held:
    """The state of one clip.

    Attributes:
        size: (height, width) of its frames; None before the first of them.
        prior: What the source of maps holds.
        network: What the network holds after the last whole group; None at the beginning.
        frames: (N, 3, H, W), those that no group was made of yet.
        maps: (M, 1, H, W), the maps of the first M of them.
        alpha: (S, 1, H, W), results that are not handed out yet.
        foreground: (S, 3, H, W), or None where colour is not made.
    """

    size: tuple[int, int] | None
    prior: Any
    network: State | None
    frames: Tensor
    maps: Tensor
    alpha: Tensor
    foreground: Tensor | None


class PersonMatter:
    """Person matting as `mattekit.types.Matter`; keeps nothing between calls.

    The first group begins with the clip's first frame, so that it does not matter in which chunks frames come. Results
    are held back until they are exactly ``context`` frames late: the rest of a group, and what the maps are late.

    Args:
        network: In evaluation mode.
        prior: Makes maps of people, as its alpha.
        working_size: Px of the long side at which the network works; None is `WORKING_SIZE`.
        foreground: Whether colour is made.
    """

    needs_trimap = False

    def __init__(
        self, network: PersonNetwork, prior: Matter, *, working_size: int | None = None, foreground: bool = True
    ) -> None:
        self.network, self.prior = network, prior
        self.working_size, self.foreground = working_size or WORKING_SIZE, foreground
        self.context = GROUP - 1 + prior.context
        self._filter = FastGuidedFilter()

    def begin(self, number: int) -> Held | None:
        """Return the state before the frame of a number, for sources of maps that are asked by number."""
        begin = getattr(self.prior, "begin", None)
        before = None if begin is None else begin(number)
        if before is None:
            return None
        none = next(self.network.parameters()).new_zeros(0, 1, 1, 1)
        return Held(None, before, None, none, none, none, None)

    @torch.inference_mode()
    def step(
        self, frames: Tensor, trimap: Tensor | None, state: Held | None
    ) -> tuple[Tensor, Tensor | None, Held | None]:
        """Take the next frames and return the mattes that are due.

        Args:
            frames: (T, 3, H, W) in [0, 1]; T = 0 ends the clip and brings the last ``context`` mattes.
            trimap: Not looked at.
            state: What the last call returned; None begins a clip.

        Returns:
            alpha (S, 1, H, W), foreground (S, 3, H, W) or None where it is not made, and the state.

        Raises:
            InputError: Another shape than before.
        """
        check_rank("frames", frames, "T 3 H W")
        before = self._before(frames, state)
        ends = len(frames) == 0
        maps, _, prior = self.prior.step(frames, None, before.prior)
        waiting, maps = torch.cat((before.frames, frames)), torch.cat((before.maps, maps))
        network, alphas, colours = before.network, [before.alpha], [before.foreground]
        done = 0
        while len(maps) - done >= (1 if ends else GROUP):
            group = slice(done, done + GROUP)
            alpha, colour, network = self._group(waiting[group], maps[group], network)
            alphas.append(alpha)
            colours.append(colour)
            done += len(alpha)
        alpha = torch.cat(alphas)
        colour = torch.cat([each for each in colours if each is not None]) if self.foreground else None
        if ends:
            return alpha, colour, None
        due = max(0, len(waiting) - done + len(alpha) - self.context)
        rest = None if colour is None else colour[due:]
        held = Held(before.size, prior, network, waiting[done:], maps[done:], alpha[due:], rest)
        return alpha[:due], None if colour is None else colour[:due], held

    def _before(self, frames: Tensor, state: Held | None) -> Held:
        """Return the state before some frames, whose size must be that of the frames before."""
        size = (frames.shape[-2], frames.shape[-1])
        if state is not None and state.size is not None:
            if state.size != size:
                raise InputError(f"all frames of a clip must have one size; got {size} after {state.size}")
            return state
        colours, planes = frames[:0], frames[:0, :1]
        prior = None if state is None else state.prior
        return Held(size, prior, None, colours, planes, planes, colours if self.foreground else None)

    def _group(self, frames: Tensor, maps: Tensor, state: State | None) -> tuple[Tensor, Tensor | None, State]:
        """Return alpha (T, 1, H, W) and foreground (T, 3, H, W) of a group, and what the network then holds.

        Source: He and Sun, Fast guided filter, 2015, where the network works at a smaller size than the frames have.
        """
        within = size_within((frames.shape[-2], frames.shape[-1]), self.working_size)
        base = resize(frames, within)
        alpha, colour, after = self.network(base[None], resize(maps, within)[None], state)
        alpha, colour = alpha[0], colour[0]
        if base is not frames:
            lines = self._filter(base, torch.cat((colour, alpha), dim=1), base)
            planes = (lines.at(frames) if self.foreground else lines.alpha_at(frames)).clamp(0, 1)
            alpha, colour = planes[:, -1:], planes[:, :3]
        return alpha, colour if self.foreground else None, after
