"""First weights of person matting: a fresh network that hands its map on as alpha, and the frame as foreground."""

from __future__ import annotations

import torch
from torch import nn

from mattekit.models.person.network import PersonNetwork

FINE = "decoder.0"
"""The last stage of the decoder, whose batch normalisation must keep its first statistics for the beginning to hold."""
STEEP = 8.0
"""Slope of alpha's logit along the map's deviation from one half, as the finest memory hands it on."""
COLOURFUL = 2.7
"""Slope of a colour's logit along what the finest memory hands on of it."""
OPEN, SHORT = 2.0, -2.0
"""Biases of gates that let the new in and out, and of those that keep the old; together they hand a value on."""
BENT = 0.7
"""Share of a deviation that is left once two hyperbolic tangents and a gate bent it."""
DAMPED = 0.1
"""What is left of the first random weights that lead from other channels to the output."""


@torch.no_grad()
def begin_with_map(network: PersonNetwork) -> None:
    """Fill some of a fresh network's weights so that its alpha begins as its map and its foreground as the frame.

    Four channels lead from the input through the finest skip, its memory if it has one, the decoder's last stage and
    the head; all other weights stay as they were drawn. Nothing of the network's form changes, and every weight is
    trained on from there. Freeze the normalisation of `FINE` in training.

    Args:
        network: Fresh, in any form.

    Source: ours, for runs that are too short to find this way by themselves.
    """
    if network.memory is not None:
        _open(network.memory[0])
    skip, stage = network.get_submodule("skips.0.0"), network.get_submodule(f"{FINE}.0")
    _hand_on(skip, remembered=network.memory is not None)
    weight, bias = stage.get_parameter("weight"), stage.get_parameter("bias")
    skipped = weight.shape[1] - skip.get_parameter("weight").shape[0]
    weight[:4], bias[:4] = 0, 0
    for channel in range(4):
        weight[channel, skipped + channel, 1, 1] = 1
    weight, bias = network.head.get_parameter("weight"), network.head.get_parameter("bias")
    weight.mul_(DAMPED)
    weight[:, :4] = 0
    for channel, slope in enumerate((COLOURFUL, COLOURFUL, COLOURFUL, STEEP)):
        weight[channel, channel, 1, 1], bias[channel] = slope, -slope  # the skip had added 1, so that both signs pass


def _open(memory: nn.Module) -> None:
    """Let the four channels of the finest memory pass."""
    given, held = memory.get_parameter("ih.weight"), memory.get_parameter("hh.weight")
    bias = memory.get_parameter("ih.bias")
    given.zero_()
    held.mul_(DAMPED)
    bias.copy_(torch.tensor([OPEN, SHORT, OPEN, 0.0]).repeat_interleave(4))
    for channel, (slope, shift) in enumerate(_LINES):
        given[12 + channel, channel, 1, 1] = slope
        bias[12 + channel] = shift


_LINES = ((0.4, 0.0), (0.4, 0.0), (0.4, 0.0), (2.0, -1.0))
"""By channel the slope and the shift that bring standardised colours, and the map, about 0 into the range of tanh."""


def _hand_on(skip: nn.Module, *, remembered: bool) -> None:
    """Let the first four outputs of the finest skip be its four inputs, about 1."""
    weight, bias = skip.get_parameter("weight"), skip.get_parameter("bias")
    weight[:4] = 0
    for channel, (slope, shift) in enumerate(_LINES):
        weight[channel, channel] = 1.0 if remembered else slope * BENT
        bias[channel] = 1.0 if remembered else 1 + shift * BENT
