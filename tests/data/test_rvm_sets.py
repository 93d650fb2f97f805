"""Test sets as Robust Video Matting has them: what goes over what, of which size, moving how."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from mattekit.checks import InputError
from mattekit.data.fitted import FittedScene, filling, fitting
from mattekit.data.manifest import Entry
from mattekit.data.plan import Composite, FittedRules
from mattekit.data.rvm_sets import plan_preset, rules_of_preset
from sources import write_background, write_foreground

RULES = FittedRules(48, 4, 4, height=24, width=48)


def named(role: str, count: int, *, still: bool) -> list[Entry]:
    return [Entry(f"{role}{still}{number:02}", role, Path("x"), None, still) for number in range(count)]


def plan(name: str, foregrounds: int, grounds: int) -> list[Composite]:
    still = name != "rvm-vm240k"
    behind = (named("background", grounds, still=each) for each in (True, False))
    return plan_preset(name, named("foreground", foregrounds, still=still), *behind)


@pytest.mark.parametrize(("name", "count"), [("rvm-vm240k", 5), ("rvm-d646", 11), ("rvm-aim", 11)])
def test_each_foreground_stands_before_five_pictures_and_five_clips(name: str, count: int) -> None:
    composites = plan(name, count, 45)
    assert len(composites) == 10 * count
    for kind in ("static", "motion"):
        pairs = [(each.foreground, each.background) for each in composites if each.name.startswith(kind)]
        assert len(set(pairs)) == 5 * count == len(pairs)
    assert len({each.seed for each in composites}) == len(composites) == len({each.name for each in composites})


def test_five_backgrounds_are_enough_and_none_comes_twice_for_a_foreground() -> None:
    composites = plan("rvm-aim", 3, 5)
    assert len({(each.foreground, each.background) for each in composites}) == 30
    with pytest.raises(InputError, match="must have 5 still backgrounds or more; got 4; add some"):
        plan("rvm-aim", 3, 4)
    with pytest.raises(InputError, match="foregrounds of rvm-d646 must be pictures"):
        plan_preset("rvm-d646", named("foreground", 1, still=False), [], [])


def test_clips_are_mirrored_in_the_second_round_and_pictures_never() -> None:
    mirrored = [each.name for each in plan("rvm-vm240k", 2, 9) if each.seed % 2]
    assert mirrored == ["static-0002", "static-0003", "motion-0002", "motion-0003"]
    assert not any(each.seed % 2 for each in plan("rvm-d646", 2, 9))


def test_frames_have_the_published_sizes_and_a_hundred_frames() -> None:
    sizes = [(rules.height, rules.width) for rules in (
        rules_of_preset("rvm-vm240k", "low"), rules_of_preset("rvm-vm240k", "high"), rules_of_preset("rvm-aim", "high")
    )]  # fmt: skip
    assert sizes == [(288, 512), (1080, 1920), (2048, 2048)]
    assert rules_of_preset("rvm-d646", "low").still_frames == 100
    with pytest.raises(InputError, match="--resolution must be one of low, high; got 'huge'"):
        rules_of_preset("rvm-d646", "huge")


def test_a_foreground_fits_into_the_frame_and_a_background_fills_it() -> None:
    assert fitting((100, 50), (24, 48)) == (24, 12) and filling((100, 50), (24, 48)) == (96, 48)
    assert fitting((24, 48), (24, 48)) == filling((24, 48), (24, 48)) == (24, 48)
    assert fitting((1, 1000), (24, 48)) == (1, 48)


def scene(tmp_path: Path, foreground: Entry, *, seed: int, frames: int = 1) -> FittedScene:
    ground = write_background(tmp_path, "road", size=(60, 80), frames=frames)
    return FittedScene(Composite("c", "test", foreground.name, ground.name, seed), foreground, ground, RULES)


def test_a_clip_stands_in_the_middle_mirrored_by_an_odd_seed(tmp_path: Path) -> None:
    ball = write_foreground(tmp_path, "ball", size=(48, 56), frames=4)
    plain, mirrored = (list(scene(tmp_path, ball, seed=seed).draw()) for seed in (0, 1))
    assert len(plain) == 4 and plain[0].frame.shape == (3, 24, 48)
    for one, other in zip(plain, mirrored, strict=True):
        assert torch.equal(one.alpha.flip(-1), other.alpha) and torch.equal(one.background, other.background)
    assert plain[0].alpha[0, 12, 24] == 255 and int(plain[0].alpha[..., :8].max()) == 0


def test_a_clip_begins_at_a_frame_of_its_seed_and_any_window_is_the_same(tmp_path: Path) -> None:
    ball = write_foreground(tmp_path, "ball", size=(40, 48), frames=12)
    firsts = {int(next(scene(tmp_path, ball, seed=2 * seed).draw()).foreground[2, 12, 24]) for seed in range(12)}
    assert len(firsts) > 2
    whole = list(scene(tmp_path, ball, seed=4, frames=6).draw())
    (part,) = scene(tmp_path, ball, seed=4, frames=6).draw(2, 1)
    assert torch.equal(part.frame, whole[2].frame) and len(whole) == 4


def test_a_still_moves_evenly_and_within_its_limits(tmp_path: Path) -> None:
    disc = write_foreground(tmp_path, "disc")
    found = scene(tmp_path, disc, seed=8)
    assert found.places is not None
    zooms = found.places[:, :, :2].det().rsqrt()  # frame px a px of the fitted foreground
    assert float(zooms.min()) >= 0.9 - 1e-6 and float(zooms.max()) <= 1.1 + 1e-6
    angles = torch.atan2(found.places[:, 1, 0], found.places[:, 0, 0])
    assert float(angles.abs().max()) < math.radians(16)
    drawn = list(found.draw())
    assert len(drawn) == 4 and not torch.equal(drawn[0].alpha, drawn[3].alpha)
    again = scene(tmp_path, disc, seed=8).places
    assert again is not None and torch.equal(found.places, again)
    flow, valid = found.flow(torch.stack([each.alpha for each in drawn]).float() / 255) or (None, None)
    assert flow is not None and valid is not None and flow.shape == (3, 2, 24, 48) and bool(valid.any())
