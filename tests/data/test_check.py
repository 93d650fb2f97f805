"""Bad sources are found and named."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mattekit.checks import InputError
from mattekit.data.check import Problem, check_entries, usable
from mattekit.data.look import AlphaLook
from mattekit.data.manifest import Entry

SIZE = (48, 64)


def ramp() -> np.ndarray:
    """Alpha that rises from left to right over the whole picture."""
    return np.broadcast_to(np.linspace(0, 255, SIZE[1]).round().astype(np.uint8), SIZE).copy()


def good(folder: Path, name: str, *, colour: int = 200, alpha: np.ndarray | None = None, frames: int = 0) -> Entry:
    """Write a foreground: a still, or a clip of folders."""
    levels = ramp() if alpha is None else alpha
    pictures = [np.full((*levels.shape, 3), colour + index, np.uint8) for index in range(frames or 1)]
    for index, picture in enumerate(pictures):
        for kind, values in (("fg", picture), ("alpha", levels)):
            place = folder / kind / name / f"{index:03d}.png" if frames else folder / kind / f"{name}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(values).save(place)
    suffix = "" if frames else ".png"
    paths = (folder / "fg" / f"{name}{suffix}", folder / "alpha" / f"{name}{suffix}")
    return Entry(name, "foreground", *paths, not frames, licence="CC0", alpha_kind="ground-truth")


def kinds(problems: list[Problem]) -> list[tuple[str, str]]:
    return [(problem.entry, problem.kind) for problem in problems]


def test_good_sources_have_no_problem_on_any_number_of_workers(tmp_path: Path) -> None:
    entries = [good(tmp_path, "cat"), good(tmp_path, "dog", colour=90, frames=3)]
    entries.append(Entry("wall", "background", good(tmp_path, "wall", colour=5).path, None, True, licence="CC0"))
    done: list[int] = []
    assert check_entries(entries, report=done.append) == check_entries(entries, workers=3) == []
    assert done == [1, 2, 3]
    assert usable(entries) == (entries, [])


def bad_sources(folder: Path) -> list[Entry]:
    """One source of each thing that can be wrong with a source by itself."""
    missing, cut, small, still, colours, bare, empty = (
        good(folder, name, colour=shade)
        for shade, name in enumerate(["missing", "cut", "small", "still", "colours", "bare", "empty"], start=50)
    )
    missing.path.unlink()
    cut.path.write_bytes(cut.path.read_bytes()[:90])
    Image.fromarray(ramp()[:, 1:]).save(small.alpha)
    clip = good(folder, "short", colour=80, frames=3)
    (clip.alpha / "002.png").unlink()
    shutil.copy(good(folder, "paint").path, colours.alpha)
    Image.fromarray(np.dstack([np.full(SIZE, shade, np.uint8) for shade in (9, 200, 90)])).save(colours.alpha)
    Image.fromarray(ramp() // 255).save(empty.alpha)
    return [missing, cut, small, clip, colours, replace(bare, alpha=None), empty, replace(still, path=clip.path)]


def test_each_thing_that_can_be_wrong_is_found_and_named(tmp_path: Path) -> None:
    entries = [replace(entry, name=f"{index}") for index, entry in enumerate(bad_sources(tmp_path))]
    found = check_entries(entries, workers=2)
    expected = ["missing", "unreadable", "mismatch", "mismatch", "mismatch", "mismatch", "empty", "mismatch"]
    assert kinds(found)[:8] == [(f"{index}", kind) for index, kind in enumerate(expected)]
    assert all(problem.is_error and problem.message.startswith(f"{problem.entry}: ") for problem in found[:8])
    for problem, text in zip(
        found,
        [
            "missing.png must be there",
            "must be a whole image",
            "alpha must have the colour's size (height, width) (48, 64); got (48, 63)",
            "alpha must have the colour's 3 frames; got 2",
            "alpha must be grey",
            "must carry alpha",
            "alpha must show something; it is 0 everywhere",
            "a still must have one frame",
        ],
        strict=False,
    ):
        assert text in problem.message


def test_bad_sources_are_refused_or_skipped_by_their_heads(tmp_path: Path) -> None:
    sound = good(tmp_path, "sound", colour=240)
    entries = [sound, *bad_sources(tmp_path)]
    with pytest.raises(InputError, match=r"^missing: .*missing\.png must be there; it is not; check the list$"):
        usable(entries)
    left, problems = usable(entries, on_bad="skip")
    assert [entry.name for entry in left] == ["sound", "colours", "bare", "empty"]
    assert kinds(problems) == [
        *(("missing", "missing"), ("cut", "unreadable"), ("small", "mismatch")),
        *(("short", "mismatch"), ("still", "mismatch")),
    ]
    left, problems = usable([sound, *entries[2:], replace(sound, path=entries[2].path)], on_bad="skip")
    assert "sound" not in [entry.name for entry in left] and kinds(problems)[0] == ("sound", "name")
    with pytest.raises(InputError, match="at least one source must be usable; all 1 are bad, the first: missing: "):
        usable(entries[1:2], on_bad="skip")
    with pytest.raises(InputError, match="on_bad must be one of refuse, skip; got 'ignore'"):
        usable(entries, on_bad="ignore")


def test_a_name_and_the_same_bytes_may_not_be_in_two_splits(tmp_path: Path) -> None:
    cat = good(tmp_path, "cat")
    twin = replace(good(tmp_path, "twin"), split="test")
    again = replace(cat, split="validation")
    found = check_entries([cat, twin, again, replace(good(tmp_path, "third"), name="third")])
    assert kinds(found) == [("cat", "split"), ("twin", "split"), ("third", "duplicate")]
    assert "it is in train and in validation" in found[0].message
    assert "they are in test and, as cat, in train" in found[1].message
    assert [problem.is_error for problem in found] == [True, True, False]


def test_hard_alpha_and_missing_licences_are_warnings_and_shipping_without_one_is_not(tmp_path: Path) -> None:
    hard = good(tmp_path, "hard", alpha=np.where(ramp() > 127, np.uint8(255), np.uint8(0)))
    full = good(tmp_path, "full", colour=9, alpha=np.full(SIZE, 255, np.uint8))
    found = check_entries([replace(hard, licence="", use="research"), replace(full, licence=" ")])
    assert kinds(found) == [("hard", "hard"), ("full", "hard"), ("hard", "licence"), ("full", "unlicensed")]
    assert "0.000% of its pixels are; is it a mask?" in found[0].message
    assert "it is opaque everywhere" in found[1].message
    assert [problem.as_dict()["level"] for problem in found] == ["warning", "warning", "warning", "error"]


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        (lambda alpha: alpha * 0.8, True),
        (lambda alpha: np.full(alpha.shape, 200.0), False),
        (lambda alpha: np.full(alpha.shape, 15.0), False),
        (lambda alpha: np.where(alpha > 245, 200.0, 5.0), False),
        (lambda alpha: np.where(alpha > 140, 200.0, 1.0), False),
        (lambda alpha: alpha * 0.1, False),
    ],
    ids=[
        "premultiplied",
        "straight",
        "dark subject",
        "black outline",
        "shadow",
        "dark and premultiplied: cannot be told",
    ],
)
def test_colour_that_falls_with_alpha_is_premultiplied(colour: object, expected: bool) -> None:
    alpha = ramp()
    noise = np.random.default_rng(0).normal(0, 3, (3, *SIZE))
    values = np.clip(colour(alpha.astype(float)) + noise, 0, 255).astype(np.uint8)  # type: ignore[operator]
    look = AlphaLook()
    look.add(np.concatenate((values, alpha[None])))
    assert look.is_premultiplied is expected


def test_softness_is_the_share_of_pixels_between_the_second_and_the_last_but_one_level() -> None:
    frame = np.zeros((4, 2, 5), np.uint8)
    frame[3] = [[0, 1, 2, 100, 253], [254, 255, 255, 255, 255]]
    look = AlphaLook()
    look.add(frame)
    assert (look.soft_share, look.is_empty, look.is_full) == (0.3, False, False)


def test_workers_must_be_there() -> None:
    with pytest.raises(InputError, match="workers must be 1 or more; got 0"):
        check_entries([], workers=0)
