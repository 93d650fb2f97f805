"""Puts a training run of person together: network, fake-motion clips with maps of people, validation, processes."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mattekit.cli.device import choose_device
from mattekit.cli.trained import write_alone
from mattekit.cli.training import VALIDATION_CLIPS, Plan, rendered, split

if TYPE_CHECKING:
    import torch

    from mattekit.data.pack import Source
    from mattekit.engine.batch import Draw
    from mattekit.engine.train import Trainer
    from mattekit.engine.validate import Validation
    from mattekit.models.person.form import Form
    from mattekit.models.person.network import PersonNetwork
    from mattekit.types import Stage

FROZEN = {"none": (), "encoder": ("encoder",), "all": ("",)}


def build_person_trainer(plan: Plan) -> Trainer:
    """Return the trainer of a plan of family person, on its device.

    Maps of people are found anew on every clip that is drawn, without OpenCV; nothing of them is stored.
    """
    import torch

    from mattekit.data.compose_person import PersonComposer
    from mattekit.data.pack import read_pack
    from mattekit.engine.processes import open_processes
    from mattekit.engine.train import Trainer
    from mattekit.models.person.recipe import PersonRecipe, named_stages
    from mattekit.models.person.segmenter import load_segmenter
    from mattekit.models.person.training_maps import with_maps

    processes = open_processes(choose_device(plan.device))
    segmenter = load_segmenter(plan.segmenter, processes.device)
    torch.manual_seed(plan.seed)
    network = _network(plan).to(processes.device).to(memory_format=torch.channels_last)
    foregrounds, backgrounds = read_pack(plan.pack, device=processes.device)
    foregrounds += rendered(plan.procedural, processes.device)
    held: tuple[list[Source], list[Source]] = ([], [])
    if plan.validate_every:
        foregrounds, backgrounds, held = split(foregrounds, backgrounds)
    stages = named_stages(plan.recipe, steps=plan.steps)
    validation = None
    if held[0] and processes.is_main:
        drawn = with_maps(PersonComposer(*held).sample, segmenter, roughened=0.0)
        validation = _validation(plan, stages[-1], drawn)
    return Trainer(
        network,
        PersonRecipe(network, stages=stages),
        with_maps(PersonComposer(foregrounds, backgrounds).sample, segmenter),
        folder=plan.folder,
        options=plan.options(FROZEN[plan.freeze_norms]),
        validation=validation,
        processes=processes,
    )


def write_person(plan: Plan, averaged: torch.nn.Module, *, step: int) -> Path:
    """Write the weights of a run and return the file of the averaged ones; see `write_alone`."""
    card = {"steps": str(step), "seed": str(plan.seed), "recipe": plan.recipe} | _form(plan).card()
    return write_alone(plan, averaged, card=card | ({"init": plan.init} if plan.init else {}))


def _form(plan: Plan) -> Form:
    from mattekit.models.person.form import Form

    return Form(plan.lstm, plan.attention, plan.width)


def _network(plan: Plan) -> PersonNetwork:
    """Return the network as the run begins, or empty where a checkpoint will fill it."""
    from mattekit.models.person.beginning import begin_with_map
    from mattekit.models.person.recipe import SCALES
    from mattekit.nn.backbones import start_from_imagenet
    from mattekit.weights import carried, fill, read_weights

    network = _form(plan).build()
    if (plan.folder / "checkpoint.pt").exists():
        return network
    if plan.init is not None:
        path = carried(plan.family) if plan.init == "carried" else Path(plan.init)
        fill(network, read_weights(path, family=plan.family), prefix="matting", path=path)
        return network
    if SCALES[plan.recipe].handed:
        begin_with_map(network)
    if plan.pretrained and plan.width == 1:
        start_from_imagenet(network.encoder, "mobilenet_v2")
    elif plan.pretrained:
        print("note: ImageNet's weights are for width 1; the encoder begins at random", file=sys.stderr)
    return network


def _validation(plan: Plan, last: Stage, drawn: Draw) -> Validation:
    """Compose the clips that are measured while training, and say what the maps alone would score on them."""
    import torch

    from mattekit.engine.validate import Validation, frame_errors, to_device
    from mattekit.models.person.recipe import predict_alpha, prior_of

    stage = replace(last, batch=1)
    clips = [
        to_device(drawn(stage, torch.Generator().manual_seed(number), number), "cpu")
        for number in range(VALIDATION_CLIPS)
    ]
    told = ", ".join(
        f"{name} {value:.2f}" for name, value in frame_errors([prior_of(clip) for clip in clips], clips).items()
    )
    print(f"note: on the clips of validation the maps of people alone have {told}", file=sys.stderr)
    return Validation(clips, predict_alpha, frame_errors, every=plan.validate_every)
