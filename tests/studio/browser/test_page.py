"""What a user does, in a browser: paint, propagate, correct, compare, export, come back, lose the connection."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from browsing import Command, Page

Visit = Callable[..., Page]
FRAMES = 36
DISC = ((30, 30), (44, 40), (36, 36))


def paint_disc(page: Page, *, at: int) -> None:
    """Give a frame a trimap, unknown round foreground."""
    page.go(at)
    page.paint(*DISC, value=128, size=30)
    page.paint(*DISC, value=255, size=12)


def statuses(page: Page, what: str) -> list[str]:
    return [frame[what] for frame in page.state()["frames"]]


def test_a_user_paints_propagates_corrects_exports_and_comes_back(visit: Visit, command: Command) -> None:
    page = visit(1)
    paint_disc(page, at=0)
    paint_disc(page, at=20)
    done = page.work("propagate", "p")
    assert done["state"] == "done", done
    assert statuses(page, "trimap") == ["key", *["carried"] * 19, "key", *["carried"] * (FRAMES - 21)]
    page.ask("end => studio.studio.setRange(16, end)", FRAMES)
    assert page.work("matte", "m")["state"] == "done"
    assert statuses(page, "alpha") == [*["none"] * 16, *["done"] * (FRAMES - 16)]
    before = [page.picture("trimaps", frame) for frame in range(FRAMES)]

    page.go(30)
    page.paint((10, 60), (14, 62), value=255, size=9)
    found = statuses(page, "trimap")
    assert found[:21] == ["key", *["carried"] * 19, "key"]
    assert found[30] == "key"
    assert set(found[21:30]) <= {"carried", "stale"}  # one that never looks as far as frame 30 keeps its trimap
    assert {found[29], *found[31:]} == {"stale"}
    stale = [frame for frame, status in enumerate(statuses(page, "alpha")) if status == "stale"]
    assert min(stale) > 20 - 2  # an alpha hangs on two neighbours a side
    assert set(range(28, FRAMES)) <= set(stale)
    assert page.ask("() => studio.studio.frames.map(frame => frame.trimap)") == found
    assert page.work("propagate", "p")["state"] == "done"
    after = [page.picture("trimaps", frame) for frame in range(FRAMES)]
    assert all((before[frame] == after[frame]).all() for frame in range(21))
    assert any((before[frame] != after[frame]).any() for frame in range(21, FRAMES))

    page.ask("() => studio.studio.setRange(28, 32)")
    page.press("e")
    page.page.locator("#export-cutout").select_option("")
    with page.page.expect_response("**/api/export") as reply:
        page.page.locator("#export-dialog button.primary").click()
    ended = page.ended(reply.value.json()["job"])
    assert ended["state"] == "done", ended
    page.until("() => document.querySelectorAll('#exports a').length === 1")
    with page.page.expect_download() as download:
        page.page.locator("#exports a").click()
    assert download.value.path().stat().st_size > 1000

    page.page.reload()
    page.until("() => window.studio && studio.view.drawn > 0")
    assert page.ask("() => studio.studio.at") == 30
    assert page.ask("() => studio.studio.frames.map(frame => frame.trimap)") == statuses(page, "trimap")
    assert (page.shown(30) == after[30]).all()
    assert (page.shown(25) == after[25]).all()


def test_undo_and_redo_go_to_the_frame_and_change_its_pixels(page: Page) -> None:
    page.go(18)
    page.paint((20, 20), (30, 30), value=255, size=5)
    page.paint((60, 20), (70, 30), value=128, size=6)
    both = page.picture("trimaps", 18)
    page.go(2)
    page.press("Control+z")
    page.settle()
    page.until("() => studio.studio.at === 18")
    one = page.picture("trimaps", 18)
    assert (page.shown(18) == one).all()
    assert (one != both).any()
    page.press("Control+z")
    page.settle()
    page.until("() => studio.studio.frames[18].trimap === 'none'")
    assert page.picture("trimaps", 18) is None
    page.press("Control+Shift+z", "Control+y")
    page.settle()
    assert (page.shown(18) == both).all()
    assert (page.picture("trimaps", 18) == both).all()


def test_a_stroke_on_a_carried_trimap_makes_it_a_key_frame(page: Page) -> None:
    paint_disc(page, at=22)
    assert page.work("propagate", "p")["state"] == "done"
    carried = page.picture("trimaps", 26)
    assert carried is not None
    page.go(26)
    page.paint((5, 5), value=255, size=3)
    painted = page.picture("trimaps", 26)
    assert page.state()["frames"][26]["trimap"] == "key"
    changed = np.argwhere(painted != carried)
    assert (changed >= 4).all()
    assert (changed <= 6).all()
    assert (page.shown(26) == painted).all()


def test_two_sessions_do_not_see_each_other(visit: Visit, command: Command) -> None:
    one, two = visit(0), visit(1)
    one.go(33)
    before = two.state()["frames"][33]
    one.paint((8, 8), (60, 60), value=255, size=3)
    assert two.state()["frames"][33] == before
    assert two.ask("() => studio.studio.clip.name") == "two.mkv"
    other = command.links[1].split("?")[0]
    answer = one.context.request.get(f"{other}api/state", headers={"Origin": "http://127.0.0.1"})
    assert answer.status in (403, 404)
    assert set(answer.json()) == {"error"}


def test_a_stroke_given_up_leaves_what_changed_elsewhere_meanwhile(visit: Visit) -> None:
    one, two = visit(), visit()
    for page in (one, two):
        page.go(31)
    two.paint((10, 10), (30, 30), value=128, size=5)
    one.until("() => studio.studio.frames[31].trimap === 'key'")
    one.settle()
    one.shown(31)
    one.press("b")
    one.page.mouse.move(*one.on_screen(40, 40))
    one.page.mouse.down()
    assert one.ask("() => studio.edits.live.frame") == 31
    two.paint((60, 60), (70, 50), value=255, size=5)
    one.until("() => studio.edits.missed.has(31)")
    one.press("Escape")
    one.page.mouse.up()
    one.settle()
    assert (one.shown(31) == two.picture("trimaps", 31)).all()


def test_two_pages_of_one_session_show_the_same(visit: Visit) -> None:
    one, two = visit(), visit()
    one.go(35)
    two.go(35)
    one.paint((10, 10), (30, 30), value=255, size=5)
    two.until("() => studio.studio.frames[35].trimap === 'key'")
    two.settle()
    assert (two.shown(35) == one.shown(35)).all()


def test_alpha_and_cut_out_of_the_frame_in_view_come_by_themselves(page: Page) -> None:
    paint_disc(page, at=34)
    page.press("a")
    page.until("() => studio.studio.frames[34].alpha === 'done' && studio.pictures.shelves.alphas.kept.has(34)")
    page.press("c")
    page.until("() => studio.pictures.shelves.cutouts.kept.has(34)")
    page.press("t")
    page.paint((36, 36), value=0, size=4)
    page.press("a")
    page.until("() => studio.studio.frames[34].alpha === 'done'")
    page.settle()
    alpha, trimap = page.picture("alphas", 34), page.picture("trimaps", 34)
    assert alpha is not None
    assert trimap is not None
    assert trimap[36, 36] == 0
    assert (alpha[trimap == 0] == 0).all()  # paint is law
    assert (alpha[trimap == 255] == 255).all()


def test_a_mask_gets_a_band_and_a_trimap_stays_as_it_is(page: Page, tmp_path: Path) -> None:
    mask, trimap = np.zeros((72, 96), np.uint8), np.zeros((72, 96), np.uint8)
    mask[20:50, 30:70] = 255
    trimap[20:50, 30:70], trimap[30:40, 40:60] = 128, 255
    page.ask("() => studio.studio.set('grow', 3)")
    for name, picture, frame in (("mask", mask, 27), ("trimap", trimap, 28)):
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
        page.go(frame)
        with page.page.expect_response(f"**/api/{name}s/{frame}*") as reply:
            page.page.locator("#file").set_input_files(tmp_path / f"{name}.png")
        assert reply.value.status == 200
        page.settle()
    banded = page.shown(27)
    assert (np.unique(banded) == [0, 128, 255]).all()
    assert banded[35, 50] == 255
    assert banded[35, 28] == banded[35, 31] == 128
    assert banded[35, 20] == 0
    assert (page.shown(28) == trimap).all()


def test_the_cut_out_is_shown_over_a_picture_of_the_user(page: Page, tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), (200, 30, 220)).save(tmp_path / "paper.png")
    paint_disc(page, at=24)
    page.paint((90, 66), value=0, size=9)
    page.press("c")
    page.until("() => studio.studio.frames[24].alpha === 'done' && studio.pictures.shelves.cutouts.kept.has(24)")
    page.until("() => !studio.pictures.shelves.cutouts.outdated.has(24)")
    with page.page.expect_response("**/api/background") as reply:
        page.page.locator("#background").set_input_files(tmp_path / "paper.png")
    assert reply.value.status == 200
    page.until("() => studio.layers.background && studio.studio.settings.backdrop === 'image' && !studio.view.waiting")
    page.page.mouse.move(5, 5)
    page.page.wait_for_timeout(50)
    x, y = page.on_screen(90, 66)
    assert page.pixels(round(x), round(y), 1, 1)[0, 0].tolist() == [200, 30, 220]


def test_every_control_has_a_name_and_can_be_reached(page: Page) -> None:
    nameless = page.ask(
        """() => [...document.querySelectorAll("button, input, select, [role=slider], [role=application]")]
          .filter(control => control.checkVisibility())
          .filter(control => !control.getAttribute("aria-label") && !control.textContent.trim()
            && !control.labels?.[0]?.textContent.trim())
          .map(control => control.outerHTML)"""
    )
    assert nameless == []
    tree = page.page.locator("body").aria_snapshot()
    for name in ("Undo", "Redo", "Timeline", "Foreground", "Brush size", "Play or pause", "Fit the window", "Export"):
        assert name in tree, name
    assert page.ask("() => document.querySelectorAll('[tabindex]:not([tabindex=\"0\"]):not(h1)').length") == 0
    page.press("?")
    assert page.page.locator("#help-dialog").is_visible()
    listed = page.page.locator("#help-dialog dt").all_inner_texts()
    assert len(listed) > 50
    page.press("Escape")
    assert not page.page.locator("#help-dialog").is_visible()


def test_no_key_means_two_things(page: Page) -> None:
    keys: list[str] = page.ask("() => Object.values(studio.panels.all).flatMap(action => action.keys)")
    assert sorted(set(keys)) == sorted(keys)


def test_what_a_server_refuses_is_said_in_its_own_sentence(page: Page) -> None:
    page.page.route("**/api/strokes", lambda route: route.fulfill(status=400, json={"error": "a made-up sentence"}))
    page.go(32)
    before = page.state()["frames"][32]["trimap"]
    assert before != "key"
    page.paint((10, 10), value=255, size=5)
    assert page.page.locator(".toast", has_text="a made-up sentence").is_visible()
    page.page.unroute("**/api/strokes")
    page.faults[:] = [fault for fault in page.faults if "400" not in fault]
    assert page.state()["frames"][32]["trimap"] == before
    page.until("before => studio.studio.frames[32].trimap === before", before)
    page.paint((10, 10), value=255, size=5)
    assert (page.shown(32) == page.picture("trimaps", 32)).all()


def test_a_lost_connection_is_told_and_comes_back(visit: Visit) -> None:
    page = visit()
    page.ask("() => studio.events.socket.close()")
    page.until("() => !studio.studio.connected")
    assert page.page.locator("#lost").is_visible()
    page.until("() => studio.studio.connected")
    page.until("() => document.getElementById('lost').hidden")


def test_it_is_light_or_dark_as_the_system_and_by_hand(visit: Visit) -> None:
    def ground(page: Page) -> Any:
        return page.ask("() => getComputedStyle(document.body).backgroundColor")

    light, dark = (visit(color_scheme=scheme) for scheme in ("light", "dark"))
    assert ground(light) != ground(dark)
    of_system = ground(light)
    light.press("Shift+D", "Shift+D")
    light.until("() => document.documentElement.dataset.theme === 'dark'")
    assert ground(light) == ground(dark)
    light.press("Shift+D")
    assert ground(light) == of_system


def test_nothing_is_cut_off_at_the_sizes_of_laptops_and_tablets(visit: Visit) -> None:
    for width, height in ((1280, 720), (1024, 768), (820, 1180)):
        page = visit(viewport={"width": width, "height": height})
        cut = page.ask(
            """() => [...document.querySelectorAll("button, input, select")].filter(one => one.checkVisibility())
              .filter(one => {
                const box = one.getBoundingClientRect();
                const part = one.closest(".panel, footer, main, header").getBoundingClientRect();
                return box.left < part.left - 1 || box.right > part.right + 1;
              })
              .map(one => one.outerHTML)"""
        )
        assert cut == []
        stage = page.page.locator("#stage").bounding_box()
        assert stage is not None
        assert stage["height"] > 250
        assert stage["width"] > 500
