"""A fresh network of person matting that hands its map on."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mattekit.engine.options import batch_norms
from mattekit.models.person.beginning import FINE, begin_with_map
from mattekit.models.person.network import PersonNetwork

FORMS = [{}, {"lstm": False}, {"attention": False}, {"width": 0.5}]


def begun(**form: bool | float) -> PersonNetwork:
    torch.manual_seed(0)
    network = PersonNetwork(**{"width": 0.25, **form})  # type: ignore[arg-type]
    begin_with_map(network)
    return network


def pictures() -> tuple[Tensor, Tensor]:
    """Return frames (1, 6, 3, 40, 48) of soft colours and a map with a ramp from 0 to 1."""
    ramp = torch.linspace(0, 1, 48).expand(1, 6, 1, 40, 48)
    return torch.cat((ramp * 0.8 + 0.1, ramp.flip(-1) * 0.6 + 0.2, ramp * 0 + 0.5), dim=2), ramp.clone()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("training", [True, False])
@torch.no_grad()
def test_alpha_begins_as_the_map_and_foreground_as_the_frame(form: dict[str, bool], training: bool) -> None:
    network = begun(**form).train(training)
    for norm in batch_norms(network, (FINE,)):
        norm.eval()
    frames, prior = pictures()
    alpha, foreground, _ = network(frames, prior)
    gap = (alpha - prior).abs()
    assert float(gap.mean()) < 0.07 and float(gap[(prior == 0) | (prior == 1)].mean()) < 0.02
    assert float((foreground - frames).abs().mean()) < 0.08


@pytest.mark.parametrize("form", FORMS)
def test_every_weight_is_trained_on_from_there(form: dict[str, bool]) -> None:
    network = begun(**form)
    names = set(PersonNetwork(**{"width": 0.25, **form}).state_dict())  # type: ignore[arg-type]
    assert set(network.state_dict()) == names
    frames, prior = pictures()
    alpha, foreground, _ = network(frames, prior)
    (alpha.square().mean() + foreground.square().mean()).backward()
    still = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert not still
