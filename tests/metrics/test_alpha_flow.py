import sys

import numpy as np
import pytest
import torch

from mattekit.checks import InputError
from mattekit.metrics import alpha_flow, messddt
from mattekit.ops import gaussian_blur


def drifting(frames: int, *, across: int, down: int) -> torch.Tensor:
    """Return a soft blotch that drifts by whole pixels, (T, 1, 80, 96)."""
    spots = torch.zeros(1, 1, 80, 96)
    spots[0, 0, 24:52, 20:56] = torch.rand(28, 36, generator=torch.Generator().manual_seed(0))
    blotch = (gaussian_blur(spots, 2.5) * 2).clamp(0, 1)
    return torch.cat([blotch.roll((frame * down, frame * across), dims=(2, 3)) for frame in range(frames)])


def test_it_finds_how_a_blotch_drifts_x_before_y():
    flow = alpha_flow(drifting(3, across=3, down=1))
    inside = flow[:, :, 30:46, 28:48]
    assert tuple(flow.shape) == (2, 2, 80, 96)
    assert inside.mean(dim=(0, 2, 3)).tolist() == pytest.approx([3, 1], abs=0.7)


def test_an_error_that_drifts_along_costs_little():
    truth = drifting(2, across=3, down=1)
    along, against = truth * 0.7, torch.cat((truth[:1] * 0.7, truth[1:]))
    region, flow = torch.ones_like(truth, dtype=torch.bool), alpha_flow(truth)
    assert messddt(along, truth, region, flow) < 0.15 * messddt(against, truth, region, flow)


def test_kept_flow_is_read_again(tmp_path):
    truth = drifting(3, across=2, down=0)
    flow = alpha_flow(truth, cache=tmp_path / "flow")
    kept = sorted((tmp_path / "flow").iterdir())
    assert len(kept) == 2 and all(path.suffix == ".npy" for path in kept)
    for path in kept:
        np.save(path, np.full((2, 80, 96), 7, np.float32))
    assert alpha_flow(truth, cache=tmp_path / "flow").unique().tolist() == [7]
    torch.testing.assert_close(alpha_flow(truth), flow)


def test_one_frame_has_no_flow():
    assert tuple(alpha_flow(torch.zeros(1, 1, 5, 6)).shape) == (0, 2, 5, 6)


def test_a_lack_of_opencv_is_said_in_a_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(InputError, match="OpenCV is not installed; pip install opencv-python-headless") as caught:
        alpha_flow(torch.zeros(2, 1, 5, 6))
    assert "\n" not in str(caught.value)


def test_colour_is_refused():
    with pytest.raises(InputError, match=r"alpha_true must have shape \(T, 1, H, W\); got \(2, 3, 4, 4\)"):
        alpha_flow(torch.zeros(2, 3, 4, 4))
