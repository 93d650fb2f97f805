from __future__ import annotations

import json
import os
import resource
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from mattekit.checks import InputError
from mattekit.data.manifest import Entry
from mattekit.data.plan import Rules, draw_plan, hold_out, plan_of_pairs, read_plan, write_plan


def _entries(foregrounds: int, backgrounds: int, split: str = "train") -> list[Entry]:
    kinds = [("foreground", f"f{i}", Path("a.png")) for i in range(foregrounds)]
    kinds += [("background", f"b{i}", None) for i in range(backgrounds)]
    return [Entry(name, role, Path(name), alpha, True, split) for role, name, alpha in kinds]


@pytest.mark.parametrize(("split", "foregrounds", "composites"), [("train", 400, 6400), ("test", 62, 248)])
def test_the_published_numbers_of_foregrounds_give_the_published_numbers_of_composites(
    split: str, foregrounds: int, composites: int
) -> None:
    plan = draw_plan(_entries(foregrounds, 300, split), split=split)
    assert len(plan) == composites and len({each.name for each in plan}) == composites
    assert len({each.seed for each in plan}) == composites


def test_every_background_of_a_test_set_that_is_large_enough_is_used_once() -> None:
    plan = draw_plan(_entries(62, 248, "test"), split="test")
    assert set(Counter(each.background for each in plan).values()) == {1}


def test_no_foreground_meets_a_background_twice_while_there_are_others() -> None:
    plan = draw_plan(_entries(9, 17), split="train")
    for name in {each.foreground for each in plan}:
        assert len({each.background for each in plan if each.foreground == name}) == 16


def test_too_few_backgrounds_come_again_with_another_seed() -> None:
    plan = draw_plan(_entries(1, 2), split="train", each=5)
    assert len(plan) == 5 and len({each.seed for each in plan}) == 5 and len({each.name for each in plan}) == 5


def test_the_order_of_the_list_does_not_matter_and_the_seed_does() -> None:
    entries = _entries(5, 9)
    plan = draw_plan(entries, split="train", each=3)
    assert draw_plan(entries[::-1], split="train", each=3) == plan
    assert draw_plan(entries, split="train", each=3, seed=1) != plan


def test_a_composite_keeps_its_seed_in_another_set_of_the_same_seed() -> None:
    one = {each.name: each.seed for each in draw_plan(_entries(5, 9), split="train", each=9)}
    two = {each.name: each.seed for each in draw_plan(_entries(3, 9), split="train", each=9)}
    assert two.items() <= one.items()


def test_pairs_are_taken_in_their_order_and_may_repeat() -> None:
    plan = plan_of_pairs([("a", "x"), ("b", "y"), ("a", "x")])
    assert [(each.foreground, each.background) for each in plan] == [("a", "x"), ("b", "y"), ("a", "x")]
    assert len({each.name for each in plan}) == 3 and len({each.seed for each in plan}) == 3


def test_names_that_are_no_file_names_are_made_so_and_stay_apart() -> None:
    names = [each.name for each in plan_of_pairs([("a/b", "x"), ("a_b", "x"), ("..", "ü y"), ("l" * 300, "x")])]
    assert len(set(names)) == 4
    assert all(name.isascii() and "/" not in name and not name.startswith(".") and len(name) <= 121 for name in names)


def test_one_in_twenty_is_held_out_of_each_role_and_at_least_one() -> None:
    moved = hold_out(_entries(40, 7))
    counts = Counter((entry.role, entry.split) for entry in moved)
    assert counts["foreground", "validation"] == 2 and counts["background", "validation"] == 1
    assert hold_out(_entries(4, 4), share=0) == _entries(4, 4)
    with pytest.raises(InputError, match="the share held out must be in 0 to 1; got 2"):
        hold_out(_entries(4, 4), share=2)


def test_what_is_held_out_stays_when_sources_are_added() -> None:
    few = {
        entry.name for entry in hold_out(_entries(40, 7)) if entry.split == "validation" and entry.role == "foreground"
    }
    more = {entry.name for entry in hold_out(_entries(80, 7)) if entry.split == "validation"}
    kept = {name for name in more if int(name[1:]) < 40 and name[0] == "f"}
    assert kept <= few


def test_a_written_plan_is_read_back(tmp_path: Path) -> None:
    plan, rules = draw_plan(_entries(2, 4), split="train", each=2), Rules(longest=640, blur=True)
    write_plan(tmp_path / "plan.jsonl", plan, rules)
    assert read_plan(tmp_path / "plan.jsonl") == (plan, rules)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must begin with 'mattekit composites 1'"),
        ('{"format": "other"}\n', "must begin with 'mattekit composites 1'"),
        ('{"format": "mattekit composites 1", "longest": 0}\n', "longest must be 1 or more; got 0"),
        ('{"format": "mattekit composites 1", "longest": 3.5}\n', "longest must be 1 or more; got 3.5"),
        ('"mattekit composites 1"\n', "must begin with 'mattekit composites 1'"),
        ('{"format": "mattekit composites 1"}\n{"name": "a"}\n', "line 2 must be a composite with name, split"),
    ],
)
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "plan.jsonl"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_plan(path)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": ""}, "line 3 must be .* name must be of letters, digits and .*; got ''"),
        ({"name": "../other"}, "name must be of letters"),
        ({"name": ".hidden"}, "name must be of letters"),
        ({"split": "all"}, "split must be one of train, validation, test; got 'all'"),
        ({"seed": "x"}, "seed must be a whole number from 0 to below 2 \\*\\* 63; got 'x'"),
        ({"seed": 2**63}, "seed must be a whole number"),
        ({"background": 3}, "foreground and background must be names; got 3"),
        ({}, "line 3 must be .*; a\\+b comes twice"),
    ],
)
def test_a_composite_that_could_not_be_made_or_would_leave_its_folder_is_refused(
    tmp_path: Path, wrong: dict[str, object], message: str
) -> None:
    write_plan(tmp_path / "plan.jsonl", plan_of_pairs([("a", "b")]), Rules())
    lines = (tmp_path / "plan.jsonl").read_text().splitlines()
    lines.append(json.dumps(json.loads(lines[1]) | wrong))
    (tmp_path / "plan.jsonl").write_text("\n".join(lines))
    with pytest.raises(InputError, match=message):
        read_plan(tmp_path / "plan.jsonl")


def test_a_plan_that_cannot_be_written_leaves_the_one_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "plan.jsonl"
    write_plan(path, plan_of_pairs([("a", "b")]), Rules())
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, limits[1]))  # as a full disk: a file ends in the middle
    try:
        with pytest.raises(InputError, match="must be writable"):
            write_plan(path, plan_of_pairs([("a", "b"), ("c", "d")]), Rules())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_names_of_any_bytes_make_composites_of_their_own() -> None:
    names = [each.name for each in plan_of_pairs([(os.fsdecode(b"bad\xff"), "x"), (os.fsdecode(b"bad\xfe"), "x")])]
    assert len(set(names)) == 2 and all(name.startswith("bad_") for name in names)


def test_a_split_without_backgrounds_is_refused() -> None:
    entries = [replace(entry, split="test") if entry.role == "background" else entry for entry in _entries(2, 2)]
    with pytest.raises(InputError, match="split train must have foregrounds and backgrounds; it has 2 and 0"):
        draw_plan(entries, split="train")
