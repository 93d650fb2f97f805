"""RVM: encoder, context, recurrent decoder, heads and guided filter, for a still and for a series alike."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as functional
from torch import Tensor, nn

from mattekit.checks import InputError, check_choice, check_rank
from mattekit.models.rvm.backbones import MobileNetEncoder, ResNetEncoder
from mattekit.models.rvm.decoder import Context, Decoder, State
from mattekit.nn.guided import DeepGuidedFilter, FastGuidedFilter

BACKBONES = {
    "mobilenetv3": (MobileNetEncoder, 128, (128, 80, 40, 32, 16)),
    "resnet50": (ResNetEncoder, 256, (256, 128, 64, 32, 16)),
}
"""Encoder, channels of the context, and channels of the decoder at 1/16 to 1/1."""
WIDTHS = {"mobilenetv3": (16, 24, 40, 960), "resnet50": (64, 256, 512, 2048)}
"""Channels of the encoders' features at 1/2 to 1/16."""
REFINERS = {"deep_guided_filter": DeepGuidedFilter, "fast_guided_filter": FastGuidedFilter}


@dataclass(frozen=True)
class Found:
    """What the network makes of a series.

    Attributes:
        alpha: (B, T, 1, H, W) in [0, 1].
        foreground: (B, T, 3, H, W) straight colour in [0, 1], or None where it was not asked for.
        state: After the last frame.
    """

    alpha: Tensor
    foreground: Tensor | None
    state: State


class Head(nn.Module):
    """A 1 x 1 convolution from the decoder's feature."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1)

    def forward(self, feature: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W)."""
        planes: Tensor = self.conv(feature)
        return planes


class MattingNetwork(nn.Module):
    """Alpha and foreground of people from frames alone; every layer takes all frames before the next one.

    Args:
        backbone: A name in `BACKBONES`.
        refiner: A name in `REFINERS`.

    Raises:
        InputError: A name is not known.

    Source: Lin et al., Robust high-resolution video matting with temporal guidance, WACV 2022.
    """

    def __init__(self, backbone: str = "mobilenetv3", *, refiner: str = "deep_guided_filter") -> None:
        super().__init__()
        check_choice("backbone", backbone, sorted(BACKBONES))
        check_choice("refiner", refiner, sorted(REFINERS))
        encoder, context, widths = BACKBONES[backbone]
        self.backbone = encoder()
        channels = WIDTHS[backbone]
        self.aspp = Context(channels[-1], context)
        self.decoder = Decoder((channels[0], channels[1], channels[2]), widths)
        self.project_mat = Head(widths[-1], 4)
        self.project_seg = Head(widths[-1], 1)
        self.refiner = REFINERS[refiner]()

    def forward(
        self, frames: Tensor, state: State | None = None, *, ratio: float = 1.0, foreground: bool = True
    ) -> Found:
        """Matte a series.

        Args:
            frames: (B, T, 3, H, W) in [0, 1]; a still is T = 1.
            state: What was found with the frames before; None begins.
            ratio: Share of height and width at which the network works, at most 1; below 1 the guided filter
                brings the result to full size.
            foreground: Whether colour is wanted; without, the last step costs a quarter.

        Raises:
            InputError: The frames have another shape, or the ratio is not in (0, 1].
        """
        check_rank("frames", frames, "B T 3 H W")
        if not 0 < ratio <= 1:
            raise InputError(f"ratio must be above 0 and at most 1; got {ratio}")
        length, fine = frames.shape[1], frames.flatten(0, 1)
        base = shrink(fine, ratio)
        hidden, state = self.decode(base, state, length)
        planes = self.project_mat(hidden)
        if base is fine:
            alpha, residual = planes[:, 3:], planes[:, :3]
        else:
            lines = self.refiner(base, planes, hidden)
            planes = lines.at(fine) if foreground else lines.alpha_at(fine)
            alpha, residual = planes[:, -1:], planes[:, :3]
        colour = (residual + fine).clamp(0, 1).unflatten(0, (-1, length)) if foreground else None
        return Found(alpha.clamp(0, 1).unflatten(0, (-1, length)), colour, state)

    def segment(self, frames: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return logits (B, T, 1, H, W) of what is a person in (B, T, 3, H, W), and the state after the last frame."""
        check_rank("frames", frames, "B T 3 H W")
        hidden, state = self.decode(frames.flatten(0, 1), state, frames.shape[1])
        logits: Tensor = self.project_seg(hidden)
        return logits.unflatten(0, (-1, frames.shape[1])), state

    def decode(self, base: Tensor, state: State | None, length: int) -> tuple[Tensor, State]:
        """Return the decoder's feature (B T, 16, H, W) of (B T, 3, H, W), and the state after the last frame."""
        half, quarter, eighth, sixteenth = self.backbone(base)
        features = (half, quarter, eighth, self.aspp(sixteenth))
        decoded: tuple[Tensor, State] = self.decoder(base, features, state, frames=length)
        return decoded


def shrink(fine: Tensor, ratio: float) -> Tensor:
    """Return (N, C, H, W) at a ratio of its height and width, rounded down, at least 1 px; itself at a ratio of 1."""
    if ratio == 1:
        return fine
    if min(int(side * ratio) for side in fine.shape[-2:]) >= 1:
        return functional.interpolate(
            fine, scale_factor=ratio, mode="bilinear", align_corners=False, recompute_scale_factor=False
        )
    size = [max(1, int(side * ratio)) for side in fine.shape[-2:]]
    return functional.interpolate(fine, size, mode="bilinear", align_corners=False)
