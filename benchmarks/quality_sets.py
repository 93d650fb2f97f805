"""Which clips the quality page scores, and from which trimaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from composites import Collection, Placement

BAND = 10
"""Reach in px of the true trimap's unknown band to each side of an edge, at 640x360."""

VALIDATION = Collection(
    name="validation",
    version=2,
    frames=48,
    seed=2021,
    placements=(
        Placement("fg/lemur", "bgv/mallard", 400, (330, 200)),
        Placement("fg/alphamatting_gt18", "bgv/palm_street", 425, (300, 192)),
        Placement("fg/alphamatting_gt06", "bgv/pool", 405, (335, 207)),
        Placement("fg/alphamatting_gt27", "bgv/rollercoaster", 430, (233, 160)),
        Placement("fg/p3m_s015cd10e", "bgv/car_turn", 410, (175, 207)),
        Placement("fg/am2k11", "bgv/stream", 395, (320, 212)),
        Placement("fg/p3m_09ba26b4", "bgv/pool", 425, (300, 192)),
        Placement("fgv/man_black", "bgv/car_turn", 415, (300, 195)),
    ),
)

FURTHER = Collection(
    name="further",
    version=1,
    frames=24,
    seed=4042,
    placements=(
        Placement("fg/alphamatting_gt17", "bgv/palm_street", 400, (288, 215)),
        Placement("fg/alphamatting_gt23", "bgv/stream", 680, (320, 350)),
        Placement("fg/alphamatting_gt14", "bgv/mallard", 400, (320, 205)),
        Placement("fg/alphamatting_gt20", "bgv/rollercoaster", 400, (320, 205)),
        Placement("fg/lion_196", "bgv/car_turn", 320, (320, 190)),
        Placement("fg/white_tiger_194", "bgv/pool", 260, (320, 200)),
        Placement("fg/footballer_102", "bgv/palm_street", 320, (300, 180)),
        Placement("fg/footballer_106", "bgv/stream", 320, (330, 180)),
        Placement("fg/potted_plant_141", "bgv/rollercoaster", 320, (310, 180)),
        Placement("fg/headphones_033", "bgv/mallard", 280, (320, 180)),
        Placement("fgv/lion", "bgv/pool", 360, (320, 180)),
        Placement("fgv/baby_cg", "bgv/car_turn", 340, (320, 180)),
    ),
)
"""Subjects of the research-use part of the training data's folder, which no carried weights were trained on."""


def settings(frames: int) -> Mapping[str, Sequence[int]]:
    """Return the key frames of each setting by its name; a setting that would say the same as another is left out."""
    every = {f"every {step}": tuple(range(0, frames, step)) for step in (20, 40) if step < frames}
    return {"full": tuple(range(frames)), **every, "one": (0,)}
