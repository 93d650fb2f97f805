"""Random trimaps: always right unless sloppy, and as uneven as drawn ones."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mattekit.checks import InputError
from mattekit.data.trimaps import paper_trimap, random_trimap
from mattekit.ops.trimap import trimap_from_alpha_iterated
from mattekit.ops.warp import pixel_grid


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def moving_disc(frames: int = 4, height: int = 72, width: int = 97) -> Tensor:
    """Return alpha (T, 1, H, W) of a soft disc that moves 3 px a frame, with a thin hair on it."""
    x, y = pixel_grid((height, width), like=torch.zeros(1))[0]
    discs = []
    for time in range(frames):
        disc = ((20 - torch.hypot(x - 40 - 3 * time, y - 36)) / 4 + 0.5).clamp(0, 1)
        hair = 0.6 * ((x - 60 - 3 * time - 0.3 * y).abs() < 1)
        discs.append(torch.maximum(disc, hair)[None])
    return torch.stack(discs)


def test_known_pixels_are_right_and_soft_ones_unknown_whatever_is_drawn() -> None:
    alpha = moving_disc()
    soft = (alpha > 0.01) & (alpha < 0.99)
    for seed in range(60):
        trimap = random_trimap(alpha, generator(seed), widest=12)
        known = trimap != 0.5
        assert set(trimap.unique().tolist()) <= {0.0, 0.5, 1.0} and trimap.shape == alpha.shape
        assert bool((trimap[soft] == 0.5).all())
        assert float((trimap - alpha)[known].abs().max()) <= 0.0101


def test_widths_differ_from_clip_to_clip_and_between_the_sides() -> None:
    edge = torch.zeros(1, 1, 9, 80)
    edge[..., 40:] = 1
    widths = set()
    for seed in range(40):
        row = random_trimap(edge, generator(seed), blobs=False)[0, 0, 4] == 0.5
        widths.add((int(row[:40].sum()), int(row[40:].sum())))
    assert len(widths) > 25 and max(out for out, _ in widths) > 15 and min(out for out, _ in widths) <= 3


def test_a_plain_band_is_as_wide_as_drawn_from_two_px_on() -> None:
    edge = torch.zeros(1, 1, 9, 40)
    edge[..., 20:] = 1
    found = [
        (random_trimap(edge, generator(seed), widest=2, blobs=False)[0, 0] == 0.5).sum(dim=1) for seed in range(30)
    ]
    assert sum(bool((counts == 4).all()) for counts in found) > 5


def test_islands_come_only_when_asked_for() -> None:
    empty = torch.zeros(1, 1, 48, 48)
    assert all(float(random_trimap(empty, generator(seed), blobs=False).max()) == 0 for seed in range(40))
    assert any(float(random_trimap(empty, generator(seed)).max()) == 0.5 for seed in range(40))


def test_sloppy_trimaps_are_wrong_in_a_few_places_and_only_when_asked_for() -> None:
    alpha = moving_disc()
    shares = []
    for seed in range(60):
        trimap = random_trimap(alpha, generator(seed), widest=10, blobs=False, sloppy=1.0)
        wrong = ((trimap - alpha).abs() > 0.0101) & (trimap != 0.5)
        shares.append(float(wrong.sum() / (trimap == 0.5).sum()))
    assert sum(share > 0 for share in shares) > 20
    assert max(shares) < 0.3 and sum(shares) / len(shares) < 0.1


def test_the_same_seed_gives_the_same_trimap() -> None:
    alpha = moving_disc()
    for seed in range(8):
        one, same = (random_trimap(alpha, generator(seed), sloppy=0.5) for _ in range(2))
        assert bool((one == same).all())
    assert bool((random_trimap(alpha, generator(1)) != random_trimap(alpha, generator(2))).any())


def test_the_papers_rule_is_the_ellipse_applied_so_often() -> None:
    alpha, found = moving_disc(2), set()
    for seed in range(12):
        draws = generator(seed)
        side, iterations = (int(torch.randint(*ends, (1,), generator=draws)) for ends in ((2, 6), (5, 16)))
        wanted = trimap_from_alpha_iterated(alpha, side=side, iterations=iterations)
        assert bool((paper_trimap(alpha, generator(seed)) == wanted).all())
        found.add(side)
    assert found == {2, 3, 4, 5}


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (1, 40)])
def test_tiny_pictures_and_single_frames_have_trimaps(size: tuple[int, int]) -> None:
    for seed in range(12):
        assert bool((random_trimap(torch.ones(1, 1, *size), generator(seed), blobs=False) == 1).all())


def test_a_band_below_two_px_and_another_shape_are_refused() -> None:
    with pytest.raises(InputError, match="must be 2 px or more; got 1"):
        random_trimap(moving_disc(), generator(), widest=1)
    with pytest.raises(InputError, match=r"alpha must have shape \(T, 1, H, W\)"):
        random_trimap(torch.zeros(4, 4), generator())
