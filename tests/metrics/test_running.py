import importlib
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchmetrics

import mattekit.metrics as metrics
from mattekit.checks import InputError
from mattekit.metrics import running

GENERATOR = torch.Generator().manual_seed(0)
FRAMES = 6
SIZE = (11, 9)
ALPHA, TRUTH = torch.rand(2, FRAMES, 1, *SIZE, generator=GENERATOR)
REGION = torch.rand(FRAMES, 1, *SIZE, generator=GENERATOR) < 0.6
FLOW = 2 * torch.randn(FRAMES - 1, 2, *SIZE, generator=GENERATOR)
COLOUR, COLOUR_TRUE = torch.rand(2, FRAMES, 3, *SIZE, generator=GENERATOR)

Case = tuple[Callable[[], Any], Callable[..., torch.Tensor]]
OF_FRAMES: dict[str, Case] = {
    "SAD": (running.SAD, metrics.sad),
    "MAD": (running.MAD, metrics.mad),
    "MSE": (running.MSE, metrics.mse),
    "SSDA": (running.SSDA, metrics.ssda),
    "Grad": (running.Grad, metrics.grad),
    "Conn": (running.Conn, metrics.conn),
}
OF_COLOUR: dict[str, Case] = {
    "FG MAD": (running.ForegroundMAD, metrics.foreground_mad),
    "FG MSE": (running.ForegroundMSE, metrics.foreground_mse),
}


def merged(*parts: Any) -> torch.Tensor:
    """Return what comes out when the states of several instances are summed, as between processes."""
    whole = parts[0]
    for part in parts[1:]:
        whole.total += part.total
        whole.count += part.count
    return whole.compute()


@pytest.mark.parametrize("name", OF_FRAMES)
def test_a_running_metric_is_the_mean_of_its_function_however_the_clip_is_cut(name):
    create, function = OF_FRAMES[name]
    expected = function(ALPHA, TRUTH, REGION).mean()
    first, second = create(), create()
    first.update(ALPHA[:2], TRUTH[:2], REGION[:2])
    first.update(ALPHA[2:3], TRUTH[2:3], REGION[2:3])
    second.update(ALPHA[3:], TRUTH[3:], REGION[3:])
    torch.testing.assert_close(merged(first, second), expected)


@pytest.mark.parametrize("name", OF_COLOUR)
def test_colour_is_the_mean_of_its_function_however_the_clip_is_cut(name):
    create, function = OF_COLOUR[name]
    first, second = create(), create()
    first.update(COLOUR[:4], COLOUR_TRUE[:4], REGION[:4])
    second.update(COLOUR[4:], COLOUR_TRUE[4:], REGION[4:])
    torch.testing.assert_close(merged(first, second), function(COLOUR, COLOUR_TRUE, REGION).mean())


def test_pairs_survive_a_cut_that_repeats_the_frame_it_is_made_at():
    first, second = running.DtSSD(), running.DtSSD()
    first.update(ALPHA[:3], TRUTH[:3], REGION[:3])
    second.update(ALPHA[2:], TRUTH[2:], REGION[2:])
    torch.testing.assert_close(merged(first, second), metrics.dtssd(ALPHA, TRUTH, REGION).mean())


@pytest.mark.parametrize("motion", ["nearest", "bilinear"])
def test_motion_survives_a_cut_that_repeats_the_frame_it_is_made_at(motion):
    first, second = running.MESSDdt(motion=motion), running.MESSDdt(motion=motion)
    first.update(ALPHA[:3], TRUTH[:3], REGION[:3], FLOW[:2])
    second.update(ALPHA[2:], TRUTH[2:], REGION[2:], FLOW[2:])
    expected = metrics.messddt(ALPHA, TRUTH, REGION, FLOW, motion=motion).mean()
    torch.testing.assert_close(merged(first, second), expected)


def test_composites_are_the_mean_of_their_function():
    given = {"foreground": COLOUR, "foreground_true": COLOUR_TRUE, "region": REGION}
    metric = running.CompositeMSE()
    for part in (slice(0, 2), slice(2, FRAMES)):
        metric.update(ALPHA[part], TRUTH[part], **{name: value[part] for name, value in given.items()})
    torch.testing.assert_close(metric.compute(), metrics.composite_mse(ALPHA, TRUTH, **given).mean())


def test_whole_frames_agree_with_torchmetrics_own_means():
    whole = torch.ones_like(REGION)
    pairs = ((running.MAD(), torchmetrics.MeanAbsoluteError()), (running.MSE(), torchmetrics.MeanSquaredError()))
    for ours, theirs in pairs:
        ours.update(ALPHA, TRUTH, whole)
        theirs.update(ALPHA.flatten(), TRUTH.flatten())
        torch.testing.assert_close(ours.compute().float(), theirs.compute())


def test_options_and_scale_are_the_functions():
    metric = running.MSE(added_pixels=1, scale=1000)
    metric.update(ALPHA, TRUTH, REGION)
    torch.testing.assert_close(metric.compute(), 1000 * metrics.mse(ALPHA, TRUTH, REGION, added_pixels=1).mean())
    stretched = running.Grad(stretch=True)
    stretched.update(ALPHA, TRUTH, REGION)
    torch.testing.assert_close(stretched.compute(), metrics.grad(ALPHA, TRUTH, REGION, stretch=True).mean())


def test_frames_without_region_are_not_counted():
    region = REGION.clone()
    region[1] = False
    for metric, count in ((running.SAD(), FRAMES - 1), (running.MSE(), FRAMES - 1), (running.DtSSD(), FRAMES - 2)):
        metric.update(ALPHA, TRUTH, region)
        assert int(metric.count) == count


def test_states_are_sums_and_reset_empties_them():
    metric = running.Conn()
    assert {reduction.__name__ for reduction in metric._reductions.values()} == {"dim_zero_sum"}
    metric.update(ALPHA, TRUTH, REGION)
    metric.reset()
    assert float(metric.total) == 0 and int(metric.count) == 0


def test_a_collection_takes_them_like_any_other():
    collection = torchmetrics.MetricCollection({"SAD": running.SAD(scale=0.001), "Conn": running.Conn(scale=0.001)})
    result = collection(ALPHA, TRUTH, REGION)
    assert float(result["SAD"]) == pytest.approx(float(metrics.sad(ALPHA, TRUTH, REGION).mean()) / 1000)
    assert float(result["Conn"]) == pytest.approx(float(metrics.conn(ALPHA, TRUTH, REGION).mean()) / 1000)


def test_a_region_that_is_a_trimap_is_refused():
    with pytest.raises(InputError, match="region must be boolean"):
        running.SAD().update(ALPHA, TRUTH, REGION.float())


def test_a_lack_of_torchmetrics_is_said_in_a_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    monkeypatch.delitem(sys.modules, "mattekit.metrics.running")
    with pytest.raises(InputError, match="torchmetrics; it is not installed; pip install torchmetrics"):
        importlib.import_module("mattekit.metrics.running")
