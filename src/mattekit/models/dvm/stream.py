"""DVM frame after frame: every frame is encoded once, and its alpha comes out when its window is complete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as functional
from torch import Tensor

from mattekit.checks import InputError, check_rank, check_same_size
from mattekit.models.dvm.network import FrameFeatures, MattingNetwork
from mattekit.models.dvm.newcomers import without_newcomers
from mattekit.models.dvm.propagation import STRIDE, PropagationNetwork, Reference, Seen, class_shares
from mattekit.ops.resize import pad_to_stride, resize, size_within
from mattekit.ops.trimap import likeliest_class, trimap_confidence
from mattekit.types import Propagated

CERTAIN = 12.0
"""Logit of a class that is set by rule."""


@dataclass(frozen=True)
class Window:
    """The state of one clip: features of the frames that a coming window still needs.

    Attributes:
        features: Of consecutive frames.
        first: Number of the first of them.
        done: Frames whose alpha has been handed out.
        size: (height, width) of the clip.
    """

    features: tuple[FrameFeatures, ...]
    first: int
    done: int
    size: tuple[int, int]

    @property
    def last(self) -> int:
        """Number of the newest frame."""
        return self.first + len(self.features) - 1


class StreamMatter:
    """Matting as `mattekit.types.Matter`: results come ``context`` frames late; keeps nothing between calls."""

    needs_trimap = True

    def __init__(self, network: MattingNetwork) -> None:
        self.network = network
        self.context = network.neighbours

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
            alpha (S, 1, H, W) of the next S frames, None, and the state.

        Raises:
            InputError: No trimap, another shape than before, or no frame at all.
        """
        check_rank("frames", frames, "T 3 H W")
        if len(frames) == 0:
            ready = [] if state is None else self._flush(state)
            return _join(ready, frames), None, None
        if trimap is None:
            raise InputError("dvm must be given a trimap with every frame; got none: give --trimap or --mask")
        check_rank("trimap", trimap, "T 1 H W")
        check_same_size("frames", frames, "trimap", trimap)
        ready = []
        for frame, own in zip(frames, trimap, strict=True):
            state = self._push(frame[None], own[None], state)
            if state.last - state.done >= self.context:
                alpha, state = self._pop(state)
                ready.append(alpha)
        return _join(ready, frames), None, state

    def _push(self, frame: Tensor, trimap: Tensor, state: Window | None) -> Window:
        """Return the state with one more frame encoded."""
        size = (frame.shape[-2], frame.shape[-1])
        if state is not None and state.size != size:
            raise InputError(f"all frames of a clip must have one size; got {size} after {state.size}")
        features = self.network.encode(frame, trimap)
        if state is None:
            return Window((features,), 0, 0, size)
        return replace(state, features=(*state.features, features))

    def _pop(self, state: Window) -> tuple[Tensor, Window]:
        """Return the alpha of the next frame and the state without what no later window needs."""
        target, reach = state.done, self.context
        members = [
            state.features[min(max(number, 0), state.last) - state.first]
            for number in range(target - reach, target + reach + 1)
            if number != target
        ]
        alpha = self.network.decode(state.features[target - state.first], members)
        alpha = alpha[..., : state.size[0], : state.size[1]].clone()
        keep = max(target + 1 - reach, 0)
        finished = [state.features[number - state.first].slim() for number in range(keep, target + 1)]
        waiting = state.features[target + 1 - state.first :]
        return alpha, replace(state, features=(*finished, *waiting), first=keep, done=target + 1)

    def _flush(self, state: Window) -> list[Tensor]:
        ready = []
        while state.done <= state.last:
            alpha, state = self._pop(state)
            ready.append(alpha)
        return ready


def _join(alphas: list[Tensor], like: Tensor) -> Tensor:
    return torch.cat(alphas) if alphas else like.new_zeros(0, 1, *like.shape[-2:])


class StreamPropagator:
    """Trimap propagation as `mattekit.types.Propagator`, at a working size.

    Args:
        network: The propagation network.
        longest: Long side in px of the working size; larger frames are shrunk.
        caution: Added to the logit of "unknown". A pixel wrongly known is lost, one needlessly unknown is matted.
    """

    def __init__(self, network: PropagationNetwork, *, longest: int = 640, caution: float = 0.5) -> None:
        self.network, self.longest, self.caution = network, longest, caution

    @torch.inference_mode()
    def reference(self, frame: Tensor, trimap: Tensor) -> Reference:
        """Encode a key frame (3, H, W) with its trimap (1, H, W) once."""
        check_rank("frame", frame, "3 H W")
        check_rank("trimap", trimap, "1 H W")
        check_same_size("frame", frame, "trimap", trimap)
        shares = resize(class_shares(trimap[None]), self._working_size(frame), mode="area")
        padded, _ = pad_to_stride(shares, STRIDE, mode="replicate")
        return self.network.remember(self._look(frame), padded.to(frame.dtype))

    @torch.inference_mode()
    def step(self, frame: Tensor, references: Sequence[Reference], state: Reference | None = None) -> Propagated:
        """Return the trimap of a frame (3, H, W): the likeliest class of each pixel after caution.

        Args:
            frame: (3, H, W) in [0, 1].
            references: Of one or two key frames.
            state: The frame before with its guessed trimap, as the last step returned it.
        """
        seen = self._look(frame)
        sources = [*references] if state is None else [*references, state]
        logits = self.network.decode(seen, *self.network.match(seen, sources))
        known = sources if state is None or len(references) > 1 else [state]
        logits = self._settled(logits, known)
        logits = functional.interpolate(logits, scale_factor=2.0, mode="bilinear", align_corners=False)
        guess = self.network.remember(seen, logits.softmax(dim=1), previous=True)
        height, width = self._working_size(frame)
        size = (frame.shape[-2], frame.shape[-1])
        logits = functional.interpolate(logits[..., :height, :width], size=size, mode="bilinear", align_corners=False)
        logits[:, 1] += self.caution
        trimap = likeliest_class(logits).to(frame.dtype) / 2
        return Propagated(trimap, trimap_confidence(logits[0]), guess)

    def _settled(self, logits: Tensor, known: Sequence[Reference]) -> Tensor:
        """Return class logits (1, 3, h, w) in which small parts that come from nowhere are what surrounds them.

        Where something comes from, the frame before tells; a second key frame may show what is still to come in.
        """
        doubt = logits.new_tensor([0.0, self.caution, 0.0]).view(1, 3, 1, 1)
        labels = likeliest_class(logits + doubt)[0]
        settled = without_newcomers(labels, [likeliest_class(source.shares)[0] for source in known])
        certain = functional.one_hot(settled, 3).movedim(-1, 0)[None].to(logits.dtype)
        return torch.where(settled == labels, logits, CERTAIN * certain)

    def _working_size(self, frame: Tensor) -> tuple[int, int]:
        return size_within((frame.shape[-2], frame.shape[-1]), self.longest)

    def _look(self, frame: Tensor) -> Seen:
        """Return what the network makes of a frame alone, at the working size."""
        small = resize(frame[None], self._working_size(frame), mode="area")
        padded, _ = pad_to_stride(small, STRIDE, mode="replicate")
        return self.network.look(padded)
