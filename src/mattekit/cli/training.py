"""Puts a training run together: network, recipe, composer, validation, processes. Nothing here decodes media."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mattekit.cli.device import choose_device

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from mattekit.data.compose import Composer
    from mattekit.data.pack import Source
    from mattekit.engine.train import Trainer, TrainOptions
    from mattekit.engine.validate import Validation
    from mattekit.models.dvm.recipes import Matting, Propagation
    from mattekit.types import Recipe, Stage

NETWORKS = ("matting", "propagation")
SIZES = ("small", "paper")
RECIPES = ("small", "paper", "tiny")
LOSSES = ("code", "paper")
BACKBONES = ("imagenet", "random")
FROZEN = ("none", "encoder", "all")
PAPER_WIDTH = 64
"""Channels of the stem of size paper."""
ENCODERS = ("encoder", "at_", "target_encoder", "reference_encoder")
"""Beginnings of the names of modules that encode frames, in networks of any size."""
VALIDATION_CLIPS = 8
RENDERED_SEED, RENDERED_SIDE = 101, 320
"""Of the foregrounds that are rendered when training begins; packs are made with other seeds."""


@dataclass(frozen=True)
class Plan:
    """What the command was told; see its options."""

    network: str
    size: str
    recipe: str
    losses: str
    pack: Path
    procedural: int
    output: Path
    init: str | None
    backbone: str
    batch: int | None
    accumulate: int
    amp: str
    freeze_norms: str
    validate_every: int
    save_every: int
    tensorboard: bool | None
    minutes: float | None
    seed: int
    device: str
    model: str = "dvm"
    pretrained: bool = True
    segmentation: bool = True
    lstm: bool = True
    attention: bool = True
    width: float = 1.0
    segmenter: Path | None = None
    steps: int | None = None

    @property
    def folder(self) -> Path:
        """Where the run's files are."""
        return self.output / (self.network if self.model == "dvm" else self.family)

    @property
    def family(self) -> str:
        """What weights of this size or backbone are named."""
        if self.model in ("person", "segmenter"):
            return self.model if self.model == "person" else "person-segmenter"
        return f"dvm-{self.size}" if self.model == "dvm" else f"{self.model}-{self.backbone}"

    def options(self, frozen_norms: tuple[str, ...]) -> TrainOptions:
        """Return what the trainer is told."""
        from mattekit.engine.train import TrainOptions

        return TrainOptions(
            seed=self.seed,
            minutes=self.minutes,
            save_every=self.save_every,
            batch=self.batch,
            accumulate=self.accumulate,
            amp=self.amp,
            frozen_norms=frozen_norms,
            tensorboard=self.tensorboard,
        )


def build_trainer(plan: Plan) -> Trainer:
    """Return the trainer of a plan, on its device."""
    import torch

    from mattekit.data.pack import read_pack
    from mattekit.engine.processes import open_processes
    from mattekit.engine.train import Trainer

    processes = open_processes(choose_device(plan.device))
    torch.manual_seed(plan.seed)
    begun = (plan.folder / "checkpoint.pt").exists()
    part = build_network(plan, plan.network, backbone="random" if begun else plan.backbone)
    if plan.init is not None and not begun:
        fill_from(part, plan, plan.network)
    part.to(processes.device)
    foregrounds, backgrounds = read_pack(plan.pack, device=processes.device)
    foregrounds += rendered(plan.procedural, processes.device)
    held: tuple[list[Source], list[Source]] = ([], [])
    if plan.validate_every:
        foregrounds, backgrounds, held = split(foregrounds, backgrounds)
    recipe = build_recipe(plan, part, len(foregrounds))
    validation = _validation(plan, recipe.stages, held) if held[0] and processes.is_main else None
    options = plan.options({"none": (), "encoder": ENCODERS, "all": ("",)}[plan.freeze_norms])
    draw = _composer(plan, foregrounds, backgrounds).sample
    return Trainer(part, recipe, draw, folder=plan.folder, options=options, validation=validation, processes=processes)


def build_network(plan: Plan, network: str, *, backbone: str = "random") -> Matting | Propagation:
    """Return one of the two networks in the plan's size."""
    from mattekit.models.dvm import MattingNetwork, PropagationNetwork
    from mattekit.models.dvm.paper import PaperNetwork, PaperPropagation

    if plan.size == "small":
        return MattingNetwork() if network == "matting" else PropagationNetwork()
    if network == "matting":
        return PaperNetwork(width=PAPER_WIDTH, backbone=backbone)
    return PaperPropagation(width=PAPER_WIDTH, backbone=backbone)


def fill_from(module: torch.nn.Module, plan: Plan, network: str) -> None:
    """Load a network from the plan's file of weights, or from the carried one."""
    from mattekit.weights import carried, fill, read_weights

    path = carried(plan.family) if plan.init == "carried" else Path(plan.init or "")
    fill(module, read_weights(path, family=plan.family), prefix=network, path=path)


def build_recipe(plan: Plan, part: Matting | Propagation, foregrounds: int) -> Recipe:
    """Return the recipe of a network; that of the paper counts an epoch by the foregrounds."""
    from mattekit.models.dvm import propagation_recipe as carrying
    from mattekit.models.dvm import recipe as small
    from mattekit.models.dvm import recipes as paper
    from mattekit.models.dvm.network import MattingNetwork
    from mattekit.models.dvm.paper import PaperNetwork
    from mattekit.models.dvm.propagation import PropagationNetwork

    stages: Sequence[Stage]
    if isinstance(part, MattingNetwork | PaperNetwork):
        if plan.recipe == "small":
            stages = small.SMALL_MATTING if plan.init is None else small.SMALL_MATTING_AGAIN
        elif plan.recipe == "paper":
            stages = paper.paper_matting_stages(foregrounds, batch=plan.batch or 1)
        else:
            stages = paper.tiny_stages(plan.network)
        if plan.recipe == "paper" or isinstance(part, PaperNetwork):
            return paper.PaperMattingRecipe(part, stages=stages, losses=plan.losses)
        return small.MattingRecipe(part, stages=stages)
    if plan.recipe == "small":
        stages = carrying.SMALL_PROPAGATION if plan.init is None else carrying.SMALL_PROPAGATION_AGAIN
    elif plan.recipe == "paper":
        stages = paper.paper_propagation_stages(foregrounds, batch=plan.batch or paper.PROPAGATION_BATCH)
    else:
        stages = paper.tiny_stages(plan.network)
    if plan.recipe == "paper" or not isinstance(part, PropagationNetwork):
        return paper.PaperPropagationRecipe(part, stages=stages)
    return carrying.PropagationRecipe(part, stages=stages)


def rendered(count: int, device: torch.device) -> list[Source]:
    """Return so many procedural foregrounds, always the same."""
    from mattekit.data.procedural import procedural_clips

    clips = procedural_clips(count=count, seed=RENDERED_SEED, side=RENDERED_SIDE)
    return [replace(clip, pixels=clip.pixels.to(device)) for clip in clips]


def _composer(plan: Plan, foregrounds: Sequence[Source], backgrounds: Sequence[Source]) -> Composer:
    """Return what draws the clips of a recipe."""
    from mattekit.data.compose import Composer
    from mattekit.data.compose_paper import PaperComposer

    if plan.recipe == "paper":
        return PaperComposer(foregrounds, backgrounds, jitter=plan.network == "propagation")
    return Composer(foregrounds, backgrounds, blobs=plan.network == "matting")


def split(
    foregrounds: list[Source], backgrounds: list[Source]
) -> tuple[list[Source], list[Source], tuple[list[Source], list[Source]]]:
    """Return the sources to train on, and those held out; a lone background is for both."""
    from mattekit.data.holdout import hold_out

    training, validating = hold_out(foregrounds)
    grounds, behind = hold_out(backgrounds)
    if not validating:
        print("note: no foreground can be held out of so few; there is no validation", file=sys.stderr)
    return training, grounds, (validating, behind or grounds)


def _validation(plan: Plan, stages: Sequence[Stage], held: tuple[list[Source], list[Source]]) -> Validation:
    """Compose the clips that are measured while training; they hang on the pack and the recipe alone."""
    import torch

    from mattekit.engine.validate import Validation, alpha_errors, to_device, trimap_errors
    from mattekit.models.dvm.recipes import predict_alpha, predict_trimap

    composer = _composer(plan, *held)
    length = max(3 if plan.network == "matting" else 2, *(stage.length for stage in stages))
    stage = replace(stages[-1], batch=1, length=length, gap=max(stage.gap for stage in stages))
    clips = [
        to_device(composer.sample(stage, torch.Generator().manual_seed(number), number), "cpu")
        for number in range(VALIDATION_CLIPS)
    ]
    if plan.network == "matting":
        return Validation(clips, predict_alpha, alpha_errors, every=plan.validate_every)
    return Validation(clips, predict_trimap, trimap_errors, every=plan.validate_every, truth="trimap")
