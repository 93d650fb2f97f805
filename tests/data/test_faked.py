"""Test clips of fake motion: what goes over what, of which length and size, with a motion that can be found again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from mattekit.checks import InputError
from mattekit.data.faked import FakedScene, open_scene
from mattekit.data.faked_set import plan_faked, rules_of_faked
from mattekit.data.manifest import Entry
from mattekit.data.materialise import arguments_of, make
from mattekit.data.plan import Composite, FakedRules, Order, read_plan, write_plan
from mattekit.data.stored import read_stored, true_flow
from mattekit.ops.warp import warp
from sources import write_background, write_foreground

RULES = FakedRules(64, 5, 5, height=64, width=56)


def named(role: str, count: int) -> list[Entry]:
    return [Entry(f"{role}{number:02}", role, Path("x"), None, True, split="train") for number in range(count)]


def scene(folder: Path, *, seed: int, frames: int = 1, behind: int = 9) -> FakedScene:
    person = write_foreground(folder, "disc", frames=frames)
    ground = write_background(folder, "road", frames=behind)
    found = open_scene(Composite("c", "test", person.name, ground.name, seed), person, ground, RULES)
    assert isinstance(found, FakedScene)
    return found


def test_every_person_has_as_many_clips_and_no_background_twice() -> None:
    plan = plan_faked(named("foreground", 7), named("background", 20))
    assert len(plan) == 100 == len({each.seed for each in plan}) == len({each.name for each in plan})
    assert len({(each.foreground, each.background) for each in plan}) == 100
    counts = [sum(each.foreground == f"foreground{number:02}" for each in plan) for number in range(7)]
    assert counts == [15, 15, 14, 14, 14, 14, 14]
    assert {each.foreground for each in plan[:7]} == {f"foreground{number:02}" for number in range(7)}
    with pytest.raises(InputError, match="must have clips, foregrounds and backgrounds; got 5, 0 and 1"):
        plan_faked([], named("background", 1), count=5)


def test_the_rules_are_told_and_read_again(tmp_path: Path) -> None:
    rules = rules_of_faked("high")
    assert (rules.height, rules.width, rules.still_frames) == (512, 512, 10)
    write_plan(tmp_path / "plan.jsonl", plan_faked(named("foreground", 1), named("background", 2), count=3), rules)
    plan, found = read_plan(tmp_path / "plan.jsonl")
    assert found == rules and isinstance(found, FakedRules) and len(plan) == 3


def test_frames_are_the_true_layers_over_the_background_and_any_window_is_the_same(tmp_path: Path) -> None:
    drawn = list(scene(tmp_path, seed=3).draw())
    assert len(drawn) == 5 and drawn[0].frame.shape == (3, 64, 56)
    for each in drawn:
        alpha = each.alpha.float() / 255
        mixed = (alpha * each.foreground + (1 - alpha) * each.background).round()
        assert float((mixed - each.frame).abs().max()) <= 1
    assert not torch.equal(drawn[0].alpha, drawn[3].alpha)
    assert not torch.equal(drawn[0].background, drawn[3].background)
    (part,) = scene(tmp_path, seed=3).draw(2, 1)
    assert torch.equal(part.frame, drawn[2].frame)


def test_a_clip_gives_one_frame_of_its_seed_and_a_short_background_a_short_clip(tmp_path: Path) -> None:
    blues = set()
    for seed in (0, 1, 2, 5):
        found = scene(tmp_path, seed=seed, frames=3, behind=4)
        assert found.frames == 4
        blues |= {int(each.foreground[2][each.alpha[0] > 250].float().mean()) for each in found.draw()}
    assert blues == {60, 69, 78}


def test_the_flow_of_the_record_is_that_of_the_scene_and_leads_to_the_same_alpha(tmp_path: Path) -> None:
    person, ground = write_foreground(tmp_path, "disc"), write_background(tmp_path, "road", frames=9)
    composite = Composite("c", "test", person.name, ground.name, 4)
    order = Order(tmp_path / "set", "clips", ("composite", "alpha"))
    make(arguments_of(order, composite, {person.name: person, ground.name: ground}, RULES))
    made = open_scene(composite, person, ground, RULES)
    alpha = torch.stack([each.alpha for each in made.draw()])
    flow, valid = made.flow(alpha.float() / 255) or (None, None)
    found = true_flow(tmp_path / "set" / "c", alpha)
    assert flow is not None and valid is not None
    assert torch.equal(found.isfinite().all(1, keepdim=True), valid > 0) and 0.05 < float(valid.mean()) < 1
    assert torch.equal(found.nan_to_num(), torch.where(valid > 0, flow, 0))
    assert torch.equal(true_flow(tmp_path / "set" / "c", alpha[2:4], 2).nan_to_num(), found[2:3].nan_to_num())
    there, _ = warp(alpha[1:].float() / 255, found.nan_to_num())
    assert float(((there - alpha[:-1].float() / 255).abs() * valid).sum() / valid.sum()) < 0.03
    *_, small, known = read_stored(tmp_path / "set" / "c", length=3, longest=32)
    assert small is not None and known is not None and small.shape == (2, 2, 32, 28) and bool(known.any())


def test_a_motion_that_is_not_known_or_of_another_clip_is_refused(tmp_path: Path) -> None:
    person, ground = write_foreground(tmp_path, "ball", frames=6), write_background(tmp_path, "road", frames=9)
    composite = Composite("c", "test", person.name, ground.name, 4)
    order = Order(tmp_path / "set", "clips", ("alpha",))
    sources = {person.name: person, ground.name: ground}
    record = make(arguments_of(order, composite, sources, RULES))
    home = tmp_path / "set" / "c"
    with pytest.raises(InputError, match=r"5 frames of \(64, 56\) \(height, width\); got frames to 6"):
        true_flow(home, torch.zeros(6, 1, 64, 56))
    told = json.loads((home / "sample.json").read_text())
    assert record["motion"] == told["motion"] and set(told["motion"]) == {"box", "cut"}
    for motion, message in ((None, "motion must be known"), ({"box": [1]}, "must be told by box and cut")):
        (home / "sample.json").write_text(json.dumps(told | {"motion": motion}))
        with pytest.raises(InputError, match=message):
            true_flow(home, torch.ones(2, 1, 64, 56))
