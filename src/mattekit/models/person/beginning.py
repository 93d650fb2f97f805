"""First weights of person matting: a fresh network that hands its map on as alpha, and the frame as foreground."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mattekit.models.person.network import PersonNetwork

FINE = "decoder.0"
"""The last stage of the decoder, whose batch normalisation must keep its first statistics for the beginning to hold."""
KNOTS = ((0.05, 0.95), (0.2, 0.8))
"""Values of the map between which, and 0 and 1, alpha's logit begins as straight lines of what the skip hands on."""
SPARED = 2
"""Channels of a narrow network's last stage that are left as they were drawn, at the cost of the outer knots."""
SURE = 0.004
"""Distance from 0 and 1 that alpha keeps at first."""
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

    A few channels lead from the input through the finest skip, its memory if it has one, the decoder's last stage and
    the head; all other weights stay as they were drawn. Nothing of the network's form changes, and every weight is
    trained on from there. Freeze the normalisation of `FINE` in training.

    Args:
        network: Fresh, in any form.

    Source: ours, for runs that are too short to find this way by themselves.
    """
    remembered = network.memory is not None
    if network.memory is not None:
        _open(network.memory[0])
    skip, stage = network.get_submodule("skips.0.0"), network.get_submodule(f"{FINE}.0")
    knots = _knots(len(stage.get_parameter("bias")))
    values = _answers(knots, remembered=remembered)
    _hand_on(skip, values[1:-1], remembered=remembered)
    weight, bias = stage.get_parameter("weight"), stage.get_parameter("bias")
    skipped, used = weight.shape[1] - skip.get_parameter("weight").shape[0], 2 + len(values)
    weight[:used], bias[:used] = 0, 0
    for channel in range(used):
        weight[channel, skipped + channel, 1, 1] = 1
    weight, bias = network.head.get_parameter("weight"), network.head.get_parameter("bias")
    weight.mul_(DAMPED)
    weight[:, :used] = 0
    bias[:3] = -COLOURFUL  # the skip added 1, so that both signs pass
    for channel in range(3):
        weight[channel, channel, 1, 1] = COLOURFUL
    logits = knots.clamp(SURE, 1 - SURE).logit()
    slopes = logits.diff() / values.diff()
    weight[3, 3:used, 1, 1] = torch.cat((slopes[:1], slopes.diff()))
    bias[3] = logits[0] - slopes[0] * values[0]


def _knots(channels: int) -> Tensor:
    """Return 0, 1 and what is between them, as far as a stage has channels for it."""
    pairs = min(len(KNOTS), max(0, channels - 4 - SPARED) // 2)
    inner = [value for pair in KNOTS[len(KNOTS) - pairs :] for value in pair]
    return torch.tensor(sorted([0.0, 1.0, *inner]))


def _answers(likely: Tensor, *, remembered: bool) -> Tensor:
    """Return what the finest skip hands on of values of the map, once its memory came to rest."""
    slope, shift = _LINES[3]
    taken = slope * likely + shift
    if not remembered:
        return 1 + BENT * taken
    let, kept = (float(torch.tensor(gate).sigmoid()) for gate in (OPEN, SHORT))
    return 1 + let * (let * taken.tanh() / (1 - kept)).tanh()


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


def _hand_on(skip: nn.Module, knots: Tensor, *, remembered: bool) -> None:
    """Let the first outputs of the finest skip be its four inputs, about 1, and what the map has above each knot."""
    weight, bias = skip.get_parameter("weight"), skip.get_parameter("bias")
    weight[: 4 + len(knots)] = 0
    for channel, (slope, shift) in enumerate(_LINES):
        weight[channel, channel] = 1.0 if remembered else slope * BENT
        bias[channel] = 1.0 if remembered else 1 + shift * BENT
    weight[4 : 4 + len(knots), 3] = weight[3, 3]
    bias[4 : 4 + len(knots)] = bias[3] - knots
