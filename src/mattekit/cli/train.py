"""`mattekit train`: trains a family's networks from packed sources, resuming where it stopped."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mattekit.checks import InputError, check_choice
from mattekit.cli import options, training_people, training_person, training_segmenter
from mattekit.cli.device import DEVICES
from mattekit.cli.trained import write_trained
from mattekit.cli.training import BACKBONES, FROZEN, LOSSES, NETWORKS, RECIPES, SIZES, Plan, build_trainer

if TYPE_CHECKING:
    import torch

    from mattekit.engine.train import Trainer

AMP = ("auto", "off", "bf16", "fp16")
FAMILIES = ("dvm", "rvm", "person", "segmenter")
"""What can be trained: families, and what makes the maps of people for one of them."""
OWN = {
    "network": ("dvm",),
    "size": ("dvm",),
    "losses": ("dvm",),
    "backbone": ("dvm", "rvm"),
    "pretrained": ("rvm", "person"),
    "segmentation": ("rvm",),
    "lstm": ("person",),
    "attention": ("person",),
    "width": ("person",),
    "segmenter": ("person",),
    "steps": ("person", "segmenter"),
}
"""Families that an option is for, where it is not for all."""


def train(
    context: typer.Context,
    family: Annotated[
        str,
        typer.Argument(
            help="Family of networks: dvm; rvm or person for people without trimaps; segmenter, which finds them."
        ),
    ] = "dvm",
    *,
    network: Annotated[str, typer.Option(help="Which network of dvm: matting or propagation.")] = "matting",
    size: Annotated[str, typer.Option(help="Size of the networks of dvm: small or paper.")] = "small",
    recipe: Annotated[
        str, typer.Option(help="How to train: small, paper, or tiny, which is over in seconds.")
    ] = "small",
    losses: Annotated[
        str, typer.Option(help="Of dvm's recipe paper: code, as published, or paper, as printed.")
    ] = "code",
    data: Annotated[
        Path | None, typer.Option(help="List or folder of sources, packed when the pack is missing.")
    ] = None,
    pack: Annotated[Path, typer.Option(help="File of packed sources.")] = Path("packed/ship.safetensors"),
    procedural: Annotated[
        int, typer.Option(min=0, help="Foregrounds rendered when training begins, beside those of the pack.")
    ] = 0,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the run, resumed if there.")] = Path("runs"),
    init: Annotated[
        str | None, typer.Option(help="Weights to begin from: a file, or carried; a run that is there goes on.")
    ] = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            help="Of rvm: mobilenetv3 or resnet50. How dvm's encoders of size paper begin: imagenet, downloaded once, "
            "or random."
        ),
    ] = None,
    pretrained: Annotated[
        bool,
        typer.Option(
            "--pretrained/--random", help="How the backbone of rvm or person begins: ImageNet's, downloaded once."
        ),
    ] = True,
    segmentation: Annotated[
        bool, typer.Option("--segmentation/--no-segmentation", help="Whether rvm learns in turn to segment people.")
    ] = True,
    lstm: Annotated[bool, typer.Option("--lstm/--no-lstm", help="Whether person has memory on its skips.")] = True,
    attention: Annotated[
        bool, typer.Option("--attention/--no-attention", help="Whether person has attention over its groups.")
    ] = True,
    width: Annotated[float, typer.Option(min=0.1, max=4, help="Share of the published channels of person.")] = 1.0,
    segmenter: Annotated[
        Path | None, typer.Option(help="Weights of what makes person's maps of people; else the carried ones.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of person or segmenter in place of the recipe's.")
    ] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Clips a step, over all processes; else the recipe's.")
    ] = None,
    accumulate: Annotated[int, typer.Option(min=1, help="Parts in which a process computes its clips.")] = 1,
    amp: Annotated[str, typer.Option(help="Precision: off, bf16, fp16; auto is bf16 on CUDA, else off.")] = "auto",
    freeze_norms: Annotated[
        str, typer.Option(help="Batch normalisation that keeps its statistics: none, encoder or all.")
    ] = "none",
    validate_every: Annotated[
        int, typer.Option(min=0, help="Steps between validations on held-out sources; 0 trains on all sources.")
    ] = 200,
    save_every: Annotated[int, typer.Option(min=1, help="Steps between checkpoints.")] = 100,
    tensorboard: Annotated[
        bool | None, typer.Option("--tensorboard/--no-tensorboard", help="TensorBoard's events; on where installed.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="Stop with a checkpoint after this time.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="All randomness follows from it.")] = 0,
    device: options.Device = "auto",
    as_json: options.AsJson = False,
) -> None:
    """Train a network; Ctrl-C or --minutes leaves a checkpoint that the same command resumes.

    On several GPUs or machines: torchrun --nproc_per_node N -m mattekit train ...
    """
    chosen = backbone or ("mobilenetv3" if family == "rvm" else "imagenet")
    choices = (
        ("family", family, FAMILIES),
        ("network", network, NETWORKS),
        ("--size", size, SIZES),
        ("--recipe", recipe, RECIPES),
        ("--losses", losses, LOSSES),
        ("--backbone", chosen, training_people.BACKBONES if family == "rvm" else BACKBONES),
        ("--amp", amp, AMP),
        ("--freeze-norms", freeze_norms, FROZEN),
        ("--device", device, DEVICES),
    )
    for name, value, allowed in choices:
        check_choice(name, value, allowed)
    _check_unused(context, family)
    _find_pack(data, pack, people=family != "dvm")
    plan = Plan(
        network=network,
        size=size,
        recipe=recipe,
        losses=losses,
        pack=pack,
        procedural=procedural,
        output=output,
        init=init,
        backbone=chosen,
        batch=batch,
        accumulate=accumulate,
        amp=amp,
        freeze_norms=freeze_norms,
        validate_every=validate_every,
        save_every=save_every,
        tensorboard=tensorboard,
        minutes=minutes,
        seed=seed,
        device=device,
        model=family,
        pretrained=pretrained,
        segmentation=segmentation,
        lstm=lstm,
        attention=attention,
        width=width,
        segmenter=segmenter,
        steps=steps,
    )
    _train(plan, as_json=as_json)


def _train(plan: Plan, *, as_json: bool) -> None:
    """Train, write the weights, and say what was done, in the process that writes."""
    name = plan.network if plan.model == "dvm" else plan.model
    build, write = {
        "dvm": (build_trainer, write_trained),
        "rvm": (training_people.build_people_trainer, training_people.write_people),
        "person": (training_person.build_person_trainer, training_person.write_person),
        "segmenter": (training_segmenter.build_segmenter_trainer, training_segmenter.write_segmenter),
    }[plan.model]
    trainer = build(plan)
    averaged = _run_with_progress(trainer, name)
    trainer.processes.close()
    if not trainer.processes.is_main:
        return
    weights = write(plan, averaged, step=trainer.step)
    summary: dict[str, object] = {"network": name, "step": trainer.step, "steps": trainer.steps}
    summary |= {"weights": weights and str(weights), "best_step": trainer.best.step, "best_error": trainer.best.error}
    print(f"{name}: step {trainer.step} of {trainer.steps} in {plan.folder}", file=sys.stderr)
    if as_json:
        print(json.dumps(summary))


def _check_unused(context: typer.Context, family: str) -> None:
    """Raise when an option was given that this family does not have."""
    for name, families in OWN.items():
        source = context.get_parameter_source(name)
        if family not in families and source is not None and source.name == "COMMANDLINE":
            those = " or ".join(families)
            raise InputError(f"--{name} must be for {those} alone; got it for {family}: leave it out")


def _find_pack(data: Path | None, pack: Path, *, people: bool) -> None:
    """Make the pack where it is missing and there is something to make it from."""
    if pack.exists():
        return
    if data is None:
        raise InputError(f"a pack of sources must exist; {pack} does not: give --data FOLDER to make it from")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError(f"several processes must find the pack made; {pack} is missing: run mattekit data pack first")
    _make_pack(data, pack, people=people)


def _make_pack(data: Path, pack: Path, *, people: bool) -> None:
    """Pack the training sources that may be shipped; only this needs to decode pictures.

    For people they are clips with all their frames, and masks; else procedural subjects are added.
    """
    from mattekit.cli.data import choose_sources

    entries = choose_sources(data, use="ship", split="train")
    from mattekit.data.packing import PackPlan, make_pack

    if people:
        made = make_pack(
            pack, entries, plan=PackPlan(longest=512, every=1, background_longest=512, background_frames=100)
        )
    else:
        entries = [entry for entry in entries if entry.role != "segmentation"]
        made = make_pack(pack, entries, procedural=320, seed=7)
    count = made.foregrounds + made.backgrounds + made.procedural + made.segmentation
    print(f"packed {count} sources into {pack}", file=sys.stderr)


def _run_with_progress(trainer: Trainer, network: str) -> torch.nn.Module:
    """Train with a progress bar on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = not console.is_terminal or not trainer.processes.is_main
    with Progress(*columns, console=console, disable=hidden) as progress:
        task = progress.add_task(network, total=trainer.steps, completed=trainer.step)

        def report(step: int, steps: int, terms: dict[str, float]) -> None:
            progress.update(task, completed=step, description=f"{network} loss {sum(terms.values()):.3f}")

        return trainer.run(report)
