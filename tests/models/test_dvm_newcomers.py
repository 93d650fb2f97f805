"""Small parts of a carried trimap that hang together with nothing before are what surrounds them."""

from __future__ import annotations

import torch
from torch import Tensor

from mattekit.models.dvm import newcomers
from mattekit.models.dvm.newcomers import NEAR, SPOT, without_newcomers


def _subject() -> Tensor:
    """A body in the middle with a band of unknown, (80, 120)."""
    labels = torch.zeros(80, 120, dtype=torch.long)
    labels[20:60, 30:70], labels[24:56, 34:66] = 1, 2
    return labels


def test_an_island_from_nowhere_becomes_background() -> None:
    before, now = _subject(), _subject()
    now[10:16, 100:110], now[12:14, 104:106] = 1, 2
    assert torch.equal(without_newcomers(now, [before]), _subject())


def test_an_island_that_was_there_before_stays() -> None:
    before = _subject()
    before[10:16, 100:110] = 1
    now = _subject()
    now[11:17, 101:111] = 1
    assert torch.equal(without_newcomers(now, [before]), now)


def test_what_grows_out_of_the_subject_stays() -> None:
    now = _subject()
    now[30:34, 70:110] = 1
    now[30:34, 70 + NEAR + 20 :] = 0
    assert torch.equal(without_newcomers(now, [_subject()]), now)


def test_one_of_several_trimaps_before_is_enough() -> None:
    now = _subject()
    now[10:16, 100:110] = 1
    assert torch.equal(without_newcomers(now, [_subject(), now]), now)


def _gap(value: int, *, left: int = 44) -> Tensor:
    """The subject with a gap inside that is too large for a spot."""
    labels = _subject()
    side = int((SPOT * labels.numel()) ** 0.5) + 1
    labels[36 : 36 + side, left : left + side] = value
    return labels


def test_a_spot_inside_becomes_foreground_and_an_unknown_gap_stays() -> None:
    now = _subject()
    now[36:39, 44:47] = 1
    assert torch.equal(without_newcomers(now, [_subject()]), _subject())
    assert torch.equal(without_newcomers(_gap(1), [_subject()]), _gap(1))


def test_a_hole_from_nowhere_becomes_unknown() -> None:
    assert torch.equal(without_newcomers(_gap(0), [_subject()]), _gap(1))


def test_a_hole_that_was_there_stays_while_it_moves_by_less_than_half_its_width() -> None:
    assert torch.equal(without_newcomers(_gap(0, left=46), [_gap(0)]), _gap(0, left=46))
    assert torch.equal(without_newcomers(_gap(0, left=52), [_gap(0)]), _gap(1, left=52))


def test_background_that_reaches_the_border_is_no_hole() -> None:
    now = _subject()
    now[40:44, 30:120] = 0
    assert torch.equal(without_newcomers(now, [_subject()]), now)


def test_a_subject_that_fills_much_may_come_from_nowhere() -> None:
    nothing = torch.zeros(80, 120, dtype=torch.long)
    assert _subject().gt(0).sum() > newcomers.ISLAND * nothing.numel()
    assert torch.equal(without_newcomers(_subject(), [nothing]), _subject())


def test_with_nothing_before_all_stays() -> None:
    assert torch.equal(without_newcomers(_subject(), []), _subject())
