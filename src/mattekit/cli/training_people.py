"""Puts a training run of rvm together: network, four stages, composer of people, validation, processes."""

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
    from mattekit.models.rvm.network import MattingNetwork
    from mattekit.types import Sample, Stage

BACKBONES = ("mobilenetv3", "resnet50")


def build_people_trainer(plan: Plan) -> Trainer:
    """Return the trainer of a plan of family rvm, on its device."""
    import torch

    from mattekit.data.compose_people import PeopleComposer
    from mattekit.data.pack import read_pack, read_segmentation
    from mattekit.engine.processes import open_processes
    from mattekit.engine.train import Trainer
    from mattekit.models.rvm.recipe import RvmRecipe
    from mattekit.models.rvm.stages import named_stages

    processes = open_processes(choose_device(plan.device))
    torch.manual_seed(plan.seed)
    network = _network(plan).to(processes.device)
    foregrounds, backgrounds = read_pack(plan.pack, device=processes.device)
    foregrounds += rendered(plan.procedural, processes.device)
    held: tuple[list[Source], list[Source]] = ([], [])
    if plan.validate_every:
        foregrounds, backgrounds, held = split(foregrounds, backgrounds)
    stages = named_stages(
        plan.recipe,
        frames=[len(source.pixels) for source in foregrounds],
        backgrounds=len(backgrounds),
        batch=plan.batch,
        segmentation=plan.segmentation,
    )
    validation = _validation(plan, stages, held) if held[0] and processes.is_main else None
    people = read_segmentation(plan.pack, device=processes.device)
    if plan.segmentation and not people and processes.is_main:
        print("note: the pack has no masks of people; segmentation trains on composites", file=sys.stderr)
    composer = PeopleComposer(foregrounds, backgrounds, segmentation=people)
    return Trainer(
        network,
        RvmRecipe(network, stages=stages),
        composer.sample,
        folder=plan.folder,
        options=plan.options({"none": (), "encoder": ("backbone",), "all": ("",)}[plan.freeze_norms]),
        validation=validation,
        processes=processes,
    )


def write_people(plan: Plan, averaged: torch.nn.Module, *, step: int) -> Path:
    """Write the weights of a run and return the file of the averaged ones; see `write_alone`."""
    card = {"steps": str(step), "seed": str(plan.seed), "recipe": plan.recipe}
    card |= {"segmentation": "yes" if plan.segmentation else "no"} | ({"init": plan.init} if plan.init else {})
    return write_alone(plan, averaged, card=card)


def _network(plan: Plan) -> MattingNetwork:
    """Return the network as the run begins, or empty where a checkpoint will fill it."""
    from mattekit.models.rvm.network import MattingNetwork
    from mattekit.models.rvm.recipe import begin_from_imagenet
    from mattekit.weights import carried, fill, read_weights

    network = MattingNetwork(plan.backbone)
    if (plan.folder / "checkpoint.pt").exists():
        return network
    if plan.init is not None:
        path = carried(plan.family) if plan.init == "carried" else Path(plan.init)
        fill(network, read_weights(path, family=plan.family), prefix="matting", path=path)
    elif plan.pretrained:
        begin_from_imagenet(network)
    return network


def _validation(plan: Plan, stages: Sequence[Stage], held: tuple[list[Source], list[Source]]) -> Validation:
    """Compose the clips that are measured while training; they hang on the pack and the recipe alone."""
    import torch

    from mattekit.data.compose_people import PeopleComposer
    from mattekit.engine.validate import Validation, frame_errors, to_device

    composer = PeopleComposer(*held, plain=True)
    low = next(stage for stage in (stages[0].turns or stages) if stage.ratio == 1)
    stage = replace(low, batch=1, length=max(3, low.length), kind="matting", smallest=None)
    clips = [
        to_device(composer.sample(stage, torch.Generator().manual_seed(number), number), "cpu")
        for number in range(VALIDATION_CLIPS)
    ]
    return Validation(clips, _predict, frame_errors, every=plan.validate_every)


def _predict(network: torch.nn.Module, sample: Sample) -> torch.Tensor:
    """Return alpha (B, T, 1, H, W) of clips at full size."""
    alpha: torch.Tensor = network(sample.frames, foreground=False).alpha
    return alpha
