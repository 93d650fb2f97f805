"""LR-ASPP and the recurrent decoder: four scales with memory, then the full one without."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from mattekit.nn.recurrent import ConvGRU


@dataclass(frozen=True)
class State:
    """What the decoder holds of the frames before, each (B, channels, h, w).

    Attributes:
        half: At 1/2 of the working size.
        quarter: At 1/4.
        eighth: At 1/8.
        sixteenth: At 1/16.
    """

    half: Tensor
    quarter: Tensor
    eighth: Tensor
    sixteenth: Tensor


class Context(nn.Module):
    """LR-ASPP: a 1 x 1 convolution, gated by what the whole picture shows.

    Maps (N, inputs, H, W) to (N, outputs, H, W).

    Source: Howard et al., Searching for MobileNetV3, ICCV 2019.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.aspp1 = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())
        self.aspp2 = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(inputs, outputs, 1, bias=False), nn.Sigmoid())

    def forward(self, feature: Tensor) -> Tensor:
        """Return the gated feature."""
        gated: Tensor = self.aspp1(feature) * self.aspp2(feature)
        return gated


class Joined(nn.Sequential):
    """Layers of which the first, a convolution, sees several features at once.

    On a processor, where no gradient is wanted, each feature is convolved by itself and the results are added, which
    spares a copy of all of them.
    """

    def forward(self, *features: Tensor) -> Tensor:
        """Map features (N, ..., H, W), concatenated along channels, to (N, outputs, H, W)."""
        first = self[0]
        found: Tensor
        if torch.is_grad_enabled() or features[0].device.type != "cpu" or not isinstance(first, nn.Conv2d):
            found = first(torch.cat(features, dim=1))
        else:
            weights = first.weight.split([feature.shape[1] for feature in features], dim=1)
            found = functional.conv2d(features[0], weights[0], first.bias, padding=1)
            for feature, weight in zip(features[1:], weights[1:], strict=True):
                found += functional.conv2d(feature, weight, padding=1)
        for layer in self[1:]:
            found = layer(found)
        return found


class HalfRecurrent(nn.Module):
    """Passes the first half of the channels on and remembers the second half."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gru = ConvGRU(width // 2)

    def remember(self, feature: Tensor, held: Tensor | None, frames: int) -> tuple[Tensor, Tensor]:
        """Return (B T, width, H, W) with its second half seen over time, and what is held after it."""
        passed, seen = feature.chunk(2, dim=1)
        found, held = self.gru(seen.unflatten(0, (-1, frames)), held)
        return torch.cat((passed, found.flatten(0, 1)), dim=1), held


class UpStep(HalfRecurrent):
    """A step up by two over the feature from below, the encoder's and the source; then memory."""

    def __init__(self, inputs: int, skip: int, outputs: int) -> None:
        super().__init__(outputs)
        self.conv = Joined(*_joint(inputs + skip + 3, outputs))

    def forward(
        self, feature: Tensor, skip: Tensor, source: Tensor, *, held: Tensor | None, frames: int
    ) -> tuple[Tensor, Tensor]:
        """Return (B T, outputs, H, W) for a source of that size, and what is held after it."""
        joined = self.conv(raise_to(feature, source), skip, source)
        return self.remember(joined, held, frames)


class LastStep(nn.Module):
    """The step to the size of the source, without memory."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = Joined(*_joint(inputs + 3, outputs), *_joint(outputs, outputs))

    def forward(self, feature: Tensor, source: Tensor) -> Tensor:
        """Return (B T, outputs, H, W)."""
        raised: Tensor = self.conv(raise_to(feature, source), source)
        return raised


class Decoder(nn.Module):
    """From features at four scales to one at the size of the source.

    Args:
        skips: Channels of the encoder's features at 1/2, 1/4 and 1/8.
        widths: Channels at 1/16, 1/8, 1/4, 1/2 and 1/1.

    Source: Lin et al., Robust high-resolution video matting with temporal guidance, WACV 2022.
    """

    def __init__(self, skips: tuple[int, int, int], widths: tuple[int, int, int, int, int]) -> None:
        super().__init__()
        self.decode4 = HalfRecurrent(widths[0])
        self.decode3 = UpStep(widths[0], skips[2], widths[1])
        self.decode2 = UpStep(widths[1], skips[1], widths[2])
        self.decode1 = UpStep(widths[2], skips[0], widths[3])
        self.decode0 = LastStep(widths[3], widths[4])

    def forward(
        self, source: Tensor, features: tuple[Tensor, Tensor, Tensor, Tensor], state: State | None, *, frames: int
    ) -> tuple[Tensor, State]:
        """Decode a series.

        Args:
            source: (B T, 3, H, W).
            features: Of 1/2, 1/4, 1/8, and the context at 1/16, each (B T, channels, h, w).
            state: What the last call returned; None begins.
            frames: T.

        Returns:
            (B T, channels, H, W), and the state after the last frame.
        """
        half, quarter, eighth, context = features
        smaller = [source]
        for _ in range(3):
            smaller.append(functional.avg_pool2d(smaller[-1], 2, ceil_mode=True, count_include_pad=False))
        held = (None,) * 4 if state is None else (state.half, state.quarter, state.eighth, state.sixteenth)
        feature, sixteenth = self.decode4.remember(context, held[3], frames)
        feature, at_eighth = self.decode3(feature, eighth, smaller[3], held=held[2], frames=frames)
        feature, at_quarter = self.decode2(feature, quarter, smaller[2], held=held[1], frames=frames)
        feature, at_half = self.decode1(feature, half, smaller[1], held=held[0], frames=frames)
        return self.decode0(feature, source), State(at_half, at_quarter, at_eighth, sixteenth)


def raise_to(feature: Tensor, source: Tensor) -> Tensor:
    """Return a feature twice as large, cropped to the size of a source."""
    raised = functional.interpolate(feature, scale_factor=2.0, mode="bilinear", align_corners=False)
    return raised[..., : source.shape[-2], : source.shape[-1]]


def _joint(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
