"""Person matting: encoder, memory on every skip, attention at the bottom over groups of a few frames, decoder."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from mattekit.checks import InputError, check_rank, check_same_size
from mattekit.models.person.encoder import PersonEncoder, narrowed
from mattekit.nn.attention import NonLocal
from mattekit.nn.recurrent import ConvLSTM
from mattekit.ops.resize import pad_to_stride, unpad

GROUP = 5
"""Frames that the attention sees together."""
STRIDE = 32
ATTENDED = 64
"""Channels that the attention returns."""
SKIPS = (64, 64, 64, 64, 96)
"""Channels of the skips at 1/1, 1/2, 1/4, 1/8 and 1/16 as the decoder takes them."""
DECODED = (32, 64, 64, 64, 64, 96)
"""Channels of the decoder at 1/1 to 1/32."""


@dataclass(frozen=True)
class State:
    """What the network holds of the frames before.

    Attributes:
        outputs: Of the memory at 1/1 to 1/32, each (B, channels, h, w); none without memory.
        cells: Of the memory, shapes as of the outputs.
    """

    outputs: tuple[Tensor, ...]
    cells: tuple[Tensor, ...]


class PersonNetwork(nn.Module):
    """Alpha and foreground of people from frames and a map of where people are.

    Args:
        lstm: Whether every skip, and the bottom, has a memory.
        attention: Whether the bottom has attention over the frames of a group.
        width: Share of the published channels.

    Source: Molodetskikh et al., Temporally coherent person matting trained on fake-motion dataset, 2022. Channels are
    those of their figure; the insides of memory and attention, and how the decoder enlarges, are ours.
    """

    def __init__(self, *, lstm: bool = True, attention: bool = True, width: float = 1.0) -> None:
        super().__init__()
        self.encoder = PersonEncoder(width)
        channels = (4, *self.encoder.widths)
        skips, decoded = ([narrowed(each, width) for each in plan] for plan in (SKIPS, DECODED))
        skips[4] = channels[4]
        attended = narrowed(ATTENDED, width) if attention else 0
        self.memory = nn.ModuleList(ConvLSTM(each) for each in channels) if lstm else None
        self.attention = NonLocal(channels[5], attended) if attention else None
        self.skips = nn.ModuleList(_skip(channels[level], skips[level]) for level in range(4))
        joined = [*(decoded[level + 1] + skips[level] for level in range(5)), channels[5] + attended]
        self.decoder = nn.ModuleList(_unit(inputs, outputs) for inputs, outputs in zip(joined, decoded, strict=True))
        self.head = nn.Conv2d(decoded[0], 4, 3, padding=1)

    def forward(self, frames: Tensor, prior: Tensor, state: State | None = None) -> tuple[Tensor, Tensor, State]:
        """Matte a series of frames of any size, in groups that begin with the first of them; the last may be shorter.

        Args:
            frames: (B, T, 3, H, W) in [0, 1].
            prior: (B, T, 1, H, W) in [0, 1], how likely a pixel is of a person.
            state: What came with the last whole group before; None begins a clip.

        Returns:
            Alpha (B, T, 1, H, W) and straight foreground (B, T, 3, H, W) in [0, 1], and the state.

        Raises:
            InputError: The shapes do not fit, or there is no frame.
        """
        check_rank("frames", frames, "B T 3 H W")
        check_rank("prior", prior, "B T 1 H W")
        check_same_size("frames", frames, "prior", prior)
        if frames.shape[:2] != prior.shape[:2] or frames.shape[1] == 0:
            got = f"{tuple(frames.shape[:2])} and {tuple(prior.shape[:2])}"
            raise InputError(f"frames and prior must have as many frames, at least one; got {got}")
        length = frames.shape[1]
        planes = self.encoder.standardise(*(each.transpose(0, 1).flatten(0, 1) for each in (frames, prior)))
        planes, size = pad_to_stride(planes, STRIDE)
        planes = planes.contiguous(memory_format=torch.channels_last)
        features, state = self._remember((planes, *self.encoder(planes)), state, length)
        found = unpad(self._decode(features, length), size).float().sigmoid()
        found = found.unflatten(0, (length, -1)).transpose(0, 1)
        return found[:, :, 3:], found[:, :, :3], state

    def _remember(self, features: tuple[Tensor, ...], state: State | None, length: int) -> tuple[list[Tensor], State]:
        """Return what each memory makes of the features (T B, C, h, w) of its level, and the state after them."""
        if self.memory is None:
            return list(features), State((), ())
        found, outputs, cells = [], [], []
        for level, (memory, feature) in enumerate(zip(self.memory, features, strict=True)):
            held = None if state is None else (state.outputs[level], state.cells[level])
            series = feature.unflatten(0, (length, -1)).transpose(0, 1)
            remembered, (output, cell) = memory(series, held)
            found.append(remembered.transpose(0, 1).flatten(0, 1))
            outputs.append(output)
            cells.append(cell)
        return found, State(tuple(outputs), tuple(cells))

    def _decode(self, features: list[Tensor], length: int) -> Tensor:
        """Return the four planes (T B, 4, H, W) before the logistic function: red, green, blue and alpha."""
        bottom = features[5]
        if self.attention is not None:
            groups = bottom.unflatten(0, (length, -1)).transpose(0, 1).split(GROUP, dim=1)
            seen = torch.cat([self.attention(group).transpose(0, 1) for group in groups])
            bottom = torch.cat((bottom, seen.flatten(0, 1)), dim=1)
        decoded: Tensor = self.decoder[5](bottom)
        for level in range(4, -1, -1):
            skip = features[level] if level == 4 else self.skips[level](features[level])
            raised = functional.interpolate(decoded, scale_factor=2.0, mode="bilinear", align_corners=False)
            decoded = self.decoder[level](torch.cat((raised, skip), dim=1))
        planes: Tensor = self.head(decoded)
        return planes


def _skip(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1), nn.ReLU())


def _unit(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(outputs))


def matte_series(network: PersonNetwork, frames: Tensor, prior: Tensor) -> tuple[Tensor, Tensor]:
    """Return alpha and foreground of whole clips, a group at a time; shapes as `PersonNetwork.forward`.

    For long clips: a network in evaluation mode gives the same as in one call, and needs memory for a group alone.
    """
    state, alphas, colours = None, [], []
    for few, maps in zip(frames.split(GROUP, dim=1), prior.split(GROUP, dim=1), strict=True):
        alpha, foreground, state = network(few, maps, state)
        alphas.append(alpha)
        colours.append(foreground)
    return torch.cat(alphas, dim=1), torch.cat(colours, dim=1)
