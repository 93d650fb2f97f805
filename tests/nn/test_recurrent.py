"""Recurrent layers: values one can compute in the head, and steps against series."""

from __future__ import annotations

import torch

from mattekit.nn.recurrent import ConvGRU


def test_a_gate_that_is_shut_keeps_what_is_held_and_an_open_one_takes_the_candidate() -> None:
    layer = ConvGRU(1)
    for parameter in layer.parameters():
        parameter.data.zero_()
    layer.hh[0].bias.data.fill_(10.0)  # the candidate is tanh(10), as good as 1
    held = torch.full((1, 1, 2, 3), 0.25)
    for bias, wanted in ((-30.0, 0.25), (30.0, 1.0), (0.0, 0.625)):
        layer.ih[0].bias.data[1] = bias  # z comes second
        torch.testing.assert_close(layer.step(torch.zeros_like(held), held), torch.full_like(held, wanted))


def test_the_first_gate_decides_what_the_candidate_sees_of_what_is_held() -> None:
    layer = ConvGRU(1)
    for parameter in layer.parameters():
        parameter.data.zero_()
    layer.hh[0].weight.data[0, 1, 1, 1] = 1.0
    layer.ih[0].bias.data[1] = 30.0
    held = torch.full((1, 1, 1, 1), 0.5)
    for bias, wanted in ((-30.0, 0.0), (30.0, float(torch.tensor(0.5).tanh()))):
        layer.ih[0].bias.data[0] = bias
        assert abs(float(layer.step(torch.zeros_like(held), held).detach()) - wanted) < 1e-6


def test_a_series_is_its_steps_and_zeros_are_held_at_first() -> None:
    torch.manual_seed(0)
    layer = ConvGRU(4)
    series = torch.randn(2, 3, 4, 5, 6)
    whole, last = layer(series)
    held = torch.zeros(2, 4, 5, 6)
    for time in range(3):
        held = layer.step(series[:, time], held)
        torch.testing.assert_close(whole[:, time], held)
    torch.testing.assert_close(last, held)
    first, middle = layer(series[:, :1])
    torch.testing.assert_close(layer(series[:, 1:], middle)[0], whole[:, 1:])
    torch.testing.assert_close(first, whole[:, :1])
