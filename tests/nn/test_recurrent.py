"""Recurrent layers: values one can compute in the head, and steps against series."""

from __future__ import annotations

import pytest
import torch

from mattekit.checks import InputError
from mattekit.nn.recurrent import ConvGRU, ConvLSTM


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


def zeroed(width: int) -> ConvLSTM:
    layer = ConvLSTM(width)
    for parameter in layer.parameters():
        parameter.data.zero_()
    return layer


def test_gates_of_the_long_memory_come_in_the_order_take_forget_show_and_candidate() -> None:
    layer, one = zeroed(1), torch.ones(1, 1, 1, 1, 1)
    held = torch.full((1, 1, 1, 1), 0.5), torch.full((1, 1, 1, 1), 0.25)
    for biases, cell in (((-30, 30, 30, 10), 0.25), ((30, -30, 30, 10), 1.0), ((30, 30, 30, 10), 1.25)):
        layer.ih.bias.data = torch.tensor(biases, dtype=torch.float32)
        found, (output, kept) = layer(one, held)
        assert float(kept.detach()) == pytest.approx(cell, abs=1e-6)
        assert float(found.detach()) == float(output.detach()) == pytest.approx(float(torch.tensor(cell).tanh()))
    layer.ih.bias.data[2] = -30.0  # not shown, yet kept
    assert abs(float(layer(one, held)[0].detach())) < 1e-6


def test_the_long_memory_sees_its_own_output_and_its_neighbours() -> None:
    layer = zeroed(1)
    layer.ih.bias.data = torch.tensor([30.0, -30.0, 30.0, 0.0])
    layer.hh.weight.data[3, 0, 1, 0] = 1.0  # the candidate is what the left neighbour put out
    held = torch.tensor([0.5, 0.0, 0.0]).view(1, 1, 1, 3), torch.zeros(1, 1, 1, 3)
    wanted = torch.tensor([0.0, 0.5, 0.0]).tanh().tanh()
    torch.testing.assert_close(layer(torch.zeros(1, 1, 1, 1, 3), held)[0].flatten().detach(), wanted)


def test_forgetting_of_the_long_memory_begins_at_one_and_its_parameters_are_those_of_one_convolution() -> None:
    layer = ConvLSTM(4).requires_grad_(False)
    assert layer.ih.bias[4:8].tolist() == [1.0] * 4 and float(layer.ih.bias[:4].abs().max()) < 1
    assert sum(parameter.numel() for parameter in layer.parameters()) == 4 * 4 * (2 * 4 * 9 + 1)


def test_a_series_of_the_long_memory_is_its_steps_and_zeros_are_held_at_first() -> None:
    torch.manual_seed(0)
    layer, series = ConvLSTM(4).requires_grad_(False), torch.randn(2, 3, 4, 5, 6)
    whole, last = layer(series)
    held = torch.zeros(2, 4, 5, 6), torch.zeros(2, 4, 5, 6)
    for time in range(3):
        found, held = layer(series[:, time : time + 1], held)
        torch.testing.assert_close(whole[:, time], found[:, 0])
    torch.testing.assert_close(last, held)
    with pytest.raises(InputError, match="a series must have a step; got none"):
        layer(series[:, :0])
