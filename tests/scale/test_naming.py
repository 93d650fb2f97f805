"""Names of the outputs of a batch: what a template may hold, that none leads out, and that no two meet."""

from __future__ import annotations

from pathlib import Path

import pytest

from mattekit.checks import InputError
from mattekit.scale.naming import check_collisions, check_template, name_output


def named(template: str, clip: str = "/in/day 1/shot.v2.mov", suffix: str = "mkv") -> str:
    check_template(template)
    return str(name_output(template, Path(clip), number=7, content="alpha", suffix=suffix))


def test_fields_are_filled_and_pictures_get_a_folder() -> None:
    assert named("{stem}_{content}") == "shot.v2_alpha.mkv"
    assert named("{folder}/{number:03d}-{stem}") == "day 1/007-shot.v2.mkv"
    assert named("{stem}", suffix="png") == "shot.v2/%05d.png"
    assert named("{{{stem}}}") == "{shot.v2}.mkv"


@pytest.mark.parametrize(
    "template",
    [
        "{stem.parent}", "{stem[0]}", "{0}", "{}", "{clip}", "{stem!r}", "{stem:>9}", "{number:x}", "{stem", "",
        "../{stem}", "/tmp/{stem}", "{stem}/", "a//b", "{stem}/../../x", ".{stem}", "a\\{stem}", "a\0{stem}",
    ],
)  # fmt: skip
def test_a_template_with_other_fields_or_a_way_out_is_refused(template: str) -> None:
    with pytest.raises(InputError, match="--name must"):
        check_template(template)


@pytest.mark.parametrize("clip", ["/in/.hidden.mov", "/in/a\\b.mov"])
def test_a_clip_whose_name_would_hide_or_lead_out_is_refused(clip: str) -> None:
    with pytest.raises(InputError, match="--name must lead to visible files"):
        named("{stem}", clip)


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        ("out/a.mkv", "out/a.mkv", "every output must have a name of its own; A and B would both be"),
        ("out/a.mkv", "out/A.MKV", "every output must have a name of its own"),
        ("out/caf\u00e9.mkv", "out/cafe\u0301.mkv", "every output must have a name of its own"),
        ("out/a.mkv", "out/a.mkv/%05d.png", "an output must not lie in another; that of B would lie in that of A"),
        ("out/a.mkv", "in/clip.mov", "an output must not be an input; that of B would be one of A"),
    ],
)
def test_places_that_meet_are_refused_by_the_clips(tmp_path: Path, one: str, other: str, message: str) -> None:
    outputs = {"A": {"alpha": tmp_path / one}, "B": {"alpha": tmp_path / other}}
    with pytest.raises(InputError, match=message):
        check_collisions(outputs, {tmp_path / "in/clip.mov": "A"})


def test_places_apart_are_taken(tmp_path: Path) -> None:
    outputs = {name: {"alpha": tmp_path / f"{name}.mkv", "cutout": tmp_path / f"{name}.mov"} for name in "AB"}
    check_collisions(outputs, {tmp_path / "in/A.mkv": "A"})
