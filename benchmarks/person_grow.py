"""A trained network of person matting gets memory and attention that begin as if they were not there."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mattekit.models.person.network import PersonNetwork
from mattekit.types import Sample

OPEN, SHORT = 2.0, -2.0
"""Biases of gates that let the new in and out, and of those that keep the old."""
SMALL = 0.25
"""Standard deviation to which what a memory takes is brought, so that it passes the hyperbolic tangents unbent."""
DAMPED = 0.1
"""What is left of the first random weights between a memory's output and its gates."""


@torch.no_grad()
def grown(
    start: PersonNetwork, samples: Sequence[Sample], *, lstm: bool, attention: bool, width: float
) -> PersonNetwork:
    """Return a network with more parts that makes nearly what it made without them.

    A memory hands each channel on, brought to a small size and back again; what follows the attention does not look at
    it yet.

    Args:
        start: Without memory and attention.
        samples: Clips on which the size of each feature is measured.
        lstm: Whether the new one has memory.
        attention: Whether it has attention.
        width: Of both.
    """
    network = PersonNetwork(lstm=lstm, attention=attention, width=width)
    given, own = start.state_dict(), network.state_dict()
    bottom = "decoder.5.0.weight"
    wider = torch.zeros_like(own[bottom])
    wider[:, : given[bottom].shape[1]] = given[bottom]
    network.load_state_dict({**own, **given, bottom: wider})
    if network.memory is not None:
        for level, (memory, size) in enumerate(zip(network.memory, _sizes(start, samples), strict=True)):
            _hand_on(memory, size)
            _bring_back(network, level, size)
    return network


def _sizes(start: PersonNetwork, samples: Sequence[Sample]) -> list[Tensor]:
    """Return the root mean square of each channel of the six levels, the input first."""
    start = start.eval()
    totals: list[Tensor] = []
    for sample in samples:
        frames, maps = sample.frames.flatten(0, 1), sample.prior
        planes = start.encoder.standardise(frames, frames[:, :1] if maps is None else maps.flatten(0, 1))
        squares = [feature.square().mean(dim=(0, 2, 3)) for feature in (planes, *start.encoder(planes))]
        totals = squares if not totals else [one + other for one, other in zip(totals, squares, strict=True)]
    return [(total / len(samples)).sqrt().clamp_min(1e-3) for total in totals]


def _hand_on(memory: nn.Module, size: Tensor) -> None:
    """Let a memory hand its input on, divided by its size and made small."""
    width = len(size)
    weight, bias = memory.get_parameter("ih.weight"), memory.get_parameter("ih.bias")
    weight[3 * width :] = 0
    weight[: 3 * width] *= DAMPED
    weight[range(3 * width, 4 * width), range(width), 1, 1] = SMALL / size
    memory.get_parameter("hh.weight").mul_(DAMPED)
    bias.copy_(torch.tensor([OPEN, SHORT, OPEN, 0.0]).repeat_interleave(width))


def _bring_back(network: PersonNetwork, level: int, size: Tensor) -> None:
    """Let what takes a memory's output multiply it by what it was divided by; by the gates it lost some too."""
    factor = size / SMALL / float(torch.sigmoid(torch.tensor(OPEN)))
    if level < 4:
        network.get_submodule(f"skips.{level}.0").get_parameter("weight").mul_(factor.view(1, -1, 1, 1))
        return
    weight = network.get_submodule(f"decoder.{level}.0").get_parameter("weight")
    first = weight.shape[1] - len(factor) if level == 4 else 0
    weight[:, first : first + len(factor)] *= factor.view(1, -1, 1, 1)
