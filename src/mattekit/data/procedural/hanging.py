"""Where thick strands hang: from a bar or beyond the border, out of a head, on cords, tied together in a bundle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattekit.data.procedural.growth import grow
from mattekit.data.procedural.outline import ellipse, smooth, tube

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]
COARSE = 40
"""Steps of a line, before it is made finer."""


@dataclass(frozen=True)
class Plan:
    """Where strands hang.

    Attributes:
        lines: (N, S+1, 2) middle lines, down from where they are joined.
        thick: Their width.
        back: Outlines (P, 2) of what is solid behind them.
        front: The same before them.
        level: (N,) which strand lies before which, or None where they may share levels in turn.
    """

    lines: Floats
    thick: float
    back: list[Floats] = field(default_factory=list)
    front: list[Floats] = field(default_factory=list)
    level: Integers | None = None


def _sites(random: np.random.Generator, thick: float, wide: float, *, most: int) -> Floats:
    """Return places (N,) along a line from -wide to wide: dense here, loose there, with wide holes at times."""
    tight, holes = random.uniform(0.55, 1.7), random.uniform(0, 0.09)
    waves = random.normal(0, random.uniform(0, 0.5), 3)
    gaps: list[float] = []
    place = -wide
    while place < wide and len(gaps) < most:
        slow = sum(size * np.sin((5 + 4 * index) * place + 7 * size) for index, size in enumerate(waves))
        step = thick * tight * np.exp(slow) * random.uniform(0.6, 1.4)
        place += float(step + (thick * random.uniform(2, 8) if random.uniform() < holes else 0))
        gaps.append(place)
    return np.array(gaps) - gaps[-1] / 2 + wide / 2


def _wander(random: np.random.Generator, lines: Floats, thick: float) -> Floats:
    """Return lines (N, S+1, 2) that bend together a little, each by itself a little, and gather in groups."""
    along = np.linspace(0, 1, lines.shape[1])[None]
    common, own = random.uniform(0, 0.04), thick * random.uniform(0, 2.5)
    shift = common * along * np.sin(random.uniform(2, 7) * along + 5 * lines[:, :1, 0] + random.uniform(0, 6))
    for wave in (1, 2, 3):
        size, phase = random.normal(0, own / wave, (len(lines), 1)), random.uniform(0, 6, (len(lines), 1))
        shift = shift + size * along * np.sin(random.uniform(2, 4) * wave * along + phase)
    group = np.cumsum(random.uniform(0, 1, len(lines)) < random.choice((0.08, 0.2, 0.4)))
    centre = (np.bincount(group, lines[:, -1, 0]) / np.maximum(np.bincount(group), 1))[group]
    together = random.uniform(0, 0.7) * (random.uniform() < 0.6)
    bent = lines.copy()
    bent[..., 0] += shift + together * (centre - lines[:, -1, 0])[:, None] * along**1.2
    return bent


def _straight(roots: Floats, angles: Floats, lengths: Floats) -> Floats:
    """Return straight lines (N, S+1, 2); an angle of 0 hangs down."""
    heading = np.stack((np.sin(angles), np.cos(angles)), axis=1)
    return grow(roots, heading, lengths, steps=COARSE, pull=np.zeros(2), bend=0.0)


def _ragged(random: np.random.Generator, wide: float, top: float, bottom: float) -> Floats:
    """Return a bar from -wide to wide whose lower edge is uneven."""
    across = np.linspace(wide, -wide, 40)
    lower = bottom + 0.3 * (bottom - top) * np.sin(across * random.uniform(5, 30)) * random.uniform(0, 1)
    return np.concatenate((((-wide, top), (wide, top)), np.stack((across, lower), axis=1)))


def _curtain(random: np.random.Generator, thick: float) -> Plan:
    """Hang strands from a bar, a band or beyond the border."""
    wide = random.uniform(0.2, 0.75)
    rows = [_sites(random, thick, wide, most=130) for _ in range(int(random.integers(1, 3)))]
    sites = np.concatenate(rows)
    level = np.concatenate([np.arange(len(row)) * 4 % 11 + 11 * index for index, row in enumerate(rows)])
    top = -0.62 if random.uniform() < 0.5 else random.uniform(-0.45, -0.15)
    roots = np.stack((sites, np.full(len(sites), top)), axis=1)
    lean = random.normal(0, random.choice((0.01, 0.04, 0.12)), len(sites)) + random.uniform(-0.2, 0.5) * sites
    lengths = random.uniform(0.5, 1.1) * random.normal(1, random.uniform(0.01, 0.12), len(sites)).clip(0.4, 1.4)
    band = random.uniform(0.01, 0.12)
    bar = _ragged(random, float(np.abs(sites).max()) + thick / 2, top - 0.04, top + band)
    plan = Plan(_wander(random, _straight(roots, lean, lengths), thick), thick, level=level)
    (plan.front if random.uniform() < 0.5 else plan.back).append(bar)
    return plan


def _mop(random: np.random.Generator, thick: float) -> Plan:
    """Let strands fan out of a head and fall, back ones and front ones."""
    count = int(np.clip(random.uniform(0.6, 2.4) / thick, 24, 170))
    wide, spread = random.uniform(0.03, 0.3), random.uniform(0.1, 1.3)
    place = np.linspace(-1, 1, count) + random.normal(0, 0.08, count)
    top = random.uniform(-0.45, -0.1)
    roots = np.stack((wide * place, top + random.uniform(-0.02, 0.02, count)), axis=1)
    angles = spread * place + random.normal(0, 0.15, count)
    lengths = random.uniform(0.45, 0.95) * random.normal(1, 0.12, count).clip(0.5, 1.3)
    start = np.stack((np.sin(angles), np.cos(angles)), axis=1)
    lines = grow(roots, start, lengths, steps=COARSE, pull=np.array((0.0, 1.0)), bend=random.uniform(0, 5))
    pole = tube(np.array(((0.0, top), (random.normal(0, 0.1), -0.9))), np.full(2, random.uniform(0.02, 0.06)))
    cap = ellipse(np.array((0.0, top)), np.array((1.15 * wide + thick, random.uniform(0.03, 0.09))))
    return Plan(_wander(random, lines, 0.7 * thick), thick, [pole, cap], [cap] if random.uniform() < 0.6 else [])


def _locks(random: np.random.Generator, thick: float) -> Plan:
    """Let locks fall from a head seen from behind, over shoulders."""
    thick = max(thick, 0.009)
    head, radii = np.array((random.uniform(-0.1, 0.1), random.uniform(-0.3, -0.12))), random.uniform(0.13, 0.2, 2)
    count = int(np.clip(random.uniform(0.9, 2.4) / thick, 36, 150))
    angle, depth = random.uniform(-1.0, np.pi + 1.0, count), np.sqrt(random.uniform(0, 1, count))
    outward = np.stack((np.cos(angle), -np.sin(angle)), axis=1)
    order = np.argsort(depth)[::-1]
    roots = (head + outward * depth[:, None] * radii)[order]
    start = (
        (outward * depth[:, None])[order]
        + np.array((0.0, random.uniform(0.0, 0.6)))
        + random.normal(0, 0.25, (count, 2))
    )
    lengths = random.uniform(0.25, 0.7) * random.normal(1, 0.12, count).clip(0.6, 1.4)
    lines = grow(roots, start, lengths, steps=COARSE, pull=np.array((0.0, 1.0)), bend=random.uniform(2, 8))
    body = smooth(
        head
        + np.array(((-0.07, 0.1), (-0.1, 0.25), (-0.33, 0.36), (-0.4, 0.95), (0.4, 0.95), (0.33, 0.36), (0.1, 0.25)))
    )
    level = np.arange(count) * 28 // count
    return Plan(_wander(random, lines, thick), thick, [body, ellipse(head, radii)], [], level)


def _tassels(random: np.random.Generator, thick: float) -> Plan:
    """Hang a row of tassels, each a skirt of strands under a knob on a cord."""
    thick = min(thick, 0.02)
    count, each = int(random.integers(1, 6)), int(np.clip(random.uniform(0.12, 0.3) / thick, 6, 26))
    pitch, wide = random.uniform(0.17, 0.3), random.uniform(0.02, 0.05)
    top = random.uniform(-0.35, 0.0)
    lines: list[Floats] = []
    front: list[Floats] = []
    for index in range(count):
        knob = np.array(((index - (count - 1) / 2) * pitch, top + random.normal(0, 0.03)))
        place = random.permutation(np.linspace(-1, 1, each)) + random.normal(0, 0.05, each)
        roots = knob + np.stack((wide * place, np.full(each, 0.02)), axis=1)
        lengths = random.uniform(0.25, 0.5) * random.normal(1, 0.05, each)
        lines.append(_straight(roots, random.uniform(0.1, 0.35) * place + random.normal(0, 0.03, each), lengths))
        cord = np.array((knob, (knob[0] * random.uniform(0.4, 1), -0.8)))
        front.extend(
            (tube(cord, np.full(2, 0.02)), ellipse(knob, np.array((wide + thick, random.uniform(0.03, 0.06)))))
        )
    return Plan(_wander(random, np.concatenate(lines), thick), thick, [], front)


def _bundle(random: np.random.Generator, thick: float) -> Plan:
    """Let strands run from border to border, tied together at one or two places."""
    wide = random.uniform(0.15, 0.45)
    sites = _sites(random, thick, wide, most=90)
    roots = np.stack((sites, np.full(len(sites), -0.85)), axis=1)
    lines = _straight(roots, random.normal(0, 0.05, len(sites)), np.full(len(sites), 1.7))
    along, pinch, ties = np.linspace(0, 1, COARSE + 1), np.ones(COARSE + 1), []
    narrow = random.uniform(0.15, 0.6)
    for place in random.uniform(0.25, 0.75, int(random.integers(1, 3))):
        pinch *= 1 - (1 - narrow) * np.exp(-(((along - place) / random.uniform(0.1, 0.35)) ** 2))
        ties.append(np.array((0.0, -0.85 + 1.7 * place)))
    lines[..., 0] *= pinch[None]
    half = narrow * float(np.abs(sites).max()) + thick
    fronts = [tube(tie + np.array(((-half, 0), (half, 0.01))), np.full(2, random.uniform(0.02, 0.07))) for tie in ties]
    return Plan(_wander(random, lines, thick), thick, [], fronts)


PLACES: dict[str, Callable[[np.random.Generator, float], Plan]] = {
    "curtain": _curtain,
    "mop": _mop,
    "locks": _locks,
    "tassels": _tassels,
    "bundle": _bundle,
}
"""Function of each place; it takes the randomness and the strands' width in heights."""
