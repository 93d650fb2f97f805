"""A little of what `python tests/clicking.py` does for an hour."""

from __future__ import annotations

from collections.abc import Callable

from browsing import Command, Page
from clicking import Clicker, agree, has_grown

ACTIONS = 40


def test_random_clicks_break_nothing(visit: Callable[..., Page], command: Command) -> None:
    page = visit()
    clicker = Clicker(page, seed=1)
    for _ in range(ACTIONS):
        clicker.act()
    clicker.tidy()
    assert page.faults == []
    assert agree(page, 36) == []
    assert "Traceback" not in command.log.read_text()


def test_growth_is_found_and_noise_is_not() -> None:
    assert has_grown([100.0 + 5 * minute for minute in range(60)])
    assert not has_grown([200.0 + 20 * (minute % 3) for minute in range(60)])
    assert not has_grown([50.0, 400.0])
