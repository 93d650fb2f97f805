"""Backgrounds: what may be named, how they fit, how long they last, and at what speed they go."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch

import scenes
from mattekit.checks import InputError
from mattekit.cli.backdrop import Backdrop, check_backdrop, colour_note, parse_backdrop
from mattekit.cli.behind import Behind, fit_picture, fixed_picture
from mattekit.media import probe
from mattekit.types import ClipInfo

SIZE = (8, 12)


@pytest.fixture
def clip(tmp_path: Path) -> ClipInfo:
    scenes.write_video(tmp_path / "clip.mkv", torch.zeros(1, 3, *SIZE).expand(6, -1, -1, -1))
    return probe(tmp_path / "clip.mkv")


def greys(path: Path, levels: list[float], *, rate: int = 25) -> Path:
    """Write a video of flat grey frames."""
    frames = torch.tensor(levels)[:, None, None, None].expand(-1, 3, *SIZE)
    return scenes.write_video(path, frames, rate=Fraction(rate))


def shown(behind: Behind, seconds: list[Fraction]) -> list[float]:
    """Return the level of the background behind each frame, in hundredths."""
    return [round(float(behind.at(index, time).mean()), 2) for index, time in enumerate(seconds)]


def at_rate(rate: int, count: int) -> list[Fraction]:
    return [Fraction(index, rate) for index in range(count)]


@pytest.mark.parametrize(
    ("text", "colour"),
    [("#00b140", (0, 177, 64)), ("Red", (255, 0, 0)), ("#abc", (170, 187, 204)), ("checkerboard", None)],
)
def test_a_colour_or_a_checkerboard_may_be_named(text: str, colour: tuple[int, int, int] | None) -> None:
    assert parse_backdrop(text) == Backdrop(colour=colour)


def test_what_is_no_background_is_refused(clip: ClipInfo) -> None:
    for text, rules, words in [
        ("#12345", {}, "a background colour must be #rrggbb; got #12345"),
        ("#12345678", {}, "a background colour must be opaque"),
        (
            "none.png",
            {},
            r"a background must be a colour \(#00b140, green\), checkerboard, an image or a video; none.png",
        ),
        ("green", {"fit": "crop"}, "--background-fit must be one of cover, contain, stretch; got 'crop'"),
        ("green", {"end": "stop"}, "--background-end must be one of loop, hold, refuse; got 'stop'"),
    ]:
        with pytest.raises(InputError, match=words):
            parse_backdrop(text, **rules)


def test_a_composite_needs_a_background_and_a_preview_does_not(clip: ClipInfo) -> None:
    rules = {"span": (0, 6), "fit": "cover", "end": "loop"}
    composite, preview, alpha = ({name: Path("x.mp4")} for name in ("composite", "preview", "alpha"))
    assert check_backdrop(None, preview, clip, **rules) is None
    assert check_backdrop("red", preview, clip, **rules) == Backdrop(colour=(255, 0, 0))
    assert check_backdrop(None, alpha, clip, **rules) is None
    with pytest.raises(InputError, match="must come together; got --composite alone"):
        check_backdrop(None, composite, clip, **rules)
    with pytest.raises(InputError, match="must come together; got --background alone"):
        check_backdrop("red", alpha, clip, **rules)
    with pytest.raises(InputError, match="--background-fit must be one of"):
        check_backdrop(None, alpha, clip, **{**rules, "fit": "crop"})


def test_squares_of_a_checkerboard_take_turns() -> None:
    board = fixed_picture(Backdrop(), (48, 72))
    assert board.shape == (3, 48, 72)
    assert board.unique().tolist() == pytest.approx([0.6, 0.8])
    assert torch.allclose(board[:, :, 2:] + board[:, :, :-2], torch.tensor(1.4))
    assert torch.allclose(board[:, 2:] + board[:, :-2], torch.tensor(1.4))
    assert float(board[0, 0, 0]) == pytest.approx(0.6)
    assert fixed_picture(Backdrop(), (1, 1)).shape == (3, 1, 1)


def test_covering_scales_and_crops_equally_on_both_sides() -> None:
    ramp = torch.linspace(0, 1, 40).expand(3, 10, 40)
    assert torch.allclose(fit_picture(ramp, (10, 20)), ramp[..., 10:30])
    for size in ((33, 17), (1, 1), (7, 200)):
        assert fit_picture(ramp, size).shape == (3, *size)


def test_containing_shows_all_and_leaves_black_equally_on_both_sides() -> None:
    white = torch.ones(3, 10, 40)
    held = fit_picture(white, (30, 40), how="contain")
    assert torch.equal(held[:, 10:20], torch.ones(3, 10, 40))
    assert float(held[:, :10].sum() + held[:, 20:].sum()) == 0
    held = fit_picture(white, (10, 61), how="contain")
    assert (held[0, 0] > 0).nonzero().flatten().tolist() == list(range(10, 50))
    assert fit_picture(white, (1, 1), how="contain").shape == (3, 1, 1)


def test_stretching_fills_the_frame_with_all_of_the_picture() -> None:
    quarters = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).expand(3, 2, 2)
    stretched = fit_picture(quarters, (40, 200), how="stretch")
    assert stretched.shape == (3, 40, 200)
    assert [round(float(stretched[0, y, x])) for y in (2, -3) for x in (5, -6)] == [1, 0, 0, 1]


@pytest.mark.parametrize(("how", "columns"), [("cover", 40), ("contain", 20)])
def test_pixels_of_another_shape_are_seen_in_their_own(how: str, columns: int) -> None:
    disc = torch.ones(3, 20, 20)
    fitted = fit_picture(disc, (20, 40), how=how, ratio=1.0 if how == "contain" else 2.0)
    assert int((fitted[0, 10] > 0.5).sum()) == columns


def test_the_ratio_of_pixel_shapes_comes_from_both_clips(tmp_path: Path, clip: ClipInfo) -> None:
    scenes.write_picture(tmp_path / "square.png", torch.ones(3, 8, 8))
    wide = replace(clip, pixel_aspect=Fraction(2))
    behind = Behind(parse_backdrop(str(tmp_path / "square.png"), fit="contain"), wide)
    assert int((behind.at(0, Fraction(0))[0, 4] > 0.5).sum()) == 4
    behind.close()


@pytest.mark.parametrize(
    ("end", "expected"), [("loop", [0.2, 0.4, 0.6, 0.2, 0.4, 0.6]), ("hold", [0.2, 0.4, 0.6, 0.6, 0.6, 0.6])]
)
def test_a_video_begins_again_or_stays_at_its_end(
    tmp_path: Path, clip: ClipInfo, end: str, expected: list[float]
) -> None:
    behind = Behind(parse_backdrop(str(greys(tmp_path / "b.mkv", [0.2, 0.4, 0.6])), end=end), clip)
    assert shown(behind, at_rate(25, 6)) == expected
    behind.close()


def test_a_video_goes_at_its_own_speed(tmp_path: Path, clip: ClipInfo) -> None:
    path = str(greys(tmp_path / "b.mkv", [0.2, 0.4, 0.6, 0.8], rate=50))
    assert shown(Behind(parse_backdrop(path), clip), at_rate(25, 4)) == [0.2, 0.6, 0.2, 0.6]
    assert shown(Behind(parse_backdrop(path), clip), at_rate(100, 5)) == [0.2, 0.2, 0.4, 0.4, 0.6]
    held = Behind(parse_backdrop(path, end="hold"), clip)
    assert shown(held, [Fraction(0), Fraction(1, 50), Fraction(7, 2)]) == [0.2, 0.4, 0.8]


def test_rounded_times_pick_the_same_frames_for_an_hour(tmp_path: Path, clip: ClipInfo) -> None:
    path = str(greys(tmp_path / "b.mkv", [0.2, 0.4, 0.6], rate=30))
    behind = Behind(parse_backdrop(path), clip)
    for start in (0, 3 * 30 * 1200):
        times = [Fraction(round(Fraction(1000 * (start + index), 30)), 1000) for index in range(6)]
        assert shown(behind, times) == [0.2, 0.4, 0.6, 0.2, 0.4, 0.6]


def test_images_of_a_folder_go_one_with_each_frame(tmp_path: Path, clip: ClipInfo) -> None:
    (tmp_path / "plates").mkdir()
    for index, level in enumerate((0.2, 0.6)):
        scenes.write_picture(tmp_path / "plates" / f"{index}.png", torch.full((3, *SIZE), level))
    behind = Behind(parse_backdrop(str(tmp_path / "plates")), clip)
    assert shown(behind, at_rate(60, 5)) == [0.2, 0.6, 0.2, 0.6, 0.2]


def test_a_background_that_is_too_short_is_refused_where_asked(tmp_path: Path, clip: ClipInfo) -> None:
    outputs, rules = {"composite": tmp_path / "o.mp4"}, {"fit": "cover", "end": "refuse"}
    short, long = str(greys(tmp_path / "s.mkv", [0.2] * 3)), str(greys(tmp_path / "l.mkv", [0.2] * 6))
    slow = str(greys(tmp_path / "slow.mkv", [0.2] * 3, rate=12))
    for path in (long, slow, "red"):
        assert check_backdrop(path, outputs, clip, span=(0, 6), **rules) is not None
    assert check_backdrop(short, outputs, clip, span=(2, 5), **rules) is not None
    with pytest.raises(
        InputError, match=r"must last as long as the clip; .*s\.mkv has 3 frames at 25 a second for 6 at 25"
    ):
        check_backdrop(short, outputs, clip, span=(0, 6), **rules)


def test_a_background_of_other_colours_is_told(tmp_path: Path, clip: ClipInfo) -> None:
    backdrop = parse_backdrop(str(greys(tmp_path / "b.mkv", [0.2])))
    assert colour_note(backdrop, clip) is None
    assert colour_note(Backdrop(), clip) is None
    assert colour_note(None, clip) is None
    high = replace(clip, colour_primaries="bt2020", colour_transfer="smpte2084")
    assert colour_note(backdrop, high) == (
        "the background's values (bt709 and bt709) are laid behind the clip's (bt2020 and smpte2084) as they are"
    )
