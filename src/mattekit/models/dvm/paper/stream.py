"""Size paper frame after frame: every frame is encoded once, and its alpha comes out when its window is complete."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mattekit.checks import InputError, check_rank, check_same_size
from mattekit.models.dvm.paper.network import FrameFeatures, PaperNetwork


@dataclass(frozen=True)
class Held:
    """One frame that a coming window needs: its features, and until it is matted its trimap (1, 1, H, W)."""

    features: FrameFeatures
    trimap: Tensor


@dataclass(frozen=True)
class Window:
    """The state of one clip.

    Attributes:
        frames: Consecutive frames, the oldest first.
        first: Number of the first of them.
        done: Frames whose alpha has been handed out.
        size: (height, width) of the clip.
    """

    frames: tuple[Held, ...]
    first: int
    done: int
    size: tuple[int, int]

    @property
    def last(self) -> int:
        """Number of the newest frame."""
        return self.first + len(self.frames) - 1


class PaperMatter:
    """Matting as `mattekit.types.Matter`, in either form; keeps nothing between calls.

    In the form "release" no result waits for a later frame; in the form "symmetric" results come ``neighbours`` frames
    late. A frame without unknown pixels takes its trimap for alpha and is not decoded.
    """

    needs_trimap = True

    def __init__(self, network: PaperNetwork) -> None:
        self.network = network
        self.context = network.after

    @torch.inference_mode()
    def step(
        self, frames: Tensor, trimap: Tensor | None, state: Window | None
    ) -> tuple[Tensor, Tensor | None, Window | None]:
        """Take the next frames and return the alphas that are ready.

        Frames go through the network one by one, so that the length of a chunk changes nothing.

        Args:
            frames: (T, 3, H, W) in [0, 1]; T = 0 ends the clip.
            trimap: (T, 1, H, W) in {0, 0.5, 1}.
            state: What the last call returned; None begins a clip.

        Returns:
            alpha (S, 1, H, W) of the next S frames, exactly 0 or 1 where the trimap says so; None; and the state.

        Raises:
            InputError: No trimap, or another shape than before.
        """
        check_rank("frames", frames, "T 3 H W")
        ready = [frames.new_zeros(0, 1, *frames.shape[-2:])]
        if len(frames) == 0:
            while state is not None and state.done <= state.last:
                alpha, state = self._pop(state)
                ready.append(alpha)
            return torch.cat(ready), None, None
        if trimap is None:
            raise InputError("dvm must be given a trimap with every frame; got none: give --trimap or --mask")
        check_rank("trimap", trimap, "T 1 H W")
        check_same_size("frames", frames, "trimap", trimap)
        for frame, own in zip(frames, trimap, strict=True):
            state = self._push(frame[None], own[None], state)
            if state.last - state.done >= self.context:
                alpha, state = self._pop(state)
                ready.append(alpha)
        return torch.cat(ready), None, state

    def _push(self, frame: Tensor, trimap: Tensor, state: Window | None) -> Window:
        """Return the state with one more frame encoded."""
        size = (frame.shape[-2], frame.shape[-1])
        if state is not None and state.size != size:
            raise InputError(f"all frames of a clip must have one size; got {size} after {state.size}")
        held = Held(self.network.encode(frame, trimap), trimap.clone())
        if state is None:
            return Window((held,), 0, 0, size)
        return replace(state, frames=(*state.frames, held))

    def _pop(self, state: Window) -> tuple[Tensor, Window]:
        """Return the alpha of the next frame, and the state without what no later window needs."""
        target = state.done
        held = state.frames[target - state.first]
        alpha = held.trimap
        unknown = alpha == 0.5
        if bool(unknown.any()):
            span = range(target - self.network.before, target + self.network.after + 1)
            places = [min(max(number, 0), state.last) - state.first for number in span]
            alphas = self.network.decode(held.features, [state.frames[place].features for place in places])
            alpha = torch.where(unknown, alphas.best[..., : state.size[0], : state.size[1]], alpha)
        keep = max(target + 1 - self.network.before, 0)
        nothing = alpha.new_empty(0)
        past = state.frames[keep - state.first : target + 1 - state.first]
        finished = [Held(each.features.slim(), nothing) for each in past]
        frames = (*finished, *state.frames[target + 1 - state.first :])
        return alpha, replace(state, frames=frames, first=keep, done=target + 1)
