"""Strokes cover exactly the pixels that their definitions name."""

from __future__ import annotations

import json
import random
import zlib
from time import process_time

import numpy as np
import pytest

from mattekit.checks import InputError
from mattekit.studio.raster import disc_rows, line, squared_distance
from mattekit.studio.strokes import Stroke, check_trimap, paint, stroke_from
from studio.plain_strokes import VECTORS, cases, read_rows, some_rows, some_stroke, write_rows
from studio.plain_strokes import line as plain_line
from studio.plain_strokes import paint as plain_paint

WRITTEN = json.loads(VECTORS.read_text(encoding="utf-8"))


def test_the_written_vectors_are_what_the_definitions_give() -> None:
    assert WRITTEN["cases"] == json.loads(json.dumps(cases()))


@pytest.mark.parametrize("number", range(len(WRITTEN["cases"])))
def test_painting_gives_the_written_pixels_box_and_checksum(number: int) -> None:
    case = WRITTEN["cases"][number]
    before = np.array(read_rows(case["before"]), dtype=np.uint8)
    after, box = paint(before, stroke_from({"frame": 0, **case["stroke"]}))
    assert write_rows(after.tolist()) == case["after"]
    assert (None if box is None else list(box)) == case["box"]
    assert zlib.crc32(after.tobytes()) == case["crc"]


@pytest.mark.parametrize("seed", range(40))
def test_strokes_drawn_at_random_cover_what_their_definitions_say(seed: int) -> None:
    draw = random.Random(1000 + seed)
    width, height = draw.randrange(3, 40), draw.randrange(3, 30)
    rows, stroke = some_rows(draw, width, height), some_stroke(draw, width, height)
    expected, box = plain_paint(rows, stroke)
    after, found = paint(np.array(rows, dtype=np.uint8), stroke_from({"frame": 0, **stroke}))
    assert write_rows(after.tolist()) == write_rows(expected)
    assert (None if found is None else list(found)) == box


def test_a_brush_of_one_pixel_paints_one_pixel() -> None:
    before = np.zeros((4, 5), dtype=np.uint8)
    after, box = paint(before, Stroke(0, "brush", 255, ((3, 2),), size=1))
    assert np.argwhere(after == 255).tolist() == [[2, 3]] and box == (3, 2, 4, 3)
    assert not before.any()


def test_a_brush_of_two_pixels_lies_up_and_left_of_its_point() -> None:
    assert disc_rows(2) == [(-1, -1, 1), (0, -1, 1)]


@pytest.mark.parametrize("seed", range(5))
def test_a_line_is_that_of_bresenham_whole_or_in_part(seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(200):
        start, end = ((draw.randrange(-30, 30), draw.randrange(-30, 30)) for _ in range(2))
        whole = plain_line(start, end)
        assert line(start, end).tolist() == [list(pixel) for pixel in whole]
        part = line(start, end, within=((-9, -7), (8, 11))).tolist()
        assert [pixel for pixel in whole if -9 <= pixel[0] <= 8 and -7 <= pixel[1] <= 11] == [
            (x, y) for x, y in part if -9 <= x <= 8 and -7 <= y <= 11
        ]


def test_long_strokes_of_large_brushes_take_no_minutes() -> None:
    before, draw = np.zeros((360, 640), dtype=np.uint8), random.Random(1)
    near = tuple((draw.randrange(640), draw.randrange(360)) for _ in range(100))
    far = tuple((draw.randrange(-65536, 65536), draw.randrange(-65536, 65536)) for _ in range(2000))
    begun = process_time()
    paint(before, Stroke(0, "brush", 255, near, size=999))
    paint(before, Stroke(0, "brush", 255, far, size=2))
    paint(before, Stroke(0, "polygon", 255, far))
    assert process_time() - begun < 5


@pytest.mark.parametrize("seed", range(3))
def test_squared_distances_are_whole_and_exact(seed: int) -> None:
    mask = np.random.default_rng(seed).random((37, 53)) < 0.01
    mask[0, 0] = True
    y, x = np.mgrid[:37, :53]
    expected = np.min([(y - row) ** 2 + (x - column) ** 2 for row, column in np.argwhere(mask)], axis=0)
    assert (squared_distance(mask) == expected).all()


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"tool": "brush"}, "must have frame and tool"),
        ({"frame": 0, "tool": "brush", "colour": 1}, "must have frame and tool"),
        ({"frame": 0, "tool": "spray"}, "tool must be one of"),
        ({"frame": -1, "tool": "band", "grow": 1}, "0 or more; got -1"),
        ({"frame": True, "tool": "band"}, "frame must be a whole number; got True"),
        ({"frame": 0, "tool": 3}, "tool must be a name"),
        ({"frame": 0, "tool": "brush", "value": 7, "points": [[0, 0]]}, "value must be one of 0, 128, 255; got 7"),
        ({"frame": 0, "tool": "brush", "points": [[0, 0]], "size": 1000}, "size must be 1 to 999"),
        ({"frame": 0, "tool": "brush", "points": []}, "brush must have 1 to 20000 points; got 0"),
        ({"frame": 0, "tool": "box", "points": [[0, 0]]}, "box must have 2 to 2 points; got 1"),
        ({"frame": 0, "tool": "brush", "points": [[0, 0.5]]}, "pairs of whole numbers"),
        ({"frame": 0, "tool": "brush", "points": "00"}, "pairs of whole numbers"),
        ({"frame": 0, "tool": "brush", "points": [[0, 99999]]}, "at most 65536 px away"),
        ({"frame": 0, "tool": "band", "grow": 0}, "grow must be -999 to 999 px and not 0"),
        ({"frame": 0, "tool": "edge", "grow": -2}, "grow must be 1 to 999 px"),
        ({"frame": 0, "tool": "brush", "points": [[0, 10**12]]}, "pairs of whole numbers"),
    ],
)
def test_a_wrong_stroke_is_refused_by_its_fault(facts: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        stroke_from(facts)


def test_a_trimap_of_other_values_or_size_is_refused() -> None:
    with pytest.raises(InputError, match="must hold only 0, 128, 255; got 0, 7"):
        check_trimap(np.array([[0, 7]], dtype=np.uint8), (1, 2))
    with pytest.raises(InputError, match=r"of size \(3, 2\)"):
        check_trimap(np.zeros((2, 2), dtype=np.uint8), (3, 2))
