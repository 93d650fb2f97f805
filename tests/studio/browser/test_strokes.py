"""The page paints the pixels that the server paints, value and place, at any zoom."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from browsing import Page
from mattekit.studio.strokes import Stroke, paint

VECTORS = Path(__file__).resolve().parents[1] / "strokes.json"
Visit = Callable[..., Page]


def test_the_page_rasterises_as_python_does(page: Page) -> None:
    vectors = json.loads(VECTORS.read_text())
    wrong, painted = page.ask(
        """async ({ letters, cases }) => {
          const { paint, crc32 } = await import("./static/strokes.js");
          const wrong = [];
          let painted = 0;
          cases.forEach(({ width, height, stroke, before, after, crc }, index) => {
            const bytes = (rows) => Uint8Array.from(rows.join(""), (letter) => letters[letter]);
            const trimap = { width, height, data: bytes(before) };
            if (paint(trimap, stroke) === undefined) return;
            painted++;
            const expected = bytes(after);
            const differs = trimap.data.some((value, place) => value !== expected[place]);
            if (differs || crc32(trimap.data) !== crc) wrong.push(index);
          });
          return [wrong, painted];
        }""",
        vectors,
    )
    assert wrong == []
    assert painted > 40


@pytest.mark.parametrize(
    ("zoom", "pan"),
    [(None, (0, 0)), (1.0, (17, -9)), (7.3, (-120, 33)), (23.0, (-600, -300))],
)
def test_painted_pixels_arrive_exactly(page: Page, zoom: float | None, pan: tuple[int, int]) -> None:
    paints_exactly(page, zoom, pan)


def test_painted_pixels_arrive_exactly_on_a_fine_screen(visit: Visit) -> None:
    paints_exactly(visit(viewport={"width": 1280, "height": 720}, device_scale_factor=2), 3.7, (5, 8))


def present(page: Page, frame: int) -> NDArray[np.uint8]:
    """Return the trimap of a frame, all background where it has none."""
    found = page.picture("trimaps", frame)
    return np.zeros((72, 96), np.uint8) if found is None else found


def paints_exactly(page: Page, zoom: float | None, pan: tuple[int, int]) -> None:
    """Paint with three brushes, and compare what the server and the page have with what Python paints."""
    page.go(3)
    expected = present(page, 3)
    if zoom is not None:
        page.ask(
            "([zoom, x, y]) => { studio.view.fit(); studio.view.zoomTo(zoom); studio.view.panBy(x, y); }", [zoom, *pan]
        )
    for value, size, points in (
        (255, 1, ((40, 30), (45, 41), (52, 33))),
        (128, 4, ((38, 28), (44, 28))),
        (0, 7, ((50, 36), (50, 36))),
    ):
        page.paint(*points, value=value, size=size)
        expected, _ = paint(expected, Stroke(3, "brush", value, points, size))
    assert (page.picture("trimaps", 3) == expected).all()
    assert (page.shown(3) == expected).all()


def test_a_box_a_polygon_and_a_fill_arrive_exactly(page: Page) -> None:
    page.go(6)
    expected = present(page, 6)
    page.press("r", "3")
    page.drag([(20.5, 10.5), (60.5, 50.5)])
    page.press("l", "2")
    corners = ((30, 20), (70, 25), (50, 60))
    for x, y in corners:
        page.page.mouse.click(*page.on_screen(x + 0.5, y + 0.5))
    page.press("Enter", "f", "1")
    page.page.mouse.click(*page.on_screen(22.5, 12.5))
    page.settle()
    for tool, value, points in (
        ("box", 255, ((20, 10), (60, 50))),
        ("polygon", 128, corners),
        ("fill", 0, ((22, 12),)),
    ):
        expected, _ = paint(expected, Stroke(6, tool, value, points))
    assert (page.picture("trimaps", 6) == expected).all()
    assert (page.shown(6) == expected).all()


def test_a_painted_pixel_is_a_square_on_the_screen(page: Page) -> None:
    page.go(9)
    page.ask(
        "() => { studio.studio.set('opacity', 1); studio.view.zoomTo(12); studio.view.centre(); studio.view.moved(); }"
    )
    page.paint((48, 36), value=255, size=1)
    page.page.mouse.move(5, 5)
    page.page.wait_for_timeout(100)
    left, top = page.on_screen(48, 36)
    green = page.pixels(round(left) - 1, round(top) - 1, 14, 14)[..., 1] > 180
    assert green[1:13, 1:13].all()
    assert green.sum() == 144


def test_the_keyboard_paints_too(page: Page) -> None:
    page.go(12)
    before = present(page, 12)
    page.press("b", "3")
    page.ask("() => studio.studio.set('size', 1)")
    page.page.locator("#stage").focus()
    page.page.mouse.move(5, 5)
    page.press("Alt+ArrowRight", "Alt+Enter", "Alt+Shift+ArrowDown", "Alt+Enter")
    page.settle()
    painted = page.picture("trimaps", 12)
    assert painted is not None
    expected, _ = paint(before, Stroke(12, "brush", 255, ((49, 36), (49, 46)), 1))
    assert (painted == expected).all()


def test_a_stroke_that_two_fingers_interrupt_is_taken_back(page: Page) -> None:
    page.go(15)
    before = page.state()["frames"][15]
    page.press("b")
    for kind, number, x in (("pointerdown", 1, 600), ("pointermove", 1, 640), ("pointerdown", 2, 700)):
        page.ask(
            """([kind, pointerId, clientX]) => {
              const stage = document.getElementById("stage");
              stage.setPointerCapture = () => {};
              const finger = { pointerId, clientX, clientY: 300, pointerType: "touch", bubbles: true };
              stage.dispatchEvent(new PointerEvent(kind, finger));
            }""",
            [kind, number, x],
        )
    assert page.ask("() => studio.edits.live") is None
    zoom = page.ask("() => studio.view.zoom")
    page.ask(
        """() => {
          const finger = { pointerId: 2, clientX: 860, clientY: 300, pointerType: "touch", bubbles: true };
          document.getElementById("stage").dispatchEvent(new PointerEvent("pointermove", finger));
        }"""
    )
    assert page.ask("() => studio.view.zoom") > 1.5 * zoom
    assert page.state()["frames"][15] == before
    assert (page.ask("() => studio.trimaps.get(15)") is None) == (before["trimap"] == "none")
