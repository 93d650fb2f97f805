"""Attention over a series: values one can compute in the head, and what it cannot tell apart."""

from __future__ import annotations

import pytest
import torch

from mattekit.nn.attention import NonLocal


def test_where_all_scores_are_equal_every_place_sees_the_mean_of_all_frames() -> None:
    layer = NonLocal(1, 1)
    for parameter in layer.parameters():
        parameter.data.zero_()
    layer.asked.weight.data[2] = 1.0  # values are the series, queries and keys are 0
    layer.told.weight.data[:] = 2.0
    series = torch.tensor([0.0, 1.0, 2.0, 5.0]).view(1, 2, 1, 1, 2)
    torch.testing.assert_close(layer(series), torch.full_like(series, 4.0))


def test_a_place_looks_where_its_query_and_a_key_agree() -> None:
    layer = NonLocal(1, 1)
    for parameter in layer.parameters():
        parameter.data.zero_()
    layer.asked.weight.data[:] = torch.tensor([1.0, 1.0, 1.0]).view(3, 1, 1, 1)
    layer.told.weight.data[:] = 1.0
    series = torch.tensor([-30.0, 30.0, 0.0]).view(1, 3, 1, 1, 1)
    torch.testing.assert_close(layer(series), torch.tensor([-30.0, 30.0, 0.0]).view(1, 3, 1, 1, 1))


def test_places_and_frames_in_another_order_are_seen_in_that_order_and_clips_of_a_batch_apart() -> None:
    torch.manual_seed(0)
    layer, series = NonLocal(6, 4), torch.randn(2, 3, 6, 4, 5)
    with torch.inference_mode():
        found = layer(series)
        torch.testing.assert_close(layer(series.flip(1, 4)), found.flip(1, 4))
        torch.testing.assert_close(layer(series[1:]), found[1:])
        alone = layer(series[:, :1])
    assert found.shape == (2, 3, 4, 4, 5) and float((found[:, :1] - alone).abs().max()) > 1e-3


@pytest.mark.parametrize("inner", [1, 4])
def test_it_is_the_weighted_sum_that_its_formula_says(inner: int) -> None:
    torch.manual_seed(inner)
    layer, series = NonLocal(6, inner), torch.randn(1, 2, 6, 3, 2)
    places = series[0].permute(0, 2, 3, 1).reshape(-1, 6)
    asked = places @ layer.asked.weight[:, :, 0, 0].T + layer.asked.bias
    query, key, value = asked.split(inner, dim=1)
    seen = (query @ key.T / inner**0.5).softmax(dim=1) @ value
    wanted = (seen @ layer.told.weight[:, :, 0, 0].T + layer.told.bias).view(2, 3, 2, inner).permute(0, 3, 1, 2)
    torch.testing.assert_close(layer(series)[0], wanted)
