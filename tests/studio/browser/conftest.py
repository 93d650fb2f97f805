"""A browser, a studio of two clips, and pages of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import scenes
from browsing import Command, Page, chromium, missing, studio

FRAMES = 36


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip all that needs a browser where there is none."""
    reason = missing()
    for item in items if reason else ():
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=f"the page is not tested: {reason}"))


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Chromium."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="package")
def command(tmp_path_factory: pytest.TempPathFactory, random_weights: Path) -> Iterator[Command]:
    """A studio of two clips, each a disc that moves, with networks that were never trained."""
    folder = tmp_path_factory.mktemp("studio")
    clips = []
    for name, speed in (("one", (1, 0)), ("two", (0, 1))):
        frames = scenes.soft_disc(FRAMES, (72, 96), speed=speed).frames
        clips.append(scenes.write_video(folder / f"{name}.mkv", frames))
    with studio(*clips, folder=folder, options=["--weights", str(random_weights)]) as running:
        yield running


@pytest.fixture(scope="package")
def contexts(browser: Any, command: Command) -> list[Any]:
    """Contexts of the browser that each session has let in; a link works once."""
    found = []
    for link in command.links:
        context = browser.new_context(viewport={"width": 1280, "height": 720})
        context.request.get(link)
        found.append(context)
    return found


@pytest.fixture(scope="package")
def first_page(browser: Any, command: Command, contexts: list[Any]) -> Page:
    """A page of the first session, opened once."""
    return Page(browser, command.links[0].split("?")[0], context=contexts[0])


@pytest.fixture
def page(first_page: Page) -> Iterator[Page]:
    """A page of the first session that other tests have used too, the picture whole; it had no error in its console."""
    first_page.ask(
        "() => { studio.view.fit(); studio.studio.set('view', 'trimap'); studio.studio.set('compare', 'single'); }"
    )
    first_page.ask("() => studio.studio.set('opacity', 0.55)")
    yield first_page
    faults = first_page.faults[:]
    first_page.faults.clear()
    assert faults == []


@pytest.fixture
def visit(browser: Any, command: Command, contexts: list[Any]) -> Iterator[Callable[..., Page]]:
    """Opens a page of a session; at the end it had no error in its console."""
    pages: list[Page] = []

    def open_page(session: int = 0, **settings: Any) -> Page:
        link = command.links[session].split("?")[0]
        context = contexts[session]
        if settings:
            context = browser.new_context(**settings)
            context.add_cookies(contexts[session].cookies())
        pages.append(Page(browser, link, context=context))
        return pages[-1]

    yield open_page
    for page in pages:
        page.page.close()
    assert [fault for page in pages for fault in page.faults] == []
