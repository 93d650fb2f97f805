"""Narrow networks of person matting with weights that keep a signal alive, and maps of people, for tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import narrow
from mattekit.models.person import Form, PersonNetwork
from mattekit.models.person.prior import Segmented, Smoothed
from mattekit.weights import write_weights

WIDTH = 0.25


@cache
def network(*, lstm: bool = True, attention: bool = True) -> PersonNetwork:
    """Return a network in evaluation mode whose alpha is about a half and moves with picture and map."""
    found = Form(lstm, attention, WIDTH).build()
    narrow.alive(found)
    found.head.weight.mul_(4)
    return found


def write_person(path: Path, *, lstm: bool = True, attention: bool = True) -> Path:
    """Write such a network's weights."""
    form = Form(lstm, attention, WIDTH)
    modules = {"matting": network(lstm=lstm, attention=attention)}
    write_weights(path, modules, family="person", card=form.card() | {"data": "none"})
    return path


def brightness() -> Segmented:
    """Return maps that come at once: how bright a frame is."""
    return Segmented(lambda frames: frames.mean(dim=1, keepdim=True))


def steadied() -> Smoothed:
    """Return the same, steadied along the motion."""
    return Smoothed(brightness())
