import numpy as np
import pytest
import torch
from skimage.measure import label

from mattekit.checks import InputError
from mattekit.metrics import bodies, conn, connectivity
from mattekit.metrics.bodies import connected_steps


def clip(*rows: list[float]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)[None, None]


def everywhere(like: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(like, dtype=torch.bool)


def ten_labellings(alpha: np.ndarray, alpha_true: np.ndarray, region: np.ndarray) -> float:
    """Return Conn by its definition, of maps (H, W) in [0, 1]."""
    level = np.full(alpha.shape, -1.0)
    for step in range(1, 11):
        reach = np.minimum(alpha, alpha_true) >= step / 10 - 1e-9
        labels = label(reach, connectivity=1)
        sizes = np.bincount(labels.ravel())[1:]
        body = labels == sizes.argmax() + 1 if len(sizes) else np.zeros_like(reach)
        level[(level == -1) & ~body] = (step - 1) / 10
    level[level == -1] = 1
    kept = [1 - (part - level) * (part - level >= 0.15 - 1e-9) for part in (alpha, alpha_true)]
    return float(np.abs(kept[0] - kept[1])[region].sum())


def test_identical_maps_lose_nothing():
    alpha = torch.rand(3, 1, 9, 7)
    assert conn(alpha, alpha, everywhere(alpha)).tolist() == [0, 0, 0]


def test_an_island_counts_by_its_height_above_the_sea():
    alpha_true = clip([1, 1, 1, 0, 0])
    alpha = clip([1, 1, 1, 0, 0.5])
    assert float(conn(alpha, alpha_true, everywhere(alpha))) == pytest.approx(0.5)


def test_an_island_in_both_maps_counts_the_difference_of_their_heights():
    # The main body is the three left pixels; the island's level is 0, so 0.5 and 0.9 are all lost.
    alpha_true, alpha = clip([1, 1, 1, 0, 0.9]), clip([1, 1, 1, 0, 0.5])
    assert float(conn(alpha, alpha_true, everywhere(alpha))) == pytest.approx(0.4)


def test_a_bridge_of_a_third_holds_its_end_up_to_that_threshold():
    # Behind the bridge of 0.3 the pixel of 0.9 and 0.6 has level 0.3: 0.6 and 0.3 are lost.
    alpha_true, alpha = clip([1, 1, 1, 0.3, 0.9]), clip([1, 1, 1, 0.3, 0.6])
    assert float(conn(alpha, alpha_true, everywhere(alpha))) == pytest.approx(0.3)


def test_less_than_0_15_above_the_level_is_connected():
    alpha_true, alpha = clip([1, 1, 1, 0]), clip([1, 1, 1, 0.14])
    assert float(conn(alpha, alpha_true, everywhere(alpha))) == 0
    assert float(conn(clip([1, 1, 1, 0.15]), alpha_true, everywhere(alpha))) == pytest.approx(0.15)


def test_corners_do_not_connect():
    alpha = clip([1, 1, 0], [0, 0, 0.8])
    alpha_true = clip([1, 1, 0], [0, 0, 1])
    assert float(conn(alpha, alpha_true, everywhere(alpha))) == pytest.approx(0.2)


def test_the_body_is_that_of_the_whole_frame_whatever_the_region():
    alpha_true, alpha = clip([1, 1, 1, 0.3, 0.9]), clip([1, 1, 1, 0.3, 0.6])
    region = torch.tensor([False, False, False, False, True]).view(1, 1, 1, 5)
    assert float(conn(alpha, alpha_true, region)) == pytest.approx(0.3)
    assert float(conn(alpha, alpha_true, ~region)) == 0


def test_the_main_body_may_change_with_the_threshold():
    # Up to 0.5 all hangs together. From 0.6 the four pixels of 0.7 are the largest, and at 0.8 the two of 1.
    steps = np.array([[10, 10, 5, 7, 7, 7, 7]], np.uint8)
    assert connected_steps(steps).tolist() == [[5, 5, 5, 7, 7, 7, 7]]


def test_of_two_bodies_of_one_size_the_first_in_reading_order_is_the_main_one():
    assert connected_steps(np.array([[9, 0, 9]], np.uint8)).tolist() == [[9, 0, 0]]


def test_runs_that_touch_a_third_are_not_one_above_it():
    # Both summits touch the run of 4 at its own height; above 4 they are apart, and the wider one is the body.
    assert connected_steps(np.array([[9, 4, 8, 8]], np.uint8)).tolist() == [[4, 4, 8, 8]]
    assert connected_steps(np.array([[9, 9, 9], [4, 0, 0], [8, 8, 8]], np.uint8))[2].tolist() == [4, 4, 4]


@pytest.mark.parametrize("kind", ["noise", "few levels", "smooth", "spirals"])
def test_it_is_the_ten_labellings_to_every_printed_digit(kind):
    random = np.random.default_rng(len(kind))
    for _ in range(40):
        alpha, alpha_true = _maps(random, kind)
        region = random.random(alpha.shape) < 0.8
        ours = conn(*(torch.from_numpy(part)[None, None] for part in (alpha, alpha_true, region)))
        expected = ten_labellings(alpha / 255, alpha_true / 255, region)
        assert float(ours) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("kind", ["noise", "few levels", "smooth", "spirals"])
def test_walking_through_maps_in_small_blocks_changes_nothing(kind, monkeypatch):
    random = np.random.default_rng(7)
    clips = [[torch.from_numpy(part)[None, None] for part in _maps(random, kind)] for _ in range(20)]
    whole = [float(conn(*maps, everywhere(maps[0]))) for maps in clips]
    monkeypatch.setattr(bodies, "BLOCK", 16)
    monkeypatch.setattr(connectivity, "BLOCK", 16)
    assert [float(conn(*maps, everywhere(maps[0]))) for maps in clips] == whole


def test_levels_of_8_bits_and_their_values_agree():
    levels = torch.randint(0, 256, (2, 3, 1, 17, 23), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    alpha, alpha_true = levels
    region = everywhere(alpha)
    torch.testing.assert_close(conn(alpha, alpha_true, region), conn(alpha / 255.0, alpha_true.double() / 255, region))


def test_turning_both_maps_over_changes_nothing():
    alpha, alpha_true = torch.rand(2, 2, 1, 21, 13, generator=torch.Generator().manual_seed(2)).double()
    alpha[..., 4:15, 3:10] = alpha_true[..., 4:15, 3:10] = 1  # no two bodies of one size
    region = everywhere(alpha)
    torch.testing.assert_close(conn(alpha.flip(-1), alpha_true.flip(-1), region), conn(alpha, alpha_true, region))
    torch.testing.assert_close(conn(alpha.mT, alpha_true.mT, region.mT), conn(alpha, alpha_true, region))


def test_where_nothing_reaches_a_threshold_all_is_lost():
    alpha, alpha_true = clip([0.05, 0.9]), clip([0.05, 0.05])
    assert float(conn(alpha, alpha_true, everywhere(alpha))) == pytest.approx(0.9)


def test_a_single_pixel_and_an_empty_region():
    alpha, alpha_true = clip([0.7]), clip([0.25])
    # Together they reach 0.2: 0.5 is lost of 0.7, and nothing of 0.25.
    assert float(conn(alpha, alpha_true, everywhere(alpha))) == pytest.approx(0.5)
    assert conn(alpha, alpha_true, ~everywhere(alpha)).tolist() == [0]


def test_a_region_that_is_a_trimap_is_refused():
    with pytest.raises(InputError, match="region must be boolean; got torch.float32"):
        conn(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2))


def _maps(random: np.random.Generator, kind: str) -> np.ndarray:
    height, width = random.integers(1, 24, 2)
    if kind == "noise":
        return random.integers(0, 256, (2, height, width)).astype(np.uint8)
    if kind == "few levels":
        return random.choice([0, 60, 130, 255], (2, height, width)).astype(np.uint8)
    if kind == "smooth":
        grid = np.indices((height, width)) * random.uniform(0.3, 1.2, (2, 1, 1))
        waves = 127.5 + 127.5 * np.sin(grid[0]) * np.cos(grid[1])
        return np.stack((waves, (waves + random.normal(0, 20, waves.shape)).clip(0, 255))).astype(np.uint8)
    rows, columns = np.indices((height, width))
    ring = np.minimum(np.minimum(rows, height - 1 - rows), np.minimum(columns, width - 1 - columns))
    walls = np.where(ring % 2 == 0, random.integers(120, 256, ring.shape), random.integers(0, 60, ring.shape))
    return np.stack((walls, (walls + random.integers(-20, 20, ring.shape)).clip(0, 255))).astype(np.uint8)
