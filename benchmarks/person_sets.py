"""Which people and backgrounds the scores of person matting are made with: for training, and held apart for the test.

Chosen by looking at every foreground of the data folders. Left out of the test: ``man_paint_186`` and ``_187``, whose
alpha holds a splash of paint, and ``anime_girl_197``, a drawing. No background shows a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mattekit.data.faked_set import plan_faked, rules_of_faked
from mattekit.data.layouts import read_sources
from mattekit.data.manifest import Entry
from mattekit.data.materialise import arguments_of, make, write_lists
from mattekit.data.plan import Order
from mattekit.data.stored import true_flow
from mattekit.media import probe, read, read_alpha

PORTRAITS = ("07141906", "22fc0130", "514ca06a", "51c916fc", "71bcce3a", "818e689d", "a09f6d7a", "bac3c1ff")
TRAINING = (
    *(f"train/fg/p3m_{name}" for name in (*PORTRAITS, "bc5cfad1", "s0865636e")),
    "train/fgv/anatomy_cg",
)
"""People that weights may be released for; the others that training sees are procedural."""
ANIMALS = ("blackswan", "dog_sand", "flamingo", "pet_rug", "rabbit_melon", "ocean_trip", "bbb", "bbb_b")
THINGS = ("boat", "bottles", "chair", "clay_crystal", "clay_elf", "clay_frog", "clay_monster", "tea", "truck")
BEHIND = tuple(f"train/bgv/{name}" for name in (*ANIMALS, *THINGS, "empty_room"))
TEST = (
    "val/fg/p3m_09ba26b4",
    "val/fg/p3m_s015cd10e",
    "val/fgv/man_black",
    "train/fgv/baby_cg",
    *(f"train/fg/footballer_{number:03}" for number in range(97, 107)),
)
"""Of the validation folder, or for research only: nothing that is carried was trained on them."""
APART = ("apple", "bear", "bunny_anim", "clouds_jets", "realshort", "sailboat", "varanus")
TEST_BEHIND = (
    *(f"val/bgv/{name}" for name in ("car_turn", "mallard", "palm_street", "pool", "rollercoaster", "stream")),
    *(f"train/bgv/{name}" for name in (*APART, "dot_drift_straight", "dot_drift_turn")),
)
RESOLUTION = "low"


@dataclass(frozen=True)
class Clip:
    """One test clip as it was stored.

    Attributes:
        name: Of the composite.
        person: Name of its foreground.
        frames: (T, 3, H, W) uint8.
        alpha_true: (T, 1, H, W) uint8.
        flow: (T-1, 2, H, W) in px, exact; NaN where the person is not seen in both frames.
    """

    name: str
    person: str
    frames: Tensor
    alpha_true: Tensor
    flow: Tensor


def sources(data: Path, names: Sequence[str]) -> list[Entry]:
    """Return the sources of some names, each the folder of an index and a name in it."""
    listed = {f"{part}/{entry.name}": entry for part in ("train", "val") for entry in read_sources(data / part)}
    return [listed[name] for name in names]


def test_clips(data: Path, folder: Path, *, count: int) -> list[Clip]:
    """Return the test clips, made in a folder where they are not there yet.

    They are those of ``mattekit compose LIST --preset fake-motion`` with a list of the people and one of the
    backgrounds above; ``mattekit evaluate FOUND FOLDER --convention fake-motion`` scores against the folder.
    """
    people, grounds = sources(data, TEST), sources(data, TEST_BEHIND)
    plan, rules = plan_faked(people, grounds, count=count), rules_of_faked(RESOLUTION)
    named = {entry.name: entry for entry in (*people, *grounds)}
    write_lists(folder, plan, named, rules)
    order = Order(folder, "clips", ("composite", "alpha", "foreground"))
    for composite in plan:
        make(arguments_of(order, composite, named, rules))
    return [_read(folder / composite.name, composite.foreground) for composite in plan]


def _read(home: Path, person: str) -> Clip:
    frames = torch.cat([chunk.frames for chunk in read(probe(home / "composite.mkv"), chunk=16)])
    planes = [torch.from_numpy(plane)[None] for plane in read_alpha(probe(home / "alpha.mkv"))]
    pictures, alpha = ((part * 255).round().to(torch.uint8) for part in (frames, torch.stack(planes)))
    return Clip(home.name, person, pictures, alpha, true_flow(home, alpha))
