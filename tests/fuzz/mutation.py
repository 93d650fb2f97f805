"""Damage to bytes: a list of edits, drawn by hypothesis or from a seeded generator, and what they do."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hypothesis import strategies

STEPS = 1 << 16
"""A place is given in so many steps of the length of the data."""
MOST_EDITS = 6
NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
TOKENS = (
    b"\x00",
    b'"',
    b",",
    b"\n",
    b"\r",
    b"NaN",
    b"-1",
    b"1e999",
    b"null",
    b"{}",
    b"[]",
    b"\xff\xfe",
    b"\\ud800",
    b"[" * 60000,
    b'{"a":' * 60000,
    b"9" * 5000,
    b"../" * 50,
    b"file:/etc/hostname\n",
)


@dataclass(frozen=True)
class Edit:
    """One piece of damage.

    Attributes:
        kind: A key of `KINDS`.
        place: Where it begins, in `STEPS` of the length; squared, so that heads are hit more often than tails.
        reach: How far it reaches, or where a copy comes from, in `STEPS`.
        value: What is written.
    """

    kind: str
    place: int
    reach: int
    value: int


def mutate(data: bytes, edits: Sequence[Edit], other: bytes = b"") -> bytes:
    """Return data with edits made one after another; ``other`` is whence foreign heads come."""
    for edit in edits:
        data = KINDS[edit.kind](data, edit, other)
    return data


def _place(data: bytes, edit: Edit) -> int:
    return len(data) * edit.place * edit.place // (STEPS * STEPS)


def _reach(data: bytes, edit: Edit) -> int:
    """Return a length from 1 to a quarter of the data, short ones more often."""
    return 1 + len(data) * edit.reach * edit.reach // (STEPS * STEPS * 4)


def _flip(data: bytes, edit: Edit, other: bytes) -> bytes:
    if not data:
        return data
    found, place = bytearray(data), _place(data, edit)
    found[place] ^= 1 << edit.value % 8
    return bytes(found)


def _byte(data: bytes, edit: Edit, other: bytes) -> bytes:
    place = _place(data, edit)
    return data[:place] + bytes([edit.value % 256]) + data[place + 1 :]


def _number(data: bytes, edit: Edit, other: bytes) -> bytes:
    """Write a number from the rim of its range, 2, 4 or 8 bytes long, in either order of bytes."""
    place, length = _place(data, edit), (2, 4, 8)[edit.reach % 3]
    order = ("big", "little")[edit.value % 2]
    number = NUMBERS[edit.value // 2 % len(NUMBERS)] & ((1 << 8 * length) - 1)
    return data[:place] + number.to_bytes(length, order) + data[place + length :]  # type: ignore[arg-type]


def _noise(data: bytes, edit: Edit, other: bytes) -> bytes:
    place, reach = _place(data, edit), min(_reach(data, edit), 512)
    return data[:place] + random.Random(edit.value).randbytes(reach) + data[place + reach :]


def _truncate(data: bytes, edit: Edit, other: bytes) -> bytes:
    return data[: len(data) * edit.place // STEPS]


def _delete(data: bytes, edit: Edit, other: bytes) -> bytes:
    place = _place(data, edit)
    return data[:place] + data[place + _reach(data, edit) :]


def _insert(data: bytes, edit: Edit, other: bytes) -> bytes:
    place = _place(data, edit)
    return data[:place] + random.Random(edit.value).randbytes(min(_reach(data, edit), 64)) + data[place:]


def _token(data: bytes, edit: Edit, other: bytes) -> bytes:
    place = _place(data, edit)
    return data[:place] + TOKENS[edit.value % len(TOKENS)] + data[place:]


def _duplicate(data: bytes, edit: Edit, other: bytes) -> bytes:
    """Put a copy of a block somewhere else."""
    place, start = _place(data, edit), len(data) * (edit.value % STEPS) // STEPS
    return data[:place] + data[start : start + _reach(data, edit)] + data[place:]


def _head(data: bytes, edit: Edit, other: bytes) -> bytes:
    """Take the head from other data."""
    reach = _reach(other, edit)
    return other[:reach] + data[reach:]


KINDS: dict[str, Callable[[bytes, Edit, bytes], bytes]] = {
    "flip": _flip,
    "byte": _byte,
    "number": _number,
    "noise": _noise,
    "truncate": _truncate,
    "delete": _delete,
    "insert": _insert,
    "token": _token,
    "duplicate": _duplicate,
    "head": _head,
}


def edits_of() -> strategies.SearchStrategy[list[Edit]]:
    """Return hypothesis's strategy for a few edits."""
    whole = strategies.integers(0, STEPS - 1)
    one = strategies.builds(Edit, strategies.sampled_from(sorted(KINDS)), whole, whole, whole)
    return strategies.lists(one, min_size=1, max_size=MOST_EDITS)


def draw_edits(generator: random.Random) -> list[Edit]:
    """Return a few edits from a seeded generator."""
    kinds = sorted(KINDS)
    return [
        Edit(generator.choice(kinds), *(generator.randrange(STEPS) for _ in range(3)))
        for _ in range(generator.choice((1, 1, 1, 2, 2, 3, MOST_EDITS)))
    ]


def shrink_edits(edits: Sequence[Edit], fails: Callable[[Sequence[Edit]], bool]) -> list[Edit]:
    """Return as few of the edits, each as short, as still fail."""
    kept = list(edits)
    for edit in edits:
        fewer = [other for other in kept if other is not edit]
        if fewer and fails(fewer):
            kept = fewer
    for index, edit in enumerate(kept):
        shorter = [*kept[:index], replace(edit, reach=0), *kept[index + 1 :]]
        if edit.reach and fails(shorter):
            kept = shorter
    return kept
