"""`mattekit train`: trains a family's networks from packed sources, resuming where it stopped."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mattekit.checks import InputError, check_choice
from mattekit.cli.device import DEVICES
from mattekit.cli.trained import write_trained
from mattekit.cli.training import BACKBONES, FROZEN, LOSSES, NETWORKS, RECIPES, SIZES, Plan, build_trainer

if TYPE_CHECKING:
    import torch

    from mattekit.engine.train import Trainer

AMP = ("auto", "off", "bf16", "fp16")


def train(
    family: Annotated[str, typer.Argument(help="Family of networks; dvm.")] = "dvm",
    *,
    network: Annotated[str, typer.Option(help="Which of the two networks: matting or propagation.")] = "matting",
    size: Annotated[str, typer.Option(help="Size of the networks: small or paper.")] = "small",
    recipe: Annotated[
        str, typer.Option(help="How to train: small, paper, or tiny, which is over in seconds.")
    ] = "small",
    losses: Annotated[str, typer.Option(help="Of recipe paper: code, as published, or paper, as printed.")] = "code",
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
        str, typer.Option(help="How encoders of size paper begin: imagenet, downloaded once, or random.")
    ] = "imagenet",
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
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print one summary line on stdout.")] = False,
) -> None:
    """Train a network; Ctrl-C or --minutes leaves a checkpoint that the same command resumes.

    On several GPUs or machines: torchrun --nproc_per_node N -m mattekit train ...
    """
    choices = (
        ("family", family, ("dvm",)),
        ("network", network, NETWORKS),
        ("--size", size, SIZES),
        ("--recipe", recipe, RECIPES),
        ("--losses", losses, LOSSES),
        ("--backbone", backbone, BACKBONES),
        ("--amp", amp, AMP),
        ("--freeze-norms", freeze_norms, FROZEN),
        ("--device", device, DEVICES),
    )
    for name, value, allowed in choices:
        check_choice(name, value, allowed)
    _find_pack(data, pack)
    plan = Plan(
        network=network,
        size=size,
        recipe=recipe,
        losses=losses,
        pack=pack,
        procedural=procedural,
        output=output,
        init=init,
        backbone=backbone,
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
    )
    _train(plan, as_json=as_json)


def _train(plan: Plan, *, as_json: bool) -> None:
    """Train, write the weights, and say what was done, in the process that writes."""
    trainer = build_trainer(plan)
    averaged = _run_with_progress(trainer, plan.network)
    trainer.processes.close()
    if not trainer.processes.is_main:
        return
    weights = write_trained(plan, averaged, step=trainer.step)
    summary: dict[str, object] = {"network": plan.network, "step": trainer.step, "steps": trainer.steps}
    summary |= {"weights": weights and str(weights), "best_step": trainer.best.step, "best_error": trainer.best.error}
    print(f"{plan.network}: step {trainer.step} of {trainer.steps} in {plan.folder}", file=sys.stderr)
    if as_json:
        print(json.dumps(summary))


def _find_pack(data: Path | None, pack: Path) -> None:
    """Make the pack where it is missing and there is something to make it from."""
    if pack.exists():
        return
    if data is None:
        raise InputError(f"a pack of sources must exist; {pack} does not: give --data FOLDER to make it from")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError(f"several processes must find the pack made; {pack} is missing: run mattekit data pack first")
    _make_pack(data, pack)


def _make_pack(data: Path, pack: Path) -> None:
    """Pack the training sources that may be shipped, and procedural subjects; only this needs to decode pictures."""
    from mattekit.cli.data import choose_sources

    entries = choose_sources(data, use="ship", split="train")
    from mattekit.data.packing import make_pack

    entries = [entry for entry in entries if entry.role != "segmentation"]
    made = make_pack(pack, entries, procedural=320, seed=7)
    count = made.foregrounds + made.backgrounds + made.procedural
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
