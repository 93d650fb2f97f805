"""Puts a training run of the segmenter of people together: network, stills, validation, processes."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mattekit.cli.device import choose_device
from mattekit.cli.trained import write_alone
from mattekit.cli.training import VALIDATION_CLIPS, Plan, rendered, split

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from mattekit.data.pack import Source
    from mattekit.engine.train import Trainer
    from mattekit.engine.validate import Validation
    from mattekit.models.person.segmenter import Segmenter
    from mattekit.types import Stage

PREFIX = "segmenter"
"""Of the keys of its weights."""
FROZEN = {"none": (), "encoder": ("features",), "all": ("",)}


def build_segmenter_trainer(plan: Plan) -> Trainer:
    """Return the trainer of a plan of the segmenter, on its device."""
    import torch

    from mattekit.data.compose_people import PeopleComposer
    from mattekit.data.pack import read_pack, read_segmentation
    from mattekit.engine.processes import open_processes
    from mattekit.engine.train import Trainer
    from mattekit.models.person.segmenter_recipe import SegmenterRecipe, segmenter_stages, varied

    processes = open_processes(choose_device(plan.device))
    torch.manual_seed(plan.seed)
    network = _network(plan).to(processes.device).to(memory_format=torch.channels_last)
    foregrounds, backgrounds = read_pack(plan.pack, device=processes.device)
    foregrounds += rendered(plan.procedural, processes.device)
    held: tuple[list[Source], list[Source]] = ([], [])
    if plan.validate_every:
        foregrounds, backgrounds, held = split(foregrounds, backgrounds)
    people = read_segmentation(plan.pack, device=processes.device)
    if not people and processes.is_main:
        print("note: the pack has no masks of people; the segmenter trains on composites alone", file=sys.stderr)
    stages = segmenter_stages(plan.recipe, steps=plan.steps)
    return Trainer(
        network,
        SegmenterRecipe(network, stages=stages),
        varied(PeopleComposer(foregrounds, backgrounds, segmentation=people).sample),
        folder=plan.folder,
        options=plan.options(FROZEN[plan.freeze_norms]),
        validation=_validation(plan, stages, held) if held[0] and processes.is_main else None,
        processes=processes,
    )


def write_segmenter(plan: Plan, averaged: torch.nn.Module, *, step: int) -> Path:
    """Write the weights of a run and return the file of the averaged ones; see `write_alone`."""
    card = {"steps": str(step), "seed": str(plan.seed), "recipe": plan.recipe}
    return write_alone(plan, averaged, card=card | ({"init": plan.init} if plan.init else {}), prefix=PREFIX)


def _network(plan: Plan) -> Segmenter:
    """Return the network as the run begins, or empty where a checkpoint will fill it."""
    from mattekit.models.person.segmenter import Segmenter
    from mattekit.weights import carried, fill, read_weights

    network = Segmenter()
    if plan.init is not None and not (plan.folder / "checkpoint.pt").exists():
        path = carried(plan.family) if plan.init == "carried" else Path(plan.init)
        fill(network, read_weights(path, family=plan.family), prefix=PREFIX, path=path)
    return network


def _validation(plan: Plan, stages: Sequence[Stage], held: tuple[list[Source], list[Source]]) -> Validation:
    """Compose the pictures that are measured while training; they hang on the pack and the recipe alone."""
    import torch

    from mattekit.data.compose_people import PeopleComposer
    from mattekit.engine.validate import Validation, frame_errors, to_device
    from mattekit.models.person.segmenter_recipe import predict_map

    composer = PeopleComposer(*held, plain=True)
    stage = replace(stages[-1], batch=1, length=2, turns=(), smallest=None)
    clips = [
        to_device(composer.sample(stage, torch.Generator().manual_seed(number), number), "cpu")
        for number in range(VALIDATION_CLIPS)
    ]
    return Validation(clips, predict_map, frame_errors, every=plan.validate_every)
